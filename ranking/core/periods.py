"""The periods of the boards by return: Korean days, Korean weeks from Monday on, and all time."""

from enum import StrEnum

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
KST_AHEAD_MS = 9 * HOUR_MS  # Korea keeps no summer time
_THURSDAY = 3  # 1970 began on one; Monday is 0


class Period(StrEnum):
    """What a board by return covers."""

    DAY = "day"
    WEEK = "week"
    ALL = "all"


# How many games it takes to stand on the board: an average of few is luck.
GAMES_MIN = {Period.DAY: 3, Period.WEEK: 5, Period.ALL: 10}


def period_start(period: Period, at_ms: int) -> int:
    """Return when the period around this moment began, in milliseconds since 1970; 0 for all time."""
    day = (at_ms + KST_AHEAD_MS) // DAY_MS
    if period is Period.ALL:
        return 0
    if period is Period.WEEK:
        day -= (day + _THURSDAY) % 7
    return day * DAY_MS - KST_AHEAD_MS
