"""Order entry as an ASGI application: the order of its checks, row by row, against the real gate."""

import asyncio
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User
from stocking.base.headers import BARE_HEADERS
from trading import entry
from trading.entry import MAX_BODY_BYTES, OrderEntry
from trading.gate.client import gate
from trading.models import Order
from trading.tests.market import Exchange, open_exchange
from trading.wake import Waker

trades = pytest.mark.django_db(transaction=True)

HOST = "localhost:8000"


class Woken(Waker):
    """Notes what would be woken; tests drain by themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.listings: list[int] = []

    def wake(self, listings: Iterable[int]) -> None:
        self.listings += listings


@dataclass
class Answer:
    """What came back."""

    status: int
    body: dict[str, Any]
    headers: dict[bytes, bytes]

    @property
    def told(self) -> tuple[int, str]:
        """Status and code."""
        return self.status, self.body.get("code", "")


@dataclass
class Browser:
    """A browser that is logged in, or not, and may leave things out of its requests."""

    session: str = ""
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    entry: OrderEntry = field(default_factory=lambda: OrderEntry(Woken()))

    def scope(self, method: str, path: str, query: str = "", **changes: Any) -> dict[str, Any]:
        """Return a request as a server would hand it over; `changes` are headers, None leaves one out."""
        headers = {
            "host": HOST,
            "cookie": f"csrftoken={self.token}; sessionid={self.session}",
            "x-csrftoken": self.token,
            "origin": f"http://{HOST}",
            "content-type": "application/json",
        } | {name.replace("_", "-"): value for name, value in changes.items()}
        listed = [(name.encode(), value.encode()) for name, value in headers.items() if value is not None]
        return {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": listed,
        }

    async def send(
        self, method: str, path: str, body: bytes = b"", query: str = "", **changes: Any
    ) -> Answer:
        """Send one request and return its answer."""
        parts = [body[:10], body[10:]]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.entry(self.scope(method, path, query, **changes), receive, send)
        return Answer(sent[0]["status"], json.loads(sent[1]["body"]), dict(sent[0]["headers"]))

    def request(self, method: str, path: str, body: Any = None, query: str = "", **changes: Any) -> Answer:
        """Send one request on an event loop of its own; `body` is bytes, or encoded as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return asyncio.run(self.send(method, path, raw, query, **changes))

    def submit(self, **fields: Any) -> Answer:
        """Place an order; the fields of a good one unless changed, None leaves one out."""
        return self.request("POST", "/api/orders", order(**fields))


def order(**fields: Any) -> dict[str, Any]:
    """Return the body of an order for a fresh id."""
    whole = {
        "client_order_id": secrets.token_hex(8), "symbol": "AAA", "side": "buy", "type": "limit",
        "price": 100_000, "quantity": 1,
    } | fields  # fmt: skip
    return {name: value for name, value in whole.items() if value is not None}


@pytest.fixture
def exchange() -> Exchange:
    return open_exchange(symbols=("AAA", "BBB"))


def logged_in(user: User) -> str:
    """Log a user in; returns the session's key."""
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


@pytest.fixture
def me(exchange: Exchange) -> Browser:
    exchange.account("나")
    return Browser(session=logged_in(exchange.players["나"]))


@trades
def test_an_order_is_accepted_and_its_engine_woken_once(exchange: Exchange, me: Browser) -> None:
    answer = me.submit(client_order_id="first-1")
    assert answer.status == 202
    assert answer.body == {
        "order_id": answer.body["order_id"],
        "client_order_id": "first-1",
        "symbol": "AAA",
        "status": "accepted",
        "duplicate": False,
    }
    assert answer.headers[b"cache-control"] == b"no-store"
    assert me.submit().status == 202
    assert me.entry._waker.listings == [exchange.listings["AAA"].pk]  # type: ignore[attr-defined]
    exchange.drain()
    assert Order.objects.filter(client_order_id="first-1", user=exchange.players["나"]).count() == 1


# Each row breaks something and everything that is checked after it, so its code shows what is checked first.
CSRF = [
    {"x_csrftoken": None},
    {"x_csrftoken": "0" * 32},
    {"x_csrftoken": "short"},
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"cookie": None},
]


@pytest.mark.parametrize("changes", CSRF, ids=str)
def test_403_comes_before_a_bad_body_and_no_session(changes: dict[str, Any]) -> None:
    assert Browser().request("POST", "/api/orders", b"{", **changes).told == (403, "csrf_failed")


@trades
def test_what_is_remembered_of_one_browser_lets_no_other_in(exchange: Exchange, me: Browser) -> None:
    for origin in (None, f"http://{HOST}", f"https://{HOST}"):
        assert me.request("POST", "/api/orders", order(), origin=origin).status == 202
    stolen = {"cookie": f"csrftoken={secrets.token_hex(16)}; sessionid={me.session}"}
    assert me.request("POST", "/api/orders", order(), **stolen).told == (403, "csrf_failed")
    assert me.request("POST", "/api/orders", order(), origin="http://evil.example").told[0] == 403
    assert me.request("POST", "/api/orders", order(), host="evil.example").told[0] == 403


INVALID = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'{"a":' * 500,
    b"\xff\xfe",
    *(
        json.dumps(order(**{"client_order_id": "invalid", **fields})).encode()
        for fields in (
            {"price": 1.0},
            {"price": "100000"},
            {"price": True},
            {"price": None},
            {"type": "market"},
            {"quantity": 1.5},
            {"quantity": "1"},
            {"quantity": None},
            {"side": "hold"},
            {"side": None},
            {"type": "stop"},
            {"symbol": 7},
            {"symbol": "A A"},
            {"symbol": "A" * 17},
            {"symbol": "AAA\n"},
            {"client_order_id": ""},
            {"client_order_id": "a" * 37},
            {"client_order_id": "a b"},
            {"client_order_id": "a\n"},
            {"client_order_id": 5},
            {"client_order_id": None},
        )
    ),
]


@pytest.mark.parametrize("body", INVALID, ids=lambda body: body[:60].decode("latin-1"))
def test_400_comes_before_no_session(body: bytes) -> None:
    assert Browser().request("POST", "/api/orders", body).told == (400, "invalid_request")


@trades
def test_a_form_is_no_json_and_a_body_is_bounded(exchange: Exchange, me: Browser) -> None:
    body = json.dumps(order()).encode()
    for content_type in ("text/plain", "application/x-www-form-urlencoded", None):
        assert me.request("POST", "/api/orders", body, content_type=content_type).told == (
            400,
            "invalid_request",
        )
    assert (
        me.request("POST", "/api/orders", body, content_type="Application/JSON; charset=utf-8").status == 202
    )
    large = b" " * (MAX_BODY_BYTES + 1)
    assert me.request("POST", "/api/orders", large).told == (413, "request_too_large")


@trades
def test_401_comes_before_everything_the_gate_knows(exchange: Exchange, me: Browser) -> None:
    for session in ("", "a" * 32, "A" * 32, "x y", "*", "a" * 65):
        browser = Browser(session=session)
        assert browser.submit(symbol="NONE").told == (401, "not_authenticated")
        assert browser.request("PATCH", "/api/orders/1-1-1", {"quantity": 1}).status == 401
        assert browser.request("DELETE", "/api/orders/1-1-1").told == (401, "not_authenticated")
        assert browser.request("DELETE", "/api/orders").told == (401, "not_authenticated")
    # A session ends for the gate with the logout.
    assert me.submit(quantity=10**30).status == 422
    assert me.submit().status == 202
    client = Client()
    client.cookies["sessionid"] = me.session
    client.logout()
    assert me.submit().told == (401, "not_authenticated")


@trades
def test_a_repeat_comes_before_the_rate_and_the_rate_before_the_rules(
    exchange: Exchange, me: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "ORDER_RATE_BURST", 2)
    monkeypatch.setattr(settings, "ORDER_RATE_PER_SECOND", 1)
    body = order(client_order_id="once")
    first = me.request("POST", "/api/orders", body)
    assert me.submit().status == 202
    again = me.request("POST", "/api/orders", body)
    assert (again.status, again.body) == (202, {**first.body, "duplicate": True})
    assert me.request("POST", "/api/orders", {**body, "quantity": 2}).told == (422, "client_order_id_reused")
    limited = me.submit(symbol="NONE", quantity=-1)
    assert limited.told == (429, "rate_limited")
    assert 1 <= int(limited.headers[b"retry-after"]) <= 2
    assert 0 < limited.body["retry_after_ms"] <= 1_000


# In the order of precedence: each row breaks its own rule and those below it.
RULES: list[tuple[dict[str, Any], tuple[int, str]]] = [
    ({"symbol": "NONE", "quantity": 0, "price": 7}, (404, "unknown_symbol")),
    ({"symbol": "BBB", "quantity": 0, "price": 7}, (422, "halted")),
    ({"quantity": 0, "price": 7}, (422, "invalid_quantity")),
    ({"quantity": -1, "price": 7}, (422, "invalid_quantity")),
    ({"quantity": 10**9 + 1, "price": 7}, (422, "order_too_large")),
    ({"quantity": 10**9, "price": 7 + 10**6}, (422, "order_too_large")),
    ({"quantity": 10**6, "price": 100_001}, (422, "invalid_tick")),
    ({"quantity": 10**6, "price": -100}, (422, "invalid_tick")),
    ({"quantity": 10**6, "price": 200_000}, (422, "price_out_of_range")),
    ({"quantity": 10**6}, (422, "insufficient_cash")),
    ({"quantity": 10**6, "side": "sell"}, (422, "insufficient_shares")),
]


@trades
def test_the_rules_come_in_their_order(
    exchange: Exchange, me: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange.halt("BBB")
    before = gate().sequences([listing.pk for listing in exchange.listings.values()])
    for fields, told in RULES:
        assert me.submit(**fields).told == told, fields
    assert gate().sequences([listing.pk for listing in exchange.listings.values()]) == before
    monkeypatch.setattr(settings, "MAX_OPEN_ORDERS", 1)
    assert me.submit().status == 202
    assert me.submit(quantity=10**6).told == (422, "too_many_open_orders")


@trades
def test_twenty_at_once_with_one_id_are_one_order(exchange: Exchange, me: Browser) -> None:
    body = json.dumps(order(client_order_id="race")).encode()

    async def race() -> list[Answer]:
        return await asyncio.gather(*(me.send("POST", "/api/orders", body) for _ in range(20)))

    answers = asyncio.run(race())
    assert {answer.status for answer in answers} == {202}
    assert len({answer.body["order_id"] for answer in answers}) == 1
    assert sorted(answer.body["duplicate"] for answer in answers) == [False] + [True] * 19
    exchange.drain()
    assert Order.objects.count() == 1


@trades
def test_amend_and_cancel(exchange: Exchange, me: Browser) -> None:
    order_id = me.submit(quantity=2).body["order_id"]
    path = f"/api/orders/{order_id}"
    assert me.request("PATCH", path, {}).told == (400, "invalid_request")
    assert me.request("PATCH", path, {"quantity": 2.5}).told == (400, "invalid_request")
    assert me.request("PATCH", path, {"quantity": 0}).told == (422, "invalid_quantity")
    assert me.request("PATCH", path, {"quantity": 1}).status == 202
    assert me.request("PATCH", path, {"quantity": 2}).told == (422, "amend_pending")
    exchange.account("남")
    other = Browser(session=logged_in(exchange.players["남"]))
    for method, body in (("PATCH", {"quantity": 1}), ("DELETE", None)):
        assert other.request(method, path, body).told == (404, "order_not_found")
        for unknown in ("1-1-999", "0", "x", "1-1-1-1", "1-1-１"):
            assert me.request(method, f"/api/orders/{unknown}", body).told == (404, "order_not_found")
    assert me.request("DELETE", path).body == {
        "order_id": order_id,
        "status": "accepted",
        "duplicate": False,
    }
    assert me.request("DELETE", path).body["duplicate"] is True
    exchange.drain()
    assert me.request("DELETE", path).told == (422, "order_not_open")


@trades
def test_cancel_all_wants_one_plain_symbol(exchange: Exchange, me: Browser) -> None:
    assert me.submit(symbol="AAA").status == me.submit(symbol="BBB").status == 202
    for query in ("symbol=", "symbol=A%20A", "symbol=AAA&symbol=BBB"):
        assert me.request("DELETE", "/api/orders", query=query).told == (400, "invalid_request")
    assert me.request("DELETE", "/api/orders/").status in (404, 405)
    assert me.request("DELETE", "/api/orders", query="symbol=AAA").status == 202
    exchange.drain()
    assert list(Order.objects.filter(status="open").values_list("listing__symbol", flat=True)) == ["BBB"]
    assert me.request("DELETE", "/api/orders").status == 202
    exchange.drain()
    assert not Order.objects.filter(status="open").exists()


@trades
def test_other_methods_and_a_store_that_is_away(
    exchange: Exchange, me: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert me.request("PUT", "/api/orders", order()).told == (405, "method_not_allowed")
    assert me.request("POST", "/api/orders/1-1-1", order()).told == (405, "method_not_allowed")
    assert not me.entry.serves(me.scope("GET", "/api/orders"))
    assert not me.entry.serves(me.scope("POST", "/api/ordersandmore"))
    gate().shut()
    assert me.submit().told == (503, "recovering")
    monkeypatch.setattr(settings, "ORDER_REDIS_URL", "redis://127.0.0.1:1/0")
    assert me.submit().told == (503, "outcome_unknown")
    monkeypatch.undo()


async def from_address(browser: Browser, peer: str, **headers: str) -> tuple[int, Answer]:
    """Send a junk order from an address; returns the status, and the answer."""
    scope = browser.scope("POST", "/api/orders", **headers) | {"client": (peer, 1)}
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await browser.entry(scope, receive, send)
    answer = Answer(sent[0]["status"], json.loads(sent[1]["body"]), dict(sent[0]["headers"]))
    return answer.status, answer


async def test_an_address_that_floods_is_refused_whoever_it_says_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "ADDRESS_ORDER_RATE_BURST", 3)
    monkeypatch.setattr(settings, "ADDRESS_ORDER_RATE_PER_SECOND", 0.001)
    me = Browser(session="a" * 32)
    attacker = [
        ("203.0.113.66", {}), ("203.0.113.66", {"x_forwarded_for": "1.2.3.4"}),
        ("::ffff:203.0.113.66", {"cookie": f"csrftoken={me.token}; sessionid={'b' * 32}"}),
        ("203.0.113.66", {"x_forwarded_for": "5.6.7.8, 9.9.9.9"}),
    ]  # fmt: skip
    told = [await from_address(me, peer, **headers) for peer, headers in attacker]
    assert [status for status, _ in told] == [400, 400, 400, 429]
    refused = told[-1][1]
    assert refused.body["code"] == "rate_limited"
    assert 999_000 < refused.body["retry_after_ms"] <= 1_000_000
    assert refused.headers[b"retry-after"] == b"1000"
    assert (await from_address(me, "198.51.100.7"))[0] == 400, "others are served"
    household = [(await from_address(me, f"2001:db8:1:1::{n}"))[0] for n in range(4)]
    assert household == [400, 400, 400, 429]
    monkeypatch.setattr(settings, "TRUSTED_PROXIES", 1)
    behind = [
        (await from_address(me, "10.0.0.1", x_forwarded_for=f"1.1.1.{n}, 192.0.2.9"))[0] for n in range(4)
    ]
    assert behind == [400, 400, 400, 429]
    monkeypatch.setattr(settings, "ADDRESS_ORDER_RATE_BURST", 0)
    assert (await from_address(me, "203.0.113.66"))[0] == 400, "a burst of 0 lifts the limit"


def test_every_answer_forbids_the_browser_what_it_need_not_do() -> None:
    headers = Browser().request("POST", "/api/orders", b"{").headers
    for name, value in BARE_HEADERS:
        assert headers[name] == value
    assert headers[b"content-security-policy"].startswith(b"default-src 'none'")
    assert headers[b"cache-control"] == b"no-store"


def test_the_message_speaks_the_browser_s_language() -> None:
    texts = {
        language: Browser().request("POST", "/api/orders", b"{", accept_language=language).body["message"]
        for language in ("ko", "en", "xx")
    }
    assert texts["xx"] == texts["ko"] and all(texts.values())


def test_what_is_longer_than_a_browser_sends_is_not_kept_in_memory() -> None:
    browser = Browser()
    long, host = "x" * 100_000, "y" * 100_000
    kept = entry._session_checked.cache_info().currsize
    cookie = f"csrftoken={browser.token}; other={long}"
    for changes in ({"cookie": cookie}, {"host": host, "origin": None}):
        assert browser.request("POST", "/api/orders", {}, **changes).told == (400, "invalid_request")
    assert entry._session_checked.cache_info().currsize == kept
