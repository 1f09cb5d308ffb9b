"""The accounts' jobs."""

from datetime import timedelta
from typing import Any

from celery import shared_task

from accounts import services, sessions

UNCONFIRMED_SECONDS = 3_600
EXPIRED_SECONDS = 3_600

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "unconfirmed-remove": {
        "task": "accounts.unconfirmed_remove",
        "schedule": timedelta(seconds=UNCONFIRMED_SECONDS),
        "options": {"queue": "default", "expires": UNCONFIRMED_SECONDS},
    },
    "sessions-expired-remove": {
        "task": "accounts.sessions_expired_remove",
        "schedule": timedelta(seconds=EXPIRED_SECONDS),
        "options": {"queue": "default", "expires": EXPIRED_SECONDS},
    },
}


@shared_task(name="accounts.unconfirmed_remove")
def unconfirmed_remove() -> int:
    """Remove sign-ups that were never confirmed; again does no harm."""
    return services.unconfirmed_remove()


@shared_task(name="accounts.sessions_expired_remove")
def sessions_expired_remove() -> int:
    """Remove the rows of sessions that have run out; again does no harm."""
    return sessions.sessions_expired_remove()
