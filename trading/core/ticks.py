"""Ticks, daily limits and protection prices, after the Korea Exchange (KRX), in whole won."""

from __future__ import annotations

from trading.core.orders import Side

# Below the first number the tick is the second. Each bound is a multiple of the ticks on both its sides,
# so rounding within a band never leaves a price that is off the tick of the next band.
TICK_BANDS = (
    (2_000, 1),
    (5_000, 5),
    (20_000, 10),
    (50_000, 50),
    (200_000, 100),
    (500_000, 500),
)
LARGEST_TICK = 1_000

DAILY_LIMIT_PERCENT = 30
PROTECTION_PERCENT = 10


def tick_size(price: int) -> int:
    for bound, tick in TICK_BANDS:
        if price < bound:
            return tick
    return LARGEST_TICK


def is_on_tick(price: int) -> bool:
    return price > 0 and price % tick_size(price) == 0


def floor_to_tick(price: int) -> int:
    """The highest valid price ≤ `price` (0 if there is none)."""
    return max(0, price - price % tick_size(price))


def ceil_to_tick(price: int) -> int:
    """The lowest valid price ≥ `price`."""
    return max(1, price + -price % tick_size(price))


def tick_above(price: int) -> int:
    """The lowest valid price > `price`."""
    return ceil_to_tick(price + 1)


def tick_below(price: int) -> int:
    """The highest valid price < `price` (0 if there is none)."""
    return floor_to_tick(price - 1)


def percent_rounded_down(price: int, percent: int) -> int:
    return price * percent // 100


def percent_rounded_up(price: int, percent: int) -> int:
    return -(-price * percent // 100)


def daily_limits(base_price: int) -> tuple[int, int]:
    """(lower, upper): the lowest and the highest price of the day."""
    lower = ceil_to_tick(percent_rounded_up(base_price, 100 - DAILY_LIMIT_PERCENT))
    upper = floor_to_tick(percent_rounded_down(base_price, 100 + DAILY_LIMIT_PERCENT))
    return lower, upper


def protection_price(side: Side, last_price: int, lower: int, upper: int) -> int:
    """The worst price a market order may trade at, kept within the daily limits."""
    if side is Side.BUY:
        price = floor_to_tick(percent_rounded_down(last_price, 100 + PROTECTION_PERCENT))
    else:
        price = ceil_to_tick(percent_rounded_up(last_price, 100 - PROTECTION_PERCENT))
    return min(max(price, lower), upper)
