"""The one WebSocket consumer, `/ws/`: subscriptions to registered topics and registered operations.

A message is serialised once by its publisher; here it is only passed on. A socket that does not read is closed.
"""

import logging
import time
from typing import Any

import msgspec
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from prometheus_client import Counter, Gauge
from redis.exceptions import RedisError

from stocking.base import stream
from stocking.base.errors import message_of
from stocking.base.fanout import Follower, fanout
from stocking.base.outlets import Message, Outlet, QueueOutlet, TransportOutlet, protocol_of
from stocking.base.units import now_ms

logger = logging.getLogger(__name__)

SERVER_SEND = "stocking.server_send"  # in the scope: the server's own `send`, before any middleware
MAX_TOPICS = 32
MAX_MESSAGE_CHARACTERS = 16_384
MESSAGES_PER_SECOND = 20
MESSAGES_BURST = 60
TRY_AGAIN_LATER = 1013  # RFC 6455's registry: the bus is away

CLOSE_BAD_MESSAGE = 4400
CLOSE_SESSION_ENDED = 4401
CLOSE_ORIGIN = 4403
CLOSE_TOO_SLOW = 4408
CLOSE_LOGGED_IN_ELSEWHERE = 4409
CLOSE_TOO_MANY = 4429


sockets_open = Gauge("stocking_sockets_open", "WebSockets open in this process")
sockets_dropped = Counter("stocking_sockets_dropped", "WebSockets closed because they did not read")


def origin_allowed(origin: str | None, host: str | None) -> bool:
    """Return whether a browser's `Origin` is this site itself or one the settings trust."""
    if not origin or not host:
        return False
    return origin in (f"http://{host}", f"https://{host}") or origin in settings.CSRF_TRUSTED_ORIGINS


class StreamConsumer(AsyncWebsocketConsumer):
    """One socket: follows topics by version, answers pings, passes operations to the applications."""

    channel_layer_alias = "none"  # messages come by the fan-out of the process

    async def connect(self) -> None:
        """Accept first, so that a refusal arrives with its close code."""
        self.user: Any = None
        self._followed: dict[str, Follower] = {}
        self._tokens, self._refilled = float(MESSAGES_BURST), time.monotonic()
        self._outlet: Outlet = self._open_outlet()
        sockets_open.inc()
        await self.accept()
        headers = dict(self.scope["headers"])
        origin, host = (headers.get(name, b"").decode("latin-1") for name in (b"origin", b"host"))
        if not origin_allowed(origin, host):
            await self.close(CLOSE_ORIGIN)
            return
        user = self.scope.get("user")
        self.user = user if user is not None and user.is_authenticated and user.is_active else None

    async def disconnect(self, code: int) -> None:
        """Follow nothing any more."""
        for name in list(self._followed):
            self._leave(name)
        self._outlet.close()
        sockets_open.dec()

    def _open_outlet(self) -> Outlet:
        protocol = protocol_of(self.scope.get(SERVER_SEND))
        if protocol is not None:
            return TransportOutlet(protocol, self._too_slow)
        return QueueOutlet(lambda text: self.send(text_data=text), self.close, self._too_slow)

    def _too_slow(self) -> None:
        """Drop a socket that does not read; whatever it follows goes on without it."""
        sockets_dropped.inc()
        logger.info("A socket that does not read is dropped.")
        for name in list(self._followed):
            self._leave(name)
        self._outlet.drop(CLOSE_TOO_SLOW)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Handle one message of the client; what cannot be understood closes the socket."""
        if text_data is None or len(text_data) > MAX_MESSAGE_CHARACTERS:
            await self.close(CLOSE_BAD_MESSAGE)
            return
        if not self._take_token():
            await self.close(CLOSE_TOO_MANY)
            return
        try:
            message = msgspec.json.decode(text_data)
        except (msgspec.DecodeError, RecursionError, ValueError):
            await self.close(CLOSE_BAD_MESSAGE)
            return
        if not isinstance(message, dict) or not isinstance(message.get("op"), str):
            await self.close(CLOSE_BAD_MESSAGE)
            return
        await self._handle(message["op"], message)

    def _take_token(self) -> bool:
        now = time.monotonic()
        self._tokens = min(MESSAGES_BURST, self._tokens + (now - self._refilled) * MESSAGES_PER_SECOND)
        self._refilled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    async def _handle(self, op: str, message: dict[str, Any]) -> None:
        if op == "ping":
            sent_at = message.get("sent_at_ms")
            await self._send_json(
                {
                    "type": "pong",
                    "sent_at_ms": sent_at if isinstance(sent_at, int | float) else None,
                    "server_time_ms": now_ms(),
                }
            )
        elif op in ("subscribe", "unsubscribe"):
            await self._handle_topics(op, message.get("topics"))
        else:
            handler = stream.operation(op)
            if handler is None:
                await self.send_error("invalid_request")
            else:
                await handler(self, message)

    async def _handle_topics(self, op: str, topics: Any) -> None:
        if (
            not isinstance(topics, list)
            or len(topics) > MAX_TOPICS
            or not all(isinstance(t, str) for t in topics)
        ):
            await self.send_error("invalid_request")
            return
        for name in topics:
            if op == "unsubscribe":
                self._leave(name)
            else:
                await self._join(name)

    async def _join(self, name: str) -> None:
        topic = name
        if stream.is_private(name):
            if self.user is None:
                await self.send_error("not_authenticated", topic=name)
                return
            topic = f"{name}:{self.user.pk}"
        family = stream.topic_of(topic)
        if family is None or (family.private and ":" in name):
            await self.send_error("invalid_request", topic=name[:64])
            return
        follower = self._followed.get(name)
        try:
            if follower is None:
                if len(self._followed) >= MAX_TOPICS:
                    await self.close(CLOSE_TOO_MANY)
                    return
                follower = self._followed[name] = Follower(name, topic, self._outlet)
                await fanout().follow(follower)
            follower.hold()
            found = await stream.snapshot_async(topic)
        except (RedisError, OSError, TimeoutError) as error:
            logger.warning("The bus is away: %s", error)
            await self.close(TRY_AGAIN_LATER)
            return
        follower.begin(found)

    def _leave(self, name: str) -> None:
        follower = self._followed.pop(name, None)
        if follower is not None:
            fanout().leave(follower)

    async def send_error(self, code: str, **extra: Any) -> None:
        """Tell the client what was refused and why."""
        await self._send_json({"type": "error", "code": code, "message": message_of(code), **extra})

    async def _send_json(self, message: dict[str, Any]) -> None:
        self._outlet.put(Message(msgspec.json.encode(message).decode()))

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close the socket; nothing more is written."""
        await self._outlet.flush()
        self._outlet.close()
        await super().close(code, reason)
