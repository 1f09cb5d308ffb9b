"""What an account was worth in the course of a game. Whole won, milliseconds and basis points.

An account is valued at the moments of a *grid*: the opening, every five seconds, the close. In between a share is
worth the last price paid before that moment (that of the candles); at the close it is worth its closing value, so
that a curve ends where the result stands.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from trading.core.invariants import require

CANDLE_MS = 5_000
POINTS_MAX = 721
BASIS_POINTS = 10_000
FIELD_CURVES_MAX = 2_000


class Move(NamedTuple):
    """One fill as it moves an account: `shares` and `cash` by difference, at a time, in the listing of that place."""

    listing: int
    at: int
    shares: int
    cash: int


@dataclass(frozen=True, slots=True)
class Curve:
    """An account's equity at each moment of the grid, its average part in shares, and the cash it ended with."""

    values: list[int]
    invested_bps: int
    cash: int


def grid_of(opens_at: int, closes_at: int) -> list[int]:
    """Return the moments of a game: opening, candle ends in between, close; `POINTS_MAX` of them at the most."""
    require(closes_at > opens_at, "a game closes after it opens")
    candles = (closes_at - opens_at) // CANDLE_MS
    step = CANDLE_MS * max(1, -(-candles // (POINTS_MAX - 2)))
    first = opens_at - opens_at % CANDLE_MS + step
    return [opens_at, *range(first, closes_at, step), closes_at]


def prices_on(
    grid: Sequence[int], candles: Iterable[tuple[int, int]], *, base_price: int, closing_value: int
) -> list[int]:
    """Return the price at each moment of the grid, from candles `(start, close)` that come oldest first."""
    known = list(candles)
    ends = [start + CANDLE_MS for start, _close in known]
    prices = []
    for moment in grid[:-1]:
        passed = bisect_right(ends, moment)
        prices.append(known[passed - 1][1] if passed else base_price)
    return [*prices, closing_value]


def equity_curve(
    *, initial_cash: int, moves: Iterable[Move], grid: Sequence[int], prices: Sequence[Sequence[int]]
) -> Curve:
    """Value an account at each moment; `moves` come by time. Whatever came late counts at the close."""
    cash = initial_cash
    shares = [0] * len(prices)
    values: list[int] = []
    invested = 0
    last = len(grid) - 1
    for at, together in groupby(moves, key=lambda move: move.at):
        reached = min(last, bisect_right(grid, at))
        if reached > len(values):
            invested += _value_until(reached, values, cash, shares, prices)
        for move in together:
            cash += move.cash
            shares[move.listing] += move.shares
    invested += _value_until(last + 1, values, cash, shares, prices)
    return Curve(values, invested // len(values), cash)


def _value_until(
    reached: int, values: list[int], cash: int, shares: Sequence[int], prices: Sequence[Sequence[int]]
) -> int:
    """Append the values up to (not including) moment `reached`; return the sum of their parts in shares, in bps."""
    first = len(values)
    held = [
        (quantity, price[first:reached]) for quantity, price in zip(shares, prices, strict=True) if quantity
    ]
    if not held:
        values.extend([cash] * (reached - first))
        return 0
    quantity, row = held[0]
    totals = [cash + quantity * price for price in row]
    for quantity, row in held[1:]:
        totals = [total + quantity * price for total, price in zip(totals, row, strict=True)]
    values.extend(totals)
    return sum((total - cash) * BASIS_POINTS // total for total in totals if total > 0)


def curve_bps(values: Iterable[int], initial_cash: int) -> list[int]:
    """Return a curve as returns on the initial cash, rounded down."""
    if initial_cash <= 0:
        return [0 for _ in values]
    return [(value - initial_cash) * BASIS_POINTS // initial_cash for value in values]


def drawdown_bps(values: Iterable[int]) -> int:
    """Return the deepest fall from a high to a later low, as part of the high, rounded down."""
    peak = deepest = 0
    for value in values:
        if value > peak:
            peak = value
        elif (peak - value) * BASIS_POINTS > deepest * peak:
            deepest = (peak - value) * BASIS_POINTS // peak
    return deepest


def median_curve(curves: Sequence[Sequence[int]]) -> list[int]:
    """Return the median of the curves at each moment; of two in the middle the mean, rounded down."""
    middle, odd = divmod(len(curves), 2)
    median = []
    for values in zip(*curves, strict=True):
        ordered = sorted(values)
        median.append(ordered[middle] if odd else (ordered[middle - 1] + ordered[middle]) // 2)
    return median


def sampled(ranked: Sequence[int]) -> set[int]:
    """Return whose curves stand for the field: everybody, or evenly many of each rank where there are too many."""
    count = min(len(ranked), FIELD_CURVES_MAX)
    # The middle of each of `count` equal parts of the ranking.
    return {ranked[(2 * place + 1) * len(ranked) // (2 * count)] for place in range(count)}
