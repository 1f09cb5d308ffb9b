"""The load test's own record against the ledger: a loss, a stranger's order and a double are found."""

import pytest

from trading.gate.answers import Accepted
from trading.gate.client import gate
from trading.loadtest.comparison import ledger_compare
from trading.loadtest.flow import Traded
from trading.loadtest.observation import LagWatch
from trading.loadtest.players import players_create, players_endow
from trading.loadtest.record import Record
from trading.models import Order
from trading.tests.market import open_exchange

pytestmark = pytest.mark.django_db(transaction=True)


def test_losses_and_doubles_are_found() -> None:
    exchange = open_exchange()
    record = Record()
    for number in range(3):
        answer = exchange.submit("ann", "buy", 1, 100_000, id=f"R-0-{number}")
        assert isinstance(answer, Accepted)
        record.take(exchange.account("ann"), f"R-0-{number}", {"order_id": answer.order_id})
    watch = LagWatch([listing.pk for listing in exchange.listings.values()])
    assert watch.sample() == 3
    exchange.drain()
    assert watch.sample() == 0

    found = ledger_compare(exchange.market, record, "R")
    assert (found.settled, found.missing, found.doubled, found.audit_faults) == (3, [], 0, [])

    _first, second, third = record.accepted
    record.accepted[second] = (exchange.account("bob"), "R-0-1")
    unknown = third.rpartition("-")[0] + "-999"
    record.accepted[unknown] = (exchange.account("ann"), "R-0-2")
    Order.objects.filter(client_order_id="R-0-2").update(client_order_id="R-0-0")
    found = ledger_compare(exchange.market, record, "R")
    assert found.settled == 1
    assert found.missing == [second, third, unknown]
    assert found.doubled == 1


def test_players_are_endowed_in_the_middle_of_a_market() -> None:
    exchange = open_exchange(shares={"ann": {"AAA": 10}})
    exchange.submit("ann", "sell", 2, 100_000)
    listing = exchange.listings["AAA"]
    exchange.drain()
    players = players_create("Ltest", 2)
    players_endow(exchange.market, [Traded(listing.pk, "AAA", 100_000)], players, shares=50)
    exchange.audit()
    assert gate().balances(exchange.market.pk, players[0].user_id).shares == {listing.pk: 50}
    assert exchange.available("ann")[1] == {"AAA": 8}
    exchange.submit("bob", "buy", 2, 100_000)
    exchange.drain()
    assert exchange.available("ann")[1] == {"AAA": 8}
