"""The ASGI application: few pages at once, the others in line."""

import asyncio
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.test import RequestFactory

from stocking import asgi
from stocking.base.headers import BARE_HEADERS


async def test_only_a_few_pages_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    running = most = 0

    async def answer(self: ASGIHandler, request: Any) -> Any:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return request

    monkeypatch.setattr(ASGIHandler, "get_response_async", answer)
    pages = asgi.Pages()
    asked = [RequestFactory().get(f"/games/{number}/") for number in range(5 * asgi.PAGES_AT_ONCE)]
    assert await asyncio.gather(*(pages.get_response_async(request) for request in asked)) == asked
    assert most == asgi.PAGES_AT_ONCE


async def test_who_has_many_passwords_hashed_keeps_no_page_from_anybody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answered: list[str] = []
    may_finish = asyncio.Event()

    async def answer(self: ASGIHandler, request: Any) -> Any:
        if request.path == "/accounts/login/":
            await may_finish.wait()
        answered.append(request.path)

    monkeypatch.setattr(ASGIHandler, "get_response_async", answer)
    pages, requests = asgi.Pages(), RequestFactory()
    logins = [requests.post("/accounts/login/") for _ in range(5 * asgi.PAGES_AT_ONCE)]
    waiting = asyncio.gather(*(pages.get_response_async(login) for login in logins))
    others = [requests.get("/"), requests.post("/accounts/guest/"), requests.post("/orders/submit/")]
    async with asyncio.timeout(5):
        await asyncio.gather(*(pages.get_response_async(other) for other in others))
    assert sorted(answered) == ["/", "/accounts/guest/", "/orders/submit/"]
    may_finish.set()
    await waiting
    assert len(answered) == len(others) + len(logins)


async def asked(scope: dict[str, Any], *parts: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
    """Send a request through the whole application; returns status, headers and body."""
    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    whole = {"type": "http", "method": "POST", "query_string": b"", "headers": [(b"host", b"x")], **scope}
    await asgi.application(whole, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    left = len(waiting)
    return sent[0]["status"], dict(sent[0]["headers"]) | {b"left": b"%d" % left}, body


@pytest.mark.parametrize("path", ["/accounts/login/", "/api/market", "/nothing/"])
async def test_a_body_that_goes_on_and_on_is_not_read_to_its_end(path: str) -> None:
    status, headers, body = await asked({"path": path}, *[b"x" * 16_384] * 100)
    assert status == 413
    assert body
    assert int(headers[b"left"]) > 80
    names = {name.decode().lower() for name in headers}
    assert names >= {name.decode() for name, _ in BARE_HEADERS}


async def test_a_request_that_is_none_is_answered_with_all_headers() -> None:
    status, headers, _ = await asked(
        {"path": "/", "query_string": b"\xff", "headers": [(b"cookie", b"a=\xff")]}
    )
    assert status == 400
    names = {name.decode().lower() for name in headers}
    assert names >= {name.decode() for name, _ in BARE_HEADERS}
