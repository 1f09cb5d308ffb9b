"""One instant of a market as the ledger and as the gate have it, read so that the two can be compared.

The database's snapshot is taken first, the gate's a moment later, while the former is still held; everything else is
then read from the database at leisure. So the gate may be ahead by entries that no batch has settled yet (they wait in
its stream), and behind by batches it has not released yet (they stand in the outbox); both are counted in. What must
not be is that the gate has released a batch which the snapshot does not have: then both are taken again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.db.models import Count, F, Q, Sum

from trading.gate.client import gate
from trading.models import SEQUENCE_BITS, Holding, Listing, Market, Order, Outbox, Portfolio
from trading.selectors.instant import one_instant

TRIES = 50
ENTRIES_A_SCRIPT = 500
ENTRIES_A_PAGE = 2_000
ACCOUNTS_A_SCRIPT = 5_000
SEQUENCE_MASK = (1 << SEQUENCE_BITS) - 1

WaitingEntry = tuple[int, int, str]


class NoInstantError(Exception):
    """The gate released batches faster than both could be read; nothing can be said."""


@dataclass(frozen=True, slots=True)
class GateAccount:
    """What the gate has of one account: available cash and shares, its count of open orders, and their set."""

    cash: int | None
    shares: dict[int, int]
    count: int
    set_size: int
    orders: dict[str, str]


@dataclass(slots=True)
class Holds:
    """What the open orders of one account in one listing hold: won and shares."""

    won: int = 0
    shares: int = 0
    count: int = 0


@dataclass(slots=True)
class Instant:
    """What both have of some accounts. `waiting` lacks a listing whose stream is too long to be read."""

    market: Market
    listings: dict[int, Listing]
    given: dict[int, int] = field(default_factory=dict)
    applied: dict[int, int] = field(default_factory=dict)
    waiting: dict[int, list[WaitingEntry]] = field(default_factory=dict)
    outbox: dict[int, list[tuple[int, int, Any]]] = field(default_factory=dict)
    accounts: dict[int, GateAccount] = field(default_factory=dict)
    cash: dict[int, int] = field(default_factory=dict)
    shares: dict[tuple[int, int], int] = field(default_factory=dict)
    holds: dict[tuple[int, int], Holds] = field(default_factory=dict)
    open_orders: dict[str, int] = field(default_factory=dict)


def instant_read(
    market: Market, users: Sequence[int], *, with_orders: bool, entries_max: int
) -> Instant | None:
    """Read a market and as many of the accounts (rising) as fit; None while the gate does not serve it.

    Raises `NoInstantError` when there is none to be had.
    """
    released: dict[int, int] = {}
    for _ in range(TRIES):
        with one_instant():
            instant = Instant(market, {row.pk: row for row in Listing.objects.filter(market=market)})
            store = gate().audit_read(
                market.pk, users, ENTRIES_A_SCRIPT, ACCOUNTS_A_SCRIPT, with_orders=with_orders
            )
            if not _is_served(store, instant):
                return None
            _gate_take(instant, store)
            if not _is_overtaken(instant, released) and _waiting_read(instant, entries_max):
                _ledger_take(instant, with_orders)
                return instant
    raise NoInstantError(f"no instant of market {market.pk} in {TRIES} tries")


def _is_served(store: dict[str, Any], instant: Instant) -> bool:
    """Return whether the gate serves the market: not while it recovers or loads it, nor once it has forgotten it."""
    states = store["listings"] or {}
    return bool(store["open"] and store["market"]) and all("applied" in state for state in states.values())


def _is_overtaken(instant: Instant, released: dict[int, int]) -> bool:
    """Return whether the gate has released what the ledger's snapshot lacks. `released` remembers the earlier tries.

    What the gate had released at an earlier try was settled before this one: if the ledger lacks it now, that is no
    race but a fault, which the checks will find.
    """
    overtaken = False
    for key, listing in instant.listings.items():
        applied = instant.applied.get(key, 0)
        if applied > listing.checkpoint and listing.checkpoint >= released.get(key, 0):
            released[key] = applied
            overtaken = True
    return overtaken


def _gate_take(instant: Instant, store: dict[str, Any]) -> None:
    for key_text, state in store["listings"].items():
        key = int(key_text)
        instant.given[key], instant.applied[key] = int(state["sequence"]), int(state["applied"])
        if "entries" in state:
            instant.waiting[key] = [_entry(*entry) for entry in reversed(state["entries"] or [])]
    for user, flat, size, orders in store["accounts"]:
        names = dict(zip(flat[::2], flat[1::2], strict=True)) if flat else {}
        instant.accounts[int(user)] = GateAccount(
            int(names["cash"]) if "cash" in names else None,
            {int(name[1:]): int(value) for name, value in names.items() if name.startswith("s")},
            int(names.get("open", 0)),
            size,
            dict(zip(orders[::2], orders[1::2], strict=True)) if orders else {},
        )


def _entry(entry_id: str, text: str) -> WaitingEntry:
    epoch, sequence = entry_id.split("-")
    return int(epoch), int(sequence), text


def _waiting_read(instant: Instant, entries_max: int) -> bool:
    """Read what waits in streams too long for the script, page by page; False when some was trimmed meanwhile."""
    behind = {
        key: instant.given[key] - listing.checkpoint
        for key, listing in instant.listings.items()
        if key in instant.given and key not in instant.waiting
    }
    if sum(behind.values()) > entries_max:
        return True
    for key, count in behind.items():
        listing = instant.listings[key]
        rows = instant.waiting[key] = _pages(key, listing.checkpoint, count)
        first = rows[0][1] if rows else instant.given[key] + 1
        if first > listing.checkpoint + 1 and gate().sequences([key])[key][1] >= first - 1:
            return False
    return True


def _pages(listing_id: int, after: int, count: int) -> list[WaitingEntry]:
    """Return up to `count` entries behind a sequence, oldest first, without holding up the gate for long."""
    rows: list[WaitingEntry] = []
    epoch = 0
    while len(rows) < count:
        page = gate().entries(listing_id, epoch, after, min(ENTRIES_A_PAGE, count - len(rows)))
        if not page:
            break
        rows += page
        epoch, after, _ = page[-1]
    return rows


def _ledger_take(instant: Instant, with_orders: bool) -> None:
    """Read the rest of the ledger's snapshot, of the accounts between the first and the last one compared."""
    behind = Q(pk__in=[])
    for key, applied in instant.applied.items():
        behind |= Q(listing_id=key, last__gt=applied)
    instant.outbox = {key: [] for key in instant.listings}
    rows = Outbox.objects.filter(behind).order_by("listing_id", "first")
    for listing, first, last, payload in rows.values_list("listing_id", "first", "last", "payload"):
        instant.outbox[listing].append((first, last, msgspec.json.decode(payload)))
    if not instant.accounts:
        return
    between = {"user_id__gte": min(instant.accounts), "user_id__lte": max(instant.accounts)}
    keys = list(instant.listings)
    portfolios = Portfolio.objects.filter(market=instant.market, **between)
    instant.cash = dict(portfolios.values_list("user_id", "cash"))
    holdings = Holding.objects.filter(listing__in=keys, **between)
    instant.shares = {
        (user, listing): quantity
        for user, listing, quantity in holdings.values_list("user_id", "listing_id", "quantity")
    }
    resting = Order.objects.filter(listing__in=keys, status__in=Order.OPEN_STATUSES, **between)
    left = F("quantity") - F("filled_quantity")
    for user, listing, side, won, shares, count in (
        resting.values_list("user_id", "listing_id", "side")
        .annotate(won=Sum(F("price") * left), shares=Sum(left), count=Count("pk"))
        .order_by()
    ):
        holds = instant.holds.setdefault((user, listing), Holds())
        holds.count += count
        if side == "buy":
            holds.won += int(won)
        else:
            holds.shares += int(shares)
    if with_orders:
        instant.open_orders = {
            f"{listing}-{epoch}-{key & SEQUENCE_MASK}": user
            for key, listing, epoch, user in resting.values_list("pk", "listing_id", "epoch", "user_id")
        }
