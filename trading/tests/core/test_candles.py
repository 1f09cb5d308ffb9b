from __future__ import annotations

from trading.core.candles import INTERVALS, Candle, CandleSeries, fold


def test_intervals() -> None:
    assert INTERVALS == {"5s": 5_000, "15s": 15_000, "1m": 60_000}


def test_trades_become_candles_that_fold_into_longer_ones() -> None:
    series = CandleSeries(5_000)
    for price, quantity, time_ms in [
        (100, 1, 5_000),
        (105, 2, 6_000),
        (98, 3, 9_999),
        (99, 4, 10_000),
        (97, 5, 27_000),
    ]:
        series.add(price, quantity, time_ms)
    candles = list(series.candles.values())
    assert candles == [
        Candle(5_000, open=100, high=105, low=98, close=98, volume=6),
        Candle(10_000, open=99, high=99, low=99, close=99, volume=4),
        Candle(25_000, open=97, high=97, low=97, close=97, volume=5),
    ]
    assert fold(candles, 15_000) == [
        Candle(0, open=100, high=105, low=98, close=99, volume=10),
        Candle(15_000, open=97, high=97, low=97, close=97, volume=5),
    ]
    assert fold(candles, 60_000) == [Candle(0, open=100, high=105, low=97, close=97, volume=15)]
    assert fold([], 5_000) == []
    assert series.candles[5_000].close == 98  # folding leaves its parts alone


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
