"""Looking back on a game: made once, whatever happens, from what the ledger says; and shown to whom it concerns."""

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from chat.models import Message
from games.hidden import hidden_values
from games.models import Game
from ranking import reviews
from ranking.models import Award, GameReview, Result
from ranking.reviews import review_compute, review_of_game_compute, reviews_catch_up
from ranking.selectors import review_of
from ranking.tests.conftest import CLOSES_AT, INITIAL_CASH, OPENS_AT, Arena, user_make
from ranking.tests.floor import Floor, played_game
from stocking.base.errors import ApplicationError
from trading.core.invariants import InvariantError
from trading.models import Portfolio

pytestmark = pytest.mark.django_db

MINUTE = 60_000


@pytest.fixture
def floor(arena: Arena) -> Floor:
    return Floor(arena)


@pytest.fixture
def played(floor: Floor) -> dict[str, User]:
    return played_game(floor)


def stored() -> list[Any]:
    return [list(GameReview.objects.values()), list(Award.objects.values()), Message.objects.count()]


# What is in it ---------------------------------------------------------------------------------------


def test_the_awards_of_a_game(floor: Floor, played: dict[str, User]) -> None:
    assert review_compute(game=floor.end())
    assert [(award.kind, award.user.nickname, award.value, award.count) for award in Award.objects.order_by("pk")] == [
        ("liquidity", "조성개미", 6 * 20 * 10_000 + 3 * 20 * 10, 6),
        ("reaction", "속보개미", 2_000, 2),
        ("comeback", "불사개미", 250 + 500, 0),
        ("steady", "불사개미", 504, 0),
    ]  # fmt: skip
    said = Message.objects.get(key=f"awards:{floor.arena.market.pk}").text
    assert "번개 반응 속보개미 (뉴스 2건에 보통 2.0초)" in said
    assert "대역전 불사개미 (저점에서 +7.50%p)" in said


def test_curves_end_where_the_results_stand(floor: Floor, played: dict[str, User]) -> None:
    number = floor.end().number
    review_compute(game=floor.arena.game)
    for user in played.values():
        mine = review_of(number, user)["me"]
        result = Result.objects.get(user=user)
        assert mine["curve_bps"][0] == 0
        assert mine["curve_bps"][-1] == result.return_bps
        assert mine["profit"] == result.equity - INITIAL_CASH == sum(row["profit"] for row in mine["stocks"])
    median = review_of(number)["median_bps"]
    ends = sorted(Result.objects.values_list("return_bps", flat=True))
    assert median[-1] == (ends[1] + ends[2]) // 2
    assert GameReview.objects.get().curves == 4


def test_what_a_player_sees_of_their_game(floor: Floor, played: dict[str, User]) -> None:
    number = floor.end().number
    review_compute(game=floor.arena.game)
    mine = review_of(number, played["불사개미"])["me"]
    grid = review_of(number)["grid"]
    assert (mine["low_bps"], mine["low_at"]) == (-500, OPENS_AT + 65_000)
    assert (mine["high_bps"], mine["high_at"]) == (250, OPENS_AT + 405_000)
    assert mine["drawdown_bps"] == 504
    assert len(mine["curve_bps"]) == len(grid) == 109
    assert (grid[0], grid[-1]) == (OPENS_AT, CLOSES_AT)
    [stock] = mine["stocks"]
    assert (stock["bought_quantity"], stock["sold_quantity"], stock["left_quantity"]) == (500, 0, 500)
    assert (stock["left_value"], stock["profit"]) == (500 * 10_500, 250_000)
    assert mine["best"] == {
        "symbol": "AAA", "name": "AAA전자", "quantity": 500, "average_cost": 10_000, "average_price": 10_500,
        "profit": 250_000, "profit_bps": 500, "sold_at": None,
    }  # fmt: skip
    assert mine["worst"] is None
    assert mine["fills"] == [
        {"symbol": "AAA", "start": OPENS_AT + 10_000, "side": "buy", "quantity": 500, "price": 10_000}
    ]
    loser = review_of(number, played["물린개미"])["me"]
    assert (loser["best"], loser["worst"]["profit"]) == (None, -50_000)
    assert loser["worst"]["sold_at"] == OPENS_AT + 203_000
    marks = review_of(number, played["조성개미"])["me"]["fills"]
    assert [(mark["side"], mark["quantity"]) for mark in marks] == [
        ("buy", 60), ("sell", 40), ("sell", 20),
    ]  # fmt: skip


def test_news_and_hidden_values_are_revealed(floor: Floor, played: dict[str, User]) -> None:
    number = floor.end().number
    review_compute(game=floor.arena.game)
    found = review_of(number)
    assert [
        (row["direction"], row["price"], row["price_later"], row["effect_bps"]) for row in found["news"]
    ] == [
        ("good", 9_000, 9_100, 111),
        ("bad", 9_600, 9_500, -105),
    ]
    arena = floor.arena
    hidden = hidden_values(arena.game, [arena.alpha, arena.beta], found["grid"])
    assert [row["hidden"] for row in found["listings"]] == [hidden[arena.alpha.pk], hidden[arena.beta.pk]]
    assert [row["value"] for row in found["listings"]] == [10_500, 50_000]
    before, after = (moment - OPENS_AT for moment in (100_000 + OPENS_AT - 5_000, 100_000 + OPENS_AT))
    jump = hidden[arena.alpha.pk][after // 5_000] / hidden[arena.alpha.pk][before // 5_000]
    assert 1.02 < jump < 1.04, "good news of 3 % lifts the hidden value by about as much"


def test_a_visitor_and_a_bystander_see_everything_but_a_self(floor: Floor, played: dict[str, User]) -> None:
    number = floor.end().number
    review_compute(game=floor.arena.game)
    everybody = review_of(number)
    assert everybody["me"] is None
    assert review_of(number, user_make("구경개미")) == everybody
    assert [award["nickname"] for award in everybody["awards"]] == [
        "조성개미",
        "속보개미",
        "불사개미",
        "불사개미",
    ]


def test_nothing_is_revealed_before_the_game_is_over(floor: Floor, played: dict[str, User]) -> None:
    before = review_of(floor.arena.market.pk, played["속보개미"])
    assert not before["is_ready"]
    assert (before["grid"], before["listings"], before["news"], before["me"]) == ([], [], [], None)
    with pytest.raises(ApplicationError, match="not_found"):
        review_of(floor.arena.market.pk + 1)


def test_the_api_gives_the_review_and_my_result(
    client: Client, floor: Floor, played: dict[str, User]
) -> None:
    number = floor.end().number
    review_compute(game=floor.arena.game)
    me = played["속보개미"]
    assert client.get(f"/api/games/{number}").json()["me"] is None
    client.force_login(me)
    assert client.get(f"/api/games/{number}/review").json() == review_of(number, me)
    mine = client.get(f"/api/games/{number}?limit=1").json()["me"]
    assert (mine["nickname"], mine["rank"]) == ("속보개미", Result.objects.get(user=me).rank)
    client.force_login(user_make("구경개미"))
    assert client.get(f"/api/games/{number}?limit=1").json()["me"] is None
    assert client.get("/api/games/999999/review").status_code == 404


def test_a_game_nobody_played_has_prices_and_no_awards(floor: Floor) -> None:
    number = floor.end().number
    assert review_compute(game=floor.arena.game)
    found = review_of(number)
    assert (found["median_bps"], found["awards"], found["curves"]) == ([], [], 0)
    assert found["listings"][0]["prices"] == [10_000] * 109
    assert not Message.objects.filter(key__startswith="awards").exists()


# Once, and never in the way ----------------------------------------------------------------------------


def test_a_second_call_changes_nothing(floor: Floor, played: dict[str, User]) -> None:
    game = floor.end()
    assert review_compute(game=game)
    before = stored()
    assert not review_compute(game=game)
    review_of_game_compute(game)
    assert reviews_catch_up() == 0
    assert stored() == before


def test_of_two_at_once_one_stores(
    floor: Floor, played: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    game = floor.end()
    rules = reviews.awards_of

    def be_overtaken(records: Any) -> Any:
        monkeypatch.undo()
        assert review_compute(game=game)
        return rules(records)

    monkeypatch.setattr(reviews, "awards_of", be_overtaken)
    assert not review_compute(game=game)
    assert (GameReview.objects.count(), Award.objects.count()) == (1, 4)


@pytest.mark.parametrize("step", ["awards_text", "announce"])
def test_dying_in_the_middle_leaves_nothing(
    floor: Floor, played: dict[str, User], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    game = floor.end()
    messages = Message.objects.count()

    def die(*args: object, **named: object) -> None:
        raise SystemExit("killed")

    monkeypatch.setattr(reviews, step, die)
    with pytest.raises(SystemExit):
        review_compute(game=game)
    assert stored() == [[], [], messages]
    monkeypatch.undo()
    assert reviews_catch_up() == 1
    assert Award.objects.count() == 4


def test_a_review_that_fails_does_not_hold_up_the_results(
    floor: Floor, played: dict[str, User], caplog: pytest.LogCaptureFixture
) -> None:
    game = floor.end()
    Portfolio.objects.filter(user=played["물린개미"]).update(cash=1)
    Result.objects.filter(user=played["물린개미"]).update(cash=1)
    with pytest.raises(InvariantError, match="do not lead to its result"):
        review_compute(game=game)
    review_of_game_compute(game)
    assert "could not be made with its results" in caplog.text
    assert reviews_catch_up() == 0
    assert not GameReview.objects.exists()
    caplog.clear()
    assert reviews_catch_up() == 0
    assert caplog.text == "", "tried again a minute later, not at once"


def test_a_deadlock_ends_the_transaction_around_it(
    floor: Floor, played: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    game = floor.end()

    def deadlock(**named: object) -> bool:
        raise OperationalError("deadlock")

    monkeypatch.setattr(reviews, "review_compute", deadlock)
    with pytest.raises(OperationalError):
        review_of_game_compute(game)


def test_a_large_field_is_left_to_the_periodic_task(
    floor: Floor, played: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviews, "PLAYERS_AT_ONCE_MAX", 3)
    review_of_game_compute(floor.end())
    assert not GameReview.objects.exists()
    assert reviews_catch_up() == 1
    assert GameReview.objects.exists()


def test_the_number_of_queries_does_not_grow(floor: Floor, arena: Arena) -> None:
    def queries(game: Game) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert review_compute(game=game)
        return len(captured)

    one = floor.player("하나개미")
    floor.trade(one, "buy", 5, 10_000, 1_000)
    few = queries(floor.end())
    Award.objects.all().delete()
    GameReview.objects.all().delete()
    Message.objects.filter(key__startswith="awards").delete()
    for number in range(20):
        user = floor.player(f"개미{number}")
        floor.trade(user, "buy", 5, 10_000, 2_000 + number, listing=arena.beta)
        floor.trade(user, "sell", 5, 10_000, 3_000 + number, listing=arena.beta)
    Result.objects.all().delete()
    from ranking.models import ClosingValue, GameSummary

    ClosingValue.objects.all().delete()
    GameSummary.objects.all().delete()
    many = queries(floor.end())
    assert many <= few + 3, "what an award and its announcement take"
