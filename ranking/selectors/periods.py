"""The boards by return over a day, a week and all time: the mean return of a game, from a minimum of games on."""

from typing import Any

from django.db.models import F, QuerySet

from ranking.core.periods import GAMES_MIN, Period, period_start
from ranking.models import Tally
from ranking.selectors.leaderboards import BOARD_ROWS_MAX
from ranking.selectors.ranks import Viewer, me_in, ranked, shown
from stocking.base.units import now_ms

_FIELDS = {
    "nickname": F("user__nickname"),
    "tier": F("user__tier"),
    "return_bps": F("average_bps"),
    "games_played": F("user__games_played"),
}


def leaderboard_period(
    period: Period, user: Viewer = None, limit: int = 100, offset: int = 0
) -> dict[str, Any]:
    """Return the board `{period, games_min, rows, me}` of the day, the week or all time by mean return.

    Equal returns (whole basis points, rounded down) share a rank. `me` is the viewer's row also with too few games,
    then without a rank.
    """
    tallies = _tallies(period)
    games_min = GAMES_MIN[period]
    ranking = tallies.filter(games__gte=games_min)

    def rank_of(return_bps: int) -> int:
        return ranking.filter(average_bps__gt=return_bps).count() + 1

    page = _rows(ranking.order_by("-average_bps", "user_id"))[offset : offset + min(limit, BOARD_ROWS_MAX)]
    rows = [shown(row, user) for row in ranked(page, "return_bps", offset, rank_of)]
    me = me_in(rows)
    if me is None and user is not None and user.pk is not None:
        mine = _rows(tallies.filter(user_id=user.pk)).first()
        if mine is not None:
            rank = rank_of(mine["return_bps"]) if mine["games"] >= games_min else None
            me = shown({"rank": rank, **mine}, user)
    return {"period": period.value, "games_min": games_min, "rows": rows, "me": me}


def _tallies(period: Period) -> QuerySet[Tally]:
    start = period_start(period, now_ms())
    return Tally.objects.filter(period=period.value, start=start, user__is_active=True)


def _rows(tallies: QuerySet[Tally]) -> QuerySet[Tally, Any]:
    return tallies.values("user_id", "games", "best_bps", **_FIELDS)
