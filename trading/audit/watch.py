"""The live audit: looks at the market that trades every few seconds, and closes it when the same is wrong twice.

Each run is bounded, whatever the size of the game: sums over accounts, the trades since the last run, the next slice
of accounts at the gate, and now and then all orders and trades of one listing, seldom enough to take a twentieth of
the time at most. A run that finds a fault looks at the same again the next time, before it goes on.
"""

import logging
import time
from dataclasses import dataclass, field
from typing import Any

import redis
from django.db import InterfaceError, OperationalError

from stocking.base.units import now_ms
from trading.audit.checks import market_faults
from trading.audit.faults import Fault, shown
from trading.audit.gate import gate_faults
from trading.audit.instant import NoInstantError, instant_read
from trading.audit.ledger import conservation_faults, listing_faults, trades_counted
from trading.gate.client import gate
from trading.models import AuditReport, Listing, Market, Portfolio
from trading.selectors.instant import one_instant
from trading.services import market_suspend

logger = logging.getLogger(__name__)

ACCOUNTS_A_SLICE = 250  # what the gate's script reads in some milliseconds
SLICES_A_RUN = 4
ENTRIES_MAX = 10_000  # streams longer than this are not read: the settlement lags, which others watch
DEEP_SHARE = 20  # a listing's orders and trades are read again after so many times as long as it took
FAULTS_KEPT = 20

Status = AuditReport.Status


@dataclass(slots=True)
class Progress:
    """Where the next run goes on. A run that finds faults leaves it where it was."""

    user: int = 0
    listing: int = 0
    deep_at: int = 0
    trades: dict[str, list[int]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return what is stored with the report."""
        return {"user": self.user, "listing": self.listing, "deep_at": self.deep_at, "trades": self.trades}


def market_watch(*, market: Market) -> AuditReport | None:
    """Audit a part of a market; suspend it if the last run has found the same fault. Returns the report.

    None when nothing could be said: a store or the database is away, or the gate is too quick to be read.
    """
    began, started = time.monotonic(), now_ms()
    last = market.audits.order_by("-pk").first()
    progress = Progress(**(last.progress if last else {}))
    try:
        faults = _run(market, progress)
    except (redis.RedisError, OperationalError, InterfaceError, NoInstantError) as error:
        logger.warning("Market %s could not be audited now: %s", market.pk, error)
        return None
    except Exception as error:
        logger.exception("Market %s cannot be audited.", market.pk)
        faults = [_unreadable(error)]
    if faults and last:
        progress = Progress(**last.progress)
    elif faults:
        progress = Progress()
    duration = round((time.monotonic() - began) * 1_000)
    return report_store(market, faults, progress, started=started, duration_ms=duration)


def report_store(
    market: Market,
    faults: list[Fault],
    progress: Progress | None,
    *,
    started: int,
    duration_ms: int,
    by: str = "",
) -> AuditReport:
    """Store what a run has found, and act on it: the second run in a row with the same fault suspends the market.

    A run that somebody has asked for (`by`) has a row of its own.
    """
    last = market.audits.order_by("-pk").first()
    keys = {fault.key for fault in faults}
    status = Status.OK
    if faults:
        again = last is not None and last.status != Status.OK and keys & last.fault_keys
        status = Status.CONFIRMED if again else Status.SUSPECTED
    report = AuditReport(market=market, status=status, first_at=started)
    if last is not None and last.status == status and not by:
        report = last
        report.runs += 1
    report.last_at, report.duration_ms = now_ms(), duration_ms
    report.faults = "\n".join(f"{f.key}\t{' '.join(f.text.split())}" for f in faults[:FAULTS_KEPT])
    report.action = report.action or by[:200]
    report.progress = progress.as_dict() if progress else (last.progress if last else {})
    report.save()
    if status == Status.SUSPECTED:
        logger.error("Market %s: the audit suspects: %s", market.pk, shown(report.fault_texts))
    elif status == Status.CONFIRMED and market_suspend(market=market, reason=shown(report.fault_texts)):
        report.action = "market suspended"
        report.save(update_fields=["action"])
    return report


def _run(market: Market, progress: Progress) -> list[Fault]:
    """Look at the next part of a market and move `progress` on."""
    faults, listings = _ledger_part(market, progress)
    for _ in range(SLICES_A_RUN):
        users = _next_users(market, progress.user)
        instant = instant_read(market, users, with_orders=False, entries_max=ENTRIES_MAX)
        if instant is None:
            break
        faults += gate_faults(instant, with_orders=False)
        is_last = len(users) < ACCOUNTS_A_SLICE
        progress.user = 0 if is_last else users[-1]
        if is_last:
            break
    if now_ms() >= progress.deep_at and listings:
        faults += _deep_part(listings, progress)
    return list({fault.key: fault for fault in faults}.values())


def _ledger_part(market: Market, progress: Progress) -> tuple[list[Fault], list[Listing]]:
    with one_instant():
        listings = list(market.listings.order_by("pk"))
        faults = conservation_faults(market, listings)
        for listing in listings:
            count, volume = progress.trades.get(str(listing.pk), (0, 0))
            faults += trades_counted(listing, (count, volume))
            progress.trades[str(listing.pk)] = [listing.trade_count, listing.volume]
    return faults, listings


def _next_users(market: Market, after: int) -> list[int]:
    rows = Portfolio.objects.filter(market=market, user_id__gt=after).order_by("user_id")
    return list(rows.values_list("user_id", flat=True)[:ACCOUNTS_A_SLICE])


def _deep_part(listings: list[Listing], progress: Progress) -> list[Fault]:
    """Read all orders and trades of the next listing."""
    began = time.monotonic()
    key = next((listing.pk for listing in listings if listing.pk > progress.listing), listings[0].pk)
    with one_instant():
        faults = listing_faults(Listing.objects.get(pk=key))
    progress.listing = key
    progress.deep_at = now_ms() + round((time.monotonic() - began) * 1_000 * DEEP_SHARE)
    return faults


def market_report(*, market: Market, by: str = "") -> AuditReport | None:
    """Audit all of a market now and store what was found, `by` whom; None when nothing could be said."""
    began, started = time.monotonic(), now_ms()
    try:
        _, faults = market_faults(market)
    except (redis.RedisError, OperationalError, InterfaceError, NoInstantError) as error:
        logger.warning("Market %s could not be audited now: %s", market.pk, error)
        return None
    except Exception as error:
        logger.exception("Market %s cannot be audited.", market.pk)
        faults = [_unreadable(error)]
    duration = round((time.monotonic() - began) * 1_000)
    return report_store(market, faults, None, started=started, duration_ms=duration, by=by)


def market_certify(*, market: Market) -> bool:
    """Audit all of a market before its results are made; False, and the market suspended, when the ledger is wrong.

    What is found is looked for once more, so that a single false alarm stops nobody.
    """
    if market.is_suspended:
        return False
    for _ in range(2):
        report = market_report(market=market)
        if report is None or report.status == Status.OK:
            return report is not None
    return False


def _unreadable(error: Exception) -> Fault:
    """What cannot even be read is no ledger to trade on."""
    return Fault("readable", type(error).__name__, f"{type(error).__name__}: {error}")


def suspension_enforce(market: Market) -> None:
    """Tell the gate of a suspension again: it may have been away when it was told."""
    if market.is_suspended:
        gate().suspension_set(market.pk, True)
