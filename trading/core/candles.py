"""Candles from trades, and longer candles from shorter ones. Times are int milliseconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

INTERVALS = {"5s": 5_000, "15s": 15_000, "1m": 60_000}


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


def fold(candles: Iterable[Candle], interval_ms: int) -> list[Candle]:
    """Longer candles from shorter ones that come oldest first; an idle interval has none."""
    folded: list[Candle] = []
    for candle in candles:
        start = candle.start - candle.start % interval_ms
        if not folded or folded[-1].start != start:
            folded.append(replace(candle, start=start))
            continue
        last = folded[-1]
        last.high = max(last.high, candle.high)
        last.low = min(last.low, candle.low)
        last.close = candle.close
        last.volume += candle.volume
    return folded
