"""The awards of a game: four, each to one player at the most, by what the ledger says.

- **liquidity**: who was traded with the most, in won of fills as maker; at least `MAKER_FILLS_MIN` of them.
- **reaction**: the shortest typical (median) time from a piece of news to the player's first order; at least
  `REACTIONS_MIN` reactions.
- **comeback**: the longest way up from the lowest point to the end, for those who were down to `COMEBACK_LOW_BPS` and
  ended without a loss.
- **steady**: the smallest drawdown, for those who ended with a gain and had `INVESTED_BPS_MIN` of their equity in
  shares on average.

A *reaction* to a piece of news is the player's first order in that stock within `REACTION_MS` after it came out, if
it goes the news' way (buys good news, sells bad) and was traded at least in part. The median of several, because with
thousands of players somebody orders a moment after any one piece of news by chance.

Of equals the better return wins, then the older account.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

REACTION_MS = 20_000
REACTIONS_MIN = 2
MAKER_FILLS_MIN = 5
COMEBACK_LOW_BPS = -100
INVESTED_BPS_MIN = 3_000


class AwardKind(StrEnum):
    """The awards, in the order in which they are shown."""

    LIQUIDITY = "liquidity"
    REACTION = "reaction"
    COMEBACK = "comeback"
    STEADY = "steady"


@dataclass(slots=True)
class Record:
    """What one player did in a game, as far as awards depend on it. Returns in basis points, times in ms."""

    player: int
    return_bps: int
    low_bps: int = 0
    drawdown_bps: int = 0
    invested_bps: int = 0
    maker_fills: int = 0
    maker_value: int = 0
    reactions: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Won:
    """An award: who got it, for what figure (won, ms or bps by its kind), made of how many fills or reactions."""

    kind: AwardKind
    player: int
    value: int
    count: int = 0


class Headline(NamedTuple):
    """A piece of news as awards see it: of which listing, which way, when it came out."""

    listing_id: int
    is_good: bool
    at: int


class NewOrder(NamedTuple):
    """A player's order as awards see it."""

    player: int
    listing_id: int
    is_buy: bool
    at: int
    filled: int


def reactions_of(news: Iterable[Headline], orders: Sequence[NewOrder]) -> dict[int, list[int]]:
    """Return each player's reaction times; `orders` come in the order of their acceptance."""
    by_listing: dict[int, list[NewOrder]] = {}
    for order in orders:
        by_listing.setdefault(order.listing_id, []).append(order)
    found: dict[int, list[int]] = {}
    for headline in news:
        listed = by_listing.get(headline.listing_id, [])
        first = bisect_right(listed, headline.at, key=attrgetter("at"))
        seen: set[int] = set()
        for order in islice(listed, first, None):
            if order.at > headline.at + REACTION_MS:
                break
            if order.player in seen:
                continue
            seen.add(order.player)
            if order.is_buy == headline.is_good and order.filled > 0:
                found.setdefault(order.player, []).append(order.at - headline.at)
    return found


def median(values: Sequence[int]) -> int:
    """Return the middle value, of two the mean rounded down."""
    ordered = sorted(values)
    middle, odd = divmod(len(ordered), 2)
    return ordered[middle] if odd else (ordered[middle - 1] + ordered[middle]) // 2


def awards_of(records: Iterable[Record]) -> list[Won]:
    """Return the awards of a game, in the order of their kinds; one that nobody earned is missing."""
    best: dict[AwardKind, tuple[tuple[int, int, int], Won]] = {}
    for record in records:
        for key, won in _claims(record):
            place = (key, -record.return_bps, record.player)
            if won.kind not in best or place < best[won.kind][0]:
                best[won.kind] = (place, won)
    return [best[kind][1] for kind in AwardKind if kind in best]


def _claims(record: Record) -> Iterable[tuple[int, Won]]:
    """Yield the awards this player is in the running for, each with what decides it: the lower the better."""
    player = record.player
    if record.maker_fills >= MAKER_FILLS_MIN:
        won = Won(AwardKind.LIQUIDITY, player, record.maker_value, record.maker_fills)
        yield -record.maker_value, won
    if len(record.reactions) >= REACTIONS_MIN:
        typical = median(record.reactions)
        yield typical, Won(AwardKind.REACTION, player, typical, len(record.reactions))
    if record.low_bps <= COMEBACK_LOW_BPS and record.return_bps >= 0:
        way = record.return_bps - record.low_bps
        yield -way, Won(AwardKind.COMEBACK, player, way)
    if record.return_bps > 0 and record.invested_bps >= INVESTED_BPS_MIN:
        yield record.drawdown_bps, Won(AwardKind.STEADY, player, record.drawdown_bps)
