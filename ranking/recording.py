"""Results, ratings and tallies into their tables: text of our own, a bounded number of rows or one market at a time.

The databases differ in how they update one table from another and how they add to a row that is there.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from django.db import connection

from ranking.core.movements import Movement, RatedPlayer
from ranking.core.periods import Period, period_start
from trading.bulk import BulkInsert

RATING_COLUMNS = (
    "mmr_before", "mmr_after", "tier_before", "tier_after", "mean_before", "mean_after", "deviation_before",
    "deviation_after", "games_played", "room_size", "room_rank", "expected_rank_tenths", "house_margin_bps",
    "counted_percent",
)  # fmt: skip
FACT_COLUMNS = ("market_id", "user_id", "rank", "return_bps", "initial_cash", "cash", "equity", "fills")
_WORDS = ("tier_before", "tier_after")
_FRACTIONS = ("mean_before", "mean_after", "deviation_before", "deviation_after")

RESULTS = BulkInsert("ranking_result", FACT_COLUMNS + RATING_COLUMNS, texts=_WORDS, fractions=_FRACTIONS)
RESULTS_AGAIN = BulkInsert(
    "ranking_result",
    FACT_COLUMNS + RATING_COLUMNS,
    texts=_WORDS,
    fractions=_FRACTIONS,
    conflict=("market_id", "user_id"),
    changes=RATING_COLUMNS,
)


def rating_values(movement: Movement, return_bps: int, house_return_bps: int) -> tuple[Any, ...]:
    """Return what a result keeps of a movement, in the order of `RATING_COLUMNS`."""
    before, after, outcome = movement.before, movement.after, movement.outcome
    return (
        before.mmr, after.mmr, before.tier, after.tier, before.rating.mean, after.rating.mean, before.rating.deviation,
        after.rating.deviation, after.games_played, outcome.room_size, outcome.room_rank,
        outcome.expected_rank_tenths, return_bps - house_return_bps, outcome.counted_percent,
    )  # fmt: skip


def results_write(rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert results; the rows have the columns of `RESULTS`."""
    with connection.cursor() as cursor:
        RESULTS.execute(cursor, rows)


def results_rewrite(rows: Sequence[tuple[Any, ...]]) -> None:
    """Write the rating columns of results that are there."""
    with connection.cursor() as cursor:
        RESULTS_AGAIN.execute(cursor, rows)


_USERS_COLUMNS = "mmr, tier, rating_mean, rating_deviation, games_played"
_RESULTS_COLUMNS = "mmr_after, tier_after, mean_after, deviation_after, games_played"
_USERS_SQLITE = (
    f"UPDATE accounts_user SET ({_USERS_COLUMNS}) = (SELECT {_RESULTS_COLUMNS} FROM ranking_result r"
    " WHERE r.market_id = %s AND r.user_id = accounts_user.id), rated_at = %s"
    " WHERE id IN (SELECT user_id FROM ranking_result WHERE market_id = %s)"
)
_USERS_MYSQL = (
    "UPDATE accounts_user u JOIN ranking_result r ON r.user_id = u.id AND r.market_id = %s SET "
    + ", ".join(
        f"u.{name} = r.{source}"
        for name, source in zip(_USERS_COLUMNS.split(", "), _RESULTS_COLUMNS.split(", "), strict=True)
    )
    + ", u.rated_at = %s"
)


def users_write(market_id: int, closes_at: int) -> None:
    """Copy what the market's results say of ratings to the (locked) users, in one statement."""
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            cursor.execute(_USERS_MYSQL, [market_id, closes_at])
        else:
            cursor.execute(_USERS_SQLITE, [market_id, closes_at, market_id])


class RatedUser(NamedTuple):
    """What a user's own columns say of the rating; `pk` first."""

    pk: int
    mmr: int
    tier: str
    rating_mean: float | None
    rating_deviation: float | None
    games_played: int
    rated_at: int | None

    @classmethod
    def of(cls, pk: int, rated: RatedPlayer, rated_at: int | None, *, is_rated: bool) -> Self:
        """Return the columns of a player; one who was never rated has no belief stored."""
        mean, deviation = (rated.rating.mean, rated.rating.deviation) if is_rated else (None, None)
        return cls(pk, rated.mmr, rated.tier, mean, deviation, rated.games_played, rated_at)


def users_rewrite(users: Sequence[RatedUser]) -> None:
    """Write the rating columns of these users."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE accounts_user SET mmr = %s, tier = %s, rating_mean = %s, rating_deviation = %s, games_played = %s,"
            " rated_at = %s WHERE id = %s",
            [(*user[1:], user.pk) for user in users],
        )


TALLY_COLUMNS = ("period", "start", "user_id", "games", "return_bps_sum", "average_bps", "best_bps")
TALLIES = BulkInsert("ranking_tally", TALLY_COLUMNS, texts=("period",))
_TALLY = (
    f"INSERT INTO ranking_tally ({', '.join(TALLY_COLUMNS)})"
    " SELECT %s, %s, user_id, 1, return_bps, return_bps, return_bps FROM ranking_result WHERE market_id = %s"
    " ORDER BY user_id"
)
# The average comes first: MySQL counts with what it has assigned before. The division leaves no rest, so both
# databases round down alike.
_CHANGES = (
    "average_bps = ({sum} - ({sum} %% {games} + {games}) %% {games}) / {games},"
    " best_bps = {greatest}(ranking_tally.best_bps, {new_best}), return_bps_sum = {sum}, games = {games}"
)
_TALLY_MYSQL = f"{_TALLY} ON DUPLICATE KEY UPDATE " + _CHANGES.format(
    sum="(ranking_tally.return_bps_sum + VALUES(return_bps_sum))",
    new_best="VALUES(best_bps)",
    greatest="GREATEST",
    games="(ranking_tally.games + 1)",
)
_TALLY_SQLITE = f"{_TALLY} ON CONFLICT (period, start, user_id) DO UPDATE SET " + _CHANGES.format(
    sum="(ranking_tally.return_bps_sum + excluded.return_bps_sum)",
    new_best="excluded.best_bps",
    greatest="MAX",
    games="(ranking_tally.games + 1)",
)


def tallies_add(market_id: int, closes_at: int) -> None:
    """Count a market's results into the tallies of its day, its week and all time: a statement each."""
    statement = _TALLY_MYSQL if connection.vendor == "mysql" else _TALLY_SQLITE
    with connection.cursor() as cursor:
        for period in Period:
            cursor.execute(statement, [period.value, period_start(period, closes_at), market_id])


def tallies_rewrite(rows: Sequence[tuple[Any, ...]]) -> None:
    """Replace all tallies."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM ranking_tally")
        TALLIES.execute(cursor, rows)
