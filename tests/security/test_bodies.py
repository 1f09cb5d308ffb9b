"""NaN, ±Infinity, 1e309, 2^53+1, 2^63, −0, "１０", true, 10,000 levels, surrogates, 1 MB, wrong content types.

To every endpoint: the answer is 4xx (or the page says what is wrong), never 5xx, and nothing changed.
"""

from collections.abc import Callable
from itertools import cycle, product
from typing import Any

import httpx
import pytest
from django.test import Client

from tests.player import Player
from tests.security.hostile import (
    BODIES,
    CONTENT_TYPES,
    LARGE_BYTES,
    NUMBERS,
    TEXTS,
    encoded,
    field_values,
    order_body,
)
from tests.security.speaking import Speaker
from tests.security.state import state_hash
from trading.tests.market import Exchange

pytestmark = pytest.mark.django_db(transaction=True)

PARAMETERS = (
    "game", "limit", "page", "cursor", "symbol", "side", "sort", "status", "depth", "interval", "period", "q", "tab",
    "day", "seed", "next",
)  # fmt: skip


def logged_in(exchange: Exchange) -> Client:
    """Return the browser of a player who has one open order."""
    exchange.submit("새벽개미", "buy", 1, 90_000)
    exchange.drain()
    browser = Client(raise_request_exception=False)
    browser.force_login(exchange.players["새벽개미"])
    return browser


def unsafe(player: Player, method: str, path: str, content: bytes, **headers: str) -> httpx.Response:
    """Send a request that only its body can make a bad one."""
    known = {"X-CSRFToken": player.http.cookies["csrftoken"], "Content-Type": "application/json"}
    return player.http.request(method, path, content=content, headers=known | headers)


@pytest.fixture
def trader(guest: Callable[[], Player], exchange: Exchange) -> Player:
    """Return a player with one open order, whose id is the `nickname`."""
    player = guest()
    player.nickname = player.order("AAA", "buy", 5, 90_000).json()["order_id"]
    exchange.drain()
    return player


def test_no_number_that_is_none_gets_through_order_entry(trader: Player) -> None:
    before = state_hash()
    for name, (text, status) in NUMBERS.items():
        for field in ("price", "quantity"):
            told = unsafe(trader, "POST", "/api/orders", order_body(**{field: text}))
            assert told.status_code == status, (name, field, told.text)
            told = unsafe(
                trader, "PATCH", f"/api/orders/{trader.nickname}", f'{{"{field}": {text}}}'.encode()
            )
            assert told.status_code == status, (name, field, told.text)
    for field in ("client_order_id", "symbol", "side", "type"):
        for name, (text, _) in NUMBERS.items():
            if (field, name) == ("client_order_id", "text"):
                continue  # "10" is a good id
            told = unsafe(trader, "POST", "/api/orders", order_body(**{field: text}))
            assert told.status_code == (404 if (field, name) == ("symbol", "text") else told.status_code), (
                name
            )
            assert 400 <= told.status_code < 500, (field, name, told.text)
    assert state_hash() == before


def test_no_body_that_is_none_gets_through_order_entry(trader: Player) -> None:
    before = state_hash()
    calls = [("POST", "/api/orders"), ("PATCH", f"/api/orders/{trader.nickname}")]
    for method, path in calls:
        for name, (body, status) in BODIES.items():
            told = unsafe(trader, method, path, body)
            assert told.status_code == status, (method, name, told.text)
        for content_type in CONTENT_TYPES:
            told = unsafe(trader, method, path, order_body(), **{"Content-Type": content_type})
            assert (told.status_code, told.json()["code"]) == (400, "invalid_request"), content_type
    for path in (f"/api/orders/{trader.nickname}", "/api/orders"):
        told = unsafe(trader, "DELETE", path, b"x" * LARGE_BYTES)
        assert (told.status_code, told.json()["code"]) == (413, "request_too_large")
    assert state_hash() == before


def test_a_megabyte_to_any_page_is_413_and_changes_nothing(trader: Player) -> None:
    before = state_hash()
    token = trader.http.cookies["csrftoken"].encode()
    form = b"csrfmiddlewaretoken=" + token + b"&text=" + b"x" * LARGE_BYTES
    for path in (
        "/chat/",
        "/orders/submit/",
        "/accounts/login/",
        "/admin/login/",
        "/api/market",
        "/no-such-page/",
    ):
        told = unsafe(trader, "POST", path, form, **{"Content-Type": "application/x-www-form-urlencoded"})
        assert told.status_code == 413, (path, told.status_code)
    # Of a length that is not said beforehand.
    chunks = (b"x" * 50_000 for _ in range(20))
    told = trader.http.post("/chat/", content=chunks, headers={"X-CSRFToken": token.decode()})
    assert told.status_code == 413
    assert state_hash() == before


def test_no_parameter_of_any_address_is_a_5xx(exchange: Exchange) -> None:
    browser = logged_in(exchange)
    addresses = (
        "/api/orders", "/api/fills", "/api/account", "/api/market", "/api/market/AAA/book", "/api/market/AAA/trades",
        "/api/market/AAA/candles", "/api/rankings/returns", "/api/rankings/mmr", "/api/rankings/last",
        "/api/rankings/game", "/api/chat", "/orders/", "/rankings/", "/practice/", "/accounts/login/",
        "/accounts/signup/", f"/games/{exchange.market.pk}/", f"/api/games/{exchange.market.pk}",
    )  # fmt: skip
    before, failed = state_hash(), []
    # Each text in each parameter, at one address after the other.
    for (name, text), address in zip(product(PARAMETERS, TEXTS), cycle(addresses), strict=False):
        answer = browser.get(address, QUERY_STRING=f"{name}={encoded(text)}")
        if answer.status_code >= 500:
            failed.append((address, name, text[:30], answer.status_code))
    assert failed == []
    assert state_hash() == before


def test_no_part_of_a_path_is_a_5xx(exchange: Exchange) -> None:
    browser = logged_in(exchange)
    before, failed = state_hash(), []
    places = (
        "/stocks/{}/", "/players/{}/", "/games/{}/", "/api/games/{}", "/api/games/{}/review", "/api/orders/{}",
        "/api/market/{}/book", "/api/market/{}/trades", "/api/market/{}/candles", "/orders/{}/cancel/",
        "/orders/{}/amend/", "/accounts/confirm-email/{}/", "/accounts/password/reset/key/{}/",
        "/accounts/password/reset/key/1-{}/", "/accounts/{}/login/", "/accounts/{}/login/callback/", "/static/{}",
        "/{}/",
    )  # fmt: skip
    for place, text in product(places, TEXTS):
        method = "POST" if place.startswith("/orders/") else "GET"
        answer = browser.generic(method, place.format(encoded(text)))
        if answer.status_code >= 500:
            failed.append((method, place, text[:30], answer.status_code))
    assert failed == []
    assert state_hash() == before


def test_no_text_in_a_form_is_an_order_that_was_not_meant(exchange: Exchange) -> None:
    browser = logged_in(exchange)
    good = {
        "client_order_id": "x",
        "symbol": "AAA",
        "side": "buy",
        "type": "limit",
        "price": "90000",
        "quantity": "1",
    }
    before = state_hash()
    for field in good:
        for text in TEXTS:
            # A price and quantity that a person could mean are no attack.
            plain = text.strip().encode("ascii", "ignore").decode()
            if (
                field == "client_order_id"
                and plain == text
                and text.replace("-", "").replace("_", "").isalnum()
            ):
                continue
            body = "&".join(f"{name}={encoded(value)}" for name, value in (good | {field: text}).items())
            answer = browser.generic("POST", "/orders/submit/", body, "application/x-www-form-urlencoded")
            assert answer.status_code < 500, (field, text)
    assert state_hash() == before


SAID: list[bytes | str] = [
    b"", b"{}", b"\x00", b"\xff\xfe",
    "", "[]", "null", "NaN", "{", '{"op": NaN}',
    '{"op": "ping", "sent_at_ms": NaN}', '{"op": "ping", "sent_at_ms": 1e309}',
    '{"op": "\\ud800"}', '{"op": "subscribe", "topics": ["\\udfff"]}', '{"a":' * 2_000, "[" * 10_000, "x" * 16_384,
    "가" * 6_000, "x" * 1_000_000,
]  # fmt: skip


def test_what_the_socket_cannot_read_closes_with_4400_and_changes_nothing(trader: Player) -> None:
    before = state_hash()
    with Speaker(trader) as speaker:
        for message in SAID:
            assert speaker.say(message) == 4400, message[:40]
            assert speaker.say({"op": "unsubscribe", "topics": []}) is None
    assert state_hash() == before


def test_no_value_of_any_op_breaks_the_socket(trader: Player) -> None:
    before = state_hash()
    said: list[dict[str, Any]] = []
    for value in field_values():
        said += [
            {"op": "ping", "sent_at_ms": value}, {"op": "subscribe", "topics": value},
            {"op": "subscribe", "topics": [value]}, {"op": "unsubscribe", "topics": [value]},
            {"op": "chat", "text": value},
            {"op": "practice", "do": value, "ref": "a"}, {"op": "practice", "do": "look", "ref": value},
            {"op": "practice", "do": "submit", "ref": "a", "client_order_id": "a", "symbol": "AAA", "side": "buy",
             "type": "market", "quantity": value},
            {"op": value if isinstance(value, str) else "nothing", "more": value},
        ]  # fmt: skip
    with Speaker(trader) as speaker:
        for message in said:
            assert speaker.say(message) is None, message
    assert state_hash() == before
