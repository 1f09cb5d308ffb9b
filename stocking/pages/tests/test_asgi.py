"""The ASGI application: few pages at once, the others in line."""

import asyncio
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler

from stocking import asgi


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
    asked = list(range(5 * asgi.PAGES_AT_ONCE))
    assert await asyncio.gather(*(pages.get_response_async(number) for number in asked)) == asked
    assert most == asgi.PAGES_AT_ONCE
