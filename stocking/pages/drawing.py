"""Curves as SVG: what the results page shows before any script runs. Numbers in, paths and positions out.

The page's stylesheet gives colours and sizes. Horizontal positions are percent (text) or parts of `WIDTH` (paths,
which are stretched to the width there is); vertical ones are pixels, which are not stretched.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH = 1_000
TICKS_MAX = 7
MINUTE_MS = 60_000
MINUTES_MAX = 6
SPAN_BPS_MIN = 100
_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the plot: where it is, and the value it stands for."""

    y: float
    value: int


@dataclass(frozen=True, slots=True)
class Plot:
    """A field of `height` pixels in which moments run across and values upwards."""

    grid: Sequence[int]
    low: int
    high: int
    height: int

    def x(self, moment: int) -> float:
        """Return where a moment is, as part of the width from 0 to 1; what lies outside is at the edge."""
        span = self.grid[-1] - self.grid[0]
        return min(1.0, max(0.0, (moment - self.grid[0]) / span))

    def y(self, value: int) -> float:
        """Return where a value is, in pixels from the top."""
        return round(self.height * (self.high - value) / (self.high - self.low), 1)

    def percent(self, moment: int) -> str:
        """Return where a moment is, in percent of the width."""
        return f"{100 * self.x(moment):.2f}%"

    def path(self, values: Sequence[int]) -> str:
        """Return a line through the values, one for each moment of the grid."""
        points = [
            f"{WIDTH * self.x(moment):.1f} {self.y(value)}"
            for moment, value in zip(self.grid, values, strict=True)
        ]
        return "M" + "L".join(points)

    def ticks(self) -> list[Tick]:
        """Return round values across the plot, highest first, `TICKS_MAX` at the most."""
        step = tick_step(self.high - self.low)
        first = -(-self.low // step) * step
        return [Tick(self.y(value), value) for value in reversed(range(first, self.high + 1, step))]

    def minutes(self) -> list[tuple[str, int]]:
        """Return whole minutes since the opening, some of them, as position and number."""
        length = self.grid[-1] - self.grid[0]
        step = MINUTE_MS * max(1, -(-length // (MINUTES_MAX * MINUTE_MS)))
        marks = range(step, length - step // 3, step)
        return [(self.percent(self.grid[0] + mark), mark // MINUTE_MS) for mark in marks]


def tick_step(span: int) -> int:
    """Return the round step (1, 2 or 5 times a power of ten) that divides a span into few parts."""
    power = 1
    while True:
        for step in _STEPS:
            if span <= (TICKS_MAX - 1) * step * power:
                return step * power
        power *= 10


def returns_plot(grid: Sequence[int], lines: Iterable[Sequence[int]], *, height: int) -> Plot:
    """Return a plot on which these curves of returns fit with some air, zero among them."""
    values = [0, *(value for line in lines for value in line)]
    low, high = min(values), max(values)
    air = max((high - low) // 12, (SPAN_BPS_MIN - (high - low)) // 2, 1)
    return Plot(grid, low - air, high + air, height)


def prices_plot(grid: Sequence[int], lines: Iterable[Sequence[int]], *, height: int) -> Plot:
    """Return a plot on which these courses of prices fit with air for marks above and below."""
    values = [value for line in lines for value in line]
    low, high = min(values), max(values)
    air = max((high - low) // 6, high // 400, 1)
    return Plot(grid, low - air, high + air, height)


def value_at(grid: Sequence[int], values: Sequence[int], moment: int) -> int:
    """Return the value at the last moment of the grid that is not after `moment`; before all of them the first."""
    return values[max(0, bisect_right(grid, moment) - 1)]
