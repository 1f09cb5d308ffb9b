"""Players who listen: each order's first fill as its own player hears it, on a socket that follows `me`."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from trading.loadtest.orders import Server
from trading.loadtest.players import Player
from trading.loadtest.record import Record, milliseconds
from trading.loadtest.websocket import Socket

OPENING_AT_ONCE = 20
SNAPSHOT_SECONDS = 30.0
LAST_FILLS_SECONDS = 1.0


class Ears:
    """The sockets of all players."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._sockets: list[Socket] = []
        self._heard_at: dict[
            str, float
        ] = {}  # of an order that was filled when it came in, not while it rested

    async def open(self, players: Sequence[Player]) -> None:
        """Open a socket for each player and wait for its snapshot."""
        gate = asyncio.Semaphore(OPENING_AT_ONCE)
        await asyncio.gather(*(self._open(player, gate) for player in players))

    async def _open(self, player: Player, gate: asyncio.Semaphore) -> None:
        ready = asyncio.Event()

        def heard(payload: bytes) -> None:
            now = time.perf_counter()
            if not ready.is_set():
                ready.set()
            elif b'"kind":"fill"' in payload:
                self._note(msgspec.json.decode(payload)["data"], now)

        async with gate:
            cookie = f"csrftoken={player.csrf_token}; sessionid={player.session_key}"
            socket = await Socket.open(self._server, heard, cookie=cookie)
            socket.say('{"op":"subscribe","topics":["me"]}')
            await asyncio.wait_for(ready.wait(), SNAPSHOT_SECONDS)
            self._sockets.append(socket)

    def _note(self, fill: dict[str, Any], now: float) -> None:
        if fill["role"] == "taker":
            self._heard_at.setdefault(fill["order_id"], now)

    async def close(self) -> None:
        """Wait for the last fills, then close every socket."""
        await asyncio.sleep(LAST_FILLS_SECONDS)
        for socket in self._sockets:
            socket.close()

    def figures(self, record: Record) -> dict[str, Any]:
        """Return how long after its sending, and after its 202, an order's first fill was heard."""
        pairs = [
            (heard_at, *record.times[order])
            for order, heard_at in self._heard_at.items()
            if order in record.times
        ]
        return {
            "fills_heard": len(pairs),
            **milliseconds([heard - sent for heard, sent, _ in pairs], "post_to_fill_"),
            # A fill may overtake its own 202.
            **milliseconds([max(0.0, heard - answered) for heard, _, answered in pairs], "accept_to_fill_"),
        }
