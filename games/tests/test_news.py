"""The news plan and the hidden value."""

from random import Random

import pytest

from games.catalogue import COMPANIES, HEADLINES
from games.core.news import (
    DELAY_MAX_MS,
    DELAY_MIN_MS,
    MOOD_WINDOW_MS,
    Headline,
    Impact,
    PlannedNews,
    Subject,
    impact_bps,
    mood_bps,
    news_delay_ms,
    news_plan,
    value_at,
    value_walk,
    value_won,
)

SUBJECTS = [Subject(number, company.name, company.sector) for number, company in enumerate(COMPANIES)]
TEMPLATES = [
    Headline(number, seed.text, seed.is_good, seed.magnitude_bps, seed.sector, 10)
    for number, seed in enumerate(HEADLINES)
]


def plan(seed: int, trading_ms: int = 540_000) -> list[PlannedNews]:
    return news_plan(
        subjects=SUBJECTS,
        headlines=TEMPLATES,
        trading_at=1_000,
        closes_at=1_000 + trading_ms,
        rng=Random(seed),
    )


@pytest.mark.parametrize("seed", range(30))
def test_a_plan_covers_every_company_in_time_and_repeats_nothing(seed: int) -> None:
    planned = plan(seed)
    assert len(planned) == 9
    assert {news.company_id for news in planned} == {0, 1, 2}
    assert [news.at_ms for news in planned] == sorted(news.at_ms for news in planned)
    assert planned[0].at_ms >= 1_000 + 540_000 * 0.06
    assert planned[-1].at_ms <= 1_000 + 540_000 * 0.92
    assert len({news.template_id for news in planned}) == 9
    for news in planned:
        template = TEMPLATES[news.template_id]
        assert template.sector in ("", SUBJECTS[news.company_id].sector)
        assert news.is_good == template.is_good
        assert 0.74 * template.magnitude_bps < news.magnitude_bps < 1.26 * template.magnitude_bps
        assert SUBJECTS[news.company_id].name in news.headline
        assert "{" not in news.headline
    assert planned == plan(seed)


def test_good_and_bad_news_come_about_equally_often() -> None:
    good = [news.is_good for seed in range(100) for news in plan(seed)]
    assert 0.45 < sum(good) / len(good) < 0.55


def test_a_short_game_has_news_too_and_nothing_to_tell_makes_none() -> None:
    assert len(plan(1, trading_ms=20_000)) == 2
    nothing = news_plan(subjects=SUBJECTS, headlines=[], trading_at=0, closes_at=60_000, rng=Random(1))
    assert nothing == []
    nobody = news_plan(subjects=[], headlines=TEMPLATES, trading_at=0, closes_at=60_000, rng=Random(1))
    assert nobody == []


def test_a_company_name_with_braces_is_just_a_name() -> None:
    planned = news_plan(
        subjects=[Subject(1, "{0.__class__}", "")],
        headlines=[Headline(1, "{company} {x}", True, 100, "", 1)],
        trading_at=0,
        closes_at=60_000,
        rng=Random(1),
    )
    assert planned[0].headline == "{0.__class__} {x}"


def test_the_walk_is_seeded_wanders_and_stays_near() -> None:
    walk = value_walk(seconds=540, rng=Random(3))
    assert walk == value_walk(seconds=540, rng=Random(3))
    assert len(walk) == 541
    spans = [value_walk(seconds=540, rng=Random(seed)) for seed in range(60)]
    widths = [max(span) - min(span) for span in spans]
    assert 150 < sum(widths) / len(widths) < 600
    assert max(abs(value) for span in spans for value in span) < 1_000


def test_news_moves_from_its_moment_on_and_fades() -> None:
    impacts = [Impact(400, 10_000), Impact(-100, 20_000)]
    assert impact_bps(impacts, 9_999) == 0
    assert impact_bps(impacts, 10_000) == 400
    assert 250 < impact_bps(impacts, 20_000) < 300
    assert 0 < impact_bps(impacts, 620_000) < 100


@pytest.mark.parametrize(
    ("deviation", "value"), [(0, 100_000), (100, 101_005), (-100, 99_005), (1e9, 124_608), (-1e9, 80_252)]
)
def test_the_value_is_bounded(deviation: float, value: int) -> None:
    assert value_won(100_000, deviation) == value


def test_a_bot_notices_news_late_and_has_a_mood() -> None:
    delays = [news_delay_ms(Random(seed)) for seed in range(200)]
    assert DELAY_MIN_MS <= min(delays) < 3_000
    assert 18_000 < max(delays) <= DELAY_MAX_MS
    assert mood_bps(moods=(10.0, 30.0), now_ms=0) == 10.0
    assert mood_bps(moods=(10.0, 30.0), now_ms=MOOD_WINDOW_MS // 2) == 20.0


@pytest.mark.parametrize(("now", "deviation"), [(-5_000, 1.0), (0, 1.0), (1_500, 2.0), (99_000, 3.0)])
def test_outside_of_trading_the_value_is_that_of_the_nearest_second(now: int, deviation: float) -> None:
    assert value_at((1.0, 2.0, 3.0), now) == deviation
