"""The one WebSocket consumer, `/ws/`: subscriptions to registered topics and registered operations.

A message is serialised once by its publisher; here it is only passed on. A socket that does not read is closed, and one
whose login has ended.
"""

import asyncio
import logging
import time
from collections import Counter as CounterOf
from ipaddress import ip_address
from typing import Any

import msgspec
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from prometheus_client import Counter, Gauge
from redis.exceptions import RedisError

from stocking.base import stream
from stocking.base.addresses import UNKNOWN, address_group, scope_address
from stocking.base.errors import message_of
from stocking.base.fanout import Follower, fanout
from stocking.base.logins import Login, speakers
from stocking.base.origins import is_of_this_site
from stocking.base.outlets import (
    LAST_WORD_SECONDS,
    Message,
    Outlet,
    QueueOutlet,
    TransportOutlet,
    protocol_of,
)
from stocking.base.units import now_ms

logger = logging.getLogger(__name__)

SERVER_SEND = "stocking.server_send"  # in the scope: the server's own `send`, before any middleware
MAX_TOPICS = 32
SOCKETS_PER_USER_MAX = 20  # in one process, as those of an address
MAX_MESSAGE_BYTES = 16_384
MESSAGES_PER_SECOND = 20
MESSAGES_BURST = 60
TRY_AGAIN_LATER = 1013  # RFC 6455's registry: the bus is away

CLOSE_BAD_MESSAGE = 4400
CLOSE_SESSION_ENDED = 4401
CLOSE_ORIGIN = 4403
CLOSE_TOO_SLOW = 4408
CLOSE_LOGGED_IN_ELSEWHERE = 4409
CLOSE_TOO_MANY = 4429
# What a socket is told before it is closed because the login it spoke for is over.
ENDED = {CLOSE_SESSION_ENDED: "session_ended", CLOSE_LOGGED_IN_ELSEWHERE: "logged_in_elsewhere"}

sockets_open = Gauge("stocking_sockets_open", "WebSockets open in this process")
sockets_dropped = Counter("stocking_sockets_dropped", "WebSockets closed because they did not read")


_sockets_of: CounterOf[str] = CounterOf()


def counted_address(scope: dict[str, Any]) -> str:
    """Return what a connection's sockets are counted by, "" for this machine itself and for who has no address."""
    address = scope_address(scope)
    return "" if address == UNKNOWN or ip_address(address).is_loopback else address_group(address)


def is_too_long(text: str) -> bool:
    """Return whether a message has more bytes than a client may send."""
    if len(text) > MAX_MESSAGE_BYTES or text.isascii():
        return len(text) > MAX_MESSAGE_BYTES
    return len(text.encode()) > MAX_MESSAGE_BYTES


class StreamConsumer(AsyncWebsocketConsumer):
    """One socket: follows topics by version, answers pings, passes operations to the applications."""

    channel_layer_alias = "none"  # messages come by the fan-out of the process

    async def connect(self) -> None:
        """Accept first, so that a refusal arrives with its close code."""
        self.user: Any = None
        self.login: Login | None = None
        self._address = ""
        self._is_closing = self._is_close_sent = False
        self._followed: dict[str, Follower] = {}
        self._tokens, self._refilled = float(MESSAGES_BURST), time.monotonic()
        self._outlet: Outlet = self._open_outlet()
        sockets_open.inc()
        await self.accept()
        if not is_of_this_site(self.scope):
            await self.close(CLOSE_ORIGIN)
            return
        if not self._enter(counted_address(self.scope)):
            await self.close(CLOSE_TOO_MANY)
            return
        if self.scope.get("login_ended") is not None:
            await self._say_goodbye(self.scope["login_ended"])
            return
        login: Login | None = self.scope.get("login")
        if login is not None and speakers().count(login.user_id) >= SOCKETS_PER_USER_MAX:
            await self.close(CLOSE_TOO_MANY)
            return
        self.user, self.login = self.scope.get("user"), login
        speakers().join(self)

    def _enter(self, address: str) -> bool:
        """Count one more socket of an address, unless there are too many."""
        if address and 0 < settings.SOCKETS_PER_ADDRESS <= _sockets_of[address]:
            return False
        self._address = address
        if address:
            _sockets_of[address] += 1
        return True

    async def disconnect(self, code: int) -> None:
        """Follow nothing any more."""
        self._let_go()
        self._outlet.close()
        sockets_open.dec()
        if self._address:
            _sockets_of[self._address] -= 1
            if not _sockets_of[self._address]:
                del _sockets_of[self._address]

    def _let_go(self) -> None:
        """Follow nothing and speak for nobody any more."""
        for name in list(self._followed):
            self._leave(name)
        speakers().leave(self)
        self.user = self.login = None

    async def end_login(self, code: int) -> None:
        """Close the socket because the login it spoke for is over, and say so; from now on nothing is done for it."""
        if self.login is None or self._is_closing:
            return
        follower = self._followed.get("me")
        self._let_go()
        await self._say_goodbye(code, follower)

    async def _say_goodbye(self, code: int, private: Follower | None = None) -> None:
        """Say why the login is over, as a notice where `me` is followed, and close; give up who does not read it."""
        text = message_of(ENDED[code])
        if private is not None and private.version:
            notice = {"kind": "notice", "text": text, "level": "warning", "sent_at": now_ms()}
            await self._send_json(
                {"topic": "me", "type": "update", "version": private.version + 1, "data": notice}
            )
        else:
            await self.send_error(ENDED[code])
        try:
            async with asyncio.timeout(1.5 * LAST_WORD_SECONDS):
                await self.close(code, text)
        except TimeoutError:
            self._outlet.drop(code)

    def _open_outlet(self) -> Outlet:
        protocol = protocol_of(self.scope.get(SERVER_SEND))
        if protocol is not None:
            return TransportOutlet(protocol, self._too_slow)
        return QueueOutlet(lambda text: self.send(text_data=text), self.close, self._too_slow)

    def _too_slow(self) -> None:
        """Drop a socket that does not read; whatever it follows goes on without it."""
        sockets_dropped.inc()
        logger.info("A socket that does not read is dropped.")
        self._is_closing = True
        self._let_go()
        self._outlet.drop(CLOSE_TOO_SLOW)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Handle one message of the client; what cannot be understood closes the socket."""
        if self._is_closing:
            return
        if text_data is None or is_too_long(text_data):
            await self.close(CLOSE_BAD_MESSAGE)
            return
        if not self._take_tokens(1):
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

    def _take_tokens(self, count: int) -> bool:
        now = time.monotonic()
        self._tokens = min(MESSAGES_BURST, self._tokens + (now - self._refilled) * MESSAGES_PER_SECOND)
        self._refilled = now
        if self._tokens < count:
            return False
        self._tokens -= count
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
        # Each topic is a snapshot to be made, so it counts as a message.
        if op == "subscribe" and not self._take_tokens(len(topics) - 1):
            await self.close(CLOSE_TOO_MANY)
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
        if self._followed.get(name) is follower:  # else the login ended meanwhile
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
        """Close the socket; nothing more is written, and nothing that still comes is looked at."""
        self._is_closing = True
        await self._outlet.flush()
        self._outlet.close()
        if not self._is_close_sent:
            self._is_close_sent = True
            await super().close(code, reason)
