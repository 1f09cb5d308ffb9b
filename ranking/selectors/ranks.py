"""What all boards share: ranks down a page of rows, and what of a row is given out."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from ranking.core.placement import is_provisional

Viewer = User | AnonymousUser | None
Row = dict[str, Any]


def ranked(found: Iterable[Row], value: str, offset: int, rank_of: Callable[[int], int]) -> list[Row]:
    """Return a page of rows, which fall by `value`, with their ranks; equals share one.

    `offset` rows stand above the page; `rank_of` gives the first row's rank, the page before may share it.
    """
    rows: list[Row] = []
    for position, row in enumerate(found, start=offset + 1):
        if not rows:
            rank = rank_of(row[value])
        elif row[value] != rows[-1][value]:
            rank = position
        else:
            rank = rows[-1]["rank"]
        rows.append({"rank": rank, **row})
    return rows


def shown(row: Row, user: Viewer) -> Row:
    """Return a row as it is given out: whose it is only says `is_me`; a rating still in placement is provisional."""
    given = {name: value for name, value in row.items() if name != "user_id"}
    given["is_me"] = user is not None and user.pk is not None and row["user_id"] == user.pk
    given["is_provisional"] = is_provisional(row["games_played"])
    return given


def me_in(rows: list[Row]) -> Row | None:
    """Return the viewer's row, None where it is not among them."""
    return next((row for row in rows if row["is_me"]), None)
