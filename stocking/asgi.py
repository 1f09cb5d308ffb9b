"""One ASGI application: order entry and the socket in front, everything else to Django."""

import asyncio
import os
from contextlib import nullcontext
from typing import Any

import django
from django.core.handlers.asgi import ASGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stocking.settings")
django.setup(set_prefix=False)

from channels.routing import URLRouter  # noqa: E402
from django.urls import path  # noqa: E402

from accounts.mail_backend import last_mail_send  # noqa: E402
from accounts.sockets import SocketLogin  # noqa: E402
from stocking.base.api import error_response  # noqa: E402
from stocking.base.consumers import SERVER_SEND, StreamConsumer  # noqa: E402
from stocking.base.content_policy import BARE_POLICY  # noqa: E402
from stocking.base.errors import ApplicationError, http_status  # noqa: E402
from stocking.base.headers import headers_complete  # noqa: E402
from trading.entry import OrderEntry, answer  # noqa: E402

PAGES_AT_ONCE = 4
# Of these so many for forms that may hash a password, a tenth of a second and more on a processor: whoever sends many
# waits for them in a line of their own. Playing at once and leaving hash nothing.
PASSWORDS_AT_ONCE = 2
FORMS_THAT_HASH = "/accounts/"
HASH_NOTHING = ("/accounts/guest/", "/accounts/logout/")
MAX_BODY_BYTES = 256 * 1024  # the longest form is one of the admin's; nothing is uploaded here


class BodyTooLargeError(Exception):
    """More came than any form of ours sends."""


class Pages(ASGIHandler):
    """Django, a few requests at a time; the others wait in line, their bodies read, which are bounded.

    Each request has a thread of its own. More of them at once would not be faster, but keep order entry from
    its processor, hash passwords in 100 MB each, and wait for SQLite's one writer until they give up.
    """

    def __init__(self) -> None:
        super().__init__()
        self._slots = asyncio.Semaphore(PAGES_AT_ONCE)
        self._password_slots = asyncio.Semaphore(PASSWORDS_AT_ONCE)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request; one with too large a body by 413, as soon as that is known."""
        try:
            if _length_told(scope) > MAX_BODY_BYTES:
                raise BodyTooLargeError
            await super().__call__(scope, receive, send)
        except BodyTooLargeError:
            await answer(
                send, http_status("request_too_large"), ApplicationError("request_too_large").as_dict()
            )

    async def read_body(self, receive: Any) -> Any:
        """Return the body in a file, which is on the disk when it is long: hence the bound."""
        taken = 0

        async def bounded() -> Any:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_BODY_BYTES:
                raise BodyTooLargeError
            return message

        return await super().read_body(bounded)

    async def get_response_async(self, request: Any) -> Any:
        """Answer one request when it is its turn."""
        async with self._password_slots if _may_hash(request) else nullcontext(), self._slots:
            return await super().get_response_async(request)

    def create_request(self, scope: Any, body_file: Any) -> Any:
        """Return the request, or the answer to one that is none; Django's own would be a blank page."""
        request, refusal = super().create_request(scope, body_file)
        return request, refusal and error_response("invalid_request")

    async def send_response(self, response: Any, send: Any) -> None:
        """Send an answer with all of its headers, also one that never passed the middleware."""
        headers_complete(response.headers)
        response.headers.setdefault("Content-Security-Policy", BARE_POLICY)
        await super().send_response(response, send)


def _may_hash(request: Any) -> bool:
    """Return whether answering may take the hashing of a password."""
    path: str = request.path_info
    return request.method == "POST" and path.startswith(FORMS_THAT_HASH) and path not in HASH_NOTHING


def _length_told(scope: Any) -> int:
    """Return what the request says of its length; 0 where it says nothing, a server refuses what is no number."""
    told = dict(scope["headers"]).get(b"content-length", b"")
    return int(told[:15]) if told.isdigit() else 0


_django = Pages()
_entry = OrderEntry()
_sockets = SocketLogin(URLRouter([path("ws/", StreamConsumer.as_asgi())]))


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Route one connection to order entry, the socket, or Django."""
    if scope["type"] == "websocket":
        if scope["path"] != "/ws/":
            await send({"type": "websocket.close"})
            return
        await _sockets({**scope, SERVER_SEND: send}, receive, send)
    elif scope["type"] == "http" and _entry.serves(scope):
        await _entry(scope, receive, send)
    elif scope["type"] == "lifespan":
        await _lifespan(receive, send)
    else:
        await _django(scope, receive, send)


async def _lifespan(receive: Any, send: Any) -> None:
    """Nothing to open before the first request; after the last, mail that pages have handed in goes out."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            await asyncio.to_thread(last_mail_send)
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
