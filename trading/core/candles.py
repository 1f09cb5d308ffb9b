"""Candles and average prices from trades. Times are int milliseconds, a candle starts at a whole interval."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

INTERVALS = {"5s": 5_000, "15s": 15_000, "1m": 60_000}


class Print(Protocol):
    """A trade as the tape shows it."""

    @property
    def price(self) -> int: ...
    @property
    def quantity(self) -> int: ...
    @property
    def time_ms(self) -> int: ...


@dataclass(slots=True)
class Candle:
    start: int
    open: int
    high: int
    low: int
    close: int
    volume: int

    def add(self, price: int, quantity: int) -> None:
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.close = price
        self.volume += quantity


class CandleSeries:
    """The candles of one listing and interval, oldest first by `start`."""

    def __init__(self, interval_ms: int, candles: Iterable[Candle] = ()) -> None:
        self.interval_ms = interval_ms
        self.candles: dict[int, Candle] = {candle.start: candle for candle in candles}
        self._changed: dict[int, Candle] = {}

    def add(self, price: int, quantity: int, time_ms: int) -> Candle:
        """Fold one trade in. Trades come in the order they happened; an idle interval has no candle."""
        start = time_ms - time_ms % self.interval_ms
        candle = self.candles.get(start)
        if candle is None:
            candle = self.candles[start] = Candle(start, price, price, price, price, quantity)
        else:
            candle.add(price, quantity)
        self._changed[start] = candle
        return candle

    def take_changed(self) -> list[Candle]:
        """The candles that changed since the last call, oldest first."""
        changed = [self._changed[start] for start in sorted(self._changed)]
        self._changed.clear()
        return changed


def fold(trades: Iterable[Print], interval_ms: int) -> list[Candle]:
    """The candles of the trades, oldest first."""
    series = CandleSeries(interval_ms)
    for trade in trades:
        series.add(trade.price, trade.quantity, trade.time_ms)
    return series.take_changed()


def vwap(trades: Iterable[Print]) -> int | None:
    """Volume-weighted average price in won, rounded down; None without a trade."""
    value = volume = 0
    for trade in trades:
        value += trade.price * trade.quantity
        volume += trade.quantity
    return value // volume if volume else None


def closing_price(trades: Iterable[Print], closes_at_ms: int, window_ms: int, last_price: int) -> int:
    """The average price of the last `window_ms` before the close, or the last price without a trade in it."""
    window = (trade for trade in trades if closes_at_ms - window_ms <= trade.time_ms < closes_at_ms)
    price = vwap(window)
    return last_price if price is None else price
