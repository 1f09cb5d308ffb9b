"""A stream that is full refuses before it accepts, all the way to the player; bots have limits of their own."""

from typing import Any

import pytest
from django.test import Client

from trading.gate.answers import Accepted, Refused, Who
from trading.gate.client import gate
from trading.models import Listing
from trading.services import market_close
from trading.tests.market import Exchange, open_exchange
from trading.tests.test_entry import Browser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def full(settings: Any) -> Exchange:
    """A market whose only stream is full."""
    settings.STREAM_LIMIT = 3
    exchange = open_exchange()
    for _ in range(3):
        assert isinstance(exchange.submit("buyer", "buy", 1, 90_000), Accepted)
    return exchange


def login(exchange: Exchange, client: Client) -> Browser:
    client.force_login(exchange.players["buyer"])
    return Browser(session=client.session.session_key)


def test_nothing_is_accepted_until_the_engine_has_caught_up(full: Exchange, client: Client) -> None:
    me, key = login(full, client), full.listings["AAA"].pk
    order_id = f"{key}-1-1"
    before = full.available("buyer")
    for answer in (
        me.submit(),
        me.request("PATCH", f"/api/orders/{order_id}", {"price": 91_000}),
        me.request("DELETE", f"/api/orders/{order_id}"),
        me.request("DELETE", "/api/orders"),
    ):
        assert answer.told == (503, "overloaded")
        assert answer.headers[b"retry-after"] == b"1"
        assert answer.body["message"] == "주문이 몰리고 있어요. 잠시 뒤에 다시 시도해 주세요."
    assert full.available("buyer") == before
    assert gate().sequences([key])[key] == (3, 0)
    full.drain()
    body = {"client_order_id": "again", "symbol": "AAA", "side": "buy", "type": "limit", "price": 90_000}
    assert me.request("POST", "/api/orders", {**body, "quantity": 1}).status == 202
    assert me.request("DELETE", f"/api/orders/{order_id}").status == 202
    full.drain()


def test_a_repeat_of_what_was_accepted_is_answered_still(full: Exchange) -> None:
    gate().redis.set(f"request:{full.account('buyer')}:known", f"{full.listings['AAA'].pk}-1-3 *")
    assert isinstance(full.submit("buyer", "buy", 1, 90_000, id="known"), Accepted)
    full.drain()


def test_the_end_marker_goes_through(full: Exchange) -> None:
    assert market_close(market=full.market, early=True)
    full.drain()
    assert Listing.objects.get().is_closed


def test_the_form_says_it(full: Exchange, client: Client) -> None:
    client.force_login(full.players["buyer"])
    form = {
        "client_order_id": "x",
        "symbol": "AAA",
        "side": "buy",
        "type": "limit",
        "price": "90000",
        "quantity": "1",
    }
    answer = client.post("/orders/submit/", form, follow=True)
    assert "주문이 몰리고 있어요" in answer.content.decode()
    full.drain()


def test_bots_have_limits_of_their_own(settings: Any) -> None:
    settings.MAX_OPEN_ORDERS, settings.BOT_MAX_OPEN_ORDERS = 1, 3
    settings.BOT_ORDER_RATE_PER_SECOND, settings.BOT_ORDER_RATE_BURST = 1, 5
    exchange = open_exchange()
    bot = Who(account=exchange.account("bot"), is_bot=True)
    order = {"symbol": "AAA", "side": "buy", "type": "limit", "price": 90_000, "quantity": 1}
    answers = [gate().submit(bot, client_order_id=f"b{n}", **order) for n in range(6)]
    assert [isinstance(answer, Accepted) for answer in answers] == [True] * 3 + [False] * 3
    assert answers[3:5] == [Refused("too_many_open_orders")] * 2
    assert isinstance(answers[5], Refused) and answers[5].code == "rate_limited"
    assert isinstance(exchange.submit("buyer", "buy", 1, 90_000), Accepted)
    assert exchange.submit("buyer", "buy", 1, 90_000) == Refused("too_many_open_orders")
    exchange.drain()
