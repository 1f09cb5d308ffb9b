"""Rating all history anew from the stored results: who traded how well in which game, and nothing else.

The games are gone through in the order in which they were rated (`GameSummary.sequence`), with the very function that
rates at a game's end. So the same results give the same ratings, bit for bit; what differs has been changed since, by
hand or by a new version of the rating.

Nothing is locked while history is read. What differs is then written in one transaction, which first rates what was
rated meanwhile; a game that ends in that moment waits for it. Read by a user, ratings are the old ones or the new ones.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from accounts.models import User
from ranking.core.meetings import WINDOW_GAMES, SmallGame, is_small
from ranking.core.movements import NEWCOMER, RatedPlayer, movements_of
from ranking.core.periods import Period, period_start
from ranking.locks import rating_lock
from ranking.models import GameSummary, Result, Tally
from ranking.recording import (
    FACT_COLUMNS,
    RATING_COLUMNS,
    TALLY_COLUMNS,
    RatedUser,
    rating_values,
    results_rewrite,
    tallies_rewrite,
    users_rewrite,
)
from ranking.services import rating_draws

ROWS_READ = 2_000


@dataclass(slots=True)
class History:
    """All ratings as they follow from the results read so far, and where the stored ones differ."""

    sequence: int = 0
    games: int = 0
    results: int = 0
    players: dict[int, RatedPlayer] = field(default_factory=dict)
    rated_at: dict[int, int] = field(default_factory=dict)
    window: deque[tuple[int, SmallGame]] = field(default_factory=deque)
    tallies: dict[tuple[str, int, int], list[int]] = field(default_factory=dict)
    results_differing: list[tuple[Any, ...]] = field(default_factory=list)

    def read(self) -> None:
        """Go on to the last game that was rated."""
        summaries = GameSummary.objects.filter(sequence__gt=self.sequence).order_by("sequence")
        rows = summaries.values_list("market_id", "sequence", "house_return_bps", "market__closes_at")
        for number, sequence, house_return_bps, closes_at in list(rows):
            self._rate(number, sequence, house_return_bps, closes_at)

    def _rate(self, number: int, sequence: int, house_return_bps: int, closes_at: int) -> None:
        stored = _results_of(number)
        returns = [(row[1], row[3]) for row in stored]
        moved = movements_of(
            returns,
            {player: self.players.get(player, NEWCOMER) for player, _ in returns},
            house_return_bps=house_return_bps,
            earlier=lambda: self._earlier(sequence),
            random=rating_draws(number),
        )
        for row in stored:
            movement = moved[row[1]]
            values = rating_values(movement, row[3], house_return_bps)
            if row[len(FACT_COLUMNS) :] != values:
                self.results_differing.append((*row[: len(FACT_COLUMNS)], *values))
            self.players[row[1]] = movement.after
            self.rated_at[row[1]] = closes_at
        self._tally(returns, closes_at)
        self._remember(sequence, {player: movement.after.games_played for player, movement in moved.items()})
        self.sequence = sequence
        self.games += 1
        self.results += len(stored)

    def _tally(self, returns: list[tuple[int, int]], closes_at: int) -> None:
        for period in Period:
            start = period_start(period, closes_at)
            for player, value in returns:
                tally = self.tallies.setdefault((period.value, start, player), [0, 0, value])
                tally[0] += 1
                tally[1] += value
                tally[2] = max(tally[2], value)

    def _remember(self, sequence: int, games_played: dict[int, int]) -> None:
        if is_small(len(games_played)):
            self.window.append((sequence, SmallGame.of(games_played)))

    def _earlier(self, sequence: int) -> list[SmallGame]:
        while self.window and self.window[0][0] < sequence - WINDOW_GAMES:
            self.window.popleft()
        return [game for _, game in self.window]

    def users_differing(self) -> list[RatedUser]:
        """Return what the users' own columns should be, of those where they differ."""
        differing = []
        for user_id, *stored in _users_rated():
            rated = self.players.get(user_id)
            right = RatedUser.of(
                user_id, rated or NEWCOMER, self.rated_at.get(user_id), is_rated=rated is not None
            )
            if tuple(stored) != right[1:]:
                differing.append(right)
        return differing

    def tallies_rows(self) -> list[tuple[Any, ...]]:
        """Return all tallies as they should be."""
        return [
            (*key, games, total, total // games, best)
            for key, (games, total, best) in sorted(self.tallies.items())
        ]


@dataclass(frozen=True, slots=True)
class Rerated:
    """What was found: how much history there is, and how many rows were not what follows from it."""

    games: int
    results: int
    players: int
    results_differing: int
    users_differing: int
    tallies_differ: bool

    @property
    def is_same(self) -> bool:
        """Whether the stored ratings are those that follow from the results."""
        return not self.results_differing and not self.users_differing and not self.tallies_differ


def ratings_check() -> Rerated:
    """Compare the stored ratings and tallies with those that follow from the results; write nothing."""
    return _rate_anew(is_check=True)


def ratings_rewrite() -> Rerated:
    """Write what follows from the results wherever it differs, in one transaction; return what differed."""
    return _rate_anew(is_check=False)


def _rate_anew(*, is_check: bool) -> Rerated:
    history = History()
    history.read()
    with transaction.atomic():
        rating_lock()
        history.read()
        users, tallies = history.users_differing(), history.tallies_rows()
        found = Rerated(
            games=history.games,
            results=history.results,
            players=len(history.players),
            results_differing=len(history.results_differing),
            users_differing=len(users),
            tallies_differ=tallies != _tallies_stored(),
        )
        if not is_check:
            results_rewrite(history.results_differing)
            users_rewrite(users)
            if found.tallies_differ:
                tallies_rewrite(tallies)
    return found


def _tallies_stored() -> list[tuple[Any, ...]]:
    return list(Tally.objects.order_by("period", "start", "user_id").values_list(*TALLY_COLUMNS))


def _results_of(number: int) -> list[tuple[Any, ...]]:
    """Return a game's results, facts first, in the order of the accounts, as they were rated."""
    rows = Result.objects.filter(market_id=number).order_by("user_id")
    return list(rows.values_list(*FACT_COLUMNS, *RATING_COLUMNS))


def _users_rated() -> Iterator[tuple[Any, ...]]:
    """Yield all who have or should have a rating of their own: whoever has a result, or anything but a fresh rating."""
    fresh = {
        "games_played": 0,
        "rating_mean": None,
        "rated_at": None,
        "mmr": NEWCOMER.mmr,
        "tier": NEWCOMER.tier,
    }
    rows = User.objects.exclude(**fresh).order_by("pk").values_list(*RatedUser._fields)
    yield from rows.iterator(ROWS_READ)
