"""The ranking's jobs."""

from celery import shared_task

from ranking import services


@shared_task(name=services.NOTIFY_TASK)
def results_notify(market_id: int) -> int:
    """Send the participants of a game their private notices; again does no harm."""
    return services.results_notify(market_id=market_id)
