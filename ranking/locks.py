"""The only row locks of the ranking, taken in primary-key order."""

from collections.abc import Iterable
from itertools import islice

from django.db import connection

from ranking.core.movements import NEWCOMER, RatedPlayer
from ranking.core.rating import Rating
from ranking.models import GameSummary

CHUNK_ROWS = 5_000


def rating_lock() -> int:
    """Let nobody else rate until the transaction ends; return the sequence of the game rated last, 0 before any.

    While there is none, and for one who waited here while another game was rated, the unique sequence decides.
    """
    rows = GameSummary.objects.select_for_update().order_by("-sequence")
    return rows.values_list("sequence", flat=True).first() or 0


def users_lock(user_ids: Iterable[int]) -> dict[int, RatedPlayer]:
    """Lock these users' rows until the transaction ends; return what they are rated, by key.

    Text of numbers alone: a hundred thousand model instances would take as long as the rating.
    """
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    players: dict[int, RatedPlayer] = {}
    ordered = iter(sorted(user_ids))
    with connection.cursor() as cursor:
        while chunk := list(islice(ordered, CHUNK_ROWS)):
            keys = ",".join([f"{key:d}" for key in chunk])
            cursor.execute(
                "SELECT id, mmr, tier, rating_mean, rating_deviation, games_played FROM accounts_user"  # noqa: S608
                f" WHERE id IN ({keys}) ORDER BY id{lock}"
            )
            for key, mmr, tier, mean, deviation, games in cursor.fetchall():
                rated = mean is not None and deviation is not None
                rating = Rating(mean, deviation) if rated else NEWCOMER.rating
                players[key] = RatedPlayer(rating, mmr, tier, games)
    return players
