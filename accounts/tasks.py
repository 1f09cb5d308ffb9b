"""The accounts' jobs."""

from datetime import timedelta
from typing import Any

from celery import shared_task

from accounts import services

UNCONFIRMED_SECONDS = 3_600

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "unconfirmed-remove": {
        "task": "accounts.unconfirmed_remove",
        "schedule": timedelta(seconds=UNCONFIRMED_SECONDS),
        "options": {"queue": "default", "expires": UNCONFIRMED_SECONDS},
    },
}


@shared_task(name="accounts.unconfirmed_remove")
def unconfirmed_remove() -> int:
    """Remove sign-ups that were never confirmed; again does no harm."""
    return services.unconfirmed_remove()
