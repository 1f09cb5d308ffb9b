"""What part of a game counts when the same few meet again and again."""

import pytest

from ranking.core.meetings import SMALL_FIELD, SmallGame, counted_percents, is_small

OLD = 100  # games played: no newcomer any more


def game(*players: int, new: tuple[int, ...] = ()) -> SmallGame:
    return SmallGame.of({**dict.fromkeys(players, OLD), **dict.fromkeys(new, 1)})


@pytest.mark.parametrize(
    ("participants", "small"), [(0, False), (1, False), (2, True), (20, True), (21, False)]
)
def test_small_games(participants: int, small: bool) -> None:
    assert is_small(participants) is small


@pytest.mark.parametrize(
    ("meetings", "percent"), [(0, 100), (1, 76), (2, 62), (3, 52), (5, 40), (10, 25), (50, 6)]
)
def test_two_who_meet_again_and_again_count_less_and_less(meetings: int, percent: int) -> None:
    assert counted_percents(game(1, 2), [game(1, 2)] * meetings) == {1: percent, 2: percent}


def test_four_friends_all_evening_count_a_quarter() -> None:
    assert set(counted_percents(game(1, 2, 3, 4), [game(1, 2, 3, 4)] * 10).values()) == {25}


def test_a_stranger_among_friends_counts_in_full() -> None:
    counted = counted_percents(game(1, 2, 3, 9), [game(1, 2, 3)] * 10)
    assert counted[9] == 100
    assert counted[1] == counted[2] == 50  # a quarter of two rivals and all of the third


@pytest.mark.parametrize(("players", "percent"), [(4, 6), (11, 25), (16, 56), (SMALL_FIELD + 1, 100)])
def test_the_more_regulars_there_are_the_more_counts(players: int, percent: int) -> None:
    field = range(players)
    assert set(counted_percents(game(*field), [game(*field)] * 50).values()) == {percent}


def test_meetings_are_counted_by_pairs() -> None:
    counted = counted_percents(game(1, 2), [game(1, 3)] * 10 + [game(2, 4)] * 10)
    assert counted == {1: 100, 2: 100}


def test_ever_new_accounts_are_one_and_the_same_rival() -> None:
    earlier = [game(1, new=(100 + number,)) for number in range(10)]
    counted = counted_percents(game(1, new=(200,)), earlier)
    assert counted == {1: 25, 200: 100}
    assert counted_percents(game(1, 2), earlier)[1] == 100, "somebody established is somebody else"


def test_newcomers_among_themselves_are_told_apart() -> None:
    counted = counted_percents(game(new=(1, 2)), [game(new=(1, 3))] * 2)
    assert counted == {1: 100, 2: 100}
