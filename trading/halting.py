"""A listing whose batch cannot be settled: halted, tried again ever more rarely, never in the way of the others.

Two kinds of failure. What a batch breaks by itself (an invariant, a constraint, any error in the code) halts the
listing at once. What may be the surroundings' fault (a store or the database is away, a lock is not to be had, it takes
too long) is tried again first, and halts the listing only when that goes on. The back-off grows to half a minute, and
beyond that with the time a failed try has taken, so that all tries together take a twentieth of the worker's time. But
what is away is away for all listings alike, and every one of them is wanted the moment it is back.

A halt made here is lifted here, as soon as the batch is settled; one made by staff is theirs to lift.
"""

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connections
from django.utils.translation import gettext as _

from chat.services import announce
from stocking.base.alarms import alarm
from stocking.base.units import now_ms
from trading.gate.client import gate
from trading.models import Listing
from trading.services import listing_halt, listing_resume

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
RETRY_SECONDS_MAX = 30.0
AWAY_SECONDS_MAX = 2.0  # what is away comes back: trading should not wait long after it
SHARE = 20
PAUSE_SECONDS_MAX = 600.0
DRAIN_SECONDS_MAX = 20.0
STUCK_SECONDS = 10.0
STUCK_FAILURES = 3
CALM_SECONDS = 60.0

# MySQL, MariaDB: the server is not there, is gone, was lost in the middle, or is shutting down.
_LOST_CONNECTION = (1053, 1927, 2002, 2003, 2006, 2013, 2055)
_LOCKED = "database is locked"  # SQLite: another process writes, and no listing can
_SURROUNDINGS = (OperationalError, InterfaceError, redis.RedisError, OSError)


class DrainTimeoutError(BaseException):
    """A drain has taken too long. No `Exception`, so that nothing on the way takes it for an error of its own."""


@dataclass(slots=True)
class Trouble:
    """What this process knows of a listing that has failed: how often in a row, since when, until when to wait."""

    failures: int
    since: float
    due: float
    at: float


_troubles: dict[int, Trouble] = {}
_sound: set[int] = set()


def forget_all() -> None:
    """Know of no trouble any more, as a process that has just started."""
    _troubles.clear()
    _sound.clear()


def is_due(listing_id: int) -> bool:
    """Return whether the listing may be drained now."""
    trouble = _troubles.get(listing_id)
    return trouble is None or time.monotonic() >= trouble.due


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `DrainTimeoutError` in the block when it takes longer; in a process's main thread, where workers run."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def expire(*_: Any) -> None:
        raise DrainTimeoutError(f"not done in {seconds:g} s")

    handler = signal.signal(signal.SIGALRM, expire)
    began = time.monotonic()
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(0.001, left - (time.monotonic() - began)), interval)


def connections_reset() -> None:
    """Drop every connection: one that was interrupted may still have an answer on its way."""
    connections.close_all()
    gate().redis.connection_pool.disconnect()


def drain_failed(listing_id: int, error: BaseException, seconds: float) -> None:
    """Take note of a drain that has failed after `seconds`: back off, halt and alarm as the case may be."""
    now = time.monotonic()
    _sound.discard(listing_id)
    trouble = _troubles.get(listing_id)
    if trouble is None or (trouble.due <= 0 and now - trouble.at > CALM_SECONDS):
        trouble = _troubles[listing_id] = Trouble(_failures_stored(listing_id), now, 0.0, now)
    elif trouble.due <= 0:
        trouble.since = now
    trouble.failures += 1
    trouble.at = now
    is_outside = isinstance(error, (*_SURROUNDINGS, DrainTimeoutError))
    longest = AWAY_SECONDS_MAX if is_outside else RETRY_SECONDS_MAX
    wait = min(longest, RETRY_SECONDS * 2 ** min(trouble.failures - 1, 10))
    if not _is_away(error):
        wait = max(wait, min(PAUSE_SECONDS_MAX, SHARE * seconds))
    trouble.due = now + wait
    text = f"{type(error).__name__}: {error}"
    logger.error("Listing %s could not be drained; again in %.1f s.", listing_id, wait, exc_info=error)
    is_stuck = trouble.failures >= STUCK_FAILURES and now - trouble.since >= STUCK_SECONDS
    try:
        Listing.objects.filter(pk=listing_id).update(
            failures=trouble.failures, failure=text[:200], retry_at=now_ms() + round(wait * 1_000)
        )
        if not is_outside or (is_stuck and not isinstance(error, redis.RedisError)):
            _halt(listing_id, text)
    except (DatabaseError, redis.RedisError, OSError):
        logger.warning("Listing %s could not be halted now.", listing_id, exc_info=True)
        if is_stuck and trouble.failures == STUCK_FAILURES:
            alarm("listing_stuck", f"Listing {listing_id} cannot be drained: {text}")


def _is_away(error: BaseException) -> bool:
    """Return whether a store or the database could not be reached: no fault of this listing's."""
    if isinstance(error, OperationalError):
        return bool(error.args) and error.args[0] in (*_LOST_CONNECTION, _LOCKED)
    return isinstance(error, (InterfaceError, redis.RedisError, OSError))


def _failures_stored(listing_id: int) -> int:
    """Return how often the listing had failed before this process began."""
    try:
        return Listing.objects.values_list("failures", flat=True).get(pk=listing_id)
    except (DatabaseError, Listing.DoesNotExist):
        return 0


def _halt(listing_id: int, text: str) -> None:
    listing = Listing.objects.get(pk=listing_id)
    if listing.is_closed:
        return
    if (
        listing.is_halted
    ):  # the gate may not know: whoever halted it died before telling, or the database is behind
        gate().halt_set(listing.pk, True)
        return
    listing_halt(listing=listing, reason=text, by=Listing.HaltedBy.ENGINE)
    alarm("listing_halted", f"Listing {listing} is halted: {text}")
    _tell(listing, _("%(name)s(%(symbol)s) 거래를 잠시 멈췄어요. 문제를 확인하고 있고, 취소는 할 수 있어요."))


def _tell(listing: Listing, text: str) -> None:
    """Tell everybody. A halt does not depend on it."""
    try:
        announce(text=text % {"name": listing.company.name, "symbol": listing.symbol}, level="warning")
    except (DatabaseError, redis.RedisError, OSError):
        logger.warning("Nobody could be told of listing %s.", listing, exc_info=True)


def drain_succeeded(listing_id: int) -> None:
    """Take note of a drain that has applied all there was: lift what a failure had brought about."""
    if listing_id in _sound:
        return
    listing = Listing.objects.get(pk=listing_id)
    if listing.failures or listing.halted_by == Listing.HaltedBy.ENGINE:
        Listing.objects.filter(pk=listing_id).update(failures=0, failure="", retry_at=None)
        if listing.is_halted and listing.halted_by == Listing.HaltedBy.ENGINE:
            listing_resume(listing=listing)
            _tell(listing, _("%(name)s(%(symbol)s) 거래를 다시 시작해요."))
        logger.warning("Listing %s is drained again after %s failures.", listing, listing.failures)
    _sound.add(listing_id)
    if listing_id in _troubles:
        _troubles[listing_id].due = 0.0
