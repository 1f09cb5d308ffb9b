"""What becomes of the orders and the ledger of a player who leaves in the middle of a game."""

from typing import Any

import pytest
from django.test import Client

from accounts.deletion import user_delete
from accounts.models import DELETED_NICKNAME
from trading.gate.answers import Refused
from trading.gate.client import gate
from trading.models import Order, Portfolio, Trade
from trading.services import orders_cancel_of_deleted
from trading.tests.market import Exchange, open_exchange

pytestmark = pytest.mark.django_db


@pytest.fixture
def exchange() -> Exchange:
    return open_exchange(shares={"남": {"AAA": 10}})


def test_open_orders_are_canceled_and_the_ledger_stays(
    client: Client, exchange: Exchange, django_capture_on_commit_callbacks: Any
) -> None:
    exchange.submit("나", "buy", 10, price=100_000)
    exchange.submit("남", "sell", 4, price=100_000)
    exchange.drain()
    me = exchange.players["나"]
    client.force_login(me)
    gate().session_bind(client.session.session_key, me.pk)
    before = Portfolio.objects.get(user=me).cash
    with django_capture_on_commit_callbacks(execute=True):
        assert user_delete(user=me)
    exchange.drain()
    order = Order.objects.get(user=me)
    assert (order.status, order.filled_quantity) == (Order.Status.CANCELED, 4)
    assert Trade.objects.count() == 1
    assert Portfolio.objects.get(user=me).cash == before
    me.refresh_from_db()
    assert me.nickname == DELETED_NICKNAME
    assert gate().balances(exchange.market.pk, me.pk).cash == before, "the hold is free"
    exchange.audit()


def test_a_closed_gate_is_no_hindrance(exchange: Exchange) -> None:
    me = exchange.account("나")
    gate().shut()
    assert isinstance(exchange.cancel_all("나"), Refused)
    orders_cancel_of_deleted(me)
