"""A keep-alive HTTP/1.1 connection that costs the load generator little: asyncio, httptools, nothing else."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import httptools

REQUEST_SECONDS = 30.0


@dataclass(slots=True)
class Response:
    """One answer, its body complete."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of a header, its name in lower case."""
        return [value for key, value in self.headers if key.lower() == name]


class _Protocol(asyncio.Protocol):
    """Hands each response to the request that has waited longest."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.waiting: deque[asyncio.Future[Response]] = deque()
        self._parser: Any = httptools.HttpResponseParser(self)
        self._response = Response()
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(ConnectionError(f"not HTTP: {error}"))
            if self.transport is not None:
                self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._fail(ConnectionError(str(exc or "the server closed the connection")))

    def _fail(self, error: Exception) -> None:
        while self.waiting:
            future = self.waiting.popleft()
            if not future.done():
                future.set_exception(error)

    # What httptools calls -----------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._response, self._body = Response(), []

    def on_header(self, name: bytes, value: bytes) -> None:
        self._response.headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        response = self._response
        response.status = self._parser.get_status_code()
        response.body = b"".join(self._body)
        future = self.waiting.popleft()
        if not future.done():
            future.set_result(response)


class Connection:
    """One connection, opened when it is first needed and again after it was lost. One request at a time."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._protocol: _Protocol | None = None

    async def request(self, raw: bytes, limit_seconds: float = REQUEST_SECONDS) -> Response:
        """Send one request and return its answer; OSError or TimeoutError when there is none."""
        protocol = self._protocol
        if protocol is None or protocol.transport is None:
            loop = asyncio.get_running_loop()
            _, protocol = await loop.create_connection(_Protocol, self._host, self._port)
            self._protocol = protocol
        transport = protocol.transport
        if transport is None:
            raise ConnectionError("the server closed the connection")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Response] = loop.create_future()
        protocol.waiting.append(future)
        # One timer a request, without the task that asyncio.wait_for would cost.
        timer = loop.call_later(limit_seconds, _time_out, future)
        transport.write(raw)
        try:
            return await future
        except TimeoutError:
            self.close()  # an answer that comes later belongs to nobody
            raise
        finally:
            timer.cancel()

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._protocol is not None and self._protocol.transport is not None:
            self._protocol.transport.abort()
        self._protocol = None


def _time_out(future: "asyncio.Future[Response]") -> None:
    if not future.done():
        future.set_exception(TimeoutError("no answer in time"))
