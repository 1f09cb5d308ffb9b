"""Ratings: Plackett-Luce by `openskill`, in rooms, against a house, with ties shared fairly.

**Scale.** A rating is a normal belief (mean, deviation) about a player's skill; everybody starts at
(25, 25/3). The number on show is `MMR = 1000 + 25 x (mean - 3 x deviation)`, rounded down and never below 0:
what a player has shown to be worth almost surely. It starts at exactly 1,000, and grows as games make the
belief surer, so that one lucky game does not lead the board.

**Rooms.** Plackett-Luce over thousands gives the winner next to nothing and costs the square of the field,
so a field is cut into rooms of at most `ROOM_PLAYERS` of like MMR. In every room sits the *house*: a rival of
fixed rating that held all listings equally. A lone player therefore moves too, and beating the market counts.

**Ties.** The library misrates ties (openskill #155, #166), so it never sees any: tied players are put in
every order, or in `ORDERS_MAX` orders drawn from the given random source when there are more, and the
outcomes are averaged.

**Fairness.** Among players of exactly equal rating in one game, a better return never gains less MMR than a
worse one, and equal returns gain the same. Within a room Plackett-Luce grants that; across rooms and drawn
orders the outcomes of equals are handed out anew in the order of their returns.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice, permutations, product
from math import factorial, floor, prod
from typing import Any, Protocol

from openskill.models import PlackettLuce, PlackettLuceRating

ROOM_PLAYERS = 50
ORDERS_MAX = 24
MMR_INITIAL = 1_000
MMR_PER_SKILL = 25
DEVIATIONS_BELOW = 3


class RandomSource(Protocol):
    """The one thing needed of a seeded `random.Random`."""

    def shuffle(self, x: list[Any], /) -> None:
        """Bring the list into a random order."""
        ...


@dataclass(frozen=True, slots=True)
class Rating:
    """A belief about a player's skill: its mean and its standard deviation."""

    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Entrant:
    """A player in one game: who, rated how before it, with what return in basis points."""

    key: int
    rating: Rating
    return_bps: int


INITIAL = Rating(25.0, 25.0 / 3.0)
HOUSE = Rating(25.0, 25.0 / 6.0)

_MODEL = PlackettLuce(mu=INITIAL.mean, sigma=INITIAL.deviation, beta=25.0 / 6.0, gamma=lambda *_: 1.0)


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


def rate(entrants: Sequence[Entrant], *, house_return_bps: int, random: RandomSource) -> dict[int, Rating]:
    """Return everyone's rating after the game, by key. The order of the entrants does not matter.

    `random` must be seeded by the game: the same entrants and seed give the same ratings, to the last bit.
    """
    rated: dict[int, Rating] = {}
    for room in rooms(entrants):
        rated.update(_rate_room(room, house_return_bps, random))
    for equals in _equals(entrants):
        rated.update(_handed_out(equals, rated))
    return rated


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


def _rate_room(room: Sequence[Entrant], house_return_bps: int, random: RandomSource) -> dict[int, Rating]:
    """Rate one room: the mean outcome over the orders in which its tied players can be put."""
    field: list[tuple[int, int | None, Rating]] = [(e.return_bps, e.key, e.rating) for e in room]
    field.append((house_return_bps, None, HOUSE))
    field.sort(key=lambda place: (-place[0], place[1] is None, place[1] or 0))
    blocks = [
        [(key, rating) for _, key, rating in block] for _, block in groupby(field, key=lambda place: place[0])
    ]
    means = {entrant.key: 0.0 for entrant in room}
    deviations = dict(means)
    orders = list(_orders(blocks, random))
    for order in orders:
        teams: list[list[PlackettLuceRating]] = [
            [_MODEL.create_rating([rating.mean, rating.deviation])] for _, rating in order
        ]
        outcome = _MODEL.rate(teams, ranks=[float(place) for place in range(len(teams))])
        for (key, _), (after,) in zip(order, outcome, strict=True):
            if key is not None:
                means[key] += after.mu
                deviations[key] += after.sigma
    return {key: Rating(means[key] / len(orders), deviations[key] / len(orders)) for key in means}


def _orders(
    blocks: list[list[tuple[int | None, Rating]]], random: RandomSource
) -> Iterator[list[tuple[int | None, Rating]]]:
    """Yield every order that agrees with the ranking, or a drawn sample where there are too many."""
    if prod(factorial(len(block)) for block in blocks) <= ORDERS_MAX:
        for chosen in product(*(permutations(block) for block in blocks)):
            yield [place for block in chosen for place in block]
        return
    for _ in range(ORDERS_MAX):
        order: list[tuple[int | None, Rating]] = []
        for block in blocks:
            drawn = list(block)
            random.shuffle(drawn)
            order.extend(drawn)
        yield order


def _handed_out(equals: list[Entrant], rated: dict[int, Rating]) -> dict[int, Rating]:
    """Give the outcomes of players who were equal to the same players, best outcome to best return.

    `equals` comes by falling return. Those of equal return get the mean of the outcomes that fall to them.
    """
    outcomes = iter(sorted((rated[entrant.key] for entrant in equals), key=skill_of, reverse=True))
    result: dict[int, Rating] = {}
    for _, block in groupby(equals, key=lambda entrant: entrant.return_bps):
        tied = list(block)
        shares = list(islice(outcomes, len(tied)))
        mean = Rating(
            sum(share.mean for share in shares) / len(tied),
            sum(share.deviation for share in shares) / len(tied),
        )
        result.update((entrant.key, mean) for entrant in tied)
    return result
