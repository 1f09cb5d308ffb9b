"""B reads, amends and cancels A's order; a hundred at once with one id; who may be heard as whom."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest
from websockets.sync.client import connect

from accounts.models import User
from tests.player import Player
from tests.security.state import state_hash
from trading.models import Order
from trading.tests.market import Exchange

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 100


def test_b_reads_amends_and_cancels_as_order_is_404_and_the_state_hash_unchanged(
    guest: Callable[[], Player], exchange: Exchange
) -> None:
    a, b = guest(), guest()
    resting = a.order("AAA", "buy", 5, 90_000).json()["order_id"]
    exchange.drain()
    on_its_way = a.order("AAA", "buy", 3, 80_000).json()["order_id"]
    assert b.order("BBB", "buy", 1, 90_000).status_code == 202  # B has a session that the gate knows
    exchange.drain()
    before = state_hash()
    for order_id in (resting, on_its_way):
        path = f"/api/orders/{order_id}"
        assert (b.http.get(path).status_code, a.http.get(path).status_code) == (404, 200)
        for answer in (b.amend(order_id, price=95_000), b.amend(order_id, quantity=1), b.cancel(order_id)):
            assert (answer.status_code, answer.json()["code"]) == (404, "order_not_found")
        token = {"csrfmiddlewaretoken": b.http.cookies["csrftoken"], "price": "95000", "quantity": "1"}
        for page in (f"/orders/{order_id}/cancel/", f"/orders/{order_id}/amend/"):
            told = b.http.post(page, data=token)
            assert told.status_code == 200 and "data-player" in told.text  # the form says so, on its page
    assert state_hash() == before
    # Nor is it among B's, whatever is asked for.
    listed = [
        b.get(f"/api/orders?status={status}&limit=500")["orders"] for status in ("open", "closed", "all")
    ]
    assert {order["order_id"] for orders in listed for order in orders}.isdisjoint({resting, on_its_way})
    assert state_hash() == before
    # B's own "all" is B's alone.
    assert b.cancel_all().status_code == 202
    exchange.drain()
    assert Order.objects.filter(status="open", listing__symbol="AAA").count() == 2


def test_what_is_private_is_heard_by_its_own_session_alone(
    guest: Callable[[], Player], exchange: Exchange
) -> None:
    a, b = guest(), guest()
    first = User.objects.get(nickname=a.get("/api/account")["nickname"])
    names = [
        f"me:{first.pk}",
        f"me:{first.pk}:",
        "me:",
        "ME",
        f"practice:{first.pk}",
        "me:1:2",
        f"stream:me:{first.pk}",
    ]
    for cookies in (b.http.cookies, {}):
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        address = a.base_url.replace("http", "ws") + "/ws/"
        with connect(address, origin=a.base_url, additional_headers=headers) as socket:  # type: ignore[arg-type]
            for name in names if cookies else [*names, "me", "practice"]:
                socket.send(json.dumps({"op": "subscribe", "topics": [name]}))
                told = json.loads(socket.recv(timeout=5))
                assert told["type"] == "error", told


def test_client_order_id_a_hundred_times_in_parallel_is_one_order(
    guest: Callable[[], Player], exchange: Exchange
) -> None:
    player = guest()
    body = {
        "client_order_id": "once",
        "symbol": "AAA",
        "side": "buy",
        "type": "limit",
        "price": 90_000,
        "quantity": 1,
    }
    headers = {
        "X-CSRFToken": player.http.cookies["csrftoken"],
        "Cookie": "; ".join(f"{name}={value}" for name, value in player.http.cookies.items()),
    }

    async def send_all() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        async with httpx.AsyncClient(base_url=player.base_url, timeout=30, limits=limits) as http:
            sent = [http.post("/api/orders", json=body, headers=headers) for _ in range(AT_ONCE)]
            return await asyncio.gather(*sent)

    answers = asyncio.run(send_all())
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["order_id"] for answer in answers}) == 1
    assert sorted(answer.json()["duplicate"] for answer in answers) == [False] + [True] * (AT_ONCE - 1)
    exchange.drain()
    order = Order.objects.get()
    assert (order.quantity, order.client_order_id) == (1, "once")
    account = player.get("/api/account")
    assert account["cash"] - account["available_cash"] == 90_000  # held once
