"""The pages: who may see them, what they show, filters and places of lists, and a bounded number of queries."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from games.models import Game
from ranking.core.periods import Period, period_start
from ranking.models import ClosingValue, GameSummary, Result, Tally
from stocking.base.units import now_ms
from trading.gate.client import gate
from trading.tests.ledger_rows import INITIAL_CASH, LedgerRows, ledger_rows, user_row

pytestmark = pytest.mark.django_db

PUBLIC = ["/", "/stocks/AAA/", "/rankings/", "/rankings/?tab=mmr", "/rankings/?tab=day", "/api/docs"]
MINE = ["/orders/", "/orders/?tab=filled", "/orders/?tab=closed", "/me/"]


def game_row(rows: LedgerRows, phase: str = "trading") -> Game:
    market = rows.market
    return Game.objects.create(
        market=market, phase=phase, seed=1, trading_at=market.opens_at, closes_at=market.closes_at,
        next_game_at=market.closes_at + 60_000, started_at=market.opens_at,
        closed_at=market.closes_at if phase == "intermission" else None,
    )  # fmt: skip


def result_row(rows: LedgerRows, user: User, rank: int, *, gain: int = 0, after: str = "bronze") -> Result:
    return Result.objects.create(
        market=rows.market, user=user, rank=rank, return_bps=1_000 - rank * 100, initial_cash=INITIAL_CASH,
        cash=INITIAL_CASH, equity=INITIAL_CASH, fills=3, mmr_before=1_000, mmr_after=1_000 + gain,
        tier_before="bronze", tier_after=after, mean_before=25.0, mean_after=25.0, deviation_before=8.0,
        deviation_after=8.0, games_played=1, room_size=51, room_rank=3, expected_rank_tenths=324,
        house_margin_bps=1_050 - rank * 100, counted_percent=100,
    )  # fmt: skip


@pytest.fixture
def rows() -> LedgerRows:
    rows = ledger_rows()
    game_row(rows)
    return rows


@pytest.fixture
def me() -> User:
    return user_row("나야나", password="파란-고래-7342")


@pytest.fixture
def mine(client: Client, me: User) -> Client:
    client.force_login(me)
    return client


def page(client: Client, address: str) -> tuple[str, Any]:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode(), answer.context


@pytest.mark.parametrize("address", PUBLIC)
def test_anyone_may_watch(client: Client, rows: LedgerRows, address: str) -> None:
    text, context = page(client, address)
    assert context["player"] is None
    assert context["game"]["number"] == rows.market.pk
    assert "체험하기" in text
    assert "csrftoken" in client.cookies or address == "/api/docs"


@pytest.mark.parametrize("address", [*PUBLIC, *MINE])
def test_pages_before_the_first_game(mine: Client, address: str) -> None:
    if "/stocks/" in address:
        assert mine.get(address).status_code == 404
    else:
        page(mine, address)


@pytest.mark.parametrize("address", MINE)
def test_what_is_mine_needs_a_login(client: Client, rows: LedgerRows, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/?next=")


def test_every_page_knows_the_player(mine: Client, me: User, rows: LedgerRows) -> None:
    _text, context = page(mine, "/")
    assert context["player"] == {
        "nickname": "나야나", "tier": "bronze", "mmr": me.mmr, "is_provisional": True, "is_guest": False,
        "is_staff": False,
    }  # fmt: skip
    assert context["server_time_ms"] > rows.market.opens_at


def test_the_market_page(mine: Client, me: User, rows: LedgerRows) -> None:
    text, context = page(mine, "/")
    assert [listing["symbol"] for listing in context["listings"]] == ["AAA", "BBB"]
    assert context["account"]["cash"] == INITIAL_CASH
    assert context["leaderboard"]["rows"] == []
    assert (context["news"], context["chat"]) == ([], [])
    assert "AAA전자" in text


def test_the_stock_page(mine: Client, me: User, rows: LedgerRows) -> None:
    rows.trade(me, user_row(), price=10_050)
    rows.order(me, price=9_900)
    rows.order(me, "BBB", price=49_000)
    rows.candle("AAA", 5_000, (1, 1, 1, 1), 1)
    text, context = page(mine, "/stocks/AAA/")
    assert context["listing"]["last_price"] == 10_050
    assert context["company"]["name"] == "AAA전자"
    assert [order["symbol"] for order in context["orders"]] == ["AAA"]
    assert len(context["fills"]) == len(context["trades"]) == len(context["candles"]) == 1
    assert context["book"]["bids"] == [[9_900, 10, 1]]
    first = context["form"]["client_order_id"]
    assert first in text
    _text, context = page(mine, "/stocks/AAA/")
    assert context["form"]["client_order_id"] != first


def shown(text: str) -> list[str]:
    return re.findall(r'data-(?:order|trade)="([^"]+)"', text)


def test_orders_by_tab_and_filter(mine: Client, me: User, rows: LedgerRows) -> None:
    first = rows.order(me, price=9_900)
    second = rows.order(me, "BBB", side="sell", price=51_000)
    ended = rows.order(me, status="canceled", reason="market_remainder")
    trade = rows.trade(me, user_row())
    rows.order(user_row())
    one, two = first.public_id, second.public_id
    for query, wanted in {
        "": {one, two},
        "?symbol=BBB": {two},
        "?symbol=XXX": {one, two},
        "?side=buy": {one},
        "?side=hold": {one, two},
        "?q=bbb": {two},
        "?q=AAA전자": {one},
        "?q=%EC%97%86%EC%96%B4": set(),
        "?q=AAA&symbol=BBB": set(),
        "?tab=closed": {ended.public_id, trade.taker_order.public_id},
        "?tab=filled": {str(trade.pk)},
        "?tab=nonsense": {one, two},
    }.items():
        text, context = page(mine, f"/orders/{query}")
        assert set(shown(text)) == wanted, query
        assert len(shown(text)) == len(wanted)
        assert context["tabs"][0]["count"] == 2
    assert "맞는 호가가 없어" in page(mine, "/orders/?tab=closed")[0]


def test_orders_page_by_page(mine: Client, me: User, rows: LedgerRows) -> None:
    orders = [rows.order(me) for _ in range(35)]
    text, context = page(mine, "/orders/?sort=oldest")
    assert shown(text) == [order.public_id for order in orders[:30]]
    text, context = page(mine, context["next_url"])
    assert shown(text) == [order.public_id for order in orders[30:]]
    assert context["next_url"] == ""
    assert shown(page(mine, context["first_url"])[0]) == [order.public_id for order in orders[:30]]
    assert mine.get("/orders/?cursor=nonsense").status_code == 400


def test_forms_of_an_open_order_come_back_here(mine: Client, me: User, rows: LedgerRows) -> None:
    order = rows.order(me)
    text, _context = page(mine, "/orders/?side=buy")
    assert f'action="/orders/{order.public_id}/cancel/"' in text
    assert f'action="/orders/{order.public_id}/amend/"' in text
    assert 'name="next" value="/orders/?side=buy"' in text


def test_rankings(mine: Client, me: User, rows: LedgerRows) -> None:
    rows.cash(me, INITIAL_CASH + 100_000)
    rows.trade(me, user_row())
    text, context = page(mine, "/rankings/")
    assert context["mine"]["rank"] == 1
    assert "is-me" in text
    User.objects.filter(pk=me.pk).update(games_played=10, mmr=1_234, rated_at=now_ms())
    text, context = page(mine, "/rankings/?tab=mmr")
    assert (context["mine"]["mmr"], context["mine"]["rank"]) == (1_234, 1)
    assert "1,234" in text
    assert "잠정" not in text
    User.objects.filter(pk=me.pk).update(games_played=4)
    text, context = page(mine, "/rankings/?tab=mmr")
    assert (context["rows"], context["mine"]["rank"]) == ([], None)
    assert "배치 중" in text and "4/10게임" in text and "잠정" in text


@pytest.mark.parametrize("tab", ["last", "day", "week", "all"])
def test_rankings_over_the_past(mine: Client, me: User, finished: LedgerRows, tab: str) -> None:
    for period, games in (("day", 3), ("week", 5), ("all", 10)):
        Tally.objects.create(
            period=period, start=period_start(Period(period), now_ms()), user=me, games=games, return_bps_sum=700,
            average_bps=70, best_bps=250,
        )  # fmt: skip
    Game.objects.update(closed_at=1)
    text, context = page(mine, f"/rankings/?tab={tab}")
    assert context["mine"]["is_me"]
    assert context["mine"]["rank"] == (3 if tab == "last" else 1)
    assert 'aria-current="page">' in text
    assert ("+2.50%" in text) is (tab != "last")


@pytest.fixture
def finished(me: User) -> LedgerRows:
    rows = ledger_rows(opened_ms_ago=700_000)
    game_row(rows, "intermission")
    summary = GameSummary.objects.create(
        market=rows.market, participants=60, house_return_bps=-50, sequence=1, computed_at=1
    )
    ClosingValue.objects.create(
        summary=summary, listing=rows.listings["AAA"], value=10_500, window_quantity=1, window_value=10_500,
        return_bps=500,
    )  # fmt: skip
    for rank in range(1, 61):
        user = me if rank == 3 else user_row()
        result_row(rows, user, rank, gain=40 if rank == 3 else -1, after="silver" if rank == 3 else "bronze")
    return rows


def test_a_games_results(mine: Client, finished: LedgerRows) -> None:
    trade = finished.trade(User.objects.get(nickname="나야나"), user_row())
    text, context = page(mine, f"/games/{finished.market.pk}/")
    assert [row["rank"] for row in context["podium"]] == [1, 2, 3]
    assert context["podium"][2]["is_me"]
    assert (context["mine"]["rank"], context["mine"]["mmr_after"]) == (3, 1_040)
    assert context["mine"]["is_promoted"]
    assert "-0.50%" in " ".join(context["mine"]["why"])
    assert "51자리 중 3위, 기대 순위는 32.4위" in text
    assert len(context["rows"]) == 50
    assert shown(text) == [str(trade.pk)]
    assert "10,500" in text
    assert 'data-countdown="next-game"' in text
    text, context = page(mine, f"/games/{finished.market.pk}/?page=2")
    assert [row["rank"] for row in context["rows"]] == list(range(51, 61))
    assert context["podium"] == []
    assert context["my_row"]["rank"] == 3
    assert text.count("is-me") == 1, "my row stands first where it is on another page"


def test_a_game_that_still_runs(client: Client, rows: LedgerRows) -> None:
    text, context = page(client, f"/games/{rows.market.pk}/")
    assert context["mine"] is None
    assert "아직 끝나지 않은" in text


def test_games_lead_to_their_neighbours(client: Client, finished: LedgerRows, rows: LedgerRows) -> None:
    _text, context = page(client, f"/games/{finished.market.pk}/")
    assert (context["previous_game"], context["following_game"]) == (None, rows.market.pk)
    _text, context = page(client, f"/games/{rows.market.pk}/")
    assert (context["previous_game"], context["following_game"]) == (finished.market.pk, None)


def test_my_page(mine: Client, me: User, finished: LedgerRows, rows: LedgerRows) -> None:
    rows.cash(me, 9_900_000)
    rows.hold(me, "AAA", 10, 95_000)
    gate().redis.hset(
        f"account:{rows.market.pk}:{me.pk}", mapping={"cash": 9_900_000, f"s{rows.listings['AAA'].pk}": 4}
    )
    rows.trade(me, user_row())
    text, context = page(mine, "/me/")
    assert context["account"]["holdings"][0]["name"] == "AAA전자"
    assert context["account"]["holdings"][0]["available_quantity"] == 4
    assert [row["number"] for row in context["history"]] == [finished.market.pk]
    assert len(context["fills"]) == 1
    assert "/accounts/password/change/" in text


def test_a_guest_is_told_how_to_stay(client: Client, rows: LedgerRows) -> None:
    client.force_login(User.objects.create_user(None, "손님", is_guest=True))
    text, _context = page(client, "/me/")
    assert "체험 계정" in text
    assert "/accounts/password/change/" not in text


def test_a_players_page(client: Client, me: User, finished: LedgerRows) -> None:
    text, context = page(client, "/players/나야나/")
    assert context["profile"]["nickname"] == "나야나"
    assert context["history"][0]["rank"] == 3
    assert me.email not in text
    assert "최근 1게임의 MMR: 1,000 → 1,040 (최저 1,000, 최고 1,040)." in text
    assert "<polyline" in text and "style=" not in text.split("<polyline")[1].split("</figure>")[0]
    assert "잠정" in text


def test_inactive_players_have_no_page(client: Client, me: User) -> None:
    User.objects.filter(pk=me.pk).update(is_active=False)
    assert client.get("/players/나야나/").status_code == 404


@pytest.mark.parametrize("query", ["0", "-3", "x", "9" * 30, "1e3", ""])
def test_odd_page_numbers_are_the_first(client: Client, finished: LedgerRows, query: str) -> None:
    page(client, f"/games/{finished.market.pk}/?page={query}")
    page(client, f"/rankings/?tab=mmr&page={query}")
    page(client, f"/players/나야나/?page={query}")


@pytest.mark.parametrize("address", [*PUBLIC, *MINE, "game"])
def test_pages_escape_what_players_write(mine: Client, me: User, finished: LedgerRows, address: str) -> None:
    game_row(ledger_rows())
    from chat.models import Message

    Message.objects.create(kind="player", author=me, text="<script>alert(1)</script>", sent_at=1)
    text, _context = page(mine, f"/games/{finished.market.pk}/" if address == "game" else address)
    assert "<script>alert" not in text


@pytest.mark.parametrize(
    ("address", "queries"),
    [
        ("/", 20), ("/stocks/AAA/", 26), ("/orders/", 14), ("/orders/?tab=filled", 14), ("/rankings/", 12),
        ("/rankings/?tab=mmr", 8), ("/me/", 18), ("/players/나야나/", 10),
    ],
)  # fmt: skip
def test_the_number_of_queries_does_not_grow(
    mine: Client,
    me: User,
    finished: LedgerRows,
    address: str,
    queries: int,
    django_assert_max_num_queries: Any,
) -> None:
    rows = ledger_rows()
    game_row(rows)
    for other in [user_row() for _ in range(6)]:
        rows.cash(other, INITIAL_CASH)
        rows.trade(me, other)
        rows.trade(other, me, "BBB")
        rows.order(me)
    rows.cash(me, INITIAL_CASH)
    rows.hold(me, "AAA", 3, 30_000)
    rows.hold(me, "BBB", 3, 30_000)
    with django_assert_max_num_queries(queries):
        page(mine, address)


def test_the_number_of_queries_of_results(
    mine: Client, finished: LedgerRows, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(16):
        page(mine, f"/games/{finished.market.pk}/")
