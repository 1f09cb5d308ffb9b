"""The way out to one socket: messages are put there without waiting, and what is not read is bounded.

A message is framed once for all sockets. Where the server is uvicorn's, the frame is written to the socket's own
transport; elsewhere (daphne, tests) a task of the socket hands it to the server. A socket that stays behind for five
seconds, or by too many bytes, is dropped: what it does not read would otherwise hide in buffers for minutes.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

SEND_TIMEOUT_SECONDS = 5.0
BACKLOG_BYTES_MAX = 262_144
BACKLOG_MESSAGES_MAX = 256
KERNEL_BUFFER_BYTES = 32_768
LAST_WORD_SECONDS = 1.0


class Message:
    """One text message, framed for the first socket that writes it itself and kept for the others."""

    __slots__ = ("_frame", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._frame: bytes | None = None

    @property
    def frame(self) -> bytes:
        """The message as a WebSocket frame (RFC 6455, section 5.2: final, text, not masked)."""
        if self._frame is None:
            self._frame = framed(0x81, self.text.encode())
        return self._frame


def framed(first_byte: int, payload: bytes) -> bytes:
    """Return a frame of a server, which masks nothing."""
    length = len(payload)
    if length < 126:
        return bytes((first_byte, length)) + payload
    if length < 65_536:
        return struct.pack("!BBH", first_byte, 126, length) + payload
    return struct.pack("!BBQ", first_byte, 127, length) + payload


class TransportOutlet:
    """Writes frames to the transport of uvicorn's connection."""

    def __init__(self, protocol: Any, too_slow: Callable[[], None]) -> None:
        self._protocol = protocol
        self._transport: asyncio.WriteTransport = protocol.transport
        self._too_slow = too_slow
        self._loop = asyncio.get_running_loop()
        self._behind_since: float | None = None
        self._is_open = True
        kernel_socket: Any = self._transport.get_extra_info("socket")
        if kernel_socket is not None and kernel_socket.family in (socket.AF_INET, socket.AF_INET6):
            kernel_socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER_BYTES)

    def put(self, message: Message) -> None:
        """Write a message, or find that the socket has not read for too long."""
        transport = self._transport
        if not self._is_open or self._protocol.close_sent or transport.is_closing():
            return
        backlog = transport.get_write_buffer_size()
        if not backlog:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = self._loop.time()
        elif backlog > BACKLOG_BYTES_MAX or self._loop.time() - self._behind_since > SEND_TIMEOUT_SECONDS:
            self._is_open = False
            self._too_slow()
            return
        transport.write(message.frame)

    async def flush(self) -> None:
        """Whatever was put is in the transport already."""

    def close(self) -> None:
        """Write nothing more."""
        self._is_open = False

    def drop(self, code: int) -> None:
        """Send a close code, should anybody read it, and give the connection up a moment later."""
        if not self._transport.is_closing():
            self._transport.write(framed(0x88, struct.pack("!H", code)))
            self._loop.call_later(LAST_WORD_SECONDS, self._transport.abort)


class QueueOutlet:
    """Hands messages to any ASGI server, one after the other, from a task of the socket's own."""

    def __init__(
        self,
        send: Callable[[str], Awaitable[None]],
        close: Callable[[int], Awaitable[None]],
        too_slow: Callable[[], None],
    ) -> None:
        self._send, self._close, self._too_slow = send, close, too_slow
        self._queue: asyncio.Queue[Message] = asyncio.Queue(BACKLOG_MESSAGES_MAX)
        self._is_open = True
        self._task = asyncio.ensure_future(self._run())

    def put(self, message: Message) -> None:
        """Queue a message, or find that too many wait already."""
        if not self._is_open:
            return
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            self._behind()

    async def _run(self) -> None:
        while True:
            message = await self._queue.get()
            try:
                # Not `wait_for`: before Python 3.12 it may swallow a cancellation, and this would go on for ever.
                async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                    await self._send(message.text)
            except TimeoutError:
                self._behind()
                return
            finally:
                self._queue.task_done()

    def _behind(self) -> None:
        if self._is_open:
            self._is_open = False
            self._too_slow()

    async def flush(self) -> None:
        """Wait a moment for what was put to be sent."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._queue.join(), LAST_WORD_SECONDS)

    def close(self) -> None:
        """Send nothing more."""
        self._is_open = False
        self._task.cancel()

    def drop(self, code: int) -> None:
        """Close with a code."""
        self._task.cancel()
        self._task = asyncio.ensure_future(self._last_word(code))

    async def _last_word(self, code: int) -> None:
        await asyncio.wait_for(self._close(code), LAST_WORD_SECONDS)


Outlet = TransportOutlet | QueueOutlet


def protocol_of(send: Any) -> Any:
    """Return uvicorn's connection behind an ASGI `send` if frames may be written to it as they are, else None."""
    try:
        from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
    except ImportError:
        return None
    protocol = getattr(send, "__self__", None)
    if not isinstance(protocol, WebSocketsSansIOProtocol) or protocol.conn.extensions:
        return None  # compressing is done for each socket, by the server
    return protocol
