"""The rating of one game: fair, deterministic, and right where openskill alone is not."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openskill.models import PlackettLuce

from ranking.core.rating import (
    HOUSE,
    INITIAL,
    MMR_INITIAL,
    ROOM_PLAYERS,
    Entrant,
    Outcome,
    Rating,
    mmr_of,
    ranks_of,
    rate,
    rooms,
    skill_of,
)


def field(*returns: int, rating: Rating = INITIAL) -> list[Entrant]:
    return [Entrant(key, rating, return_bps) for key, return_bps in enumerate(returns)]


def outcomes(entrants: list[Entrant], house: int = 0, seed: int = 1) -> dict[int, Outcome]:
    return rate(entrants, house_return_bps=house, random=Random(seed))


def rated(entrants: list[Entrant], house: int = 0, seed: int = 1) -> dict[int, Rating]:
    return {key: outcome.rating for key, outcome in outcomes(entrants, house, seed).items()}


def test_everyone_starts_at_a_thousand() -> None:
    assert mmr_of(INITIAL) == MMR_INITIAL == 1_000


@pytest.mark.parametrize(
    ("rating", "mmr"),
    [
        (Rating(25.0, 8.0), 1_025),
        (Rating(25.0, 1.0), 1_550),
        (Rating(26.039, 25 / 3), 1_025),
        (Rating(26.04, 25 / 3), 1_026),
        (Rating(-60.0, 2.0), 0),
    ],
)
def test_the_number_on_show(rating: Rating, mmr: int) -> None:
    assert mmr_of(rating) == mmr


@pytest.mark.parametrize(
    ("returns", "ranks"),
    [
        ([], []),
        ([5], [1]),
        ([1, 3, 2], [3, 1, 2]),
        ([3, 3, 1, 3, -4], [1, 1, 4, 1, 5]),
        ([0, 0], [1, 1]),
    ],
)
def test_equal_returns_share_a_rank(returns: list[int], ranks: list[int]) -> None:
    assert ranks_of(returns) == ranks


def test_a_game_without_players_rates_nobody() -> None:
    assert rated([]) == {}


def test_a_lone_player_moves_by_beating_the_house_or_not() -> None:
    [won], [lost], [even] = (list(rated(field(value), house=100).values()) for value in (101, 99, 100))
    assert mmr_of(won) > mmr_of(even) > 1_000 > mmr_of(lost)
    assert won.deviation < INITIAL.deviation
    assert even.mean == pytest.approx((won.mean + lost.mean) / 2)


def test_two_players_are_rated_as_openskill_does() -> None:
    model = PlackettLuce(gamma=lambda *_: 1.0)
    house = model.create_rating([HOUSE.mean, HOUSE.deviation])
    expected = model.rate([[model.rating()], [house], [model.rating()]], ranks=[1, 2, 3])
    outcome = rated(field(500, -500), house=0)
    assert outcome[0] == Rating(expected[0][0].mu, expected[0][0].sigma)
    assert outcome[1] == Rating(expected[2][0].mu, expected[2][0].sigma)


def test_a_field_tied_throughout_moves_equals_equally() -> None:
    outcome = rated(field(*[0] * 120))
    assert len(set(outcome.values())) == 1


def test_the_same_seed_gives_the_same_ratings_in_any_order_of_entrants() -> None:
    random = Random(7)
    entrants = [
        Entrant(key, Rating(random.gauss(25, 5), random.uniform(2, 8)), random.choice((-10, 0, 10)))
        for key in range(130)
    ]
    once = rated(entrants)
    random.shuffle(entrants)
    assert rated(entrants) == once


@pytest.mark.parametrize("count", [1, 49, 50, 51, 99, 101, 1_000])
def test_rooms_are_small_even_and_complete(count: int) -> None:
    random = Random(count)
    entrants = [Entrant(key, Rating(random.gauss(25, 5), 4.0), key) for key in range(count)]
    cut = rooms(entrants)
    sizes = [len(room) for room in cut]
    assert max(sizes) <= ROOM_PLAYERS
    assert max(sizes) - min(sizes) <= 1
    assert sorted(entrant.key for room in cut for entrant in room) == list(range(count))
    skills = [[skill_of(entrant.rating) for entrant in room] for room in cut]
    assert all(max(lower) <= min(upper) for lower, upper in pairwise(skills))


def test_equals_over_several_rooms_are_dealt_evenly_by_return() -> None:
    cut = rooms(field(*range(100)))
    assert len(cut) == 2
    averages = [sum(entrant.return_bps for entrant in room) / len(room) for room in cut]
    assert abs(averages[0] - averages[1]) <= 2


percents = st.just(100) | st.integers(25, 100)
ratings = st.builds(Rating, st.floats(-10, 60), st.floats(0.5, 25 / 3))


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(-30, 30), percents), min_size=1, max_size=130),
    st.lists(ratings, min_size=3, max_size=3),
    st.integers(-30, 30),
    st.integers(0, 2**32),
)
def test_a_better_return_never_gains_less_at_equal_rating(
    players: list[tuple[int, int, int]], known: list[Rating], house: int, seed: int
) -> None:
    entrants = [
        Entrant(key, known[which], value, percent) for key, (which, value, percent) in enumerate(players)
    ]
    outcome = rated(entrants, house=house, seed=seed)
    assert outcome.keys() == {entrant.key for entrant in entrants}
    for rating in set(known):
        equals = [entrant for entrant in entrants if entrant.rating == rating]
        equals.sort(key=lambda entrant: entrant.return_bps)
        for worse, better in pairwise(equals):
            assert mmr_of(outcome[better.key]) >= mmr_of(outcome[worse.key])
            if worse.return_bps == better.return_bps:
                assert outcome[better.key] == outcome[worse.key]


@settings(deadline=None, max_examples=60)
@given(st.lists(ratings, min_size=2, max_size=20), st.integers(0, 2**32))
def test_ratings_stay_finite_and_uncertainty_positive(known: list[Rating], seed: int) -> None:
    random = Random(seed)
    entrants = [Entrant(key, rating, random.randint(-5, 5)) for key, rating in enumerate(known)]
    outcome = rated(entrants, seed=seed)
    for entrant in entrants:
        after = outcome[entrant.key]
        assert -1_000 < after.mean < 1_000
        assert 0 < after.deviation <= entrant.rating.deviation + 0.1


# What is told of it -----------------------------------------------------------------------------------


def test_an_outcome_says_where_one_came_in_the_room_and_where_one_was_expected() -> None:
    told = outcomes(field(300, 100, 100, -200), house=200)
    assert {outcome.room_size for outcome in told.values()} == {5}
    assert [told[key].room_rank for key in range(4)] == [1, 3, 3, 5]
    assert all(10 < outcome.expected_rank_tenths < 50 for outcome in told.values())


def test_against_the_market_alone_equals_are_expected_between_first_and_second() -> None:
    [told] = outcomes([Entrant(1, HOUSE, 5)], house=0).values()
    assert (told.room_size, told.room_rank, told.expected_rank_tenths) == (2, 1, 15)


def test_the_strong_are_expected_further_up() -> None:
    strong, weak = Rating(40.0, 2.0), Rating(15.0, 2.0)
    told = outcomes([Entrant(1, strong, 10), Entrant(2, weak, 20), *field(30, rating=INITIAL)])
    assert told[1].expected_rank_tenths < told[2].expected_rank_tenths


@settings(deadline=None, max_examples=60)
@given(st.lists(ratings, min_size=1, max_size=50), st.integers(0, 2**32))
def test_the_mean_rises_just_when_the_place_is_better_than_expected(known: list[Rating], seed: int) -> None:
    returns = Random(seed).sample(range(1, 1_000), len(known))
    entrants = [Entrant(key, rating, returns[key]) for key, rating in enumerate(known)]
    if len(set(known)) < len(known):
        return  # among equals outcomes are handed out anew
    for key, told in outcomes(entrants, house=500 if 500 not in returns else 0).items():
        margin = told.expected_rank_tenths - 10 * told.room_rank
        if abs(margin) > 1:  # a tenth is rounding
            assert (told.rating.mean > known[key].mean) == (margin > 0)


def test_only_the_part_that_counts_moves_the_rating() -> None:
    whole = outcomes(field(100, -100))
    part = outcomes([replace(entrant, counted_percent=40) for entrant in field(100, -100)])
    for key in (0, 1):
        moved = whole[key].rating.mean - INITIAL.mean
        assert part[key].rating.mean - INITIAL.mean == pytest.approx(0.4 * moved)
        narrowed = whole[key].rating.deviation - INITIAL.deviation
        assert part[key].rating.deviation - INITIAL.deviation == pytest.approx(0.4 * narrowed)
        assert (whole[key].counted_percent, part[key].counted_percent) == (100, 40)


def test_among_equals_the_smallest_part_counts_for_all() -> None:
    told = outcomes([Entrant(1, INITIAL, 10, 25), Entrant(2, INITIAL, 5, 100), Entrant(3, HOUSE, 0, 100)])
    assert [told[key].counted_percent for key in (1, 2, 3)] == [25, 25, 100]
