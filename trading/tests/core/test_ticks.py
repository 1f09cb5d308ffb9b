from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.orders import Side
from trading.core.ticks import (
    ceil_to_tick,
    daily_limits,
    floor_to_tick,
    is_on_tick,
    protection_price,
    tick_above,
    tick_below,
    tick_size,
)

prices = st.integers(1, 2_000_000)


@pytest.mark.parametrize(
    ("price", "tick"),
    [
        (1, 1),
        (1_999, 1),
        (2_000, 5),
        (4_999, 5),
        (5_000, 10),
        (19_990, 10),
        (20_000, 50),
        (49_950, 50),
        (50_000, 100),
        (199_900, 100),
        (200_000, 500),
        (499_500, 500),
        (500_000, 1_000),
        (10_000_000, 1_000),
    ],
)
def test_the_krx_table(price: int, tick: int) -> None:
    assert tick_size(price) == tick


@pytest.mark.parametrize(
    ("price", "below", "above"),
    [
        (1_999, 1_999, 1_999),
        (2_001, 2_000, 2_005),
        (4_996, 4_995, 5_000),
        (5_001, 5_000, 5_010),
        (19_991, 19_990, 20_000),
        (20_049, 20_000, 20_050),
        (49_999, 49_950, 50_000),
        (50_001, 50_000, 50_100),
        (199_999, 199_900, 200_000),
        (200_001, 200_000, 200_500),
        (499_501, 499_500, 500_000),
        (500_999, 500_000, 501_000),
    ],
)
def test_rounding_across_bands(price: int, below: int, above: int) -> None:
    assert floor_to_tick(price) == below
    assert ceil_to_tick(price) == above


@pytest.mark.parametrize("price", [0, -1, -1_000, 2_001, 5_005, 20_010, 50_050, 200_100, 500_500])
def test_prices_off_the_tick(price: int) -> None:
    assert not is_on_tick(price)


def test_no_price_below_one_won() -> None:
    assert floor_to_tick(0) == 0
    assert floor_to_tick(-7) == 0
    assert ceil_to_tick(-7) == 1
    assert tick_below(1) == 0


@pytest.mark.parametrize(
    ("price", "below", "above"),
    [(2_000, 1_999, 2_005), (5_000, 4_995, 5_010), (500_000, 499_500, 501_000), (1_998, 1_997, 1_999)],
)
def test_neighbouring_ticks(price: int, below: int, above: int) -> None:
    assert tick_below(price) == below
    assert tick_above(price) == above


@given(prices)
def test_rounding_gives_the_nearest_valid_price(price: int) -> None:
    below, above = floor_to_tick(price), ceil_to_tick(price)
    assert is_on_tick(below)
    assert is_on_tick(above)
    assert below <= price <= above
    assert not any(is_on_tick(between) for between in range(below + 1, price))
    assert not any(is_on_tick(between) for between in range(price + 1, above))
    assert (below == above) == is_on_tick(price)


@pytest.mark.parametrize(
    ("base_price", "lower", "upper"),
    [
        (100_000, 70_000, 130_000),
        (10_000, 7_000, 13_000),
        (1_999, 1_400, 2_595),  # 1399.3 up; 2598.7 down, in the band of 5
        (15_400, 10_780, 20_000),  # 20,020 down, in the band of 50
        (71_300, 49_950, 92_600),  # 49,910 up, in the band of 50; 92,690 down
        (28_550, 19_990, 37_100),  # 19,985 up, in the band of 10; 37,115 down
        (400_000, 280_000, 520_000),
        (1, 1, 1),
        (3, 3, 3),  # 2.1 up, 3.9 down
    ],
)
def test_daily_limits(base_price: int, lower: int, upper: int) -> None:
    assert daily_limits(base_price) == (lower, upper)


@given(prices)
def test_daily_limits_are_the_outermost_valid_prices(base_price: int) -> None:
    lower, upper = daily_limits(base_price)
    assert is_on_tick(lower)
    assert is_on_tick(upper)
    assert lower * 100 >= base_price * 70 > tick_below(lower) * 100
    assert upper * 100 <= base_price * 130 < tick_above(upper) * 100


@pytest.mark.parametrize(
    ("side", "last", "price"),
    [
        (Side.BUY, 100_000, 110_000),
        (Side.SELL, 100_000, 90_000),
        (Side.BUY, 125_000, 130_000),  # 137,500, kept within the daily limit
        (Side.SELL, 71_000, 70_000),  # 63,900, kept within the daily limit
        (Side.BUY, 100_100, 110_100),  # 110,110 down
        (Side.SELL, 100_100, 90_100),  # 90,090 up
    ],
)
def test_protection_price(side: Side, last: int, price: int) -> None:
    assert protection_price(side, last, *daily_limits(100_000)) == price


@given(prices, st.sampled_from(list(Side)), st.data())
def test_protection_price_is_always_valid(base_price: int, side: Side, data: st.DataObject) -> None:
    lower, upper = daily_limits(base_price)
    last = floor_to_tick(data.draw(st.integers(lower, upper)))
    price = protection_price(side, last, lower, upper)
    assert is_on_tick(price)
    assert lower <= price <= upper
    assert price >= last if side is Side.BUY else price <= last
