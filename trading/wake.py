"""Wakes the engine of a listing. A wake-up carries nothing and may be lost: the sweep finds what lags.

There may be hundreds a second, and Celery takes 0.8 ms to send a task, most of it to compose a message that is the same
each time. So it is composed here, after Celery's message protocol (version 2, in Celery's documentation under
"Internals"), and put where kombu's Redis transport has its queues: a tenth of the time.
"""

import itertools
import logging
import os
import queue
import threading
from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
import redis

from stocking.base import stream
from trading.models import Listing

logger = logging.getLogger(__name__)

WAKE_EXPIRES_SECONDS = 10
WAKES_WAITING_MAX = 4
DRAIN_TASK = "trading.listing_drain"
_symbols: dict[int, str] = {}
# Together unique among all messages that wait anywhere.
_process, _numbers = f"wake-{os.urandom(8).hex()}", itertools.count(1)


def queue_of(symbol: str) -> str:
    """Return the Celery queue that a symbol's listings are drained from."""
    return f"stock.{symbol}"


def _symbol_of(listing_id: int) -> str:
    symbol = _symbols.get(listing_id)
    if symbol is None:
        symbol = Listing.objects.values_list("symbol", flat=True).get(pk=listing_id)
        _symbols[listing_id] = symbol
    return symbol


def wake_message(listing_id: int, queue_name: str) -> bytes:
    """Return the message of one wake-up as a worker expects it in its queue."""
    number = f"{_process}-{next(_numbers)}"
    expires = datetime.now(UTC) + timedelta(seconds=WAKE_EXPIRES_SECONDS)
    body: list[Any] = [[listing_id], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    message = {
        "body": b64encode(msgspec.json.encode(body)).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "py", "task": DRAIN_TASK, "id": number, "root_id": number, "parent_id": None, "group": None,
            "group_index": None, "shadow": None, "eta": None, "expires": expires.isoformat(), "retries": 0,
            "timelimit": [None, None], "argsrepr": f"[{listing_id}]", "kwargsrepr": "{}", "origin": "wake",
            "ignore_result": True, "replaced_task_nesting": 0, "stamped_headers": None, "stamps": {},
        },
        "properties": {
            "correlation_id": number, "reply_to": "", "delivery_mode": 2, "priority": 0, "body_encoding": "base64",
            "delivery_info": {"exchange": "", "routing_key": queue_name}, "delivery_tag": number,
        },
    }  # fmt: skip
    return msgspec.json.encode(message)


def wake_send(listing_id: int, queue_name: str) -> None:
    """Put one wake-up into a queue, unless enough of them wait there: one more would wake nobody sooner.

    Under load an engine comes back to a listing by itself, while the sweep and order entry go on sending.
    Unbounded, wake-ups became so many that they expired before their turn.
    """
    _send_script()(keys=[queue_name], args=[WAKES_WAITING_MAX, wake_message(listing_id, queue_name)])


@cache
def _send_script() -> Any:
    return stream.bus().register_script(
        "if redis.call('LLEN', KEYS[1]) < tonumber(ARGV[1]) then redis.call('LPUSH', KEYS[1], ARGV[2]) end"
    )


def listings_wake(listings: Iterable[int | Listing]) -> None:
    """Send one wake-up for each listing; what cannot be sent is left to the sweep."""
    for listing in listings:
        key = listing.pk if isinstance(listing, Listing) else listing
        try:
            wake_send(key, queue_of(_symbol_of(key)))
        except (redis.RedisError, OSError) as error:
            logger.warning("Listing %s could not be woken: %s", key, error)


class Waker:
    """Sends wake-ups from a thread of its own: Celery publishes synchronously, order entry must not wait."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def wake(self, listings: Iterable[int]) -> None:
        """Have the listings woken soon."""
        for listing in listings:
            self._queue.put(listing)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="waker", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        from django.db import close_old_connections

        while True:
            listing = self._queue.get()
            try:
                listings_wake([listing])
            except Exception:
                logger.exception("Listing %s could not be woken.", listing)
            close_old_connections()
