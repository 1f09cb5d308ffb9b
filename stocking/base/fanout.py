"""From the bus to the sockets of this process: one connection, one subscription a topic, each message read once.

What the bus says while the connection is lost is missed; as soon as it is back, every topic's followers get a
snapshot if it is newer than what they have.
"""

import asyncio
import logging
import weakref
from collections.abc import Callable
from typing import Any

import hiredis
import msgspec
from django.conf import settings
from redis.connection import parse_url
from redis.exceptions import RedisError

from stocking.base import stream
from stocking.base.outlets import Message, Outlet
from stocking.base.store_connection import credentials, store_connect

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 2.0
CONFIRM_SECONDS = 5.0
PING_SECONDS = 5.0
SILENCES_MAX = 3
RETRY_SECONDS = 0.2
PENDING_MAX = 64


class Follower:
    """One socket's subscription to one topic. Until its snapshot is written, updates wait."""

    __slots__ = ("_outlet", "_pending", "name", "topic", "version")

    def __init__(self, name: str, topic: str, outlet: Outlet) -> None:
        self.name, self.topic, self._outlet = name, topic, outlet
        self.version = 0
        self._pending: list[tuple[int, Message]] | None = []

    def deliver(self, version: int, message: Message) -> None:
        """Pass an update on unless what was sent already includes it."""
        if self._pending is not None:
            if len(self._pending) < PENDING_MAX:
                self._pending.append((version, message))
        elif version > self.version:
            self.version = version
            self._outlet.put(message)

    def hold(self) -> None:
        """Let updates wait: a fresh snapshot is on its way."""
        if self._pending is None:
            self._pending = []

    def begin(self, found: stream.Snapshot) -> None:
        """Write the snapshot, then what came since it was taken."""
        self.version = found.version
        self._outlet.put(_snapshot_message(self.name, found))
        waiting, self._pending = self._pending or [], None
        for version, message in waiting:
            self.deliver(version, message)

    def catch_up(self, found: stream.Snapshot) -> None:
        """Write a snapshot if something in it was missed; whoever waits for a snapshot gets a later one."""
        if self._pending is None and self.version < found.version:
            self.begin(found)


def _snapshot_message(name: str, found: stream.Snapshot) -> Message:
    return Message(f'{{"topic":"{name}","type":"snapshot","version":{found.version},"data":{found.data}}}')


class _Listener(asyncio.Protocol):
    """A subscribed connection to the bus."""

    def __init__(self, fanout: "Fanout") -> None:
        self._fanout = fanout
        self._reader = hiredis.Reader()
        self._loop = asyncio.get_running_loop()
        self._silences = 0
        self.transport: asyncio.Transport | None = None
        self.lost: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self._loop.call_later(PING_SECONDS, self._ping)

    def write(self, *words: Any) -> None:
        """Send one command."""
        if self.transport is not None:
            self.transport.write(hiredis.pack_command(words))

    def data_received(self, data: bytes) -> None:
        self._silences = 0
        self._reader.feed(data)
        try:
            while (answer := self._reader.gets()) is not False:
                self._take(answer)
        except (hiredis.ProtocolError, msgspec.DecodeError, KeyError, TypeError):
            logger.exception("The bus said something strange.")
            self.abort()

    def _take(self, answer: Any) -> None:
        if isinstance(answer, hiredis.ReplyError):
            logger.error("The bus refuses: %s", answer)
            self.abort()
        elif isinstance(answer, list) and answer[0] == b"message":
            self._fanout.take(answer[1], answer[2])
        elif isinstance(answer, list) and answer[0] == b"subscribe":
            self._fanout.confirmed(answer[1])

    def _ping(self) -> None:
        if self.lost.done():
            return
        self._silences += 1
        if self._silences > SILENCES_MAX:
            self.abort()
            return
        self.write("PING")
        self._loop.call_later(PING_SECONDS, self._ping)

    def abort(self) -> None:
        """Give the connection up."""
        if self.transport is not None:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(None)


class Fanout:
    """All that the sockets of one event loop follow."""

    def __init__(self, url: str) -> None:
        self._address: dict[str, Any] = parse_url(url)
        self._followers: dict[bytes, set[Follower]] = {}
        self._handlers: dict[bytes, Callable[[bytes], None]] = {}
        self._confirming: dict[bytes, list[asyncio.Future[None]]] = {}
        self._listener: _Listener | None = None
        self._task: asyncio.Task[None] | None = None

    async def follow(self, follower: Follower) -> None:
        """Have a follower told of its topic's updates from now on; TimeoutError when the bus is away."""
        channel = stream.channel_of(follower.topic).encode()
        self._begin()
        followers = self._followers.setdefault(channel, set())
        followers.add(follower)
        if len(followers) == 1 or channel in self._confirming or self._listener is None:
            confirmed = asyncio.get_running_loop().create_future()
            self._confirming.setdefault(channel, []).append(confirmed)
            if self._listener is not None:
                self._listener.write("SUBSCRIBE", channel)
            try:
                async with asyncio.timeout(CONFIRM_SECONDS):
                    await confirmed
            except BaseException:
                self.leave(follower)
                raise

    def leave(self, follower: Follower) -> None:
        """Tell a follower nothing more."""
        channel = stream.channel_of(follower.topic).encode()
        followers = self._followers.get(channel)
        if followers is None:
            return
        followers.discard(follower)
        if not followers:
            del self._followers[channel]
            if self._listener is not None:
                self._listener.write("UNSUBSCRIBE", channel)

    def listen(self, channel: str, handler: Callable[[bytes], None]) -> None:
        """Have `handler` called with each message of a channel that is no topic; what is missed is not made good."""
        name = channel.encode()
        if name not in self._handlers and self._listener is not None:
            self._listener.write("SUBSCRIBE", name)
        self._handlers[name] = handler
        self._begin()

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._run())

    def take(self, channel: bytes, data: bytes) -> None:
        """Pass one published message to all that follow its topic."""
        handler = self._handlers.get(channel)
        if handler is not None:
            handler(data)
            return
        followers = self._followers.get(channel)
        if followers:
            event = msgspec.msgpack.decode(data)
            version, message = event["version"], Message(event["text"])
            for follower in tuple(followers):
                follower.deliver(version, message)

    def confirmed(self, channel: bytes) -> None:
        """Note that the bus will send what is published on a channel."""
        for waiting in self._confirming.pop(channel, ()):
            if not waiting.done():
                waiting.set_result(None)

    async def _run(self) -> None:
        """Keep a connection to the bus for as long as the loop runs."""
        missed = False
        while True:
            try:
                self._listener = listener = await self._connected()
            except (OSError, TimeoutError) as error:
                logger.warning("The bus is away: %s", error)
            else:
                if self._followers or self._handlers:
                    listener.write("SUBSCRIBE", *self._followers, *self._handlers)
                catching_up = asyncio.ensure_future(self._catch_up()) if missed else None
                await listener.lost
                self._listener, missed = None, True
                if catching_up is not None:
                    catching_up.cancel()
            await asyncio.sleep(RETRY_SECONDS)

    async def _connected(self) -> _Listener:
        async with asyncio.timeout(CONNECT_SECONDS):
            listener = await store_connect(self._address, lambda: _Listener(self))
        if words := credentials(self._address):
            listener.write(*words)
        return listener

    async def _catch_up(self) -> None:
        """After the bus was away: give every follower what it has missed."""
        for channel in list(self._followers):
            confirmed = asyncio.get_running_loop().create_future()
            self._confirming.setdefault(channel, []).append(confirmed)
            if self._listener is not None:
                self._listener.write("SUBSCRIBE", channel)
            await confirmed
            followers = self._followers.get(channel, set())
            if not followers:
                continue
            try:
                found = await stream.snapshot_async(next(iter(followers)).topic)
            except (RedisError, OSError):
                return  # it is away again; whoever connects next begins anew
            for follower in tuple(self._followers.get(channel, ())):
                follower.catch_up(found)


_fanouts: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Fanout]" = weakref.WeakKeyDictionary()


def fanout() -> Fanout:
    """Return the running event loop's fan-out."""
    loop = asyncio.get_running_loop()
    found = _fanouts.get(loop)
    if found is None:
        found = _fanouts[loop] = Fanout(settings.BUS_REDIS_URL)
    return found
