"""The one WebSocket consumer, `/ws/`: subscriptions to registered topics and registered operations.

A message is serialised once by its publisher; here it is only passed on. A socket that does not read is closed.
"""

import asyncio
import time
from typing import Any

import msgspec
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from stocking.base import stream
from stocking.base.errors import message_of
from stocking.base.units import now_ms

MAX_TOPICS = 32
MAX_MESSAGE_CHARACTERS = 16_384
MESSAGES_PER_SECOND = 20
MESSAGES_BURST = 60
SEND_TIMEOUT_SECONDS = 5.0

CLOSE_BAD_MESSAGE = 4400
CLOSE_SESSION_ENDED = 4401
CLOSE_ORIGIN = 4403
CLOSE_TOO_SLOW = 4408
CLOSE_LOGGED_IN_ELSEWHERE = 4409
CLOSE_TOO_MANY = 4429


def origin_allowed(origin: str | None, host: str | None) -> bool:
    """Return whether a browser's `Origin` is this site itself or one the settings trust."""
    if not origin or not host:
        return False
    return origin in (f"http://{host}", f"https://{host}") or origin in settings.CSRF_TRUSTED_ORIGINS


class StreamConsumer(AsyncWebsocketConsumer):
    """One socket: follows topics by version, answers pings, passes operations to the applications."""

    async def connect(self) -> None:
        """Accept first, so that a refusal arrives with its close code."""
        self.user: Any = None
        self._versions: dict[str, int] = {}
        self._groups: dict[str, str] = {}
        self._tokens, self._refilled = float(MESSAGES_BURST), time.monotonic()
        await self.accept()
        headers = dict(self.scope["headers"])
        origin, host = (headers.get(name, b"").decode("latin-1") for name in (b"origin", b"host"))
        if not origin_allowed(origin, host):
            await self.close(CLOSE_ORIGIN)
            return
        user = self.scope.get("user")
        self.user = user if user is not None and user.is_authenticated and user.is_active else None

    async def disconnect(self, code: int) -> None:
        """Leave every group."""
        for topic in list(self._groups):
            await self._leave(topic)

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
                await self._leave(name)
            else:
                await self._join(name)

    async def _join(self, name: str) -> None:
        topic = name
        if name == "me":
            if self.user is None:
                await self.send_error("not_authenticated", topic=name)
                return
            topic = f"me:{self.user.pk}"
        family = stream.topic_of(topic)
        if family is None or (family.private and name != "me"):
            await self.send_error("invalid_request", topic=name[:64])
            return
        if name not in self._groups:
            if len(self._groups) >= MAX_TOPICS:
                await self.close(CLOSE_TOO_MANY)
                return
            self._groups[name] = stream.group_of(topic)
            await self.channel_layer.group_add(self._groups[name], self.channel_name)
        found = await stream.snapshot_async(topic)
        self._versions[name] = found.version
        await self._send(
            f'{{"topic":"{name}","type":"snapshot","version":{found.version},"data":{found.data}}}'
        )

    async def _leave(self, name: str) -> None:
        group = self._groups.pop(name, None)
        self._versions.pop(name, None)
        if group is not None:
            await self.channel_layer.group_discard(group, self.channel_name)

    async def stream_message(self, event: dict[str, Any]) -> None:
        """Pass a published message on, unless the snapshot already sent includes it."""
        name, version = event["topic"], event["version"]
        seen = self._versions.get(name)
        if seen is None or version <= seen:
            return
        self._versions[name] = version
        await self._send(event["text"])

    async def send_error(self, code: str, **extra: Any) -> None:
        """Tell the client what was refused and why."""
        await self._send_json({"type": "error", "code": code, "message": message_of(code), **extra})

    async def _send_json(self, message: dict[str, Any]) -> None:
        await self._send(msgspec.json.encode(message).decode())

    async def _send(self, text: str) -> None:
        try:
            await asyncio.wait_for(self.send(text_data=text), SEND_TIMEOUT_SECONDS)
        except TimeoutError:
            await self.close(CLOSE_TOO_SLOW)
