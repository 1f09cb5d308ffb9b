"""One side of a book: price levels, each a queue of orders in time priority.

A ladder keeps its prices in a sorted list whose last entry is the best, as *keys* (price for bids, −price
for asks), so that both sides read the same way. A level that becomes empty stays in the list until it would
be the best one, or until the empty ones are the majority: no price is ever searched for to remove it.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator

from trading.core.orders import Order, Side

Level = tuple[int, int, int]  # price, quantity, number of orders

COMPACT_ABOVE = 64


class PriceLevel:
    """The orders at one price, a linked list: `first` trades first."""

    __slots__ = ("count", "first", "key", "last", "price", "quantity")

    def __init__(self, key: int, price: int) -> None:
        self.key = key
        self.price = price
        self.quantity = 0
        self.count = 0
        self.first: Order | None = None
        self.last: Order | None = None

    def __iter__(self) -> Iterator[Order]:
        order = self.first
        while order is not None:
            yield order
            order = order.after


class Ladder:
    """The levels of one side of a book. `top` is the one that trades next, None when nothing rests."""

    __slots__ = ("empty", "keys", "levels", "sign", "top")

    def __init__(self, side: Side) -> None:
        self.sign = 1 if side is Side.BUY else -1
        self.top: PriceLevel | None = None
        self.levels: dict[int, PriceLevel] = {}
        self.keys: list[int] = []
        self.empty = 0  # how many of the levels hold no order

    def append(self, order: Order) -> None:
        """Put the order last in the queue of its price."""
        key = self.sign * order.price
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = PriceLevel(key, order.price)
            insort(self.keys, key)
        elif level.count == 0:
            self.empty -= 1
        last = level.last
        order.level = level
        order.before = last
        order.after = None
        if last is None:
            level.first = order
            if self.top is None or key > self.top.key:
                self.top = level
        else:
            last.after = order
        level.last = order
        level.quantity += order.quantity - order.filled
        level.count += 1

    def remove(self, order: Order) -> None:
        """Take the order, with its open quantity, out of its queue."""
        level, before, after = order.level, order.before, order.after
        if before is None:
            level.first = after
        else:
            before.after = after
        if after is None:
            level.last = before
        else:
            after.before = before
        level.quantity -= order.quantity - order.filled
        level.count -= 1
        if level.count == 0:
            self.empty += 1
            if level is self.top:
                self._drop_empty_top()
            elif self.empty > COMPACT_ABOVE and self.empty * 2 > len(self.keys):
                self._compact()

    def depth(self, limit: int | None = None) -> list[Level]:
        """The best `limit` levels (or all), best first."""
        found: list[Level] = []
        for key in reversed(self.keys):
            if len(found) == limit:
                break
            level = self.levels[key]
            if level.count:
                found.append((level.price, level.quantity, level.count))
        return found

    def _drop_empty_top(self) -> None:
        keys, levels = self.keys, self.levels
        while keys:
            level = levels[keys[-1]]
            if level.count:
                self.top = level
                return
            del levels[keys.pop()]
            self.empty -= 1
        self.top = None

    def _compact(self) -> None:
        self.keys = [key for key in self.keys if self.levels[key].count]
        self.levels = {key: self.levels[key] for key in self.keys}
        self.empty = 0


def total_quantity(levels: list[Level]) -> int:
    return sum(quantity for _, quantity, _ in levels)


def cumulative(levels: list[Level]) -> list[int]:
    """Shares that can be traded at each level's price or better."""
    totals: list[int] = []
    total = 0
    for _, quantity, _ in levels:
        total += quantity
        totals.append(total)
    return totals
