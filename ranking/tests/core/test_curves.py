"""Curves: where they begin and end, what they show in between, and what is read off them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranking.core.curves import (
    CANDLE_MS,
    FIELD_CURVES_MAX,
    POINTS_MAX,
    Move,
    curve_bps,
    drawdown_bps,
    equity_curve,
    grid_of,
    median_curve,
    prices_on,
    sampled,
)
from trading.core.invariants import InvariantError

CASH = 1_000_000
GRID = [0, 5_000, 10_000, 15_000, 20_000]


def test_the_grid_is_the_opening_every_candles_end_and_the_close() -> None:
    assert grid_of(10_000, 26_000) == [10_000, 15_000, 20_000, 25_000, 26_000]
    assert grid_of(11_000, 25_000) == [11_000, 15_000, 20_000, 25_000]
    assert grid_of(11_000, 12_000) == [11_000, 12_000]
    assert len(grid_of(0, 540_000)) == 109
    with pytest.raises(InvariantError):
        grid_of(5, 5)


@given(st.integers(0, 20_000), st.integers(1, 100_000_000))
def test_a_grid_rises_and_is_never_too_long(opens_at: int, length: int) -> None:
    grid = grid_of(opens_at, opens_at + length)
    assert (grid[0], grid[-1]) == (opens_at, opens_at + length)
    assert grid == sorted(set(grid))
    assert len(grid) <= POINTS_MAX
    assert all(moment % CANDLE_MS == 0 for moment in grid[1:-1])


def test_prices_are_those_of_the_candles_that_have_ended() -> None:
    candles = [(0, 110), (10_000, 120), (15_000, 130)]
    assert prices_on(GRID, candles, base_price=100, closing_value=125) == [100, 110, 110, 120, 125]
    assert prices_on(GRID, [], base_price=100, closing_value=100) == [100] * 5
    assert prices_on([7_000, 10_000, 12_000], [(5_000, 90)], base_price=100, closing_value=95) == [
        100,
        90,
        95,
    ]


def test_a_curve_follows_shares_and_cash() -> None:
    prices = [[100, 110, 120, 130, 125], [50, 50, 60, 60, 60]]
    moves = [
        Move(0, 1_000, 1_000, -105_000),  # seen at 5 s
        Move(1, 5_000, 100, -5_000),  # at the very moment: seen at the next one
        Move(0, 16_000, -1_000, 128_000),
    ]
    curve = equity_curve(initial_cash=CASH, moves=moves, grid=GRID, prices=prices)
    assert curve.values == [
        CASH,
        CASH - 105_000 + 110_000,
        CASH - 110_000 + 120_000 + 6_000,
        CASH - 110_000 + 130_000 + 6_000,
        CASH - 110_000 + 128_000 + 6_000,
    ]
    assert curve.cash == CASH + 18_000
    shares = [0, 110_000, 126_000, 136_000, 6_000]
    assert curve.invested_bps == sum(s * 10_000 // v for s, v in zip(shares, curve.values, strict=True)) // 5


def test_what_comes_at_the_close_or_later_counts_at_the_close() -> None:
    moves = [Move(0, 20_000, 10, -1_000), Move(0, 20_400, 10, -1_000)]
    curve = equity_curve(initial_cash=CASH, moves=moves, grid=GRID, prices=[[100, 100, 100, 100, 90]])
    assert curve.values == [CASH] * 4 + [CASH - 2_000 + 20 * 90]


def naive(moves: list[Move], prices: list[list[int]]) -> list[int]:
    values = []
    for place, moment in enumerate(GRID):
        seen = [move for move in moves if move.at < moment or moment == GRID[-1]]
        cash = CASH + sum(move.cash for move in seen)
        values.append(cash + sum(move.shares * prices[move.listing][place] for move in seen))
    return values


MOVES = st.lists(
    st.builds(Move, st.integers(0, 2), st.integers(0, 21_000), st.integers(-9, 9), st.integers(-999, 999)),
    max_size=12,
)
PRICES = st.lists(st.lists(st.integers(1, 500), min_size=5, max_size=5), min_size=3, max_size=3)


@given(MOVES, PRICES)
def test_a_curve_is_what_adding_everything_up_anew_gives(moves: list[Move], prices: list[list[int]]) -> None:
    moves.sort(key=lambda move: move.at)
    curve = equity_curve(initial_cash=CASH, moves=moves, grid=GRID, prices=prices)
    assert curve.values == naive(moves, prices)
    assert curve.cash == CASH + sum(move.cash for move in moves)


def test_returns_are_rounded_down() -> None:
    assert curve_bps([1_000_000, 1_000_150, 999_999], CASH) == [0, 1, -1]
    assert curve_bps([5], 0) == [0]


def test_a_drawdown_is_the_deepest_fall_from_a_high() -> None:
    assert drawdown_bps([100, 120, 90, 130, 110]) == 2_500
    assert drawdown_bps([100, 90, 120]) == 1_000
    assert drawdown_bps([100, 110, 120]) == 0
    assert drawdown_bps([]) == 0


def test_the_median_is_taken_moment_by_moment() -> None:
    assert median_curve([[0, 5], [2, 1], [9, 3]]) == [2, 3]
    assert median_curve([[0, -3], [1, 0]]) == [0, -2]
    assert median_curve([]) == []


@pytest.mark.parametrize("count", [0, 1, FIELD_CURVES_MAX, 3 * FIELD_CURVES_MAX, 10_007])
def test_a_large_field_is_sampled_evenly_by_rank(count: int) -> None:
    chosen = sorted(sampled(range(count)))
    assert len(chosen) == min(count, FIELD_CURVES_MAX)
    if count <= FIELD_CURVES_MAX:
        assert chosen == list(range(count))
    else:
        gaps = {second - first for first, second in pairwise(chosen)}
        assert max(gaps) - min(gaps) <= 1
        assert chosen[len(chosen) // 2] == pytest.approx(count / 2, abs=count / FIELD_CURVES_MAX)
