"""Celery tasks of the exchange: the engine's drain on `stock.<symbol>`, the sweep on `clock`."""

import logging
import time

from celery import shared_task
from django.db import DataError, IntegrityError

from stocking.base.errors import ApplicationError
from trading.core.invariants import InvariantError
from trading.engine import listing_drain, outbox_apply
from trading.gate.client import gate
from trading.models import Listing, Outbox
from trading.recovery import gate_ensure_open
from trading.services import listing_halt
from trading.wake import DRAIN_TASK, listings_wake

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 0.5
RETRY_SECONDS_MAX = 30.0
OUTBOX_KEPT = 200

BEAT_SCHEDULE = {
    "trading-sweep": {
        "task": "trading.sweep",
        "schedule": SWEEP_SECONDS,
        "options": {"queue": "clock", "expires": 2},
    },
}


# Listings whose batch broke an invariant: when it is tried again, and how long to wait after that.
_broken: dict[int, tuple[float, float]] = {}


@shared_task(name=DRAIN_TASK)
def drain(listing_id: int) -> None:
    """Apply what waits in a listing's stream; goes to the end of its queue while there is more.

    A broken invariant or constraint is a bug: it halts this listing alone, whose batch is tried again ever
    more rarely. The others trade on.
    """
    due, wait = _broken.get(listing_id, (0.0, SWEEP_SECONDS))
    if time.monotonic() < due:
        return
    try:
        more = listing_drain(listing_id)
    except (InvariantError, IntegrityError, DataError) as error:
        _broken[listing_id] = (time.monotonic() + wait, min(2 * wait, RETRY_SECONDS_MAX))
        logger.exception("Listing %s breaks an invariant and is halted.", listing_id)
        listing = Listing.objects.get(pk=listing_id)
        if not listing.is_halted:
            listing_halt(listing=listing, reason=str(error))
        return
    _broken.pop(listing_id, None)
    if more:
        listings_wake([listing_id])


@shared_task(name="trading.sweep")
def sweep() -> None:
    """Wake whatever lags, whether or not it was woken; open the gate again if its store was replaced."""
    lagging = listings_lagging()
    if lagging:
        listings_wake(lagging)
    try:
        gate_ensure_open()
    except ApplicationError:
        logger.exception("The gate could not be opened.")


def listings_lagging() -> list[Listing]:
    """Return the listings of unsettled markets whose stream, close or outbox is not fully applied."""
    listings = list(Listing.objects.filter(market__is_settled=False))
    if not listings:
        return []
    sequences = gate().sequences([listing.pk for listing in listings])
    lagging = []
    for listing in listings:
        given, applied = sequences[listing.pk]
        if listing.is_closed:
            if 0 <= applied < listing.checkpoint:
                outbox_apply(listing.pk)
            continue
        closing = listing.marker is not None
        if given > listing.checkpoint or closing or _has_entries(listing):
            lagging.append(listing)
        elif 0 <= applied < listing.checkpoint:
            outbox_apply(listing.pk)
        elif applied > OUTBOX_KEPT:
            Outbox.objects.filter(listing=listing, last__lte=applied - OUTBOX_KEPT).delete()
    return lagging


def _has_entries(listing: Listing) -> bool:
    """Return whether entries wait while the gate is shut: it then does not say how many were given."""
    return not gate().is_open() and bool(gate().entries(listing.pk, 0, listing.checkpoint, 1))
