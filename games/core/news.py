"""The news of a game, planned from its seed, and the hidden value of a share that the news moves.

The hidden value is the base price times e^(deviation): a walk that reverts to zero, plus the impact of each
piece of news, which fades the same way. Nobody is ever told the value; each bot sees its own version of it,
in which news arrives late (`news_delay_ms`) and a slow mood of its own is added. Deviations are basis points.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from games.core.draws import Draws

FIRST_NEWS_SHARE = 0.06
LAST_NEWS_SHARE = 0.92
COMPANY_NEWS_INTERVAL_MS = 180_000
NEWS_MAX = 60

REVERSION_PER_SECOND = 1 / 420
WALK_BPS_PER_SECOND = 9.0
DEVIATION_LIMIT_BPS = 2_200.0

DELAY_MIN_MS = 1_000
DELAY_MAX_MS = 20_000

MOOD_WINDOW_MS = 30_000


@dataclass(frozen=True, slots=True)
class Headline:
    """A template: `{company}` in the text stands for the name; an empty sector fits every company."""

    template_id: int
    text: str
    is_good: bool
    magnitude_bps: int
    sector: str
    weight: int


@dataclass(frozen=True, slots=True)
class Subject:
    """A listed company that news can be about."""

    company_id: int
    name: str
    sector: str


@dataclass(frozen=True, slots=True)
class PlannedNews:
    """A piece of news and when it comes out."""

    company_id: int
    template_id: int
    is_good: bool
    magnitude_bps: int
    headline: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Impact:
    """News as it moves a value: signed basis points from a moment on."""

    bps: int
    at_ms: int


def _headline_for(
    subject: Subject, headlines: Sequence[Headline], used: set[int], rng: Draws
) -> Headline | None:
    """Draw good or bad first, then by weight; headlines of this game come again only when none is left."""
    is_good = rng.random() < 0.5
    fitting = [h for h in headlines if h.sector in ("", subject.sector) and h.weight > 0]
    choices = [h for h in fitting if h.is_good == is_good] or fitting
    fresh = [h for h in choices if h.template_id not in used] or choices
    if not fresh:
        return None
    return rng.choices(fresh, weights=[h.weight for h in fresh])[0]


def news_plan(
    *,
    subjects: Sequence[Subject],
    headlines: Sequence[Headline],
    trading_at: int,
    closes_at: int,
    rng: Draws,
) -> list[PlannedNews]:
    """Plan a game's news: spread over its trading, each company in turn, one piece a company per three
    minutes.
    """
    if not subjects:
        return []
    length = closes_at - trading_at
    count = min(NEWS_MAX, max(2, length * len(subjects) // COMPANY_NEWS_INTERVAL_MS))
    first = length * FIRST_NEWS_SHARE
    slot = length * (LAST_NEWS_SHARE - FIRST_NEWS_SHARE) / count
    planned: list[PlannedNews] = []
    used: set[int] = set()
    turn: list[Subject] = []
    for index in range(count):
        if not turn:
            turn = rng.sample(list(subjects), len(subjects))
        subject = turn.pop()
        headline = _headline_for(subject, headlines, used, rng)
        if headline is None:
            continue
        used.add(headline.template_id)
        planned.append(
            PlannedNews(
                company_id=subject.company_id,
                template_id=headline.template_id,
                is_good=headline.is_good,
                magnitude_bps=max(1, round(headline.magnitude_bps * rng.uniform(0.75, 1.25))),
                headline=headline.text.replace("{company}", subject.name),
                at_ms=trading_at + int(first + slot * (index + rng.uniform(0.1, 0.9))),
            )
        )
    return planned


def value_walk(*, seconds: int, rng: Draws) -> tuple[float, ...]:
    """Return the mean-reverting part of the hidden value, a deviation for each second of trading."""
    deviation = 0.0
    walk = [deviation]
    for _ in range(seconds):
        deviation += -deviation * REVERSION_PER_SECOND + rng.gauss(0.0, WALK_BPS_PER_SECOND)
        walk.append(deviation)
    return tuple(walk)


def impact_bps(impacts: Iterable[Impact], now_ms: int) -> float:
    """Return what the news seen so far still adds."""
    total = 0.0
    for impact in impacts:
        if impact.at_ms <= now_ms:
            total += impact.bps * math.exp(-REVERSION_PER_SECOND * (now_ms - impact.at_ms) / 1_000)
    return total


def value_won(base_price: int, deviation_bps: float) -> int:
    """Return the value of a share in whole won for a deviation, kept well within the daily limits."""
    bounded = max(-DEVIATION_LIMIT_BPS, min(DEVIATION_LIMIT_BPS, deviation_bps))
    return max(1, round(base_price * math.exp(bounded / 10_000)))


def news_delay_ms(rng: Draws) -> int:
    """Draw how long one bot takes to notice one piece of news."""
    return rng.randint(DELAY_MIN_MS, DELAY_MAX_MS)


def value_at(walk: Sequence[float], now_ms: int) -> float:
    """Return a walk's deviation at a time since trading began; outside of trading its nearest one."""
    return walk[min(len(walk) - 1, max(0, now_ms // 1_000))]


def mood_bps(*, moods: tuple[float, float], now_ms: int) -> float:
    """Return a bot's own error at this moment: a slide from one window's mood to the next one's."""
    share = now_ms % MOOD_WINDOW_MS / MOOD_WINDOW_MS
    return moods[0] * (1 - share) + moods[1] * share
