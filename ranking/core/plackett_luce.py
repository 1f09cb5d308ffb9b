"""One room rated by Plackett-Luce: by `openskill` where nobody is tied, by a closed form where somebody is.

The library misrates ties (openskill #155, #166). What is right for a tied block is the mean over the orders its
members could have come in. In Plackett-Luce a player's update is a sum over the places down to their own, and the
places of one block do not depend on the order inside another. So the mean is taken block by block: over every
order of a block of up to `EXACT_TIED` players, over `ORDERS_DRAWN` orders or a few more of a larger one: all rotations
of some that are drawn, so that everybody has every place equally often.
Without ties the closed form is what openskill computes (tests hold them together).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, permutations
from math import exp, sqrt
from typing import Any, Protocol

from openskill.models import PlackettLuce, PlackettLuceRating

EXACT_TIED = 5
ORDERS_DRAWN = 200

BETA = 25.0 / 6.0
TAU = 25.0 / 300.0
KAPPA = 0.0001


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


INITIAL = Rating(25.0, 25.0 / 3.0)

_MODEL = PlackettLuce(
    mu=INITIAL.mean, sigma=INITIAL.deviation, beta=BETA, tau=TAU, kappa=KAPPA, gamma=lambda *_: 1.0
)


def rated(blocks: Sequence[Sequence[Rating]], random: RandomSource) -> list[list[Rating]]:
    """Return the ratings after a game; `blocks` are the places from the first down, each with who shares it."""
    if all(len(block) == 1 for block in blocks):
        return [[rating] for rating in _ordered([rating for (rating,) in blocks])]
    return _tied(blocks, random)


def _ordered(ratings: Sequence[Rating]) -> list[Rating]:
    """Rate by openskill: ratings by place, no place shared."""
    teams: list[list[PlackettLuceRating]] = [
        [_MODEL.create_rating([rating.mean, rating.deviation])] for rating in ratings
    ]
    outcome = _MODEL.rate(teams, ranks=[float(place) for place in range(len(teams))])
    return [Rating(after.mu, after.sigma) for (after,) in outcome]


def _tied(blocks: Sequence[Sequence[Rating]], random: RandomSource) -> list[list[Rating]]:
    """Rate by the closed form: the mean over the orders of each block."""
    spread, weights = _weights(blocks)
    below = [*accumulate((sum(block) for block in reversed(weights)), initial=0.0)][-2::-1]
    inverse = square = 0.0  # sums of 1/C and 1/C² over the places above the block
    result: list[list[Rating]] = []
    for block, strengths, rest in zip(blocks, weights, below, strict=True):
        own, own_square, all_, all_square = _block_sums(strengths, rest, random)
        after: list[Rating] = []
        for rating, strength, one, two in zip(block, strengths, own, own_square, strict=True):
            share = strength * (inverse + one)
            variance = rating.deviation * rating.deviation + TAU * TAU
            delta = (share - strength * strength * (square + two)) * variance / (spread * spread)
            mean = rating.mean + (1 - share) * variance / spread
            after.append(Rating(mean, sqrt(variance * max(1 - delta, KAPPA))))
        result.append(after)
        inverse += all_
        square += all_square
    return result


def _weights(blocks: Sequence[Sequence[Rating]]) -> tuple[float, list[list[float]]]:
    """Return the room's spread (openskill's c) and everybody's strength exp(mean / c)."""
    spread = sqrt(sum(r.deviation**2 + TAU * TAU + BETA * BETA for block in blocks for r in block))
    return spread, [[exp(rating.mean / spread) for rating in block] for block in blocks]


def _block_sums(
    strengths: Sequence[float], below: float, random: RandomSource
) -> tuple[list[float], list[float], float, float]:
    """Return the means over the block's orders of the sums of 1/C and 1/C².

    C is the strength of all who are not placed yet. First each member's sums, down to their own place, then the
    sums over the whole block. `below` is the strength of all places behind it.
    """
    own, own_square = [0.0] * len(strengths), [0.0] * len(strengths)
    total = total_square = 0.0
    count = 0
    for order in _orders(len(strengths), random):
        count += 1
        tails = [*accumulate((strengths[index] for index in reversed(order)), initial=below)]
        one = two = 0.0
        for index in order:
            inverse = 1 / tails.pop()
            one += inverse
            two += inverse * inverse
            own[index] += one
            own_square[index] += two
        total += one
        total_square += two
    mean, mean_square = [each / count for each in own], [each / count for each in own_square]
    return mean, mean_square, total / count, total_square / count


def _orders(size: int, random: RandomSource) -> Iterator[Sequence[int]]:
    """Yield every order of a small block, or a drawn sample of those of a larger one."""
    if size <= EXACT_TIED:
        yield from permutations(range(size))
        return
    for _ in range(-(-ORDERS_DRAWN // size)):
        drawn = list(range(size))
        random.shuffle(drawn)
        for start in range(size):
            yield drawn[start:] + drawn[:start]


def expected_places(blocks: Sequence[Sequence[Rating]]) -> list[list[float]]:
    """Return the place at which each player's mean would neither rise nor fall, with a fraction, from 1 up.

    What the model expects of a player among these rivals, the others being in the order they came in.
    """
    _spread, weights = _weights(blocks)
    ordered = [strength for block in weights for strength in block]
    above = [0.0, *accumulate(ordered)]
    places = iter([_expected_place(ordered, above, position) for position in range(len(ordered))])
    return [[next(places) for _ in block] for block in blocks]


def _expected_place(ordered: Sequence[float], above: Sequence[float], position: int) -> float:
    strength, total = ordered[position], above[-1]
    shares = 0.0
    for place in range(len(ordered)):
        passed = above[place] if place <= position else above[place + 1] - strength
        # The last one's share is 1 but for rounding: nobody is left beside them.
        share = strength / max(total - passed, strength)
        if shares + share > 1:
            return place + (1 - shares) / share
        shares += share
    return float(len(ordered))
