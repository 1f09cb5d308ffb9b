"""The only row locks of the ranking, taken in primary-key order."""

from collections.abc import Iterable
from itertools import islice

from accounts.models import User
from ranking.models import GameSummary

CHUNK_ROWS = 5_000


def rating_lock() -> int:
    """Let nobody else rate until the transaction ends; return the sequence of the game rated last, 0 before any.

    While there is none, and for one who waited here while another game was rated, the unique sequence decides.
    """
    last = (
        GameSummary.objects.select_for_update()
        .order_by("-sequence")
        .values_list("sequence", flat=True)
        .first()
    )
    return last or 0


def users_lock(user_ids: Iterable[int]) -> dict[int, User]:
    """Lock these users' rows until the transaction ends; return them by key, with what a rating needs."""
    rows: dict[int, User] = {}
    ordered = iter(sorted(user_ids))
    while chunk := list(islice(ordered, CHUNK_ROWS)):
        users = (
            User.objects.select_for_update()
            .filter(pk__in=chunk)
            .only("nickname", "mmr", "tier", "rating_mean", "rating_deviation", "games_played")
            .order_by("pk")
        )
        rows.update((user.pk, user) for user in users)
    return rows
