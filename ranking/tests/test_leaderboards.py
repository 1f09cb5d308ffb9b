"""The boards as the API shows them: order, ties, `me`, bounds, and a bounded number of queries."""

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from games.models import Game
from ranking.selectors import leaderboard_game, leaderboard_mmr, result_of, results_of, results_of_user
from ranking.services import results_compute
from ranking.tests.conftest import INITIAL_CASH, Arena, user_make
from trading.models import Listing, Market, Portfolio

pytestmark = pytest.mark.django_db


def test_without_a_game_the_board_is_empty(client: Client, db: None) -> None:
    assert client.get("/api/rankings/game").json()["rows"] == []
    assert client.get("/api/rankings/mmr").json() == {"rows": [], "me": None}


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
        "is_me": False,
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
        "is_me": True,
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


def test_the_mmr_board_ranks_those_who_have_played(client: Client) -> None:
    user_make("봇이에요", is_bot=True, mmr=5_000, games_played=9)
    user_make("새내기", mmr=1_000, games_played=0)
    user_make("떠난개미", mmr=4_000, games_played=5, is_active=False)
    for nickname, mmr in (("가가", 1_500), ("나나", 1_700), ("다다", 1_500), ("라라", 1_200)):
        user_make(nickname, mmr=mmr, games_played=1, tier="gold", is_guest=True)
    client.force_login(User.objects.get(nickname="라라"))
    answer = client.get("/api/rankings/mmr").json()
    assert [(row["rank"], row["nickname"], row["mmr"]) for row in answer["rows"]] == [
        (1, "나나", 1_700),
        (2, "가가", 1_500),
        (2, "다다", 1_500),
        (4, "라라", 1_200),
    ]
    assert answer["me"] == answer["rows"][3]
    assert answer["me"]["is_me"]


def test_the_mmr_board_goes_on_page_by_page(client: Client, django_assert_max_num_queries) -> None:
    users = [user_make(f"개미{number}", mmr=2_000 - number // 2, games_played=1) for number in range(7)]
    answer = client.get("/api/rankings/mmr?limit=3&page=2").json()
    assert [(row["rank"], row["nickname"]) for row in answer["rows"]] == [
        (3, "개미3"),
        (5, "개미4"),
        (5, "개미5"),
    ]
    with django_assert_max_num_queries(4):
        assert leaderboard_mmr(users[6], 3)["me"]["rank"] == 7
    assert client.get("/api/rankings/mmr?limit=3&page=9").json()["rows"] == []


@pytest.mark.parametrize("path", ["/api/rankings/game", "/api/rankings/mmr"])
@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=x", "limit=", "limit=1.5", "limit=٣"])
def test_a_wrong_limit_is_an_invalid_request(client: Client, path: str, query: str) -> None:
    answer = client.get(f"{path}?{query}")
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_request"


def test_a_great_limit_is_bounded(client: Client) -> None:
    for number in range(3):
        user_make(f"개미{number}", games_played=1)
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
