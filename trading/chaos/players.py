"""Players who trade through the API, and their own record of what was accepted.

A request without an answer may have been accepted or not. As a client should, a player asks again with the same
`client_order_id` until there is an answer; only then does the record say what became of it.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trading.chaos.http import Answer, Browser, NoAnswer
from trading.core.ticks import floor_to_tick

ASK_AGAIN_SECONDS = 0.2
SPREAD_BPS = 40
UNANSWERED = ("outcome_unknown", "status 500", "status 502", "status 503", "status 504")


@dataclass(slots=True)
class Record:
    """What the players know: every accepted order's id by its client_order_id, and how the others ended."""

    accepted: dict[str, str] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    resolved: int = 0
    repeats: int = 0
    contradictions: list[str] = field(default_factory=list)
    sent: int = 0

    def new_id(self) -> str:
        """Return a client_order_id that was not used before."""
        self.sent += 1
        return f"chaos-{self.sent}"

    def note(self, client_order_id: str, order_id: str) -> None:
        """Note an acceptance; a second answer that differs from the first is a contradiction."""
        known = self.accepted.setdefault(client_order_id, order_id)
        if known != order_id:
            self.contradictions.append(f"{client_order_id} is {known} and {order_id}")


@dataclass(slots=True)
class Quote:
    """What the players see of a listing."""

    base: int
    last: int
    lower: int
    upper: int

    @property
    def anchor(self) -> int:
        """What orders are placed around: the last price, drawn back to the base price.

        At a daily limit orders would pile up, and none would be filled soon, whoever lives.
        """
        return (4 * self.last + self.base) // 5


@dataclass(slots=True)
class Player:
    """One logged-in player: acts when told to, one request at a time."""

    browser: Browser
    record: Record
    chance: random.Random
    is_busy: bool = False
    open_orders: list[str] = field(default_factory=list)
    shares: Counter[str] = field(default_factory=Counter)
    last_sent: dict[str, Any] | None = None

    async def submit(self, symbol: str, side: str, price: int, quantity: int) -> str | None:
        """Place a limit order and return its id, None when it was refused; asks until there is an answer."""
        body = {
            "client_order_id": self.record.new_id(), "symbol": symbol, "side": side, "type": "limit", "price": price,
            "quantity": quantity,
        }  # fmt: skip
        return await self._place(body)

    async def _place(self, body: dict[str, Any]) -> str | None:
        was_unknown = False
        while True:
            answer = await self._answer("POST", "/api/orders", body)
            if answer is None or (was_unknown and answer.code == "recovering"):
                if not was_unknown:
                    was_unknown = True
                    self.record.unknown += 1
                await asyncio.sleep(ASK_AGAIN_SECONDS)
                continue
            if was_unknown:
                self.record.resolved += 1
            if answer.status == 202:
                order_id = str(answer.json()["order_id"])
                self.record.note(body["client_order_id"], order_id)
                self.last_sent = body
                return order_id
            self.record.refused[answer.code] += 1
            return None

    async def _answer(self, method: str, path: str, body: Any = None) -> Answer | None:
        """Return the answer, or None where the outcome is unknown."""
        try:
            answer = await self.browser.ask(method, path, json=body)
        except NoAnswer:
            return None
        return None if answer.status != 202 and answer.code in UNANSWERED else answer

    async def act(self, quotes: Mapping[str, Quote]) -> None:
        """Do one thing: mostly an order near the last price, now and then an amend, a cancel or a repeat."""
        self.is_busy = True
        try:
            draw = self.chance.random()
            if self.open_orders and draw < 0.05:
                await self._answer("DELETE", f"/api/orders/{self.open_orders.pop()}")
            elif self.open_orders and draw < 0.1:
                quantity = self.chance.randint(2, 6)
                await self._answer("PATCH", f"/api/orders/{self.open_orders[-1]}", {"quantity": quantity})
            elif self.last_sent is not None and draw < 0.12:
                self.record.repeats += 1
                await self._place(self.last_sent)
            else:
                await self._order(quotes)
        finally:
            self.is_busy = False

    async def _order(self, quotes: Mapping[str, Quote]) -> None:
        symbol = self.chance.choice(sorted(quotes))
        quote, quantity = quotes[symbol], self.chance.randint(1, 3)
        side = "sell" if self.shares[symbol] >= quantity and self.chance.random() < 0.6 else "buy"
        distance = self.chance.randint(-SPREAD_BPS, SPREAD_BPS)
        price = floor_to_tick(quote.anchor * (10_000 + distance) // 10_000)
        order_id = await self.submit(symbol, side, min(max(price, quote.lower), quote.upper), quantity)
        if order_id is not None:
            self.shares[symbol] += quantity if side == "buy" else -quantity
            self.open_orders = [*self.open_orders[-20:], order_id]
        elif side == "sell":
            self.shares[symbol] = 0
        elif self.chance.random() < 0.5:  # the money is held by orders that nobody takes
            await self._answer("DELETE", "/api/orders")


async def quotes_of(browser: Browser) -> dict[str, Quote]:
    """Return what is traded and at which prices."""
    listings = (await browser.ask("GET", "/api/market")).json()["listings"]
    return {
        row["symbol"]: Quote(row["base_price"], row["last_price"], row["lower_limit"], row["upper_limit"])
        for row in listings
    }
