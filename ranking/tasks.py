"""The ranking's jobs."""

from datetime import timedelta
from typing import Any

from celery import shared_task

from ranking import reviews, services

REVIEWS_SECONDS = 5

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "reviews-catch-up": {
        "task": "ranking.reviews_catch_up",
        "schedule": timedelta(seconds=REVIEWS_SECONDS),
        "options": {"queue": "default", "expires": REVIEWS_SECONDS},
    },
}


@shared_task(name=services.NOTIFY_TASK)
def results_notify(market_id: int) -> int:
    """Send the participants of a game their private notices; again does no harm."""
    return services.results_notify(market_id=market_id)


@shared_task(name="ranking.reviews_catch_up")
def reviews_catch_up() -> int:
    """Make the reviews of games that have results and no review yet."""
    return reviews.reviews_catch_up()
