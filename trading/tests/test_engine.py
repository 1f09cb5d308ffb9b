"""From the gate through the stream, the book and settlement back to the gate."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from trading.engine import engine_forget, listing_drain
from trading.gate.answers import Accepted, Refused
from trading.gate.client import gate
from trading.models import Holding, Order, Portfolio, Trade
from trading.services import market_close, market_finish, market_is_drained
from trading.tests.market import open_exchange

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_trade_moves_cash_and_shares_and_releases_the_difference() -> None:
    exchange = open_exchange(shares={"seller": {"AAA": 10}})
    sell = exchange.submit("seller", "sell", 4, 99_000)
    assert isinstance(sell, Accepted)
    assert exchange.available("seller") == (10_000_000, {"AAA": 6})
    buy = exchange.submit("buyer", "buy", 3, 100_000)
    assert isinstance(buy, Accepted)
    assert exchange.available("buyer") == (9_700_000, {})
    exchange.drain()
    assert exchange.available("buyer") == (9_703_000, {"AAA": 3})
    assert exchange.available("seller") == (10_297_000, {"AAA": 6})
    trade = Trade.objects.get()
    assert (trade.price, trade.quantity, trade.taker_side) == (99_000, 3, "buy")
    assert Portfolio.objects.get(user=exchange.players["buyer"]).cash == 9_703_000
    assert Holding.objects.get(user=exchange.players["buyer"]).cost == 297_000
    assert list(Order.objects.order_by("id").values_list("status", "filled_quantity")) == [
        ("partially_filled", 3),
        ("filled", 3),
    ]


def test_an_engine_that_forgot_everything_goes_on_where_the_ledger_is() -> None:
    exchange = open_exchange(shares={"seller": {"AAA": 10}})
    exchange.submit("seller", "sell", 4, 99_000)
    exchange.drain()
    engine_forget(exchange.listings["AAA"].pk)
    exchange.submit("buyer", "buy", 2, 99_000)
    exchange.drain()
    assert Trade.objects.count() == 1
    assert exchange.available("seller") == (10_198_000, {"AAA": 6})


def test_amend_and_cancel() -> None:
    exchange = open_exchange()
    order = exchange.submit("buyer", "buy", 10, 100_000)
    exchange.drain()
    assert isinstance(exchange.amend("buyer", order, price=90_000), Accepted)
    assert exchange.amend("buyer", order, price=90_000) == Refused("amend_pending")
    exchange.drain()
    assert exchange.available("buyer")[0] == 9_100_000
    assert isinstance(exchange.amend("buyer", order, quantity=20), Accepted)
    assert exchange.available("buyer")[0] == 8_200_000
    exchange.drain()
    assert isinstance(exchange.cancel("buyer", order), Accepted)
    assert exchange.available("buyer")[0] == 8_200_000
    exchange.drain()
    assert exchange.available("buyer")[0] == 10_000_000
    assert exchange.cancel("buyer", order) == Refused("order_not_open")


def test_the_close_cancels_what_rests() -> None:
    exchange = open_exchange(shares={"seller": {"AAA": 10}})
    exchange.submit("seller", "sell", 4, 99_000)
    exchange.submit("buyer", "buy", 4, 90_000)
    assert not market_close(market=exchange.market)
    assert market_close(market=exchange.market, early=True)
    assert exchange.submit("buyer", "buy", 1, 90_000) == Refused("market_closed")
    exchange.drain()
    assert market_is_drained(market=exchange.market)
    assert set(Order.objects.values_list("status", "reason")) == {("canceled", "closed")}
    market_finish(market=exchange.market)
    for key in gate().redis.keys("*:*"):  # nothing of a settled market stays in the store for ever
        assert gate().redis.ttl(key) > 0, key
    assert exchange.available("buyer")[0] == 10_000_000


def test_a_repeat_is_answered_with_the_first_answer() -> None:
    exchange = open_exchange()
    first = exchange.submit("buyer", "buy", 1, 90_000, id="one")
    again = exchange.submit("buyer", "buy", 1, 90_000, id="one")
    assert isinstance(first, Accepted) and isinstance(again, Accepted)
    assert (again.order_id, again.duplicate) == (first.order_id, True)
    assert exchange.submit("buyer", "buy", 2, 90_000, id="one") == Refused("client_order_id_reused")
    assert gate().sequences([exchange.listings["AAA"].pk])[exchange.listings["AAA"].pk] == (1, 0)
    listing_drain(exchange.listings["AAA"].pk)
    assert Order.objects.count() == 1


def test_an_engine_restores_over_a_connection_that_is_not_made_yet() -> None:
    exchange = open_exchange()
    exchange.submit("buyer", "buy", 1, 90_000)

    def drain() -> None:
        try:
            while listing_drain(exchange.listings["AAA"].pk):
                pass
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(drain).result(30)
    assert Order.objects.get().status == "open"
