"""One ASGI application: order entry and the socket in front, everything else to Django."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stocking.settings")
_django = get_asgi_application()

from typing import Any  # noqa: E402

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import URLRouter  # noqa: E402
from django.urls import path  # noqa: E402

from stocking.base.consumers import SERVER_SEND, StreamConsumer  # noqa: E402
from trading.entry import OrderEntry  # noqa: E402

_entry = OrderEntry()
_sockets = AuthMiddlewareStack(URLRouter([path("ws/", StreamConsumer.as_asgi())]))


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
    """Nothing to open before the first request, nothing to close after the last."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
