"""The rating of one game: fair, deterministic, and right where openskill alone is not."""

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
    ORDERS_MAX,
    ROOM_PLAYERS,
    Entrant,
    Rating,
    mmr_of,
    ranks_of,
    rate,
    rooms,
    skill_of,
)


def field(*returns: int, rating: Rating = INITIAL) -> list[Entrant]:
    return [Entrant(key, rating, return_bps) for key, return_bps in enumerate(returns)]


def rated(entrants: list[Entrant], house: int = 0, seed: int = 1) -> dict[int, Rating]:
    return rate(entrants, house_return_bps=house, random=Random(seed))


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


def test_ties_average_over_their_orders() -> None:
    a, b = Entrant(1, Rating(30.0, 4.0), 10), Entrant(2, Rating(20.0, 6.0), 10)
    tied = rated([a, b], house=0)
    first = rated([Entrant(1, a.rating, 11), b], house=0)
    second = rated([Entrant(1, a.rating, 9), b], house=0)
    for key in (1, 2):
        assert tied[key].mean == pytest.approx((first[key].mean + second[key].mean) / 2)
        assert tied[key].deviation == pytest.approx((first[key].deviation + second[key].deviation) / 2)


def test_a_field_tied_throughout_moves_equals_equally() -> None:
    outcome = rated(field(*[0] * 120))
    assert len(set(outcome.values())) == 1


def test_drawn_orders_come_near_the_average_of_all_orders() -> None:
    strong, weak = Rating(32.0, 3.0), Rating(18.0, 3.0)
    entrants = [Entrant(key, strong if key % 2 else weak, 0) for key in range(4)]  # 5 tied with the house
    outcomes = [rated(entrants, seed=seed)[0].mean for seed in range(60)]
    drawn = sum(outcomes) / len(outcomes)
    orders_all = 120
    assert orders_all > ORDERS_MAX
    assert drawn > weak.mean, "the weak gain by a tie with the strong"
    assert max(outcomes) - min(outcomes) < 0.5
    assert rated(entrants)[1].mean < strong.mean


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


ratings = st.builds(Rating, st.floats(-10, 60), st.floats(0.5, 25 / 3))


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(-30, 30)), min_size=1, max_size=130),
    st.lists(ratings, min_size=3, max_size=3),
    st.integers(-30, 30),
    st.integers(0, 2**32),
)
def test_a_better_return_never_gains_less_at_equal_rating(
    players: list[tuple[int, int]], known: list[Rating], house: int, seed: int
) -> None:
    entrants = [Entrant(key, known[which], value) for key, (which, value) in enumerate(players)]
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


def test_forty_games_put_ninety_players_in_the_order_of_their_skill() -> None:
    random = Random(11)
    skills = [random.gauss(0, 200) for _ in range(90)]
    known = dict.fromkeys(range(90), INITIAL)
    for game in range(40):
        house = round(random.gauss(0, 150))
        entrants = [
            Entrant(key, known[key], round(skills[key] + random.gauss(0, 200)) + house) for key in known
        ]
        known = rated(entrants, house=house, seed=game)
    by_skill = sorted(known, key=lambda key: skills[key])
    by_mmr = sorted(known, key=lambda key: skill_of(known[key]))
    square = sum((by_skill.index(key) - by_mmr.index(key)) ** 2 for key in known)
    assert 1 - 6 * square / (90 * (90**2 - 1)) >= 0.85, "Spearman's rho"
