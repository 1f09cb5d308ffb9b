"""The news of a game, planned from its seed, and the hidden value of a share that the news moves.

The hidden value is the base price times e^(deviation): a walk that reverts to zero, plus the impact of each
piece of news, which fades the same way. Nobody is ever told the value; each bot sees its own version of it,
in which news arrives late (`news_delay_ms`), rumours count in part and a slow mood of its own is added.
Deviations are basis points.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from games.core.draws import Draws

FIRST_NEWS_SHARE = 0.06
LAST_NEWS_SHARE = 0.92
COMPANY_NEWS_INTERVAL_MS = 180_000
NEWS_MAX = 60

RUMOUR_SHARE = 0.3
RUMOUR_TRUE_SHARE = 0.5
RUMOUR_ANSWER_MIN_MS = 25_000
RUMOUR_ANSWER_MAX_MS = 50_000
RUMOUR_BELIEF_MIN = 0.2
RUMOUR_BELIEF_MAX = 0.6

REVERSION_PER_SECOND = 1 / 420
WALK_BPS_PER_SECOND = 15.0
DEVIATION_LIMIT_BPS = 2_200.0

PACE_SPELL_SECONDS = 30
PACE_DEVIATION = 0.5
WHIM_SPELL_SECONDS = 25
NEWS_EXCITEMENT = 2.0
NEWS_CALM_MS = 20_000

DELAY_MIN_MS = 1_000
DELAY_MAX_MS = 20_000

MOOD_WINDOW_MS = 30_000


class NewsKind(StrEnum):
    """What a piece of news is. A rumour is answered later: confirmed or denied."""

    REPORT = "report"
    RUMOUR = "rumour"
    CONFIRMATION = "confirmation"
    DENIAL = "denial"


# How the headline of each kind is put, in Korean and in English.
HEADLINE_FORMS = {
    NewsKind.REPORT: ("{headline}", "{headline}"),
    NewsKind.RUMOUR: ("[소문] {headline}", "[Rumour] {headline}"),
    NewsKind.CONFIRMATION: ("[사실로 확인] {headline}", "[Confirmed] {headline}"),
    NewsKind.DENIAL: ("[사실무근] {headline}", "[Denied] {headline}"),
}


@dataclass(frozen=True, slots=True)
class Headline:
    """A template: `{company}` in the text stands for the name; an empty sector fits every company."""

    template_id: int
    text: str
    is_good: bool
    magnitude_bps: int
    sector: str
    weight: int
    text_en: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """A listed company that news can be about."""

    company_id: int
    name: str
    sector: str
    name_en: str = ""


@dataclass(frozen=True, slots=True)
class PlannedNews:
    """A piece of news and when it comes out. `number` is its place in the plan of the game, from 0.

    `answers` is the number of the rumour that is confirmed or denied. The denial of a good rumour is bad news.
    """

    number: int
    company_id: int
    template_id: int
    kind: NewsKind
    is_good: bool
    magnitude_bps: int
    headline: str
    headline_en: str
    at_ms: int
    answers: int | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A published piece of news as it moves a value: signed basis points, of a denial those of its rumour.

    `number` and `answers` are those of the plan.
    """

    number: int
    kind: NewsKind
    bps: int
    at_ms: int
    answers: int | None = None


@dataclass(frozen=True, slots=True)
class Impact:
    """What moves a value: signed basis points from a moment on, up to another one if there is one."""

    bps: float
    at_ms: int
    until_ms: int | None = None


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
    """Plan a game's news in order of time: spread over its trading, each company in turn, one story a company
    per three minutes. Some stories begin as a rumour and are answered before the end.
    """
    if not subjects:
        return []
    length = closes_at - trading_at
    count = min(NEWS_MAX // 2, max(2, length * len(subjects) // COMPANY_NEWS_INTERVAL_MS))
    first = length * FIRST_NEWS_SHARE
    slot = length * (LAST_NEWS_SHARE - FIRST_NEWS_SHARE) / count
    answer_by = trading_at + length * LAST_NEWS_SHARE
    stories: list[tuple[_Piece, ...]] = []
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
        at_ms = trading_at + int(first + slot * (index + rng.uniform(0.1, 0.9)))
        magnitude = max(1, round(headline.magnitude_bps * rng.uniform(0.75, 1.25)))
        stories.append(_story(subject, headline, magnitude, at_ms, answer_by, rng))
    return _numbered(stories)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of a story before the plan is put in order."""

    subject: Subject
    headline: Headline
    kind: NewsKind
    magnitude_bps: int
    at_ms: int


def _story(
    subject: Subject, headline: Headline, magnitude: int, at_ms: int, answer_by: float, rng: Draws
) -> tuple[_Piece, ...]:
    """Return a report, or a rumour and its answer where there is time for one."""
    is_rumour, is_true = rng.random() < RUMOUR_SHARE, rng.random() < RUMOUR_TRUE_SHARE
    answered_at = at_ms + rng.randint(RUMOUR_ANSWER_MIN_MS, RUMOUR_ANSWER_MAX_MS)
    if not is_rumour or answered_at > answer_by:
        return (_Piece(subject, headline, NewsKind.REPORT, magnitude, at_ms),)
    answer = NewsKind.CONFIRMATION if is_true else NewsKind.DENIAL
    return (
        _Piece(subject, headline, NewsKind.RUMOUR, magnitude, at_ms),
        _Piece(subject, headline, answer, magnitude, answered_at),
    )


def _numbered(stories: Sequence[tuple[_Piece, ...]]) -> list[PlannedNews]:
    """Put the pieces of all stories in order of time and number them; an answer knows its rumour's number."""
    pieces = [
        (piece.at_ms, story, part) for story, parts in enumerate(stories) for part, piece in enumerate(parts)
    ]
    planned: list[PlannedNews] = []
    rumours: dict[int, int] = {}
    for number, (_at_ms, story, part) in enumerate(sorted(pieces)):
        piece = stories[story][part]
        headline, subject = piece.headline, piece.subject
        korean, english = HEADLINE_FORMS[piece.kind]
        text_en = headline.text_en or headline.text
        planned.append(
            PlannedNews(
                number=number,
                company_id=subject.company_id,
                template_id=headline.template_id,
                kind=piece.kind,
                is_good=headline.is_good != (piece.kind is NewsKind.DENIAL),
                magnitude_bps=piece.magnitude_bps,
                headline=_filled(korean, headline.text, subject.name),
                headline_en=_filled(english, text_en, subject.name_en or subject.name),
                at_ms=piece.at_ms,
                answers=rumours.get(story),
            )
        )
        if piece.kind is NewsKind.RUMOUR:
            rumours[story] = number
    return planned


def _filled(form: str, text: str, company: str) -> str:
    return form.replace("{headline}", text).replace("{company}", company)


def piece_of(news: PlannedNews, published_at: int) -> Piece:
    """Return how a planned piece moves values once it is out."""
    sign = 1 if news.is_good else -1
    return Piece(news.number, news.kind, sign * news.magnitude_bps, published_at, news.answers)


def fundamental_impacts(pieces: Iterable[Piece]) -> list[Impact]:
    """Return how the news moves the hidden value: reports and confirmations do, rumours and denials do not."""
    moving = (NewsKind.REPORT, NewsKind.CONFIRMATION)
    return [Impact(piece.bps, piece.at_ms) for piece in pieces if piece.kind in moving]


def pace_walk(*, seconds: int, rng: Draws) -> tuple[float, ...]:
    """Return how lively a listing is in each second of trading: around 1, in spells of half a minute or so."""
    excitement = rng.gauss(0.0, PACE_DEVIATION)
    kept = math.exp(-1 / PACE_SPELL_SECONDS)
    jolt = PACE_DEVIATION * math.sqrt(1 - kept * kept)
    walk = []
    for _ in range(seconds + 1):
        walk.append(math.exp(excitement - PACE_DEVIATION**2 / 2))
        excitement = excitement * kept + rng.gauss(0.0, jolt)
    return tuple(walk)


def whim_walk(*, seconds: int, rng: Draws) -> tuple[float, ...]:
    """Return which way the crowd is inclined in each second of trading, from -1 (to sell) to 1 (to buy)."""
    whim = 0.0
    kept = math.exp(-1 / WHIM_SPELL_SECONDS)
    jolt = math.sqrt(1 - kept * kept)
    walk = []
    for _ in range(seconds + 1):
        walk.append(math.tanh(whim))
        whim = whim * kept + rng.gauss(0.0, jolt)
    return tuple(walk)


def value_walk(*, pace: Sequence[float], rng: Draws) -> tuple[float, ...]:
    """Return the mean-reverting part of the hidden value, a deviation for each second of trading.

    It moves more where the pace is high: lively spells come together in value and in trading.
    """
    deviation = 0.0
    walk = [deviation]
    for now in pace[1:]:
        deviation += -deviation * REVERSION_PER_SECOND + rng.gauss(0.0, WALK_BPS_PER_SECOND * now)
        walk.append(deviation)
    return tuple(walk)


def impact_bps(impacts: Iterable[Impact], now_ms: int) -> float:
    """Return what the impacts that have begun and not ended still add."""
    total = 0.0
    for impact in impacts:
        if impact.at_ms <= now_ms and (impact.until_ms is None or now_ms < impact.until_ms):
            total += impact.bps * math.exp(-REVERSION_PER_SECOND * (now_ms - impact.at_ms) / 1_000)
    return total


def value_won(base_price: int, deviation_bps: float) -> int:
    """Return the value of a share in whole won for a deviation, kept well within the daily limits."""
    bounded = max(-DEVIATION_LIMIT_BPS, min(DEVIATION_LIMIT_BPS, deviation_bps))
    return max(1, round(base_price * math.exp(bounded / 10_000)))


def news_delay_ms(rng: Draws) -> int:
    """Draw how long one bot takes to notice one piece of news."""
    return rng.randint(DELAY_MIN_MS, DELAY_MAX_MS)


def rumour_belief(rng: Draws) -> float:
    """Draw how much of a rumour one bot believes, as a share."""
    return rng.uniform(RUMOUR_BELIEF_MIN, RUMOUR_BELIEF_MAX)


def value_at(walk: Sequence[float], now_ms: int) -> float:
    """Return a walk's deviation at a time since trading began; outside of trading its nearest one."""
    return walk[min(len(walk) - 1, max(0, now_ms // 1_000))]


def mood_bps(*, moods: tuple[float, float], now_ms: int) -> float:
    """Return a bot's own error at this moment: a slide from one window's mood to the next one's."""
    share = now_ms % MOOD_WINDOW_MS / MOOD_WINDOW_MS
    return moods[0] * (1 - share) + moods[1] * share
