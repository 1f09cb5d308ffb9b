"""The closed form of Plackett-Luce: openskill's own figures without ties, the mean over all orders with them."""

from itertools import permutations, product
from math import sqrt
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openskill.models import PlackettLuce

from ranking.core.plackett_luce import EXACT_TIED, INITIAL, Rating, _tied, expected_places, rated

MODEL = PlackettLuce(gamma=lambda *_: 1.0)
ratings = st.builds(Rating, st.floats(-10, 60), st.floats(0.5, 25 / 3))


def by_openskill(order: list[Rating]) -> list[Rating]:
    teams = [[MODEL.create_rating([rating.mean, rating.deviation])] for rating in order]
    after = MODEL.rate(teams, ranks=[float(place) for place in range(len(teams))])
    return [Rating(rating.mu, rating.sigma) for (rating,) in after]


def by_all_orders(blocks: list[list[Rating]]) -> list[list[Rating]]:
    """Average openskill over every order the tied could have come in: means, and variances."""
    sums = [[(0.0, 0.0)] * len(block) for block in blocks]
    count = 0
    for chosen in product(*(permutations(range(len(block))) for block in blocks)):
        count += 1
        seats = [(place, index) for place, order in enumerate(chosen) for index in order]
        for (place, index), after in zip(
            seats, by_openskill([blocks[place][index] for place, index in seats]), strict=True
        ):
            mean, variance = sums[place][index]
            sums[place][index] = (mean + after.mean, variance + after.deviation**2)
    return [[Rating(mean / count, sqrt(variance / count)) for mean, variance in block] for block in sums]


def assert_same(found: list[list[Rating]], expected: list[list[Rating]], tolerance: float = 1e-9) -> None:
    for block, other in zip(found, expected, strict=True):
        for rating, right in zip(block, other, strict=True):
            assert rating.mean == pytest.approx(right.mean, abs=tolerance)
            assert rating.deviation == pytest.approx(right.deviation, abs=tolerance)


@settings(deadline=None, max_examples=80)
@given(st.lists(ratings, min_size=2, max_size=51))
def test_without_ties_the_closed_form_is_openskill(known: list[Rating]) -> None:
    blocks = [[rating] for rating in known]
    expected = [[rating] for rating in by_openskill(known)]
    assert rated(blocks, Random(1)) == expected
    assert_same(_tied(blocks, Random(1)), expected)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(ratings, min_size=1, max_size=3), min_size=1, max_size=4))
def test_with_ties_it_is_the_mean_of_openskill_over_all_orders(blocks: list[list[Rating]]) -> None:
    if sum(map(len, blocks)) < 2:
        return
    assert_same(rated(blocks, Random(1)), by_all_orders(blocks))


def test_a_larger_block_comes_near_the_mean_over_all_orders() -> None:
    draws = Random(3)
    tied = [Rating(draws.gauss(25, 8), draws.uniform(1, 8)) for _ in range(EXACT_TIED + 2)]
    exact = _all_permutations(tied)
    for seed in range(5):
        found = rated([tied], Random(seed))
        for rating, mean in zip(found[0], exact, strict=True):
            assert rating.mean == pytest.approx(mean, abs=0.04), "one MMR"


def _all_permutations(tied: list[Rating]) -> list[float]:
    sums = [0.0] * len(tied)
    orders = list(permutations(range(len(tied))))
    for order in orders:
        for index, (after,) in zip(order, _tied([[tied[i]] for i in order], Random(1)), strict=True):
            sums[index] += after.mean
    return [each / len(orders) for each in sums]


def test_equals_who_are_tied_move_equally_whatever_their_number() -> None:
    (block,) = rated([[INITIAL] * 50], Random(4))
    assert max(r.mean for r in block) == pytest.approx(min(r.mean for r in block), abs=1e-12)
    assert block[0].mean == pytest.approx(INITIAL.mean, abs=1e-9)


def test_the_expected_place_is_where_the_mean_would_stay() -> None:
    draws = Random(9)
    order = [Rating(draws.gauss(25, 6), draws.uniform(1, 8)) for _ in range(20)]
    for position, (place,) in enumerate(expected_places([[rating] for rating in order])):
        mine, others = order[position], [*order[:position], *order[position + 1 :]]
        for at in range(20):
            after = by_openskill([*others[:at], mine, *others[at:]])[at]
            if abs(at + 1 - place) > 1e-6:
                assert (after.mean > mine.mean) == (at + 1 < place)
