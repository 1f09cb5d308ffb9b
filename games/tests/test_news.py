"""The news plan and the hidden value."""

from collections import Counter
from random import Random

import pytest

from games.catalogue import COMPANIES, HEADLINES
from games.core.news import (
    DELAY_MAX_MS,
    DELAY_MIN_MS,
    MOOD_WINDOW_MS,
    RUMOUR_ANSWER_MAX_MS,
    RUMOUR_ANSWER_MIN_MS,
    Headline,
    Impact,
    NewsKind,
    Piece,
    PlannedNews,
    Subject,
    fundamental_impacts,
    impact_bps,
    mood_bps,
    news_delay_ms,
    news_plan,
    pace_walk,
    value_at,
    value_walk,
    value_won,
    whim_walk,
)

SUBJECTS = [
    Subject(number, company.name, company.sector, company.name_en) for number, company in enumerate(COMPANIES)
]
TEMPLATES = [
    Headline(number, seed.text, seed.is_good, seed.magnitude_bps, seed.sector, 10, seed.text_en)
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
    stories = [news for news in planned if news.answers is None]
    assert len(stories) == 9
    assert {news.company_id for news in stories} == {0, 1, 2}
    assert [news.at_ms for news in planned] == sorted(news.at_ms for news in planned)
    assert [news.number for news in planned] == list(range(len(planned)))
    assert planned[0].at_ms >= 1_000 + 540_000 * 0.06
    assert planned[-1].at_ms <= 1_000 + 540_000 * 0.92
    assert len({news.template_id for news in stories}) == 9
    for news in planned:
        template = TEMPLATES[news.template_id]
        subject = SUBJECTS[news.company_id]
        assert template.sector in ("", subject.sector)
        assert news.is_good == (template.is_good != (news.kind is NewsKind.DENIAL))
        assert 0.74 * template.magnitude_bps < news.magnitude_bps < 1.26 * template.magnitude_bps
        assert subject.name in news.headline
        assert subject.name_en in news.headline_en
        assert not set("{}") & set(news.headline + news.headline_en)
    assert planned == plan(seed)


def test_some_news_begins_as_a_rumour_and_every_rumour_is_answered_before_the_end() -> None:
    plans = [plan(seed) for seed in range(100)]
    kinds = Counter(news.kind for planned in plans for news in planned)
    stories = kinds[NewsKind.REPORT] + kinds[NewsKind.RUMOUR]
    assert 0.2 < kinds[NewsKind.RUMOUR] / stories < 0.35
    assert kinds[NewsKind.CONFIRMATION] + kinds[NewsKind.DENIAL] == kinds[NewsKind.RUMOUR]
    assert 0.4 < kinds[NewsKind.CONFIRMATION] / kinds[NewsKind.RUMOUR] < 0.6
    for planned in plans:
        for news in planned:
            if news.answers is None:
                assert news.kind in (NewsKind.REPORT, NewsKind.RUMOUR)
                continue
            rumour = planned[news.answers]
            assert rumour.kind is NewsKind.RUMOUR
            assert (rumour.company_id, rumour.template_id) == (news.company_id, news.template_id)
            assert RUMOUR_ANSWER_MIN_MS <= news.at_ms - rumour.at_ms <= RUMOUR_ANSWER_MAX_MS
            assert (rumour.is_good == news.is_good) == (news.kind is NewsKind.CONFIRMATION)
            assert rumour.headline.startswith("[소문] ")
            assert news.headline.endswith(rumour.headline.removeprefix("[소문] "))


def test_good_and_bad_news_come_about_equally_often() -> None:
    good = [news.is_good for seed in range(100) for news in plan(seed)]
    assert 0.45 < sum(good) / len(good) < 0.55


def test_a_short_game_has_news_too_and_nothing_to_tell_makes_none() -> None:
    assert [news.kind for news in plan(1, trading_ms=20_000)] == [NewsKind.REPORT] * 2
    nothing = news_plan(subjects=SUBJECTS, headlines=[], trading_at=0, closes_at=60_000, rng=Random(1))
    assert nothing == []
    nobody = news_plan(subjects=[], headlines=TEMPLATES, trading_at=0, closes_at=60_000, rng=Random(1))
    assert nobody == []


def test_a_headline_without_english_is_told_in_korean_and_a_name_with_braces_is_just_a_name() -> None:
    planned = news_plan(
        subjects=[Subject(1, "{0.__class__}", "")],
        headlines=[Headline(1, "{company} {x}", True, 100, "", 1)],
        trading_at=0,
        closes_at=60_000,
        rng=Random(5),
    )
    assert (planned[0].headline, planned[0].kind) == ("{0.__class__} {x}", NewsKind.REPORT)
    assert planned[0].headline_en == planned[0].headline


def test_the_walk_is_seeded_wanders_and_stays_near() -> None:
    def walk(seed: int) -> tuple[float, ...]:
        rng = Random(seed)
        return value_walk(pace=pace_walk(seconds=540, rng=rng), rng=rng)

    assert walk(3) == walk(3)
    assert len(walk(3)) == 541
    spans = [walk(seed) for seed in range(60)]
    widths = [max(span) - min(span) for span in spans]
    assert 250 < sum(widths) / len(widths) < 800
    assert max(abs(value) for span in spans for value in span) < 1_500


def test_a_longer_game_only_goes_on_where_the_shorter_one_ended() -> None:
    short, long = (pace_walk(seconds=seconds, rng=Random("pace")) for seconds in (10, 20))
    assert long[:11] == short
    short, long = (value_walk(pace=pace, rng=Random("value")) for pace in (short, long))
    assert long[:11] == short


def test_the_pace_is_around_one_and_the_crowds_whim_around_nothing() -> None:
    paces = [pace for seed in range(40) for pace in pace_walk(seconds=300, rng=Random(seed))]
    assert 0.8 < sum(paces) / len(paces) < 1.2
    assert min(paces) > 0
    whims = [whim for seed in range(40) for whim in whim_walk(seconds=300, rng=Random(seed))]
    assert -0.15 < sum(whims) / len(whims) < 0.15
    assert all(-1 < whim < 1 for whim in whims)


def test_news_moves_from_its_moment_on_and_fades() -> None:
    impacts = [Impact(400, 10_000), Impact(-100, 20_000)]
    assert impact_bps(impacts, 9_999) == 0
    assert impact_bps(impacts, 10_000) == 400
    assert 250 < impact_bps(impacts, 20_000) < 300
    assert 0 < impact_bps(impacts, 620_000) < 100
    assert impact_bps([Impact(100, 0, until_ms=5_000)], 5_000) == 0


def test_only_what_is_reported_or_confirmed_moves_the_hidden_value() -> None:
    pieces = [Piece(number, kind, 100, 0) for number, kind in enumerate(NewsKind)]
    assert [impact.bps for impact in fundamental_impacts(pieces)] == [100, 100]
    assert len(fundamental_impacts(pieces)) == 2


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
