"""The measures of a market on series whose answers are known, and the short form of the market report."""

import math
from dataclasses import replace
from random import Random

import pytest

from games.core.facts import (
    NEWS_WINDOW_SECONDS,
    WARM_UP_SECONDS,
    GameRecord,
    Measures,
    Path,
    Told,
    autocorrelation,
    excess_kurtosis,
    facts,
    measures,
    news_courses,
    news_moves,
    record,
    returns,
)
from games.simulation import game_of_catalogue


def path_of(mids: list[float | None], **changes: object) -> Path:
    fields: dict[str, object] = {
        "symbol": "AAA",
        "mids": mids,
        "spreads": [None if mid is None else 1 for mid in mids],
        "levels": [6] * len(mids),
        "values": [100] * len(mids),
        "volumes": [0] * len(mids),
    }
    return Path(**(fields | changes))  # type: ignore[arg-type]


def test_returns_are_of_periods_that_follow_one_another() -> None:
    mids = [1.0] * WARM_UP_SECONDS + [100.0, 101.0, 100.0, 102.0, 104.0]
    assert returns(path_of(mids)) == pytest.approx([99.503, -99.503, 198.026, 194.180], abs=0.001)
    assert returns(path_of(mids), 2) == pytest.approx([0.0, 392.207], abs=0.001)
    holed = [*mids[:-2], None, 104.0]
    assert len(returns(path_of(holed))) == 3


def test_autocorrelation_finds_what_is_there_and_nothing_in_noise() -> None:
    rng = Random(1)
    noise = [rng.gauss(0, 1) for _ in range(4_000)]
    trend = [sum(noise[at - 2 : at + 1]) for at in range(2, len(noise))]
    assert abs(autocorrelation([noise], 3)) < 0.05
    assert autocorrelation([trend], 1) == pytest.approx(2 / 3, abs=0.05)
    assert abs(autocorrelation([trend], 5)) < 0.05
    assert autocorrelation([[1.0, -1.0] * 50], 1) == pytest.approx(-0.99)
    # Levels of their own are not taken for memory.
    assert abs(autocorrelation([noise, [value + 50 for value in noise]], 3)) < 0.05
    assert autocorrelation([[1.0, 1.0, 1.0]], 1) == 0.0
    assert autocorrelation([[1.0]], 3) == 0.0


def test_excess_kurtosis_of_known_shapes() -> None:
    rng = Random(1)
    assert excess_kurtosis([-1.0, 1.0] * 10) == -2.0
    assert abs(excess_kurtosis([rng.gauss(0, 1) for _ in range(20_000)])) < 0.2
    assert excess_kurtosis([0.0] * 98 + [1.0, -1.0]) > 40
    assert excess_kurtosis([1.0, 1.0]) == 0.0


def test_news_counts_by_the_way_the_price_has_gone_after_half_a_minute() -> None:
    rising = [100.0 + second for second in range(100)]
    moves = news_moves([path_of(rising, news=[Told(10, 1), Told(10, -1), Told(90, 1)])])
    assert moves[0] > 0 > moves[1]
    assert len(moves) == 2, "what came too late to tell is left out"
    expected = 10_000 * math.log(rising[10 + NEWS_WINDOW_SECONDS] / rising[9])
    assert moves[0] == pytest.approx(expected)
    assert news_moves([path_of([100.0] * 100, news=[Told(10, 1)])]) == [0.0], "standing still is not its way"


def test_courses_begin_at_the_second_before_the_news() -> None:
    mids = [100.0] * 10 + [101.0] * 20
    path = path_of(mids, news=[Told(10, 1, is_rumour=True), Told(12, 1)])
    [course] = news_courses([path], before=2, after=3, is_rumour=True)
    assert course == pytest.approx([0, 0, 99.503, 99.503, 99.503, 99.503], abs=0.001)
    assert len(news_courses([path], before=2, after=3)) == 2
    assert news_courses([path], before=11, after=3, is_rumour=True) == [], "it begins before the game"


@pytest.fixture(scope="module")
def played() -> list[GameRecord]:
    """Four games of three minutes."""
    return [record(game_of_catalogue(seed=seed, seconds=180)) for seed in range(11, 15)]


@pytest.fixture(scope="module")
def found(played: list[GameRecord]) -> Measures:
    return measures(played)


def test_the_market_of_the_bots_is_as_a_market_should_be(found: Measures) -> None:
    """The short form of `market_report`; so few games tell of news and tails only roughly."""
    assert found.two_sided_share >= 0.99
    assert found.crossed == 0
    assert 1 <= found.spread_median <= 3
    assert found.five_levels_share >= 0.95
    assert max(abs(value) for value in found.autocorrelations[2:10]) < 0.15
    assert found.kurtosis_short > 1
    assert min(found.clustering[:5]) > 0
    assert 0.5 <= found.news_share < 1
    assert found.are_conserved
    assert found.refused_share < 0.03
    assert 10 < found.orders_a_second < 50
    assert 100 < found.range_bps < 1_500, "it moves, and does not run away"


def test_each_game_has_its_own_tape_and_the_same_one_each_time(played: list[GameRecord]) -> None:
    assert len({game.tape_digest for game in played}) == len(played)
    again = record(game_of_catalogue(seed=11, seconds=180))
    assert again == played[0]


SOUND = Measures(
    two_sided_share=1.0,
    crossed=0,
    spread_median=2.0,
    levels_median=8.0,
    five_levels_share=1.0,
    autocorrelations=(0.3, 0.2, *(0.05,) * 28),
    clustering=(0.2,) * 30,
    kurtosis_short=6.0,
    kurtosis_long=2.0,
    news_moves=(1.0, 1.0, 1.0, -1.0),
    volatility_bps=15.0,
    range_bps=500.0,
    value_gap_bps=40.0,
    fills_a_second=8.0,
    orders_a_second=30.0,
    refused_share=0.01,
    are_conserved=True,
)


def test_a_sound_market_holds_all_facts() -> None:
    assert all(fact.holds for fact in facts(SOUND))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("two_sided_share", 0.98),
        ("crossed", 1),
        ("five_levels_share", 0.9),
        ("spread_median", 4.0),
        ("autocorrelations", (0.0,) * 29 + (-0.2,)),
        ("kurtosis_short", 0.9),
        ("kurtosis_long", 100.0),
        ("clustering", (0.2,) * 9 + (-0.01,) + (0.2,) * 20),
        ("news_moves", (1.0,) * 9 + (-1.0,)),
        ("news_moves", (1.0, -1.0)),
        ("are_conserved", False),
    ],
)
def test_each_fact_that_does_not_hold_is_told(name: str, value: object) -> None:
    broken = replace(SOUND, **{name: value})  # type: ignore[arg-type]
    assert [fact.holds for fact in facts(broken)].count(False) >= 1
