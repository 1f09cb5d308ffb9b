"""The only row locks of the ranking, taken in primary-key order."""

from collections.abc import Iterable
from itertools import islice

from accounts.models import User

CHUNK_ROWS = 5_000


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
