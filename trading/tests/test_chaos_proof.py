"""The proof at the end of `manage.py chaos` finds what is missing, doubled or was never asked for."""

import pytest
from django.db import connections

from trading.chaos import proof
from trading.chaos.players import Record
from trading.gate.answers import Accepted
from trading.models import Order
from trading.tests.market import Exchange, open_exchange

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def traded(monkeypatch: pytest.MonkeyPatch) -> tuple[Exchange, Record]:
    """Two accepted and settled orders, and the record that a player keeps of them."""
    monkeypatch.setattr(proof, "INSTANCE", connections["default"].alias)
    exchange, record = open_exchange(shares={"seller": {"AAA": 10}}), Record()
    for name, side in (("seller", "sell"), ("buyer", "buy")):
        client_order_id = record.new_id()
        answer = exchange.submit(name, side, 2, 99_000, id=client_order_id)
        assert isinstance(answer, Accepted)
        record.note(client_order_id, answer.order_id)
    assert not proof.settled_up_to(record)
    exchange.drain()
    assert proof.settled_up_to(record)
    return exchange, record


def test_it_finds_nothing_where_nothing_is_wrong(traded: tuple[Exchange, Record]) -> None:
    assert proof.compare(traded[1]) == proof.Findings([], [], [])


def test_it_finds_an_order_that_is_missing(traded: tuple[Exchange, Record]) -> None:
    _, record = traded
    record.note("chaos-3", "1-1-999")
    assert proof.compare(record) == proof.Findings(["chaos-3 was 1-1-999"], [], [])


def test_it_finds_an_order_that_was_never_accepted(traded: tuple[Exchange, Record]) -> None:
    exchange, record = traded
    answer = exchange.submit("buyer", "buy", 1, 90_000, id="chaos-7")
    assert isinstance(answer, Accepted)
    exchange.drain()
    assert proof.compare(record).unasked == [f"chaos-7 is {answer.order_id}"]


def test_it_finds_two_orders_of_one_request(traded: tuple[Exchange, Record]) -> None:
    exchange, record = traded
    first = record.accepted["chaos-2"]
    row = Order.objects.get(client_order_id="chaos-2")
    row.pk += 10
    row.user_id = exchange.account("other")
    row.save(force_insert=True)
    try:
        assert proof.compare(record).doubled == ["chaos-2 is there 2 times"]
    finally:
        row.delete()
    record.note("chaos-2", "1-1-77")
    assert proof.compare(record).doubled == [f"chaos-2 is {first} and 1-1-77"]
