"""The Celery application: engine queues `stock.<symbol>`, `default` for jobs, `clock` for phases and the sweep."""

import logging
import os
from typing import Any

from celery import Celery, bootsteps, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stocking.settings")

logger = logging.getLogger(__name__)

STOCK_QUEUE_PREFIX = "stock."
QUEUE_CHECK_SECONDS = 1.0

app = Celery("stocking")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


class StockQueues(bootsteps.StartStopStep):
    """Has an engine worker (one started with a `stock.…` queue) consume the queue of every listed company.

    Companies are looked up once a second, so a new listing is consumed without a restart.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, consumer: Any) -> None:
        """Begin to look, if this is an engine worker."""
        if any(name.startswith(STOCK_QUEUE_PREFIX) for name in app.amqp.queues.consume_from):
            from trading.engine import engine_process_begin

            self._add(consumer)
            engine_process_begin()
            consumer.timer.call_repeatedly(QUEUE_CHECK_SECONDS, self._add, (consumer,))

    def _add(self, consumer: Any) -> None:
        from django.db import Error, close_old_connections

        from trading.models import Company
        from trading.wake import queue_of

        try:
            close_old_connections()
            wanted = {queue_of(symbol) for symbol in Company.objects.values_list("symbol", flat=True)}
        except Error:
            logger.exception("The companies could not be read.")
            return
        for name in sorted(wanted - set(app.amqp.queues.consume_from)):
            consumer.add_task_queue(name)
            logger.info("This worker consumes %s now.", name)


app.steps["consumer"].add(StockQueues)


@signals.worker_init.connect
def watchdog_start(**_: Any) -> None:
    """Have every worker watched over, from its start on."""
    from stocking.watchdog import Watchdog

    Watchdog(app).start()


@app.on_after_finalize.connect
def beat_schedule_set(sender: Celery, **_: Any) -> None:
    """Put the applications' periodic tasks together."""
    from accounts.tasks import BEAT_SCHEDULE as ACCOUNTS
    from games.tasks import BEAT_SCHEDULE as GAMES
    from ranking.tasks import BEAT_SCHEDULE as RANKING
    from trading.tasks import BEAT_SCHEDULE as TRADING

    sender.conf.beat_schedule = {**TRADING, **GAMES, **RANKING, **ACCOUNTS}
