"""Two players who tell how long it takes until an order is accepted and filled."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from trading.chaos.http import NoAnswer
from trading.chaos.players import Player, Quote

LOOK_SECONDS = 0.1
SHARES_AT_START = 10


class NotBack(Exception):
    """Trading was not back within the limit."""


@dataclass(frozen=True, slots=True)
class Back:
    """Seconds until both orders were accepted, and until both were seen to be filled."""

    accepted: float
    filled: float


@dataclass(slots=True)
class Probe:
    """Sells one share from one player and buys one for the other; the next time the other way round."""

    seller: Player
    buyer: Player
    symbol: str

    async def prepare(self, quote: Quote) -> None:
        """Give both players shares to sell."""
        for player in (self.seller, self.buyer):
            order_id = await player.submit(self.symbol, "buy", quote.upper, SHARES_AT_START)
            if order_id is None:
                raise NotBack(f"no shares for the probe: {dict(player.record.refused)}")
            await self._filled(player, order_id, time.monotonic() + 30)

    async def until_back(self, quotes: Mapping[str, Quote], limit_seconds: float) -> Back:
        """Return how long it takes until a new pair of orders is accepted and both are filled."""
        began = time.monotonic()
        deadline = began + limit_seconds
        quote = quotes[self.symbol]
        accepted = await asyncio.gather(
            self._traded(self.seller, "sell", quote.lower, deadline),
            self._traded(self.buyer, "buy", quote.upper, deadline),
        )
        self.seller, self.buyer = self.buyer, self.seller
        return Back(max(accepted) - began, time.monotonic() - began)

    async def _traded(self, player: Player, side: str, price: int, deadline: float) -> float:
        """Return when the order was accepted, once it is filled."""
        while True:
            order_id = await player.submit(self.symbol, side, price, 1)
            if order_id is not None:
                break
            if time.monotonic() > deadline:
                raise NotBack(f"no {side} was accepted: {dict(player.record.refused)}")
            await asyncio.sleep(LOOK_SECONDS)
        accepted = time.monotonic()
        await self._filled(player, order_id, deadline)
        return accepted

    async def _filled(self, player: Player, order_id: str, deadline: float) -> None:
        while True:
            try:
                answer = await player.browser.ask("GET", "/api/orders?status=closed&limit=5")
                rows = answer.json()["orders"] if answer.status == 200 else []
            except (NoAnswer, msgspec.DecodeError):
                rows = []
            if any(row["order_id"] == order_id and row["status"] == "filled" for row in rows):
                return
            if time.monotonic() > deadline:
                raise NotBack(f"order {order_id} was accepted and is not filled")
            await asyncio.sleep(LOOK_SECONDS)
