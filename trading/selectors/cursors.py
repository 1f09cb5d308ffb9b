"""Cursors of long lists: opaque outside, inside the sort order and the place of the last row that was given.

The place is (time, key), so rows that appear or change meanwhile never make a page repeat or skip one.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from stocking.base.errors import ApplicationError

Row = TypeVar("Row", bound=Model)

_PLACE = re.compile(r"([no])\.(\d{1,18})\.(\d{1,19})")
CURSOR_CHARACTERS_MAX = 80


def cursor_encode(sort: str, time_ms: int, key: int) -> str:
    """Return the cursor after the row with this time and key."""
    return urlsafe_b64encode(f"{sort[0]}.{time_ms}.{key}".encode()).decode().rstrip("=")


def cursor_decode(sort: str, cursor: str) -> tuple[int, int]:
    """Return (time, key) of a cursor made for this sort order; anything else is `invalid_request`."""
    if len(cursor) <= CURSOR_CHARACTERS_MAX:
        try:
            text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        except (Base64Error, UnicodeError, ValueError):
            text = ""
        place = _PLACE.fullmatch(text)
        if place is not None and place[1] == sort[0]:
            return int(place[2]), min(int(place[3]), 2**63 - 1)
    raise ApplicationError("invalid_request", parameter="cursor")


def page_of(
    rows: "QuerySet[Row]", *, time_field: str, sort: str, limit: int, cursor: str | None
) -> tuple[list[Row], str | None]:
    """Return at most `limit` rows from the cursor on, by time then key, and the cursor of the next page."""
    newest = sort == "newest"
    if cursor:
        time_ms, key = cursor_decode(sort, cursor)
        then = "lt" if newest else "gt"
        rows = rows.filter(
            Q(**{f"{time_field}__{then}": time_ms}) | Q(**{time_field: time_ms, f"pk__{then}": key})
        )
    sign = "-" if newest else ""
    found = list(rows.order_by(f"{sign}{time_field}", f"{sign}pk")[: limit + 1])
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    return found[:limit], cursor_encode(sort, getattr(last, time_field), last.pk)
