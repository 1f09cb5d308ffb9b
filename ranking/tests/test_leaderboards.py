"""The boards as the API shows them: order, ties, `me`, bounds, and a bounded number of queries."""

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from games.models import Game
from ranking.core.periods import Period, period_start
from ranking.models import Tally
from ranking.selectors import (
    leaderboard_game,
    leaderboard_mmr,
    mmr_history,
    result_of,
    results_of,
    results_of_user,
)
from ranking.services import results_compute
from ranking.tests.conftest import INITIAL_CASH, Arena, user_make
from stocking.base.units import now_ms
from trading.models import Listing, Market, Portfolio

pytestmark = pytest.mark.django_db


def test_without_a_game_the_board_is_empty(client: Client, db: None) -> None:
    assert client.get("/api/rankings/game").json()["rows"] == []
    assert client.get("/api/rankings/mmr").json() == {"games_min": 10, "rows": [], "me": None}
    assert client.get("/api/rankings/last").json()["rows"] == []
    assert client.get("/api/rankings/returns").json() == {
        "period": "day",
        "games_min": 3,
        "rows": [],
        "me": None,
    }


def test_the_live_board_values_holdings_at_last_prices(arena: Arena, client: Client) -> None:
    holder = arena.player("든개미", 5_000_000)
    arena.hold(holder, arena.alpha, 600)
    arena.player("판개미", 10_500_000, tier="gold")
    arena.player("또판개미", 10_500_000)
    arena.player("구경개미", 99_000_000, fills=0)
    Listing.objects.filter(pk=arena.alpha.pk).update(last_price=10_001)
    answer = client.get("/api/rankings/game").json()
    assert [(row["rank"], row["nickname"], row["return_bps"]) for row in answer["rows"]] == [
        (1, "든개미", 1_000),
        (2, "판개미", 500),
        (2, "또판개미", 500),
    ]
    assert answer["me"] is None
    assert answer["rows"][1] == {
        "rank": 2,
        "nickname": "판개미",
        "tier": "gold",
        "return_bps": 500,
        "games_played": 0,
        "is_me": False,
        "is_provisional": True,
    }
    assert (answer["number"], answer["participants"]) == (arena.market.pk, 3)


def test_me_is_marked_in_the_rows_and_found_below_them(arena: Arena, client: Client) -> None:
    players = [arena.player(f"개미{number}", 11_000_000 - number * 100_000) for number in range(5)]
    client.force_login(players[0])
    answer = client.get("/api/rankings/game?limit=2").json()
    assert [row["is_me"] for row in answer["rows"]] == [True, False]
    assert answer["me"] == answer["rows"][0]
    client.force_login(players[4])
    answer = client.get("/api/rankings/game?limit=2").json()
    assert len(answer["rows"]) == 2
    assert answer["me"] == {
        "rank": 5,
        "nickname": "개미4",
        "tier": "bronze",
        "return_bps": 600,
        "games_played": 0,
        "is_me": True,
        "is_provisional": True,
    }
    client.force_login(user_make("구경개미"))
    assert client.get("/api/rankings/game").json()["me"] is None


def test_me_beyond_the_stored_rows_is_placed_among_all(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ranking.selectors.leaderboards.BOARD_ROWS_MAX", 2)
    spread = (13_000_000, 12_000_000, 11_000_000, 11_000_000, 10_000_000)
    players = [arena.player(f"개미{number}", cash) for number, cash in enumerate(spread)]
    assert [leaderboard_game(player)["me"]["rank"] for player in players] == [1, 2, 3, 3, 5]
    results_compute(market=arena.market)
    cache.clear()
    assert [leaderboard_game(player)["me"]["rank"] for player in players] == [1, 2, 3, 3, 5]


def test_once_results_stand_the_board_shows_them(arena: Arena) -> None:
    arena.player("결과개미", 11_000_000)
    results_compute(market=arena.market)
    Portfolio.objects.update(cash=1)
    assert leaderboard_game()["rows"][0]["return_bps"] == 1_000


def test_a_new_game_starts_with_an_empty_board(arena: Arena, next_arena: Callable[[], Arena]) -> None:
    arena.player("새벽개미")
    assert len(leaderboard_game()["rows"]) == 1
    next_arena()
    assert leaderboard_game()["rows"] == []


def test_the_live_board_is_kept_for_a_moment(arena: Arena, django_assert_num_queries) -> None:
    for number in range(5):
        arena.player(f"개미{number}")
    with django_assert_num_queries(6):
        leaderboard_game()
    with django_assert_num_queries(1):  # which game is on
        leaderboard_game()
    for number in range(5, 25):
        arena.player(f"개미{number}")
    cache.clear()
    with django_assert_num_queries(6):
        assert len(leaderboard_game()["rows"]) == 25


def rated(nickname: str, mmr: int, games: int = 10, days_ago: float = 0.0, **fields: object) -> User:
    """Store a player who has played so many games, the last one so many days ago."""
    rated_at = now_ms() - round(days_ago * 86_400_000)
    return user_make(nickname, mmr=mmr, games_played=games, rated_at=rated_at, **fields)


def test_the_mmr_board_ranks_those_who_have_played(client: Client) -> None:
    rated("봇이에요", 5_000, is_bot=True)
    rated("떠난개미", 4_000, is_active=False)
    rated("배치개미", 3_000, games=9)
    rated("쉬는개미", 2_000, days_ago=14.1)
    for nickname, mmr in (("가가", 1_500), ("나나", 1_700), ("다다", 1_500), ("라라", 1_200)):
        rated(nickname, mmr, tier="gold", is_guest=True, days_ago=13.9)
    client.force_login(User.objects.get(nickname="라라"))
    answer = client.get("/api/rankings/mmr").json()
    assert [(row["rank"], row["nickname"], row["mmr"]) for row in answer["rows"]] == [
        (1, "나나", 1_700),
        (2, "가가", 1_500),
        (2, "다다", 1_500),
        (4, "라라", 1_200),
    ]
    assert answer["me"] == {**answer["rows"][3], "is_inactive": False}
    assert answer["me"]["is_me"]


@pytest.mark.parametrize(
    ("games", "days_ago", "provisional", "inactive"),
    [(9, 0, True, False), (10, 15, False, True), (1, 15, True, True)],
)
def test_who_is_not_on_the_mmr_board_learns_why(
    client: Client, games: int, days_ago: float, provisional: bool, inactive: bool
) -> None:
    client.force_login(rated("나야나", 1_300, games, days_ago))
    answer = client.get("/api/rankings/mmr").json()
    assert answer["rows"] == []
    me = answer["me"]
    assert (me["rank"], me["is_provisional"], me["is_inactive"]) == (None, provisional, inactive)


def test_the_next_game_brings_an_inactive_player_back(arena: Arena) -> None:
    player = arena.player("돌아온개미", 11_000_000, games_played=20, rated_at=1)
    assert leaderboard_mmr(player)["me"]["is_inactive"]
    Market.objects.update(closes_at=now_ms())
    arena.market.refresh_from_db()
    results_compute(market=arena.market)
    assert leaderboard_mmr(player)["me"]["rank"] == 1


def test_the_mmr_board_goes_on_page_by_page(client: Client, django_assert_max_num_queries) -> None:
    users = [rated(f"개미{number}", 2_000 - number // 2) for number in range(7)]
    answer = client.get("/api/rankings/mmr?limit=3&page=2").json()
    assert [(row["rank"], row["nickname"]) for row in answer["rows"]] == [
        (3, "개미3"),
        (5, "개미4"),
        (5, "개미5"),
    ]
    with django_assert_max_num_queries(4):
        assert leaderboard_mmr(users[6], 3)["me"]["rank"] == 7
    assert client.get("/api/rankings/mmr?limit=3&page=9").json()["rows"] == []


# Over more than one game ------------------------------------------------------------------------------


def tally(user: User, average: int, games: int, period: str = "day", start: int | None = None) -> Tally:
    if start is None:
        start = period_start(Period(period), now_ms())
    return Tally.objects.create(
        period=period, start=start, user=user, games=games, return_bps_sum=average * games, average_bps=average,
        best_bps=average + 100,
    )  # fmt: skip


def test_the_board_of_the_last_game(arena: Arena, next_arena: Callable[[], Arena], client: Client) -> None:
    for number in range(4):
        arena.player(f"개미{number}", 11_000_000 - number * 100_000)
    results_compute(market=arena.market)
    assert client.get("/api/rankings/last").json()["number"] is None, "not shown yet"
    Game.objects.filter(pk=arena.market.pk).update(phase="intermission", closed_at=5)
    next_arena()
    client.force_login(User.objects.get(nickname="개미3"))
    answer = client.get("/api/rankings/last?limit=2").json()
    assert (answer["number"], answer["participants"]) == (arena.market.pk, 4)
    assert [(row["rank"], row["nickname"]) for row in answer["rows"]] == [(1, "개미0"), (2, "개미1")]
    assert (answer["me"]["rank"], answer["me"]["return_bps"]) == (4, 700)
    second = client.get("/api/rankings/last?limit=2&page=2").json()
    assert [row["nickname"] for row in second["rows"]] == ["개미2", "개미3"]


@pytest.mark.parametrize(("period", "games_min"), [("day", 3), ("week", 5), ("all", 10)])
def test_the_boards_by_mean_return_ask_for_a_minimum_of_games(
    client: Client, period: str, games_min: int
) -> None:
    for nickname, average in (("가가", 50), ("나나", 120), ("다다", 50), ("라라", -30)):
        tally(user_make(nickname), average, games_min, period)
    me = user_make("나야나")
    tally(me, 900, games_min - 1, period)
    tally(user_make("떠난개미", is_active=False), 999, games_min, period)
    if period != "all":
        tally(user_make("지난개미"), 999, games_min, period, start=1)
    client.force_login(me)
    answer = client.get(f"/api/rankings/returns?period={period}").json()
    assert answer["games_min"] == games_min
    assert [(row["rank"], row["nickname"], row["return_bps"]) for row in answer["rows"]] == [
        (1, "나나", 120),
        (2, "가가", 50),
        (2, "다다", 50),
        (4, "라라", -30),
    ]
    assert (answer["me"]["rank"], answer["me"]["games"]) == (None, games_min - 1)
    Tally.objects.filter(user=me).update(games=games_min)
    answer = client.get(f"/api/rankings/returns?period={period}&limit=2&page=2").json()
    assert [(row["rank"], row["nickname"]) for row in answer["rows"]] == [(3, "가가"), (3, "다다")]
    assert (answer["me"]["rank"], answer["me"]["is_me"]) == (1, True)


def test_an_unknown_period_is_an_invalid_request(client: Client) -> None:
    answer = client.get("/api/rankings/returns?period=year")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", [f"/api/rankings/{board}" for board in ("game", "last", "returns", "mmr")])
@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=x", "limit=", "limit=1.5", "limit=٣"])
def test_a_wrong_limit_is_an_invalid_request(client: Client, path: str, query: str) -> None:
    answer = client.get(f"{path}?{query}")
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_request"


def test_a_great_limit_is_bounded(client: Client) -> None:
    for number in range(3):
        rated(f"개미{number}", 1_000)
    assert len(client.get("/api/rankings/mmr?limit=999999999999").json()["rows"]) == 3
    assert client.get("/api/rankings/mmr?limit=200&page=999999999999").json()["rows"] == []


# A game's results -------------------------------------------------------------------------------------


def test_a_games_results(arena: Arena, client: Client) -> None:
    arena.player("이긴개미", 12_000_000)
    arena.player("진개미", 8_000_000)
    address = f"/api/games/{arena.market.pk}"
    before = client.get(address).json()
    assert (before["phase"], before["results"], before["closed_at"]) == ("settling", [], None)
    results_compute(market=arena.market)
    Game.objects.update(phase="intermission", closed_at=123)
    answer = client.get(address).json()
    assert answer["number"] == arena.market.pk
    assert (answer["phase"], answer["started_at"], answer["closed_at"]) == (
        "intermission", arena.game.started_at, 123,
    )  # fmt: skip
    assert [row["nickname"] for row in answer["results"]] == ["이긴개미", "진개미"]
    first = answer["results"][0]
    assert first.keys() >= {
        "rank", "nickname", "return_bps", "mmr_before", "mmr_after", "tier_before", "tier_after",
    }  # fmt: skip
    assert (first["rank"], first["return_bps"], first["mmr_before"]) == (1, 2_000, 1_000)
    assert first["mmr_after"] > 1_000
    assert [row["symbol"] for row in answer["listings"]] == ["AAA", "BBB"]
    second = client.get(f"{address}?limit=1&page=2").json()["results"]
    assert [row["nickname"] for row in second] == ["진개미"]


@pytest.mark.parametrize("number", ["999", "9999999999", "0"])
def test_an_unknown_game_is_not_found(client: Client, number: str) -> None:
    answer = client.get(f"/api/games/{number}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_results_take_few_queries(arena: Arena, django_assert_num_queries) -> None:
    for number in range(20):
        arena.player(f"개미{number}", 10_000_000 + number)
    results_compute(market=arena.market)
    with django_assert_num_queries(4):
        assert len(results_of(arena.market.pk)["results"]) == 20


def test_the_history_of_a_player(
    arena: Arena, next_arena: Callable[[], Arena], django_assert_num_queries
) -> None:
    player = arena.player("꾸준개미", 11_000_000)
    results_compute(market=arena.market)
    later = next_arena()
    Portfolio.objects.create(market=later.market, user=player, initial_cash=INITIAL_CASH, cash=9_000_000)
    later.trade(later.alpha, buyer=player, price=10_000, at=later.market.opens_at)
    results_compute(market=later.market)
    with django_assert_num_queries(1):
        second, first = results_of_user(player)
    with django_assert_num_queries(1):
        assert mmr_history(player) == [1_000, first["mmr_after"], second["mmr_after"]]
    assert mmr_history(player, limit=1) == [first["mmr_after"], second["mmr_after"]]
    assert mmr_history(arena.bot) == []
    assert (first["number"], second["number"]) == (arena.market.pk, later.market.pk)
    assert first["mmr_after"] == second["mmr_before"]
    assert [row["number"] for row in results_of_user(player, limit=1)] == [later.market.pk]
    mine = result_of(arena.market.pk, player)
    assert mine is not None
    assert mine.return_bps == 1_000
    assert result_of(arena.market.pk, arena.bot) is None
    assert Market.objects.count() == 2


def test_other_methods_are_refused(client: Client) -> None:
    assert client.post("/api/rankings/game").status_code in (403, 405)
    assert client.delete("/api/rankings/mmr").status_code in (403, 405)
