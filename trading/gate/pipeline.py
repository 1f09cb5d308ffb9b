"""One connection to the gate store for all of order entry: what is asked while the store is busy with what was asked
before is sent in one write, answered in one read, and shares one sync of the store's log.

There is no retry. When the connection is lost, or the oldest question has waited too long, everything in flight on
it fails at once and the connection is never used again, so no late answer can reach another's question.
"""

import asyncio
from collections import deque
from typing import Any

import hiredis
from redis.connection import parse_url

from stocking.base.store_connection import credentials, store_connect

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0
CHECK_SECONDS = 0.5
IN_FLIGHT_MAX = 10_000


class StoreLostError(ConnectionError):
    """The connection was lost, could not be made, or did not answer: what was asked may have been done or not."""


class StoreBusyError(Exception):
    """Too much is in flight already; this was not sent."""


class StoreRefusedError(Exception):
    """The store answered with an error."""


class _Connection(asyncio.Protocol):
    """One TCP connection; answers come in the order of the questions."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._unsent: list[bytes] = []
        self._sent = 0  # and not answered yet
        self._transport: asyncio.Transport | None = None
        self._is_watched = False
        self._silent_checks = 0
        self.is_lost = False

    @property
    def in_flight(self) -> int:
        """How many questions wait for their answer."""
        return len(self._waiting)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def ask(self, *words: Any) -> "asyncio.Future[Any]":
        """Send a command as soon as what was sent before is answered, with all that is asked until then."""
        if self.is_lost:
            raise StoreLostError("lost before it was asked")
        future: asyncio.Future[Any] = self._loop.create_future()
        if not self._is_watched:
            self._is_watched, self._silent_checks = True, 0
            self._loop.call_later(CHECK_SECONDS, self._check)
        if not self._unsent and not self._sent:
            self._loop.call_soon(self._send)
        self._unsent.append(hiredis.pack_command(words))
        self._waiting.append(future)
        return future

    def _send(self) -> None:
        if self._transport is not None and not self.is_lost and not self._sent:
            unsent, self._unsent = self._unsent, []
            self._sent = len(unsent)
            self._transport.write(b"".join(unsent))

    def data_received(self, data: bytes) -> None:
        self._silent_checks = 0
        try:
            self._reader.feed(data)
            while (answer := self._reader.gets()) is not False:
                future = self._waiting.popleft()
                self._sent -= 1
                if future.done():  # whoever asked has gone away
                    continue
                if isinstance(answer, hiredis.ReplyError):
                    future.set_exception(StoreRefusedError(str(answer)))
                else:
                    future.set_result(answer)
        except (hiredis.ProtocolError, IndexError) as error:
            self.lose(f"not an answer: {error}")
        if self._unsent and not self._sent:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lose(str(exc or "closed by the store"))

    def _check(self) -> None:
        """Answers come in order: if none has come for so long, the oldest question has waited that long.

        Checks are counted, not seconds: a process that was paused finds the answers waiting and reads them.
        """
        if self.is_lost or not self._waiting:
            self._is_watched = False
            return
        self._silent_checks += 1
        if self._silent_checks * CHECK_SECONDS > ANSWER_SECONDS:
            self.lose("no answer in time")
        else:
            self._loop.call_later(CHECK_SECONDS, self._check)

    def lose(self, reason: str) -> None:
        """Give the connection up: whatever is in flight on it fails, and nothing more is read from it."""
        self.is_lost = True
        self._unsent.clear()
        if self._transport is not None:
            self._transport.abort()
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(StoreLostError(reason))


class StorePipeline:
    """Commands to one store over one connection at a time, which is made when it is needed."""

    def __init__(self, url: str) -> None:
        self._address: dict[str, Any] = parse_url(url)
        self._connection: _Connection | None = None
        self._connecting: asyncio.Task[_Connection] | None = None

    async def execute(self, *words: Any) -> Any:
        """Return the store's answer; see the errors above."""
        connection = self._connection
        if connection is None or connection.is_lost:
            connection = await self._connected()
        if connection.in_flight >= IN_FLIGHT_MAX:
            raise StoreBusyError(f"{connection.in_flight} commands are in flight")
        return await connection.ask(*words)

    async def _connected(self) -> _Connection:
        """Return the one connection; whoever comes while it is being made waits for the same one."""
        if self._connecting is None:
            self._connecting = asyncio.ensure_future(self._connect())
            self._connecting.add_done_callback(self._connect_done)
        return await asyncio.shield(self._connecting)

    def _connect_done(self, task: "asyncio.Task[_Connection]") -> None:
        self._connecting = None
        if not task.cancelled() and task.exception() is None:
            self._connection = task.result()

    async def _connect(self) -> _Connection:
        address = self._address
        connection: _Connection | None = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = await store_connect(address, _Connection)
                if words := credentials(address):
                    await connection.ask(*words)
                if int(address.get("db") or 0):
                    await connection.ask("SELECT", int(address["db"]))
        except (OSError, TimeoutError, StoreRefusedError) as error:
            if connection is not None:
                connection.lose("not logged in")
            raise StoreLostError(str(error)) from error
        return connection

    def close(self) -> None:
        """Close the connection; what is in flight fails."""
        if self._connection is not None:
            self._connection.lose("closed")
            self._connection = None
