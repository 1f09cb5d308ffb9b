"""The players' record compared with the instance's own database, order by order."""

import json
from collections import Counter
from dataclasses import dataclass

import environ
from django.db import connections

from stocking.launch.instance import Instance
from trading.chaos.players import Record
from trading.models import Listing, Order

INSTANCE = "instance"
AUDIT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong: orders that were accepted and are not there, or are there twice, or were never accepted."""

    missing: list[str]
    doubled: list[str]
    unasked: list[str]


def database_attach(url: str) -> None:
    """Make the instance's database known to this process, as the alias `instance`."""
    database = environ.Env.db_url_config(url)
    connections.settings[INSTANCE] = connections.configure_settings({"default": database})["default"]


def checkpoints() -> dict[int, int]:
    """Return how far each listing of the instance is settled."""
    return dict(Listing.objects.using(INSTANCE).values_list("pk", "checkpoint"))


def halted() -> list[str]:
    """Return the listings that are halted, with the reason."""
    rows = Listing.objects.using(INSTANCE).filter(is_halted=True)
    return [f"{listing.symbol}: {listing.halt_reason}" for listing in rows]


def settled_up_to(record: Record) -> bool:
    """Return whether every accepted order's sequence is behind its listing's checkpoint."""
    newest: dict[int, int] = {}
    for order_id in record.accepted.values():
        listing, _, sequence = (int(part) for part in order_id.split("-"))
        newest[listing] = max(sequence, newest.get(listing, 0))
    settled = checkpoints()
    return all(settled.get(listing, 0) >= sequence for listing, sequence in newest.items())


def compare(record: Record) -> Findings:
    """Look for every accepted order exactly once, and for nothing else under the players' ids."""
    rows = Order.objects.using(INSTANCE).filter(client_order_id__startswith="chaos-")
    columns = ("client_order_id", "listing_id", "epoch", "id")
    seen: Counter[str] = Counter()
    unasked: list[str] = []
    for client_order_id, listing, epoch, key in rows.values_list(*columns).iterator(chunk_size=5_000):
        order_id = f"{listing}-{epoch}-{key & 0xFFFFFFFF}"
        seen[client_order_id] += 1
        if record.accepted.get(client_order_id) != order_id:
            unasked.append(f"{client_order_id} is {order_id}")
    missing = [f"{name} was {order_id}" for name, order_id in record.accepted.items() if not seen[name]]
    doubled = [f"{name} is there {count} times" for name, count in seen.items() if count > 1]
    return Findings(missing, doubled + record.contradictions, unasked)


def audit(instance: Instance) -> list[str]:
    """Have the instance audit its market; return what it found wrong, nothing when all is well."""
    lines = instance.manage("audit", "--json", limit_seconds=AUDIT_SECONDS, check=False).strip().splitlines()
    if not lines:
        return ["the audit gave no answer"]
    answer = json.loads(lines[-1])
    findings = [f"audit {check['name']}: {check['detail']}" for check in answer["checks"] if not check["ok"]]
    return findings if findings or answer["ok"] else ["the audit is not clean and does not say why"]
