"""The seed of the day: the same market for everybody, and the board of everybody's first attempt.

The first attempt counts and not the best one, because whoever has played the day before knows its news. The seed
follows from the day and the secret key, so every process knows it and nobody outside can play it beforehand.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.utils.crypto import salted_hmac

from accounts.models import User
from games.core.practice import Outcome
from games.models import DailyAttempt

BOARD_ROWS = 50
SEED_BYTES = 7


def day_of(time_ms: int) -> date:
    """Return the day a moment belongs to, in the site's time zone."""
    return datetime.fromtimestamp(time_ms / 1_000, tz=ZoneInfo(settings.TIME_ZONE)).date()


def seed_of(day: date) -> int:
    """Return the seed of a day's market; below 2^56, and far above the seeds that players choose."""
    digest = salted_hmac("games.practice.daily", day.isoformat(), algorithm="sha256").digest()
    return 1 << (8 * SEED_BYTES) | int.from_bytes(digest[:SEED_BYTES])


@dataclass(frozen=True, slots=True)
class Attempt:
    """A first attempt that is being played."""

    user_id: int
    day: date
    started_at: int


def attempt_begin(attempt: Attempt) -> bool:
    """Record that a player begins; return False when their first attempt is over and this is another.

    The caller makes sure that the player has no other game running: an attempt that is not complete was lost.
    """
    try:
        with transaction.atomic():
            DailyAttempt.objects.create(
                user_id=attempt.user_id, day=attempt.day, started_at=attempt.started_at
            )
            return True
    except IntegrityError:
        lost = DailyAttempt.objects.filter(user_id=attempt.user_id, day=attempt.day, finished_at=None)
        return bool(lost.update(started_at=attempt.started_at))


def attempt_finish(attempt: Attempt, *, outcome: Outcome, time_ms: int) -> bool:
    """Complete an attempt, once; return whether this was the time."""
    waiting = DailyAttempt.objects.filter(
        user_id=attempt.user_id, day=attempt.day, started_at=attempt.started_at, finished_at=None
    )
    return bool(
        waiting.update(
            finished_at=time_ms, return_bps=outcome.return_bps, equity=outcome.equity, fills=outcome.fills
        )
    )


def board_get(day: date, user: User | None = None, limit: int = BOARD_ROWS) -> dict[str, Any]:
    """Return a day's board: who traded at least once, by return, ties shared; and the viewer's own place."""
    finished = DailyAttempt.objects.filter(day=day, finished_at__isnull=False)
    ranked = finished.filter(fills__gt=0)
    rows: list[dict[str, Any]] = []
    for place, attempt in enumerate(
        ranked.select_related("user").order_by("-return_bps", "finished_at", "pk")[:limit], start=1
    ):
        is_tied = bool(rows) and rows[-1]["return_bps"] == attempt.return_bps
        rows.append(
            {
                "rank": rows[-1]["rank"] if is_tied else place,
                "nickname": attempt.user.nickname,
                "tier": attempt.user.tier,
                "return_bps": attempt.return_bps,
                "fills": attempt.fills,
                "is_me": attempt.user_id == (user.pk if user else None),
            }
        )
    mine = finished.filter(user=user).first() if user else None
    above = Q(return_bps__gt=mine.return_bps) if mine else Q(pk=None)
    counts = ranked.aggregate(players=Count("pk"), above=Count("pk", filter=above))
    return {
        "day": day.isoformat(),
        "players": counts["players"],
        "rows": rows,
        "me": {
            "rank": counts["above"] + 1 if mine.fills else None,
            "return_bps": mine.return_bps,
            "fills": mine.fills,
        }
        if mine
        else None,
    }
