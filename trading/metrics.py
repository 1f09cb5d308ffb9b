"""What operators watch of the exchange, read from the stores and the database when `/metrics` is asked for.

Nothing is counted in a process's own memory, so any process answers for all of them.
"""

import logging
from collections.abc import Iterable, Iterator

import redis
from django.db import DatabaseError
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from stocking.base.alarms import alarm_counts
from stocking.base.units import now_ms
from trading.gate.client import gate
from trading.models import AuditReport, Listing, Market

logger = logging.getLogger(__name__)


def families() -> list[GaugeMetricFamily]:
    """Return the metrics without values."""
    return [
        GaugeMetricFamily("stocking_audit_ok", "1 unless the last run of the live audit found something"),
        GaugeMetricFamily("stocking_audit_age_seconds", "Since the last run that could say something"),
        GaugeMetricFamily("stocking_audit_duration_seconds", "What that run took"),
        GaugeMetricFamily("stocking_markets_suspended", "Markets closed by the audit or by staff"),
        GaugeMetricFamily("stocking_markets_unsettled", "Markets that are not settled yet"),
        GaugeMetricFamily("stocking_listings_halted", "Halted listings of unsettled markets", labels=["by"]),
        GaugeMetricFamily("stocking_listing_failures", "Failures in a row", labels=["symbol"]),
        GaugeMetricFamily("stocking_stream_lag_entries", "Accepted, not settled yet", labels=["symbol"]),
        GaugeMetricFamily("stocking_outbox_lag_entries", "Settled, not released yet", labels=["symbol"]),
        GaugeMetricFamily("stocking_alarms", "Alarms since the bus was last empty", labels=["kind"]),
    ]


class ExchangeCollector(Collector):
    """Gives the exchange's metrics; what cannot be read is left out."""

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return the metrics without reading anything: the registry asks for them at the start."""
        return families()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read and return the metrics."""
        found = {family.name: family for family in families()}
        for read in (_audit, _listings, _alarms):
            try:
                read(found)
            except (DatabaseError, redis.RedisError):
                logger.warning("A part of the metrics could not be read.", exc_info=True)
        yield from found.values()


def _audit(found: dict[str, GaugeMetricFamily]) -> None:
    unsettled = Market.objects.filter(is_settled=False)
    found["stocking_markets_unsettled"].add_metric([], unsettled.count())
    found["stocking_markets_suspended"].add_metric([], unsettled.filter(suspended_at__isnull=False).count())
    report = AuditReport.objects.order_by("-pk").first()
    if report is not None:
        found["stocking_audit_ok"].add_metric([], int(report.status == AuditReport.Status.OK))
        found["stocking_audit_age_seconds"].add_metric([], (now_ms() - report.last_at) / 1_000)
        found["stocking_audit_duration_seconds"].add_metric([], report.duration_ms / 1_000)


def _listings(found: dict[str, GaugeMetricFamily]) -> None:
    """Lags of the current market's listings; halts and failures of all that are not settled."""
    listings = list(Listing.objects.filter(market__is_settled=False).order_by("pk"))
    for by in Listing.HaltedBy.values:
        count = sum(listing.is_halted and (listing.halted_by or "staff") == by for listing in listings)
        found["stocking_listings_halted"].add_metric([by], count)
    newest = {listing.symbol: listing for listing in listings}
    sequences = gate().sequences([listing.pk for listing in newest.values()]) if newest else {}
    for symbol, listing in newest.items():
        given, applied = sequences[listing.pk]
        found["stocking_listing_failures"].add_metric([symbol], listing.failures)
        if given >= 0:
            found["stocking_stream_lag_entries"].add_metric([symbol], max(0, given - listing.checkpoint))
        if applied >= 0:
            found["stocking_outbox_lag_entries"].add_metric([symbol], max(0, listing.checkpoint - applied))


def _alarms(found: dict[str, GaugeMetricFamily]) -> None:
    for kind, count in alarm_counts().items():
        found["stocking_alarms"].add_metric([kind], count)


def register() -> None:
    """Have `/metrics` give them; again does nothing."""
    if not any(isinstance(collector, ExchangeCollector) for collector in list(REGISTRY._collector_to_names)):
        REGISTRY.register(ExchangeCollector())
