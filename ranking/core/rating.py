"""Ratings: Plackett-Luce by `openskill`, in rooms, against a house, with ties shared fairly.

**Scale.** A rating is a normal belief (mean, deviation) about a player's skill; everybody starts at
(25, 25/3). The number on show is `MMR = 1000 + 25 x (mean - 3 x deviation)`, rounded down and never below 0:
what a player has shown to be worth almost surely. It starts at exactly 1,000, and grows as games make the
belief surer, so that one lucky game does not lead the board.

**Rooms.** Plackett-Luce over thousands gives the winner next to nothing and costs the square of the field,
so a field is cut into rooms of at most `ROOM_PLAYERS` of like MMR. In every room sits the *house*: a rival of
fixed rating that held all listings equally. A lone player therefore moves too, and beating the market counts.

**Ties.** Tied players get the mean over the orders they could have come in (`plackett_luce`).

**Fairness.** Among players of exactly equal rating in one game, a better return never gains less MMR than a
worse one, and equal returns gain the same. Within a room Plackett-Luce grants that; across rooms and drawn
orders the outcomes of equals are handed out anew in the order of their returns. Where the same few have met again
and again only a part of the game counts (`meetings`); among equals it is the smallest part of theirs.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice
from math import floor

from ranking.core.meetings import FULL_PERCENT
from ranking.core.plackett_luce import INITIAL, RandomSource, Rating, expected_places, rated

__all__ = [
    "HOUSE", "INITIAL", "MMR_INITIAL", "ROOM_PLAYERS", "Entrant", "Outcome", "Rating", "mmr_of", "ranks_of", "rate",
    "rooms", "skill_of",
]  # fmt: skip

ROOM_PLAYERS = 50
MMR_INITIAL = 1_000
MMR_PER_SKILL = 25
DEVIATIONS_BELOW = 3
HOUSE = Rating(25.0, 25.0 / 6.0)


@dataclass(frozen=True, slots=True)
class Entrant:
    """A player in one game: who, rated how before it, with what return in basis points.

    `counted_percent` is the part of the game that counts for the rating.
    """

    key: int
    rating: Rating
    return_bps: int
    counted_percent: int = FULL_PERCENT


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a game did to a player's rating, and why.

    The room's size and the places in it include the house; ties share a place. The expected place is the one at
    which the mean would have stayed, in tenths.
    """

    rating: Rating
    room_size: int
    room_rank: int
    expected_rank_tenths: int
    counted_percent: int


def skill_of(rating: Rating) -> float:
    """Return the skill a player has almost surely: mean less three deviations."""
    return rating.mean - DEVIATIONS_BELOW * rating.deviation


def mmr_of(rating: Rating) -> int:
    """Return the whole number on show for a rating."""
    # Rounding to a millionth first keeps the start at 1,000 whatever the last bit of 25/3 is.
    return max(0, floor(MMR_INITIAL + round(MMR_PER_SKILL * skill_of(rating), 6)))


def ranks_of(returns: Sequence[int]) -> list[int]:
    """Return the rank of each return, 1 for the highest. Equals share a rank, the next ranks are skipped."""
    first: dict[int, int] = {}
    for position, value in enumerate(sorted(returns, reverse=True), start=1):
        first.setdefault(value, position)
    return [first[value] for value in returns]


def rate(entrants: Sequence[Entrant], *, house_return_bps: int, random: RandomSource) -> dict[int, Outcome]:
    """Return what the game did to everyone, by key. The order of the entrants does not matter.

    `random` must be seeded by the game: the same entrants and seed give the same ratings, to the last bit.
    """
    outcomes: dict[int, Outcome] = {}
    for room in rooms(entrants):
        outcomes.update(_rate_room(room, house_return_bps, random))
    for equals in _equals(entrants):
        outcomes.update(_counted(equals, _handed_out(equals, outcomes)))
    return outcomes


def rooms(entrants: Sequence[Entrant]) -> list[list[Entrant]]:
    """Cut the field into rooms of like MMR and nearly the same size, none above `ROOM_PLAYERS`.

    Players of equal rating whose block spans several rooms are dealt out evenly by return, so that no room
    gets only the block's winners.
    """
    count = -(-len(entrants) // ROOM_PLAYERS)
    seated: list[list[Entrant]] = [[] for _ in range(count)]
    position = 0
    for equals in _equals(entrants):
        seats = [index * count // len(entrants) for index in range(position, position + len(equals))]
        position += len(equals)
        for entrant, seat in zip(equals, _dealt(seats), strict=True):
            seated[seat].append(entrant)
    return seated


def _equals(entrants: Iterable[Entrant]) -> Iterator[list[Entrant]]:
    """Yield the blocks of equal rating by rising MMR, each by falling return."""

    def rating(entrant: Entrant) -> tuple[float, float]:
        return skill_of(entrant.rating), entrant.rating.deviation

    ordered = sorted(entrants, key=lambda entrant: (*rating(entrant), -entrant.return_bps, entrant.key))
    for _, block in groupby(ordered, key=rating):
        yield list(block)


def _dealt(seats: list[int]) -> list[int]:
    """Reorder the seats (room numbers) so that each room's are spread evenly over the whole list."""
    spread: list[tuple[float, int]] = []
    for room, block in groupby(seats):
        size = len(list(block))
        spread.extend(((index + 0.5) / size, room) for index in range(size))
    return [room for _, room in sorted(spread)]


def _rate_room(room: Sequence[Entrant], house_return_bps: int, random: RandomSource) -> dict[int, Outcome]:
    """Rate one room, the house in it."""
    field: list[tuple[int, int | None, Rating]] = [(e.return_bps, e.key, e.rating) for e in room]
    field.append((house_return_bps, None, HOUSE))
    field.sort(key=lambda place: (-place[0], place[1] is None, place[1] or 0))
    keys: list[list[int | None]] = []
    ratings: list[list[Rating]] = []
    for _, tied in groupby(field, key=lambda place: place[0]):
        block = list(tied)
        keys.append([key for _, key, _ in block])
        ratings.append([rating for _, _, rating in block])
    outcomes: dict[int, Outcome] = {}
    rank = 1
    for block_keys, after, expected in zip(
        keys, rated(ratings, random), expected_places(ratings), strict=True
    ):
        for key, rating, place in zip(block_keys, after, expected, strict=True):
            if key is not None:
                outcomes[key] = Outcome(rating, len(field), rank, round(10 * place), FULL_PERCENT)
        rank += len(block_keys)
    return outcomes


def _handed_out(equals: list[Entrant], outcomes: dict[int, Outcome]) -> dict[int, Outcome]:
    """Give the ratings of players who were equal to the same players, best rating to best return.

    `equals` comes by falling return. Those of equal return get the mean of the ratings that fall to them.
    """
    if len(equals) == 1:
        return {equals[0].key: outcomes[equals[0].key]}
    ratings = iter(sorted((outcomes[entrant.key].rating for entrant in equals), key=skill_of, reverse=True))
    result: dict[int, Outcome] = {}
    for _, block in groupby(equals, key=lambda entrant: entrant.return_bps):
        tied = list(block)
        shares = list(islice(ratings, len(tied)))
        mean = Rating(
            sum(share.mean for share in shares) / len(tied),
            sum(share.deviation for share in shares) / len(tied),
        )
        result.update((entrant.key, replace(outcomes[entrant.key], rating=mean)) for entrant in tied)
    return result


def _counted(equals: list[Entrant], outcomes: dict[int, Outcome]) -> dict[int, Outcome]:
    """Leave of the movement of players who were equal the part that counts, the smallest of theirs."""
    percent = min(entrant.counted_percent for entrant in equals)
    if percent == FULL_PERCENT:
        return outcomes
    before, part = equals[0].rating, percent / FULL_PERCENT
    return {
        key: replace(
            outcome,
            rating=Rating(
                before.mean + part * (outcome.rating.mean - before.mean),
                before.deviation + part * (outcome.rating.deviation - before.deviation),
            ),
            counted_percent=percent,
        )
        for key, outcome in outcomes.items()
    }
