"""A worker that goes deaf after its first task, as Celery's do: it is alive, and takes no further message."""

from typing import Any

from celery import signals

from stocking import watchdog
from stocking.celery import app

watchdog.DEAF_SECONDS = 1.0
_consumers: list[Any] = []


@signals.task_received.connect(weak=False)
def _remember(sender: Any, **_: Any) -> None:
    _consumers.append(sender)


@signals.task_postrun.connect(weak=False)
def _go_deaf(**_: Any) -> None:
    _consumers[-1].task_consumer.cancel()
    print("deaf now", flush=True)


__all__ = ["app"]
