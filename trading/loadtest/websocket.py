"""A WebSocket client that costs the load generator little: the handshake, whole text frames, pings, and no more."""

import asyncio
import base64
import os
import socket
import struct
from collections.abc import Callable

from trading.loadtest.orders import Server

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
HANDSHAKE_SECONDS = 30.0
STALLED_BUFFER_BYTES = 4_096
Heard = Callable[[bytes], None]


class Socket(asyncio.Protocol):
    """One WebSocket; `heard` gets each text message. `close_code` is the server's, 1006 for a lost connection."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._is_open = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.close_code: int | None = None

    @classmethod
    async def open(
        cls, server: Server, heard: Heard, *, cookie: str = "", receive_buffer: int | None = None
    ) -> "Socket":
        """Connect to `/ws/`; a small `receive_buffer` is for one that will not read."""
        loop = asyncio.get_running_loop()
        raw = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        raw.setblocking(False)
        if receive_buffer is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            await loop.sock_connect(raw, (server.host, server.port))
            _, protocol = await loop.create_connection(lambda: cls(heard), sock=raw)
            key = base64.b64encode(os.urandom(16)).decode()
            lines = [
                "GET /ws/ HTTP/1.1", f"Host: {server.host}:{server.port}", f"Origin: {server.origin}",
                "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                f"Sec-WebSocket-Key: {key}", *([f"Cookie: {cookie}"] if cookie else []), "", "",
            ]  # fmt: skip
            protocol._write("\r\n".join(lines).encode())
            await protocol.opened
        return protocol

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self.close_code is None:
            self.close_code = 1006
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(str(exc or "refused")))

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        if not self._is_open:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not buffer.startswith(b"HTTP/1.1 101"):
                if not self.opened.done():
                    self.opened.set_exception(ConnectionError(bytes(buffer[:60]).decode("latin-1")))
                return
            self._is_open = True
            del buffer[: end + 4]
            self.opened.set_result(None)
        self._take_frames()

    def _take_frames(self) -> None:
        buffer, start = self._buffer, 0
        while len(buffer) - start >= 2:
            length, header = buffer[start + 1], 2
            if length == 126:
                header = 4
            elif length == 127:
                header = 10
            if len(buffer) - start < header:
                break
            if header > 2:
                length = int.from_bytes(buffer[start + 2 : start + header], "big")
            end = start + header + length
            if len(buffer) < end:
                break
            self._take(buffer[start] & 0xF, bytes(buffer[start + header : end]))
            start = end
        if start:
            del buffer[:start]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            self._heard(payload)
        elif opcode == PING:
            self._send(PONG, payload)
        elif opcode == CLOSE:
            self.close_code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
            self.close()

    def _send(self, opcode: int, payload: bytes) -> None:
        """A client masks what it sends; a mask of zeros leaves it as it is."""
        head = 0x80 | opcode
        if len(payload) < 126:
            frame = bytes((head, 0x80 | len(payload)))
        else:
            frame = struct.pack("!BBH", head, 0x80 | 126, len(payload))
        self._write(frame + bytes(4) + payload)

    def say(self, text: str) -> None:
        """Send one message."""
        self._send(TEXT, text.encode())

    def stop_reading(self) -> None:
        """Read nothing any more, as a stalled browser."""
        if self._transport is not None:
            self._transport.pause_reading()

    def close(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()


def number_after(payload: bytes, name: bytes) -> int | None:
    """Return the whole number behind `"name":` without decoding the message, or None."""
    start = payload.rfind(b'"' + name + b'":')
    if start < 0:
        return None
    start += len(name) + 3
    end = start
    while payload[end : end + 1].isdigit():
        end += 1
    return int(payload[start:end])
