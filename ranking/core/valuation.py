"""What a portfolio is worth at the close. Whole won, shares and basis points; everything rounded down.

A share is valued at the volume-weighted average price of the last thirty seconds of trading: one last small
trade at an odd price moves nobody's result by much. A listing without a trade in that window keeps its last
price, which is its base price when it was never traded.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

WINDOW_MS = 30_000
BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class Window:
    """What was traded of one listing in the valuation window: shares, and the won paid for them."""

    quantity: int
    value: int


@dataclass(frozen=True, slots=True)
class Close:
    """One listing at the close: where it started, and what a share of it is worth."""

    base_price: int
    value: int


def window_bounds(closes_at: int, pauses: Sequence[Sequence[int]] = ()) -> tuple[int, int]:
    """Return the first and the last millisecond of the valuation window; both belong to it.

    While the game was paused (from, to; in order) nobody could trade: the window reaches back by as much more.
    """
    left, edge = WINDOW_MS, closes_at
    for since, until in reversed(pauses):
        traded = edge - min(until, edge)
        if traded >= left:
            break
        left, edge = left - traded, min(since, edge)
    return edge - left, closes_at


def window_of(trades: Iterable[tuple[int, int, int]], closes_at: int) -> Window:
    """Sum up the trades `(price, quantity, traded_at)` that fall into the valuation window."""
    first, last = window_bounds(closes_at)
    quantity = value = 0
    for price, traded, traded_at in trades:
        if first <= traded_at <= last:
            quantity += traded
            value += price * traded
    return Window(quantity, value)


def closing_value(*, last_price: int, window: Window) -> int:
    """Return what one share is worth at the close, in won rounded down."""
    if window.quantity == 0:
        return last_price
    return window.value // window.quantity


def equity(*, cash: int, shares: Mapping[int, int], values: Mapping[int, int]) -> int:
    """Return cash plus shares at their closing values; both mappings are by listing."""
    return cash + sum(quantity * values[listing] for listing, quantity in shares.items())


def return_bps(value: int, base: int) -> int:
    """Return the gain of `value` over `base` in basis points, rounded down; nothing gained on nothing."""
    if base == 0:
        return 0
    return (value - base) * BASIS_POINTS // base


def house_return_bps(closes: Iterable[Close]) -> int:
    """Return what the *house* earned: equal money in every listing from the base price to the close."""
    gains = [Fraction(close.value - close.base_price, close.base_price) for close in closes]
    if not gains:
        return 0
    return floor(sum(gains, Fraction()) * BASIS_POINTS / len(gains))
