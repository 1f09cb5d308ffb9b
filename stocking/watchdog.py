"""Ends a worker that has gone deaf: its queues hold messages, it has nothing to do, and it takes none of them.

Workers on Redis can stop consuming after their connection was lost and found again (celery #8030, #9054, #10096).
Such a worker looks alive from outside. What it leaves undone shows in its queues on the bus; so a thread of the
worker's own looks at them, and ends the process. The supervisor starts another, which takes up what waits: nothing
is in the worker's memory that is not in the database.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis
from celery import Celery, signals
from django.conf import settings

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
DEAF_SECONDS = 5.0
START_SECONDS = 30.0  # a worker that is starting, and may be waiting for the bus
EXIT_STATUS = 70


@dataclass(slots=True)
class Hearing:
    """Since when messages have waited while the worker was idle; times are those of a monotonic clock."""

    limit_seconds: float = START_SECONDS
    _is_busy: bool = False
    _waiting_since: float | None = None

    def active(self, *, is_busy: bool = False) -> None:
        """Note that the worker has taken a message, or begins (`is_busy`) or has ended a task."""
        self._is_busy = is_busy
        self._waiting_since = None

    def is_deaf(self, waiting: int, now: float) -> bool:
        """Tell whether messages have waited for too long beside a worker that does nothing."""
        if waiting == 0 or self._is_busy:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = now
        return self._waiting_since is not None and now - self._waiting_since > self.limit_seconds


class Watchdog:
    """Watches over the queues of the worker in this process."""

    def __init__(self, app: Celery, end: Callable[[int], Any] = os._exit) -> None:
        self._app = app
        self._end = end
        self._hearing = Hearing()

    def start(self) -> None:
        """Begin to look, from a thread."""
        signals.worker_ready.connect(self._on_ready, weak=False)
        signals.task_prerun.connect(self._on_begin, weak=False)
        for signal in (signals.task_received, signals.task_revoked, signals.task_postrun):
            signal.connect(self._on_other, weak=False)
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def _on_ready(self, **_: Any) -> None:
        self._hearing.limit_seconds = DEAF_SECONDS

    def _on_begin(self, **_: Any) -> None:
        self._hearing.active(is_busy=True)

    def _on_other(self, **_: Any) -> None:
        self._hearing.active()

    def _run(self) -> None:
        bus = redis.Redis.from_url(settings.BUS_REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
        while True:
            time.sleep(LOOK_SECONDS)
            try:
                waiting = self._waiting(bus)
            except redis.RedisError:
                waiting = 0  # without the bus there is nothing to be heard
            if self._hearing.is_deaf(waiting, time.monotonic()):
                logger.critical("This worker takes none of the %s messages in its queues. It ends.", waiting)
                logging.shutdown()
                self._end(EXIT_STATUS)
                return

    def _waiting(self, bus: Any) -> int:
        pipeline = bus.pipeline(transaction=False)
        for name in list(self._app.amqp.queues.consume_from):
            pipeline.llen(name)
        return sum(pipeline.execute())
