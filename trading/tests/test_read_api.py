"""The read API: shapes, strict parameters, cursors that hold still, and a bounded number of queries."""

import pytest
from django.test import Client

from accounts.models import User
from trading.gate.client import gate
from trading.tests.ledger_rows import INITIAL_CASH, LedgerRows, ledger_rows, user_row

pytestmark = pytest.mark.django_db

PRIVATE = ["/api/orders", "/api/fills", "/api/account"]
PUBLIC = ["/api/market", "/api/market/AAA/book", "/api/market/AAA/trades", "/api/market/AAA/candles"]


@pytest.fixture
def rows() -> LedgerRows:
    return ledger_rows()


@pytest.fixture
def me() -> User:
    return user_row("나야나")


@pytest.fixture
def mine(client: Client, me: User) -> Client:
    client.force_login(me)
    return client


def get(client: Client, path: str, status: int = 200) -> dict:
    response = client.get(path)
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    return response.json()


@pytest.mark.parametrize("path", PRIVATE)
def test_what_is_mine_needs_a_login(client: Client, rows: LedgerRows, path: str) -> None:
    answer = get(client, path, 401)
    assert answer["code"] == "not_authenticated"
    assert answer["message"]


@pytest.mark.parametrize("path", PUBLIC)
def test_anyone_may_read_the_market(client: Client, rows: LedgerRows, path: str) -> None:
    get(client, path)


@pytest.mark.parametrize("path", [*PRIVATE, *PUBLIC])
def test_a_game_that_never_was_is_not_found(mine: Client, rows: LedgerRows, path: str) -> None:
    assert get(mine, f"{path}?game={rows.market.pk + 1}", 404)["code"] == "not_found"


@pytest.mark.parametrize("path", [*PRIVATE, *PUBLIC])
@pytest.mark.parametrize("game", ["", "0", "-1", "1.5", "eins", "١", "9" * 40])
def test_a_game_number_is_a_number(mine: Client, rows: LedgerRows, path: str, game: str) -> None:
    answer = get(mine, f"{path}?game={game}", 400)
    assert (answer["code"], answer["parameter"]) == ("invalid_request", "game")


@pytest.mark.parametrize(
    "query",
    [
        "status=done", "side=long", "sort=random", "limit=0", "limit=-1", "limit=ten", "limit=1e3", "cursor=%21%21",
        "cursor=bi4xLjE", "cursor=" + "A" * 500,
    ],
)  # fmt: skip
def test_orders_take_known_values_only(mine: Client, rows: LedgerRows, query: str) -> None:
    path = "/api/orders?sort=oldest&" if query == "cursor=bi4xLjE" else "/api/orders?"
    assert get(mine, path + query, 400)["code"] == "invalid_request"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("book", "depth=0"),
        ("book", "depth=x"),
        ("trades", "limit=0"),
        ("candles", "interval=1h"),
        ("candles", "limit=a"),
    ],
)
def test_market_data_takes_known_values_only(client: Client, rows: LedgerRows, path: str, query: str) -> None:
    assert get(client, f"/api/market/AAA/{path}?{query}", 400)["code"] == "invalid_request"


@pytest.mark.parametrize("path", ["book", "trades", "candles"])
@pytest.mark.parametrize("symbol", ["ZZZ", "aaa", "AAA%00", "A" * 200])
def test_unknown_symbols(client: Client, rows: LedgerRows, path: str, symbol: str) -> None:
    assert get(client, f"/api/market/{symbol}/{path}", 404)["code"] == "unknown_symbol"


@pytest.mark.parametrize("path", ["/api/orders", "/api/fills"])
def test_unknown_symbol_of_a_filter(mine: Client, rows: LedgerRows, path: str) -> None:
    assert get(mine, f"{path}?symbol=ZZZ", 404)["code"] == "unknown_symbol"


@pytest.mark.parametrize("path", ["/api/account", "/api/market", "/api/market/AAA/book"])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_other_methods(mine: Client, rows: LedgerRows, path: str, method: str) -> None:
    response = getattr(mine, method)(path)
    assert response.status_code == 405
    assert response["Allow"] == "GET"
    assert response.json()["code"] == "method_not_allowed"


def test_before_the_first_game(mine: Client) -> None:
    assert get(mine, "/api/market") == {"listings": []}
    assert get(mine, "/api/orders") == {"orders": [], "next_cursor": None}
    assert get(mine, "/api/fills") == {"fills": [], "next_cursor": None}
    account = get(mine, "/api/account")
    assert (account["cash"], account["equity"], account["holdings"]) == (INITIAL_CASH, INITIAL_CASH, [])
    assert get(mine, "/api/market/AAA/book", 404)["code"] == "unknown_symbol"


def test_an_order_as_shown(mine: Client, me: User, rows: LedgerRows) -> None:
    order = rows.order(me, filled=3, price=9_990)
    assert get(mine, "/api/orders")["orders"] == [
        {
            "order_id": f"{rows.listings['AAA'].pk}-1-1",
            "client_order_id": "c1",
            "symbol": "AAA",
            "side": "buy",
            "type": "limit",
            "price": 9_990,
            "quantity": 10,
            "filled_quantity": 3,
            "average_fill_price": 9_990,
            "status": "partially_filled",
            "reason": None,
            "created_at": order.created_at,
        }
    ]
    assert get(mine, f"/api/orders/{order.public_id}")["order_id"] == order.public_id


def test_orders_by_status_symbol_and_side(mine: Client, me: User, rows: LedgerRows) -> None:
    rows.order(me)
    rows.order(me, filled=1)
    rows.order(me, "BBB", side="sell", price=50_000)
    rows.order(me, filled=10)
    rows.order(me, status="canceled", reason="user")
    rows.order(me, status="rejected", reason="halted")
    rows.order(user_row())

    def statuses(query: str) -> list[str]:
        return [order["status"] for order in get(mine, f"/api/orders?{query}")["orders"]]

    assert sorted(statuses("status=open")) == ["open", "open", "partially_filled"]
    assert statuses("status=closed&sort=oldest") == ["filled", "canceled", "rejected"]
    assert len(statuses("")) == len(statuses("status=all")) == 6
    assert statuses("symbol=BBB") == statuses("side=sell") == ["open"]
    assert statuses("symbol=BBB&side=buy") == []


@pytest.mark.parametrize(
    "order_id", ["1", "1-1", "1-1-1-1", "a-b-c", "-1-1-1", "99999999999-1-1", "1-1-" + "9" * 30]
)
def test_one_order_that_is_not_there(mine: Client, rows: LedgerRows, order_id: str) -> None:
    assert get(mine, f"/api/orders/{order_id}", 404)["code"] == "order_not_found"


def test_another_players_order_is_not_found(mine: Client, rows: LedgerRows) -> None:
    other = rows.order(user_row())
    assert get(mine, f"/api/orders/{other.public_id}", 404)["code"] == "order_not_found"


@pytest.mark.parametrize("sort", ["newest", "oldest"])
def test_cursors_hold_still_while_orders_arrive(mine: Client, me: User, rows: LedgerRows, sort: str) -> None:
    for number in range(7):
        rows.order(me, "AAA" if number % 2 else "BBB", created_at=rows.market.opens_at + number // 3)
    whole = [order["order_id"] for order in get(mine, f"/api/orders?sort={sort}")["orders"]]
    seen: list[str] = []
    cursor = ""
    for _page in range(10):
        answer = get(mine, f"/api/orders?sort={sort}&limit=2&cursor={cursor}")
        assert len(answer["orders"]) <= 2
        seen += [order["order_id"] for order in answer["orders"]]
        # An order that comes meanwhile stands before the first page of the newest, behind all of the oldest.
        if len(seen) == 2 and sort == "newest":
            rows.order(me, created_at=rows.market.opens_at + 100)
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert seen == whole


def test_a_limit_beyond_the_largest_is_the_largest(mine: Client, me: User, rows: LedgerRows) -> None:
    rows.order(me)
    assert len(get(mine, "/api/orders?limit=999999999")["orders"]) == 1


def test_fills_show_my_side(mine: Client, me: User, rows: LedgerRows) -> None:
    other = user_row()
    bought = rows.trade(me, other, price=10_050, quantity=4)
    sold = rows.trade(other, me, price=10_100, quantity=2)
    rows.trade(other, user_row())
    first, second = get(mine, "/api/fills?sort=oldest")["fills"]
    assert first == {
        "trade_id": bought.pk,
        "order_id": bought.taker_order.public_id,
        "symbol": "AAA",
        "side": "buy",
        "price": 10_050,
        "quantity": 4,
        "role": "taker",
        "traded_at": bought.traded_at,
    }
    assert (second["trade_id"], second["side"], second["role"]) == (sold.pk, "sell", "maker")
    assert second["order_id"] == sold.maker_order.public_id
    assert [fill["trade_id"] for fill in get(mine, "/api/fills?side=sell")["fills"]] == [sold.pk]
    assert [fill["trade_id"] for fill in get(mine, "/api/fills?side=buy")["fills"]] == [bought.pk]
    page = get(mine, "/api/fills?limit=1")
    assert [fill["trade_id"] for fill in page["fills"]] == [sold.pk]
    rest = get(mine, f"/api/fills?limit=1&cursor={page['next_cursor']}")
    assert ([fill["trade_id"] for fill in rest["fills"]], rest["next_cursor"]) == ([bought.pk], None)


def test_past_games_are_asked_for_by_number(mine: Client, me: User) -> None:
    past = ledger_rows(opened_ms_ago=10**7)
    past.order(me, status="canceled", reason="closed")
    past.trade(me, user_row())
    ledger_rows()
    assert get(mine, "/api/orders")["orders"] == []
    number = past.market.pk
    assert len(get(mine, f"/api/orders?game={number}")["orders"]) == 2
    assert len(get(mine, f"/api/fills?game={number}")["fills"]) == 1
    assert get(mine, f"/api/market?game={number}")["listings"][0]["status"] == "closed"
    assert len(get(mine, f"/api/market/AAA/trades?game={number}")["trades"]) == 1
    book = get(mine, f"/api/market/AAA/book?game={number}")
    assert (book["bids"], book["asks"], book["version"]) == ([], [], 0)


def test_the_account_of_one_who_never_ordered(mine: Client, me: User, rows: LedgerRows) -> None:
    assert get(mine, "/api/account") == {
        "nickname": "나야나",
        "cash": INITIAL_CASH,
        "available_cash": INITIAL_CASH,
        "initial_cash": INITIAL_CASH,
        "equity": INITIAL_CASH,
        "return_bps": 0,
        "mmr": me.mmr,
        "tier": "bronze",
        "holdings": [],
    }


def test_the_account_takes_what_is_available_from_the_gate(mine: Client, me: User, rows: LedgerRows) -> None:
    aaa, bbb = rows.listings["AAA"], rows.listings["BBB"]
    rows.cash(me, 9_000_000)
    rows.hold(me, "AAA", 7, 70_001)
    rows.hold(me, "BBB", 3, 160_000)
    rows.trade(user_row(), user_row(), price=11_000)
    account = {"cash": 8_500_000, f"s{aaa.pk}": 5, f"s{bbb.pk}": 3}
    gate().redis.hset(f"account:{rows.market.pk}:{me.pk}", mapping=account)
    answer = get(mine, "/api/account")
    assert (answer["cash"], answer["available_cash"]) == (9_000_000, 8_500_000)
    equity = 9_000_000 + 7 * 11_000 + 3 * 50_000
    assert answer["equity"] == equity
    assert answer["return_bps"] == (equity - INITIAL_CASH) * 10_000 // INITIAL_CASH
    first, second = answer["holdings"]
    assert first["symbol"] == "AAA"
    assert (first["quantity"], first["available_quantity"]) == (7, 5)
    assert (first["average_price"], first["last_price"]) == (10_000, 11_000)
    assert first["return_bps"] == (77_000 - 70_001) * 10_000 // 70_001
    assert (second["symbol"], second["return_bps"]) == ("BBB", -625)


def test_the_account_without_the_gate_shows_what_orders_do_not_hold(
    mine: Client, me: User, rows: LedgerRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    import redis

    def refuse(*_arguments: object) -> None:
        raise redis.ConnectionError

    monkeypatch.setattr(type(gate()), "balances_of", refuse)
    rows.cash(me, 9_000_000)
    rows.hold(me, "AAA", 7, 70_000)
    rows.order(me, quantity=10, filled=4, price=10_000)
    rows.order(me, side="sell", quantity=5, filled=2, price=12_000)
    answer = get(mine, "/api/account")
    assert answer["available_cash"] == 9_000_000 - 6 * 10_000
    assert answer["holdings"][0]["available_quantity"] == 7 - 3


def test_a_listing_as_shown(client: Client, rows: LedgerRows) -> None:
    rows.trade(user_row(), user_row(), price=10_700, quantity=5)
    first, second = get(client, "/api/market")["listings"]
    assert first["symbol"] == "AAA"
    assert first["name"] == "AAA전자"
    assert (first["last_price"], first["base_price"], first["change_bps"]) == (10_700, 10_000, 700)
    assert (first["upper_limit"], first["lower_limit"], first["tick_size"]) == (13_000, 7_000, 10)
    assert (first["volume"], first["status"]) == (5, "trading")
    assert (second["symbol"], second["change_bps"]) == ("BBB", 0)


@pytest.mark.parametrize(
    ("fields", "opened_ms_ago", "status"),
    [
        ({}, 60_000, "trading"),
        ({}, -60_000, "preparing"),
        ({}, 600_000, "closed"),
        ({"marker": 7}, 60_000, "closed"),
        ({"is_closed": True}, 60_000, "closed"),
        ({"is_halted": True}, 60_000, "halted"),
    ],
)
def test_the_status_of_a_listing(client: Client, fields: dict, opened_ms_ago: int, status: str) -> None:
    rows = ledger_rows(opened_ms_ago=opened_ms_ago)
    type(rows.listings["AAA"]).objects.filter(symbol="AAA").update(**fields)
    assert get(client, "/api/market")["listings"][0]["status"] == status


def test_the_book_from_the_ledger(client: Client, rows: LedgerRows) -> None:
    maker = user_row()
    rows.order(maker, price=9_980, quantity=5)
    rows.order(maker, price=9_990, quantity=10, filled=4)
    rows.order(maker, price=9_990, quantity=2)
    rows.order(maker, side="sell", price=10_010, quantity=3)
    rows.order(maker, side="sell", price=10_000, quantity=1)
    rows.order(maker, price=9_990, quantity=50, status="canceled")
    book = get(client, "/api/market/AAA/book")
    assert book["bids"] == [[9_990, 8, 2], [9_980, 5, 1]]
    assert book["asks"] == [[10_000, 1, 1], [10_010, 3, 1]]
    assert book["last_price"] == 10_000
    assert isinstance(book["version"], int)
    assert get(client, "/api/market/AAA/book?depth=1")["bids"] == [[9_990, 8, 2]]


def test_the_book_of_the_stream_comes_first(client: Client, rows: LedgerRows) -> None:
    from stocking.base import stream

    book = {"bids": [[9_000, 1, 1], [8_990, 1, 1]], "asks": [], "last_price": 9_000}
    stream.publish("book:AAA", book)
    version = stream.snapshot("book:AAA").version
    stream.publish("book:AAA", book)
    assert get(client, "/api/market/AAA/book?depth=1") == {
        "version": version + 1,
        "bids": [[9_000, 1, 1]],
        "asks": [],
        "last_price": 9_000,
    }


def test_the_tape_is_newest_first(client: Client, rows: LedgerRows) -> None:
    rows.trade(user_row(), user_row(), price=10_000)
    last = rows.trade(user_row(), user_row(), price=10_010, quantity=3)
    rows.trade(user_row(), user_row(), "BBB", price=50_000)
    trades = get(client, "/api/market/AAA/trades")["trades"]
    assert [trade["price"] for trade in trades] == [10_010, 10_000]
    assert trades[0] == {
        "trade_id": last.pk, "price": 10_010, "quantity": 3, "taker_side": "buy", "traded_at": last.traded_at,
    }  # fmt: skip
    assert len(get(client, "/api/market/AAA/trades?limit=1")["trades"]) == 1


def test_candles_are_folded_from_five_seconds(client: Client, rows: LedgerRows) -> None:
    rows.candle("AAA", 60_000, (100, 110, 90, 105), 1)
    rows.candle("AAA", 70_000, (105, 120, 100, 101), 2)
    rows.candle("AAA", 75_000, (101, 102, 80, 99), 4)
    rows.candle("AAA", 120_000, (99, 99, 99, 99), 8)
    rows.candle("BBB", 60_000, (1, 1, 1, 1), 1)

    def candles(query: str) -> list[tuple[int, ...]]:
        found = get(client, f"/api/market/AAA/candles?{query}")["candles"]
        return [
            tuple(candle[key] for key in ("start", "open", "high", "low", "close", "volume"))
            for candle in found
        ]

    assert [candle[0] for candle in candles("")] == [60_000, 70_000, 75_000, 120_000]
    assert candles("interval=15s") == [
        (60_000, 100, 120, 90, 101, 3),
        (75_000, 101, 102, 80, 99, 4),
        (120_000, 99, 99, 99, 99, 8),
    ]
    assert candles("interval=1m") == [(60_000, 100, 120, 80, 99, 7), (120_000, 99, 99, 99, 99, 8)]
    assert candles("interval=1m&limit=1") == [(120_000, 99, 99, 99, 99, 8)]


@pytest.mark.parametrize(
    ("path", "queries"),
    [
        ("/api/orders", 5), ("/api/fills", 5), ("/api/account", 6), ("/api/market", 2), ("/api/market/AAA/book", 6),
        ("/api/market/AAA/trades", 3), ("/api/market/AAA/candles", 3),
    ],
)  # fmt: skip
def test_the_number_of_queries_does_not_grow(
    mine: Client, me: User, rows: LedgerRows, path: str, queries: int, django_assert_max_num_queries: object
) -> None:
    others = [user_row() for _ in range(5)]
    for other in others:
        rows.trade(me, other)
        rows.trade(other, me, "BBB")
        rows.order(me)
        rows.order(other, "AAA", side="sell", price=10_500)
    rows.hold(me, "AAA", 1, 1)
    rows.hold(me, "BBB", 1, 1)
    with django_assert_max_num_queries(queries):
        get(mine, path)
