"""Requests that come from elsewhere, and requests that may only look."""

from collections.abc import Callable
from itertools import product

import pytest
from django.test import Client

from accounts.models import User
from tests.player import Player
from tests.security.addresses import every_address
from tests.security.state import state_hash
from trading.tests.market import Exchange

pytestmark = pytest.mark.django_db(transaction=True)

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


def clients(**options: bool) -> dict[str, Client]:
    """Return browsers by who sits before them: nobody, a player, staff who may do everything."""
    User.objects.create_superuser("staff@example.com", "운영1", "파란-고래-7342")
    found = {"nobody": Client(**options)}
    for name, nickname in (("player", "새벽개미"), ("staff", "운영1")):
        found[name] = Client(**options)
        found[name].force_login(User.objects.get(nickname=nickname))
    return found


def test_csrf_missing_is_403_everywhere_and_nothing_changed(exchange: Exchange) -> None:
    order = exchange.submit("새벽개미", "buy", 1, 90_000)
    exchange.drain()
    browsers = clients(enforce_csrf_checks=True)
    addresses = every_address(order_id=order.order_id, object_id=str(User.objects.first().pk))
    assert len(addresses) > 100
    before, open_doors = state_hash(), []
    for who, address in product(browsers, addresses):
        # Staff are players too; what only they may open is the admin.
        if who == "staff" and not address.startswith("/admin/"):
            continue
        for method in UNSAFE if address.startswith("/api/") else ("POST",):
            answer = browsers[who].generic(method, address, b"", "application/x-www-form-urlencoded")
            # 404: the package's address is shut off altogether.
            if answer.status_code not in (403, 404):
                open_doors.append((who, method, address, answer.status_code))
    assert open_doors == []
    assert state_hash() == before
    assert browsers["player"].get("/api/account").status_code == 200  # and nobody was logged out


def test_csrf_missing_is_403_at_order_entry_and_nothing_changed(
    guest: Callable[[], Player], exchange: Exchange
) -> None:
    player = guest()
    placed = player.order("AAA", "buy", 1, 90_000).json()["order_id"]
    exchange.drain()
    body = {
        "client_order_id": "x",
        "symbol": "AAA",
        "side": "buy",
        "type": "limit",
        "price": 90_000,
        "quantity": 1,
    }
    calls = [
        ("POST", "/api/orders", body), ("PATCH", f"/api/orders/{placed}", {"quantity": 2}),
        ("DELETE", f"/api/orders/{placed}", None), ("DELETE", "/api/orders", None),
        ("DELETE", "/api/orders?symbol=AAA", None),
    ]  # fmt: skip
    token = player.http.cookies["csrftoken"]
    forged = [
        {},
        {"X-CSRFToken": ""},
        {"X-CSRFToken": "a" * 32},
        {"X-CSRFToken": token[:-1]},
        {"X-CSRFToken": token, "Origin": "http://evil.example"},
        {"X-CSRFToken": token, "Origin": "null"},
        {"X-CSRFToken": token, "Origin": player.base_url + ".evil.example"},
        {"X-CSRFToken": token, "Origin": player.base_url.replace("127", "evil.example@127")},
    ]
    before = state_hash()
    for method, path, sent in calls:
        for headers in forged:
            answer = player.http.request(method, path, json=sent, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed"), (path, headers)
    assert state_hash() == before


@pytest.mark.parametrize("who", ["player", "staff"])
def test_get_never_changes(exchange: Exchange, who: str) -> None:
    order = exchange.submit("새벽개미", "buy", 1, 90_000)
    exchange.drain()
    browser = clients()[who]
    samples = {"order_id": order.order_id, "object_id": str(User.objects.first().pk)}
    addresses = [
        address
        for address in every_address(**samples)
        if who == "player" or address.startswith(("/admin/", "/acc"))
    ]
    before, for_writing = state_hash(), []
    for address in addresses:
        answer = browser.get(address, QUERY_STRING="symbol=AAA&text=hello&next=/&action=delete_selected")
        assert answer.status_code < 500, address
        if answer.status_code == 405:
            for_writing.append(address)
    assert len(for_writing) > 5 or who == "staff"
    for method, address in product(("HEAD", "OPTIONS", "TRACE"), for_writing):
        assert browser.generic(method, address).status_code in (200, 405), (method, address)
    assert state_hash() == before
    assert browser.get("/api/account").status_code == 200  # and was not logged out
