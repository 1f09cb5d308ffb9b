"""Integer units: won, shares, milliseconds, basis points. No floats near money."""

import time

BASIS_POINTS = 10_000


def now_ms() -> int:
    """Return the wall clock in milliseconds since 1970. For edges only; the core is given its time."""
    return time.time_ns() // 1_000_000


def return_bps(value_won: int, base_won: int) -> int:
    """Return the gain of `value_won` over `base_won` in basis points, rounded down; 0 for an empty base."""
    if base_won <= 0:
        return 0
    return (value_won - base_won) * BASIS_POINTS // base_won
