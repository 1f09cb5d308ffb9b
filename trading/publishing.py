"""When messages go out: not more often than a topic allows, and not while the engine waits for it."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import Error, connection

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 0.1
WAITING_MAX = 64  # batches; whoever settles faster than can be told waits here
Merge = Callable[[Any, Any], Any]
Job = Callable[[], None]


class Conflator:
    """Sends each topic's first message at once and merges what follows within the interval."""

    def __init__(self, send: Callable[[str, Any], None], interval_seconds: float = INTERVAL_SECONDS) -> None:
        self._send = send
        self._interval = interval_seconds
        self._pending: dict[str, Any] = {}
        self._sent_at: dict[str, float] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def offer(self, topic: str, data: Any, merge: Merge) -> None:
        """Send now, or merge into what waits for the topic's next turn."""
        with self._changed:
            if topic in self._pending:
                self._pending[topic] = merge(self._pending[topic], data)
                return
            now = time.monotonic()
            if now - self._sent_at.get(topic, -self._interval) >= self._interval:
                self._sent_at[topic] = now
                self._send(topic, data)
                return
            self._pending[topic] = data
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until nothing waits for its turn."""
        with self._changed:
            self._changed.wait_for(lambda: not self._pending)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._pending:
                    self._changed.notify_all()  # whoever flushes
                    self._changed.wait()
                due = min(self._sent_at[topic] for topic in self._pending) + self._interval
                wait = due - time.monotonic()
                if wait <= 0:
                    try:
                        self._flush_due()
                    except Exception:  # one topic that cannot be sent must not silence the others
                        logger.exception("The feed could not send.")
            if wait > 0:
                time.sleep(wait)

    def _flush_due(self) -> None:
        now = time.monotonic()
        for topic in [t for t in self._pending if now - self._sent_at[t] >= self._interval]:
            self._sent_at[topic] = now
            self._send(topic, self._pending.pop(topic))


class Publisher:
    """Does jobs in their order: at once, or in a thread of its own once `start` was called.

    `idle_wait` says how long the thread may wait for the next job before it calls `idle` (None: for ever);
    without a thread `idle` follows each job.
    """

    def __init__(self, *, idle: Job, idle_wait: Callable[[], float | None]) -> None:
        self._idle = idle
        self._idle_wait = idle_wait
        self._jobs: queue.Queue[Job] = queue.Queue(WAITING_MAX)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Do what follows in the background."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
            self._thread.start()

    def do(self, job: Job) -> None:
        """Do a job, or have it done. What fails is logged: publishing may be lost."""
        if self._thread is not None:
            self._jobs.put(job)
            return
        self._done(job)
        if self._idle_wait() is not None:
            self._done(self._idle)

    def flush(self) -> None:
        """Wait until every job so far is done."""
        self._jobs.join()

    def _run(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=self._idle_wait())
            except queue.Empty:
                self._done(self._idle)
                continue
            self._done(job)
            self._jobs.task_done()
            if self._idle_wait() == 0:
                self._done(self._idle)

    def _done(self, job: Job) -> None:
        try:
            job()
        except Exception as error:  # the players miss a message; what was settled stands
            logger.exception("A message could not be published.")
            if self._thread is not None and isinstance(error, Error):
                connection.close()  # this thread's own; the next query opens another
