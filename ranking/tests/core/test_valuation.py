"""Closing values, equity and returns: every rounding and every edge of the window."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranking.core.valuation import (
    Close,
    Window,
    closing_value,
    equity,
    house_return_bps,
    return_bps,
    window_bounds,
    window_of,
)

CLOSES_AT = 1_000_000


@pytest.mark.parametrize(
    ("trades", "window"),
    [
        ([], Window(0, 0)),
        ([(100, 5, 970_000)], Window(5, 500)),  # the first millisecond belongs to it
        ([(100, 5, 969_999)], Window(0, 0)),
        ([(100, 5, 1_000_000)], Window(5, 500)),  # and the last
        ([(100, 5, 1_000_001)], Window(0, 0)),
        ([(100, 1, 980_000), (103, 2, 990_000)], Window(3, 306)),
        ([(50_000, 9, 100), (100, 1, 980_000)], Window(1, 100)),
    ],
)
def test_the_window_is_the_last_thirty_seconds_with_both_ends(
    trades: list[tuple[int, int, int]], window: Window
) -> None:
    assert window_of(trades, CLOSES_AT) == window
    assert window_bounds(CLOSES_AT) == (970_000, 1_000_000)


@pytest.mark.parametrize(
    ("pauses", "first"),
    [
        ([(900_000, 970_000)], 970_000),  # over when the window begins
        ([(980_000, 990_000)], 960_000),
        ([(900_000, 990_000)], 880_000),  # 10 s after the pause, 20 s before it
        ([(950_000, 960_000), (965_000, 995_000)], 930_000),
        ([(960_000, 1_000_000)], 930_000),  # ended while it was paused
    ],
)
def test_the_window_reaches_back_over_pauses(pauses: list[tuple[int, int]], first: int) -> None:
    assert window_bounds(CLOSES_AT, pauses) == (first, CLOSES_AT)


@pytest.mark.parametrize(
    ("last_price", "window", "value"),
    [
        (70_000, Window(0, 0), 70_000),
        (70_000, Window(1, 71_000), 71_000),
        (70_000, Window(3, 302), 100),  # 100.67 is rounded down
        (70_000, Window(1_000_001, 10_000_009), 9),
    ],
)
def test_closing_value_is_the_average_rounded_down_or_the_last_price(
    last_price: int, window: Window, value: int
) -> None:
    assert closing_value(last_price=last_price, window=window) == value


def test_the_average_is_weighted_by_volume() -> None:
    window = window_of([(100, 99, 999_000), (1_000, 1, 999_500)], CLOSES_AT)
    assert closing_value(last_price=1_000, window=window) == 109


def test_equity_is_cash_plus_shares_at_closing_values() -> None:
    assert equity(cash=5, shares={}, values={1: 10}) == 5
    assert equity(cash=5, shares={1: 2, 2: 3}, values={1: 10, 2: 100, 3: 7}) == 325
    assert equity(cash=0, shares={1: 0}, values={1: 10}) == 0


@pytest.mark.parametrize(
    ("value", "base", "bps"),
    [
        (10_000_000, 10_000_000, 0),
        (10_123_456, 10_000_000, 123),
        (10_000_999, 10_000_000, 0),
        (9_999_999, 10_000_000, -1),  # down means towards the loss
        (9_998_999, 10_000_000, -2),
        (0, 10_000_000, -10_000),
        (5, 0, 0),
    ],
)
def test_returns_are_basis_points_rounded_down(value: int, base: int, bps: int) -> None:
    assert return_bps(value, base) == bps


@pytest.mark.parametrize(
    ("closes", "bps"),
    [
        ([], 0),
        ([Close(1_000, 1_100)], 1_000),
        ([Close(1_000, 1_100), Close(50_000, 45_000)], 0),
        ([Close(3, 4), Close(3, 3), Close(3, 3)], 1_111),
        ([Close(3, 2)], -3_334),
        ([Close(100_000, 100_000), Close(30_000, 30_010)], 1),
    ],
)
def test_the_house_holds_all_listings_equally_whatever_their_price(closes: list[Close], bps: int) -> None:
    assert house_return_bps(closes) == bps


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)), min_size=1, max_size=20))
def test_a_closing_value_lies_between_the_lowest_and_the_highest_price(trades: list[tuple[int, int]]) -> None:
    window = window_of([(price, quantity, CLOSES_AT) for price, quantity in trades], CLOSES_AT)
    prices = [price for price, _ in trades]
    assert min(prices) <= closing_value(last_price=1, window=window) <= max(prices)
