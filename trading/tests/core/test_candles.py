from __future__ import annotations

from dataclasses import dataclass

import pytest

from trading.core.candles import INTERVALS, Candle, CandleSeries, closing_price, fold, vwap


@dataclass
class Trade:
    price: int
    quantity: int
    time_ms: int


def test_intervals() -> None:
    assert INTERVALS == {"5s": 5_000, "15s": 15_000, "1m": 60_000}


def test_trades_fold_into_candles() -> None:
    trades = [Trade(100, 1, 5_000), Trade(105, 2, 6_000), Trade(98, 3, 9_999), Trade(99, 4, 10_000)]
    trades.append(Trade(97, 5, 27_000))
    assert fold(trades, 5_000) == [
        Candle(5_000, open=100, high=105, low=98, close=98, volume=6),
        Candle(10_000, open=99, high=99, low=99, close=99, volume=4),
        Candle(25_000, open=97, high=97, low=97, close=97, volume=5),
    ]
    assert fold(trades, 60_000) == [Candle(0, open=100, high=105, low=97, close=97, volume=15)]
    assert fold([], 5_000) == []


def test_a_series_tells_what_changed() -> None:
    series = CandleSeries(5_000)
    series.add(100, 1, 1_000)
    series.add(101, 1, 6_000)
    assert [candle.start for candle in series.take_changed()] == [0, 5_000]
    series.add(102, 3, 7_000)
    assert series.take_changed() == [Candle(5_000, 101, 102, 101, 102, 4)]
    assert series.take_changed() == []


def test_a_series_goes_on_from_stored_candles() -> None:
    series = CandleSeries(5_000, [Candle(0, 100, 100, 100, 100, 1)])
    assert series.add(90, 1, 4_999) == Candle(0, 100, 100, 90, 90, 2)
    assert list(series.candles) == [0]


@pytest.mark.parametrize(
    ("trades", "price"),
    [
        ([], None),
        ([(100, 1)], 100),
        ([(100, 1), (103, 2)], 102),
        ([(100, 1), (101, 1)], 100),  # rounded down
    ],
)
def test_vwap(trades: list[tuple[int, int]], price: int | None) -> None:
    assert vwap(Trade(price, quantity, 0) for price, quantity in trades) == price


@pytest.mark.parametrize(
    ("trades", "price"),
    [
        ([], 555),
        ([(100, 69_999)], 555),  # before the window
        ([(100, 70_000)], 100),  # the window begins
        ([(100, 99_999)], 100),
        ([(100, 100_000)], 555),  # the market has closed
        ([(900, 10_000), (100, 70_000), (102, 99_999)], 101),
    ],
)
def test_closing_price(trades: list[tuple[int, int]], price: int) -> None:
    tape = [Trade(price, 1, time) for price, time in trades]
    assert closing_price(tape, closes_at_ms=100_000, window_ms=30_000, last_price=555) == price
