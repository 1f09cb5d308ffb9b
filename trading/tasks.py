"""Celery tasks of the exchange: the engine's drain on `stock.<symbol>`, the sweep on `clock`, the audit on `audit`."""

import logging
import time
from typing import Any

import redis
from celery import shared_task
from django.conf import settings
from django.core.cache import cache

from stocking.base.errors import ApplicationError
from stocking.base.units import now_ms
from trading import halting
from trading.audit.watch import market_watch, suspension_enforce
from trading.engine import listing_drain, outbox_apply
from trading.gate.client import gate
from trading.models import Listing, Market, Outbox
from trading.recovery import gate_ensure_open
from trading.wake import DRAIN_TASK, listings_wake

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 0.5
OUTBOX_KEPT = 200
AUDIT_LOCK_SECONDS = 60

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "trading-sweep": {
        "task": "trading.sweep",
        "schedule": SWEEP_SECONDS,
        "options": {"queue": "clock", "expires": 2},
    },
}
if settings.AUDIT_SECONDS:
    BEAT_SCHEDULE["trading-audit"] = {
        "task": "trading.audit",
        "schedule": settings.AUDIT_SECONDS,
        "options": {"queue": "audit", "expires": settings.AUDIT_SECONDS},
    }


@shared_task(name=DRAIN_TASK)
def drain(listing_id: int) -> None:
    """Apply what waits in a listing's stream; goes to the end of its queue while there is more.

    A drain that fails concerns this listing alone, see `trading.halting`. The others trade on.
    """
    if not halting.is_due(listing_id):
        return
    began = time.monotonic()
    try:
        with halting.time_limit(halting.DRAIN_SECONDS_MAX):
            more = listing_drain(listing_id)
    except halting.DrainTimeoutError as error:
        halting.connections_reset()
        halting.drain_failed(listing_id, error, time.monotonic() - began)
    except Exception as error:
        halting.drain_failed(listing_id, error, time.monotonic() - began)
    else:
        if more:
            listings_wake([listing_id])
        else:
            halting.drain_succeeded(listing_id)


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
    lagging, now = [], now_ms()
    for listing in listings:
        if listing.retry_at is not None and listing.retry_at > now:
            continue
        try:
            if _is_lagging(listing, *sequences[listing.pk]):
                lagging.append(listing)
        except Exception:  # whatever is wrong with one listing, the others are woken
            logger.exception("Listing %s could not be swept.", listing)
    return lagging


def _is_lagging(listing: Listing, given: int, applied: int) -> bool:
    """Return whether the engine has to be woken; releases by itself what was settled and not released."""
    if not listing.is_closed and (
        given > listing.checkpoint or listing.marker is not None or _has_entries(listing)
    ):
        return True
    if listing.failures or listing.halted_by == Listing.HaltedBy.ENGINE:
        return True  # the engine lifts what it has put up once it has drained the listing
    if 0 <= applied < listing.checkpoint:
        outbox_apply(listing.pk)
    elif not listing.is_closed and applied > OUTBOX_KEPT:
        Outbox.objects.filter(listing=listing, last__lte=applied - OUTBOX_KEPT).delete()
    return False


def _has_entries(listing: Listing) -> bool:
    """Return whether entries wait while the gate is shut: it then does not say how many were given."""
    return not gate().is_open() and bool(gate().entries(listing.pk, 0, listing.checkpoint, 1))


@shared_task(name="trading.audit")
def audit() -> None:
    """Audit the next part of the market that trades, one run at a time; a suspended market is left as it is."""
    market = Market.objects.filter(is_settled=False).order_by("-pk").first()
    if market is None or not cache.add("trading:audit", 1, timeout=AUDIT_LOCK_SECONDS):
        return
    try:
        if market.is_suspended:
            suspension_enforce(market)
        else:
            market_watch(market=market)
    except redis.RedisError:
        logger.warning("The audit found the gate away.", exc_info=True)
    finally:
        cache.delete("trading:audit")
