"""Wakes the engine of a listing. A wake-up carries nothing and may be lost: the sweep finds what lags."""

import logging
import queue
import threading
from collections.abc import Iterable

from celery import current_app
from kombu.exceptions import OperationalError

from trading.models import Listing

logger = logging.getLogger(__name__)

WAKE_EXPIRES_SECONDS = 10
DRAIN_TASK = "trading.listing_drain"
_symbols: dict[int, str] = {}


def queue_of(symbol: str) -> str:
    """Return the Celery queue that a symbol's listings are drained from."""
    return f"stock.{symbol}"


def _symbol_of(listing_id: int) -> str:
    symbol = _symbols.get(listing_id)
    if symbol is None:
        symbol = Listing.objects.values_list("symbol", flat=True).get(pk=listing_id)
        _symbols[listing_id] = symbol
    return symbol


def listings_wake(listings: Iterable[int | Listing]) -> None:
    """Send one wake-up for each listing; what cannot be sent is left to the sweep."""
    for listing in listings:
        key = listing.pk if isinstance(listing, Listing) else listing
        try:
            current_app.send_task(
                DRAIN_TASK, args=[key], queue=queue_of(_symbol_of(key)), expires=WAKE_EXPIRES_SECONDS
            )
        except (OperationalError, OSError) as error:
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
