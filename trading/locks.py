"""The only row locks. Always taken in the order of this file, rows in the order of their keys.

SQLite has no row locks: there the transaction itself (`IMMEDIATE`) keeps every other writer out.
"""

from trading.models import GateRecord, Listing, Market


def gate_record_lock() -> GateRecord:
    """Lock the gate's record: one process at a time opens the gate."""
    GateRecord.objects.get_or_create(pk=1)
    return GateRecord.objects.select_for_update().get(pk=1)


def listings_lock(market: Market) -> list[Listing]:
    """Lock a market's listings: until the transaction ends no batch of them is settled."""
    return list(market.listings.select_for_update().order_by("pk"))
