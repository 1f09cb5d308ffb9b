"""After the load: is everything the generator was promised in the ledger, once each, and does the audit agree?"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from trading.audit import market_audit
from trading.loadtest.record import Record
from trading.models import SEQUENCE_BITS, Market, Order

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the ledger has of the accepted orders. `doubled` counts orders of one client id beyond the first."""

    settled: int
    missing: list[str]
    doubled: int
    audit_faults: list[str]


def ledger_compare(market: Market, record: Record, run: str) -> Comparison:
    """Look every accepted order up by its key, and count the ledger's orders of this run by client id."""
    missing = []
    for chunk in _chunks(iter(record.accepted.items())):
        keys = {order_id: _key(order_id) for order_id, _ in chunk}
        rows = Order.objects.filter(pk__in=keys.values()).values_list(
            "pk", "epoch", "user_id", "client_order_id"
        )
        found = {key: (epoch, user, client) for key, epoch, user, client in rows}
        for order_id, (account, client_order_id) in chunk:
            epoch = int(order_id.split("-")[1])
            if found.get(keys[order_id]) != (epoch, account, client_order_id):
                missing.append(order_id)
    names = Order.objects.filter(listing__market=market, client_order_id__startswith=f"{run}-")
    total = names.count()
    distinct = names.values("user_id", "client_order_id").distinct().count()
    faults = [f"{check.name}: {check.detail}" for check in market_audit(market) if not check.ok]
    return Comparison(len(record.accepted) - len(missing), missing, total - distinct, faults)


def _key(order_id: str) -> int:
    listing, _, sequence = order_id.split("-")
    return int(listing) << SEQUENCE_BITS | int(sequence)


def _chunks(
    items: Iterator[tuple[str, tuple[int, str]]],
) -> Iterator[list[tuple[str, tuple[int, str]]]]:
    while chunk := list(islice(items, CHUNK)):
        yield chunk
