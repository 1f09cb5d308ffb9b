"""Placing orders over HTTP: as fast as answers come (closed loop), or at a given rate whatever comes (open loop)."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from trading.loadtest.connection import Connection, Response
from trading.loadtest.flow import Draw
from trading.loadtest.players import Player
from trading.loadtest.record import Record

ACCEPTED, NOT_FOUND = 202, 404


@dataclass(frozen=True, slots=True)
class Server:
    """Where the instance listens."""

    host: str
    port: int

    @classmethod
    def of(cls, base_url: str) -> "Server":
        """Read `http://host:port`."""
        parts = urlsplit(base_url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{base_url!r} is not http://host:port")
        return cls(parts.hostname, parts.port or 80)

    @property
    def origin(self) -> str:
        """What a browser would send as `Origin`."""
        return f"http://{self.host}:{self.port}"

    def connection(self) -> Connection:
        """Return a connection that is opened when it is needed."""
        return Connection(self.host, self.port)


class Seat:
    """A logged-in player at a connection of their own."""

    def __init__(self, server: Server, player: Player) -> None:
        self.player = player
        self.connection = server.connection()
        head = (
            f"POST /api/orders HTTP/1.1\r\nHost: {server.host}:{server.port}\r\nOrigin: {server.origin}\r\n"
            f"Cookie: csrftoken={player.csrf_token}; sessionid={player.session_key}\r\n"
            f"X-CSRFToken: {player.csrf_token}\r\nContent-Type: application/json\r\nContent-Length: "
        )
        self._head = head.encode()

    async def arrive(self) -> None:
        """Ask for something that is not there, so that the gate knows the session: later orders are like any other."""
        raw = self._head.replace(b"POST /api/orders ", b"DELETE /api/orders/1-1-1 ", 1) + b"0\r\n\r\n"
        response = await self.connection.request(raw)
        if response.status != NOT_FOUND:
            raise ConnectionError(f"a player is not let in: {response.status} {response.body[:200]!r}")

    async def place(self, draw: Draw, record: Record) -> None:
        """Place one order and note its outcome."""
        body = draw.body()
        raw = b"%b%d\r\n\r\n%b" % (self._head, len(body), body)
        began = time.perf_counter()
        try:
            response = await self.connection.request(raw)
        except (OSError, TimeoutError) as error:
            record.errors[type(error).__name__] += 1
            return
        ended = time.perf_counter()
        record.seconds.append(ended - began)
        self._note(draw, response, record, (began, ended))

    def _note(self, draw: Draw, response: Response, record: Record, times: tuple[float, float]) -> None:
        try:
            answer = msgspec.json.decode(response.body)
            if response.status == ACCEPTED:
                record.take(self.player.user_id, draw.client_order_id, answer, times)
                return
            code = str(answer["code"])
        except (msgspec.DecodeError, KeyError, TypeError):
            record.errors[f"status {response.status}"] += 1
            return
        kind = record.errors if response.status >= 500 else record.rejected
        kind[code] += 1


async def closed_loop(seats: Sequence[Seat], flows: Sequence[Iterable[Draw]], record: Record) -> float:
    """Let every player place one order after the other; returns the seconds from the first to the last answer."""

    async def play(seat: Seat, flow: Iterable[Draw]) -> None:
        for draw in flow:
            await seat.place(draw, record)

    began = time.perf_counter()
    await asyncio.gather(*(play(seat, flow) for seat, flow in zip(seats, flows, strict=True)))
    return time.perf_counter() - began


async def open_loop(
    seats: Sequence[Seat], flows: Sequence[Iterable[Draw]], record: Record, rate: float
) -> float:
    """Place `rate` orders a second, the players in turn, however long the answers take; returns the seconds."""
    began = due = time.perf_counter()
    placing: set[asyncio.Task[None]] = set()
    for draws in zip(*flows, strict=True):
        for seat, draw in zip(seats, draws, strict=True):
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            due += 1 / rate
            task = asyncio.ensure_future(seat.place(draw, record))
            placing.add(task)
            task.add_done_callback(placing.discard)
    await asyncio.gather(*placing)
    return time.perf_counter() - began
