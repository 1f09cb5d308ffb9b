"""Rating all history anew: the same results give the same ratings, bit for bit, and what was changed is put right."""

import json
from io import StringIO
from random import Random
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import User
from ranking import rerating
from ranking.models import GameSummary, Result, Tally
from ranking.rerating import History, ratings_check, ratings_rewrite
from ranking.services import results_compute
from ranking.tests.conftest import INITIAL_CASH, Arena, arena_make
from trading.models import Portfolio

pytestmark = pytest.mark.django_db


def rows() -> tuple[list[Any], ...]:
    """Everything that follows from the results, rows of their own order."""
    return (
        list(Result.objects.order_by("pk").values()),
        list(User.objects.order_by("pk").values()),
        list(Tally.objects.order_by("period", "start", "user_id").values_list("period", "start", "user_id", "games",
            "return_bps_sum", "average_bps", "best_bps")),
    )  # fmt: skip


def play(arena: Arena, users: list[User], draws: Random, at: int) -> Arena:
    """End a game of some of the users, whose returns are drawn so that some are tied."""
    stage = arena_make(arena.bot, at=at)
    for user in draws.sample(users, draws.randint(2, len(users))):
        cash = INITIAL_CASH + draws.randint(-5, 5) * 100_000
        Portfolio.objects.create(market=stage.market, user=user, initial_cash=INITIAL_CASH, cash=cash)
        stage.trade(stage.alpha, buyer=user, price=10_000, at=stage.market.opens_at)
    return stage


@pytest.fixture
def history(arena: Arena) -> list[User]:
    """Twelve games of six players, two of them rated the other way round than they were played."""
    draws = Random(5)
    users = [arena.player(f"개미{number}", INITIAL_CASH + number * 1_000) for number in range(6)]
    results_compute(market=arena.market)
    stages = [play(arena, users, draws, at=720_000 * number) for number in range(1, 12)]
    stages[4], stages[5] = stages[5], stages[4]  # a game that was held
    for stage in stages:
        results_compute(market=stage.market)
    assert Result.objects.filter(counted_percent__lt=100).exists()
    return users


def test_the_same_results_give_the_same_ratings_to_the_last_bit(history: list[User]) -> None:
    before = rows()
    found = ratings_check()
    assert found.is_same
    assert (found.games, found.players) == (12, 6)
    assert found.results == Result.objects.count()
    assert ratings_rewrite().is_same
    assert rows() == before


def test_games_are_rated_in_the_order_in_which_they_were(history: list[User]) -> None:
    by_sequence = list(GameSummary.objects.order_by("sequence").values_list("pk", flat=True))
    assert by_sequence != sorted(by_sequence)
    GameSummary.objects.filter(sequence=6).update(sequence=1_000)
    assert not ratings_check().is_same


def test_what_was_changed_by_hand_is_found_and_put_right(history: list[User]) -> None:
    before = rows()
    User.objects.filter(pk=history[0].pk).update(mmr=9_999, tier="diamond")
    User.objects.filter(pk=history[1].pk).update(rated_at=None)
    Result.objects.filter(user=history[2]).update(mean_after=30.0, room_rank=None)
    Tally.objects.filter(user=history[3]).delete()
    found = ratings_check()
    assert found.tallies_differ
    assert (found.users_differing, found.results_differing) == (
        2,
        Result.objects.filter(user=history[2]).count(),
    )
    assert not ratings_rewrite().is_same
    assert rows() == before
    assert ratings_check().is_same


def test_somebody_without_results_is_as_new(history: list[User]) -> None:
    User.objects.create_user(None, "새내기")
    User.objects.create_user(
        None, "수상한", mmr=2_000, games_played=3, rating_mean=40.0, rating_deviation=1.0
    )
    assert ratings_check().users_differing == 1
    ratings_rewrite()
    user = User.objects.get(nickname="수상한")
    assert (user.mmr, user.games_played, user.rating_mean, user.rating_deviation) == (1_000, 0, None, None)


def test_dying_while_writing_leaves_what_was(history: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
    Result.objects.filter(user=history[0]).update(mmr_after=1)
    User.objects.filter(pk=history[0].pk).update(mmr=1)
    before = rows()

    def die(*args: object) -> None:
        raise SystemExit("killed")

    monkeypatch.setattr(rerating, "users_rewrite", die)
    with pytest.raises(SystemExit):
        ratings_rewrite()
    assert rows() == before


def test_a_game_rated_meanwhile_is_taken_in(
    history: list[User], arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = play(arena, history, Random(8), at=720_000 * 50)
    read = History.read

    def read_then_rate(self: History) -> None:
        is_first = self.sequence == 0
        read(self)
        if is_first:
            assert results_compute(market=stage.market)

    monkeypatch.setattr(History, "read", read_then_rate)
    found = ratings_rewrite()
    assert (found.games, found.is_same) == (13, True)
    monkeypatch.undo()
    assert ratings_check().is_same


def test_the_command_says_what_it_found(history: list[User]) -> None:
    out = StringIO()
    call_command("rerate", "--check", stdout=out)
    assert json.loads(out.getvalue()) == {
        "games": 12, "results": Result.objects.count(), "players": 6, "results_differing": 0, "users_differing": 0,
        "tallies_differ": False,        "same": True,
    }  # fmt: skip
    User.objects.filter(pk=history[0].pk).update(mmr=1)
    with pytest.raises(SystemExit):
        call_command("rerate", "--check", stdout=StringIO())
    call_command("rerate", stdout=StringIO())
    call_command("rerate", "--check", stdout=StringIO())


def test_floating_points_are_stored_to_the_last_bit(history: list[User]) -> None:
    for mean, deviation in Result.objects.values_list("mean_after", "deviation_after"):
        assert float.fromhex(mean.hex()) == mean and deviation > 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM ranking_result r JOIN accounts_user u ON u.id = r.user_id"
            " WHERE r.games_played = u.games_played AND r.mean_after = u.rating_mean"
        )
        assert cursor.fetchone() == (6,)
