"""Proof, from outside, that the ledger, the gate and the books agree.

One snapshot of the gate store (a script, one instant) is compared with one snapshot of the database, for one
market. The two are not of the same instant: what lies between them is settled batches that the gate has not
released yet (the outbox), and accepted entries that no batch has settled yet (the stream). Both are counted in.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.db import connection, transaction
from django.db.models import Count, F, Q, Sum

from trading.core.book import DIGEST_MODULUS, Book
from trading.core.commands import Amend, Submit
from trading.core.ledger import order_hold
from trading.core.orders import Side
from trading.gate.client import gate
from trading.gate.commands import Entry, decode
from trading.models import Holding, Listing, Market, Order, Outbox, Portfolio, Trade
from trading.projection import OrderRow
from trading.settlement import ORDER_COLUMNS

DETAILS_SHOWN = 5
SNAPSHOT_TRIES = 20


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant: its name, whether it holds, and what breaks it."""

    name: str
    ok: bool
    detail: str


@dataclass(slots=True)
class Ledger:
    """What the database says of one market at one instant."""

    market: Market
    listings: dict[int, Listing] = field(default_factory=dict)
    cash: dict[int, tuple[int, int]] = field(default_factory=dict)
    shares: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    open_orders: list[OrderRow] = field(default_factory=list)
    outbox: dict[int, list[tuple[int, int, Any]]] = field(default_factory=dict)
    trade_sums: dict[int, tuple[int, int]] = field(default_factory=dict)
    order_faults: list[str] = field(default_factory=list)
    order_counts: dict[int, int] = field(default_factory=dict)


def market_audit(market: Market | None = None) -> list[Check]:
    """Audit one market, the newest one by default."""
    market = market or Market.objects.order_by("-pk").first()
    if market is None:
        return [Check("market", True, "there is no market yet")]
    store, ledger = _snapshots(market)
    checks: list[Callable[[Ledger, dict[str, Any]], Iterator[str]]] = [
        _cash_conserved, _shares_conserved, _nothing_negative, _orders_consistent, _books_as_digested,
    ]  # fmt: skip
    if store["market"]:
        checks += [_sequences, _accepted_accounted_for, _available_balances]
    found = []
    for check in checks:
        faults = list(check(ledger, store))
        more = len(faults) - DETAILS_SHOWN
        shown = "; ".join(faults[:DETAILS_SHOWN]) + (f"; and {more} more" if more > 0 else "")
        found.append(Check(check.__name__.strip("_"), not faults, shown))
    return found


def _snapshots(market: Market) -> tuple[dict[str, Any], "Ledger"]:
    """Read the gate, then the database, until nothing in the database is younger than the gate's snapshot."""
    for _ in range(SNAPSHOT_TRIES):
        store = gate().snapshot(market.pk)
        for part in ("listings", "accounts", "orders", "market"):
            store[part] = store[part] or {}  # an empty Lua table is encoded as a list or a map
        with _one_instant():
            ledger = _ledger_read(market)
        if not store["market"] or not any(
            _is_younger(listing, store) for listing in ledger.listings.values()
        ):
            break
    if any("applied" not in state for state in store["listings"].values()):
        store[
            "market"
        ] = {}  # being loaded into the gate, which does not serve it: only the ledger can be audited
    return store, ledger


def _is_younger(listing: Listing, store: dict[str, Any]) -> bool:
    """Return whether the listing has settled what the gate had not yet given when it was read."""
    given = int(store["listings"].get(str(listing.pk), {}).get("sequence", 0))
    return (listing.checkpoint if listing.marker is None else listing.marker) > given


@contextmanager
def _one_instant() -> Iterator[None]:
    """Read the database as of one instant, without keeping writers out."""
    if connection.in_atomic_block:  # the caller's transaction is the instant
        yield
        return
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with transaction.atomic():
            yield
        return
    sqlite: Any = connection
    mode, sqlite.transaction_mode = sqlite.transaction_mode, "DEFERRED"
    try:
        with transaction.atomic():
            yield
    finally:
        sqlite.transaction_mode = mode


def _ledger_read(market: Market) -> Ledger:
    ledger = Ledger(market)
    ledger.listings = {listing.pk: listing for listing in Listing.objects.filter(market=market)}
    keys = list(ledger.listings)
    portfolios = Portfolio.objects.filter(market=market).values_list("user_id", "initial_cash", "cash")
    ledger.cash = {user: (initial, cash) for user, initial, cash in portfolios}
    holdings = Holding.objects.filter(listing__in=keys).values_list(
        "user_id", "listing_id", "granted", "quantity"
    )
    ledger.shares = {(user, listing): (granted, quantity) for user, listing, granted, quantity in holdings}
    rows = Order.objects.filter(listing__in=keys, status__in=Order.OPEN_STATUSES).values_list(*ORDER_COLUMNS)
    ledger.open_orders = [OrderRow(listing, key & 0xFFFFFFFF, *rest) for key, listing, *rest in rows]
    outbox: dict[int, list[tuple[int, int, Any]]] = defaultdict(list)
    for listing, first, last, payload in (
        Outbox.objects.filter(listing__in=keys)
        .order_by("listing_id", "first")
        .values_list("listing_id", "first", "last", "payload")
    ):
        outbox[listing].append((first, last, msgspec.json.decode(payload)))
    ledger.outbox = outbox
    sums = (
        Trade.objects.filter(listing__in=keys)
        .values_list("listing_id")
        .annotate(count=Count("pk"), volume=Sum("quantity"))
    )
    ledger.trade_sums = {listing: (count, volume) for listing, count, volume in sums}
    ledger.order_counts = dict(
        Order.objects.filter(listing__in=keys).values_list("listing_id").annotate(count=Count("pk"))
    )
    ledger.order_faults = list(_order_fills(keys))
    return ledger


def _order_fills(listings: list[int]) -> Iterator[str]:
    """Compare what each order says it was filled with what the trades say."""
    filled: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    rows = Trade.objects.filter(listing__in=listings).values_list(
        "maker_order_id", "taker_order_id", "price", "quantity"
    )
    for maker, taker, price, quantity in rows.iterator():
        for key in (maker, taker):
            filled[key][0] += quantity
            filled[key][1] += price * quantity
    for key, quantity, value in Order.objects.filter(listing__in=listings, filled_quantity__gt=0).values_list(
        "pk", "filled_quantity", "filled_value"
    ):
        if filled.pop(key, None) != [quantity, value]:
            yield f"order {key} is filled {quantity} for {value}, its trades say otherwise"
    yield from (f"trades fill order {key}, which does not say so" for key in filled)


def _cash_conserved(ledger: Ledger, _: Any) -> Iterator[str]:
    initial = sum(initial for initial, _cash in ledger.cash.values())
    cash = sum(cash for _initial, cash in ledger.cash.values())
    if initial != cash:
        yield f"{initial} won were given, {cash} are there"


def _shares_conserved(ledger: Ledger, _: Any) -> Iterator[str]:
    for listing in ledger.listings.values():
        held = [pair for (_user, key), pair in ledger.shares.items() if key == listing.pk]
        granted, quantity = sum(pair[0] for pair in held), sum(pair[1] for pair in held)
        if granted != quantity:
            yield f"{listing.symbol}: {granted} shares were given, {quantity} are there"
        if ledger.trade_sums.get(listing.pk, (0, 0)) != (listing.trade_count, listing.volume):
            yield f"{listing.symbol}: counts {listing.trade_count} trades of {listing.volume} shares, the rows differ"


def _nothing_negative(ledger: Ledger, store: dict[str, Any]) -> Iterator[str]:
    yield from (f"account {user} has {cash} won" for user, (_, cash) in ledger.cash.items() if cash < 0)
    yield from (
        f"account {key} has {quantity} shares" for key, (_, quantity) in ledger.shares.items() if quantity < 0
    )
    for user, state in store["accounts"].items():
        yield from (
            f"account {user} has {name} {value} available" for name, value in state.items() if int(value) < 0
        )


def _orders_consistent(ledger: Ledger, _: Any) -> Iterator[str]:
    yield from ledger.order_faults
    keys = list(ledger.listings)
    bad = Order.objects.filter(listing__in=keys).filter(
        Q(status="filled") & ~Q(filled_quantity=F("quantity"))
        | Q(status="open", filled_quantity__gt=0)
        | Q(status="partially_filled", filled_quantity=0)
        | Q(status__in=["open", "partially_filled"], filled_quantity__gte=F("quantity"))
        | Q(status="canceled", reason="")
    )
    yield from (
        f"order {order.public_id} is {order.status} with {order.filled_quantity}"
        for order in bad[:DETAILS_SHOWN]
    )


def _books_as_digested(ledger: Ledger, _: Any) -> Iterator[str]:
    """The open orders of the database are the book the engine had at its checkpoint, and it is not crossed."""
    for listing in ledger.listings.values():
        rows = [row for row in ledger.open_orders if row.listing_id == listing.pk]
        if sum(row.digest() for row in rows) % DIGEST_MODULUS != listing.book_digest:
            yield f"{listing.symbol}: the open orders are not the book at checkpoint {listing.checkpoint}"
            continue
        book = Book(listing.pk)
        book.restore(row.to_order() for row in rows)  # raises on a crossed book
        if listing.is_closed and rows:
            yield f"{listing.symbol}: closed with {len(rows)} open orders"


def _sequences(ledger: Ledger, store: dict[str, Any]) -> Iterator[str]:
    """applied ≤ checkpoint ≤ given; outbox and stream without a gap in between."""
    for listing in ledger.listings.values():
        state = store["listings"].get(str(listing.pk))
        if state is None:
            yield f"{listing.symbol}: the gate does not know it"
            continue
        applied, given = int(state["applied"]), int(state["sequence"])
        if applied > listing.checkpoint:
            yield f"{listing.symbol}: released {applied}, settled only {listing.checkpoint}"
        if (listing.checkpoint if listing.marker is None else listing.marker) > given:
            yield f"{listing.symbol}: settled {listing.checkpoint}, given only {given}"
        expected = applied + 1
        for first, last, _payload in ledger.outbox[listing.pk]:
            if last > applied:
                if first != expected:
                    yield f"{listing.symbol}: outbox row {first} where {expected} was due"
                expected = last + 1
        if expected != listing.checkpoint + 1:
            yield f"{listing.symbol}: the outbox ends at {expected - 1}, the checkpoint is {listing.checkpoint}"
        waiting = [sequence for _, sequence, _ in _entries(state) if sequence > listing.checkpoint]
        if waiting != list(range(listing.checkpoint + 1, given + 1)):
            yield f"{listing.symbol}: accepted entries behind {listing.checkpoint} are missing from the stream"


def _entries(state: dict[str, Any]) -> list[tuple[int, int, str]]:
    found = []
    for entry_id, text in state["entries"] or []:
        epoch, sequence = entry_id.split("-")
        found.append((int(epoch), int(sequence), text))
    return found


def _accepted_accounted_for(ledger: Ledger, store: dict[str, Any]) -> Iterator[str]:
    """Every order open at the gate is open in the ledger, waits in the stream, or ends in the outbox; and back."""
    known = {row.public_id for row in ledger.open_orders}
    ended = {
        (listing, change[0])
        for listing, rows in ledger.outbox.items()
        for first, _, payload in rows
        if first > int(store["listings"][str(listing)]["applied"])
        for change in payload["orders"]
        if not change[4]
    }
    for order_id, state in store["orders"].items():
        listing_id, _, sequence = (int(part) for part in order_id.split("-"))
        listing = ledger.listings.get(listing_id)
        if not state or state.get("open") != "1":
            yield f"order {order_id} is among an account's open orders but is not open"
        elif listing is None or (
            sequence <= listing.checkpoint and order_id not in known and (listing_id, sequence) not in ended
        ):
            yield f"order {order_id} is open at the gate, not in the ledger"
    yield from (
        f"order {order_id} is open in the ledger, not at the gate"
        for order_id in known - set(store["orders"])
    )


@dataclass(slots=True)
class Expected:
    """What should be available: balances less holds."""

    initial_cash: int
    cash: dict[int, int]
    shares: dict[tuple[int, int], int]
    open_orders: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def hold(self, user: int, listing: int, side: str, amount: int) -> None:
        """Take a hold; an account's first order gave it the initial cash."""
        self.cash.setdefault(user, self.initial_cash)
        if side == "buy":
            self.cash[user] -= amount
        else:
            self.shares[user, listing] = self.shares.get((user, listing), 0) - amount


def _expected(ledger: Ledger, store: dict[str, Any]) -> Expected:
    """Return balances less the holds of open orders and of what still waits in the streams."""
    expected = Expected(
        ledger.market.initial_cash,
        {user: cash for user, (_, cash) in ledger.cash.items()},
        {key: quantity for key, (_, quantity) in ledger.shares.items()},
    )
    for row in ledger.open_orders:
        hold = order_hold(Side(row.side), row.price, row.quantity - row.filled_quantity)
        expected.hold(row.user_id, row.listing_id, row.side, hold)
        expected.open_orders[row.user_id] += 1
    for key, state in store["listings"].items():
        checkpoint = ledger.listings[int(key)].checkpoint
        for epoch, sequence, text in _entries(state):
            entry = decode(epoch, sequence, text)
            if sequence <= checkpoint:
                continue
            if not isinstance(entry, Entry):
                _hold_recorded(expected, int(key), store["orders"].get(f"{key}-{epoch}-{sequence}"))
                continue
            command: Any = entry.command
            if isinstance(command, Submit):
                hold = order_hold(command.side, command.price, command.quantity)
                expected.hold(command.account, int(key), command.side, hold)  # type: ignore[arg-type]
                expected.open_orders[command.account] += 1  # type: ignore[index]
            elif isinstance(command, Amend):
                expected.hold(command.account, int(key), command.side, command.extra_hold)  # type: ignore[arg-type]
    return expected


def _hold_recorded(expected: Expected, listing: int, order: dict[str, str] | None) -> None:
    """Take the hold of an order whose entry makes no sense, as the gate recorded it."""
    if order:
        hold = order_hold(Side(order["side"]), int(order["price"]), int(order["quantity"]))
        expected.hold(int(order["account"]), listing, order["side"], hold)
        expected.open_orders[int(order["account"])] += 1


def _available_balances(ledger: Ledger, store: dict[str, Any]) -> Iterator[str]:
    """available = balance − holds of open orders − holds waiting in the stream, the outbox counted in."""
    expected = _expected(ledger, store)
    gate_cash, gate_shares, gate_open = _gate_balances(ledger, store)
    for user in sorted(set(expected.cash) | set(gate_cash)):
        if gate_cash.get(user) != expected.cash.get(user):
            yield f"account {user}: {gate_cash.get(user)} won available, should be {expected.cash.get(user)}"
        if gate_open.get(user, 0) != expected.open_orders.get(user, 0):
            counts = (
                f"{gate_open.get(user, 0)} open at the gate, should be {expected.open_orders.get(user, 0)}"
            )
            yield f"account {user}: orders {counts}"
    for key in sorted(set(expected.shares) | set(gate_shares)):
        if gate_shares.get(key, 0) != expected.shares.get(key, 0):
            counts = f"{gate_shares.get(key, 0)} available, should be {expected.shares.get(key, 0)}"
            yield f"account {key[0]}: of the shares of listing {key[1]} {counts}"


def _gate_balances(
    ledger: Ledger, store: dict[str, Any]
) -> tuple[dict[int, int], dict[tuple[int, int], int], dict[int, int]]:
    """Return what the gate has available once it has released what the outbox still holds for it."""
    cash: dict[int, int] = {}
    shares: dict[tuple[int, int], int] = {}
    count: dict[int, int] = {}
    for user_text, state in store["accounts"].items():
        user = int(user_text)
        cash[user] = int(state["cash"])
        count[user] = int(state.get("open", 0))
        for name, value in state.items():
            if name.startswith("s"):
                shares[user, int(name[1:])] = int(value)
    for listing_id, rows in ledger.outbox.items():
        applied = int(store["listings"][str(listing_id)]["applied"])
        for first, _, payload in rows:
            if first <= applied:
                continue
            for user, cash_delta, share_delta, open_delta in payload["accounts"]:
                cash[user] = cash.get(user, ledger.market.initial_cash) + cash_delta
                shares[user, listing_id] = shares.get((user, listing_id), 0) + share_delta
                count[user] = count.get(user, 0) + open_delta
    return cash, shares, count
