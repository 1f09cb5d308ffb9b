"""What must hold between the ledger and the gate: sequences without gaps, every order known, every won accounted for.

available = balance − holds of open orders − holds that wait in the stream, and what the outbox is still to release.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from trading.audit.faults import Fault
from trading.audit.instant import Instant, WaitingEntry
from trading.core.commands import Amend, Submit
from trading.core.ledger import order_hold
from trading.core.orders import Side
from trading.gate.client import gate
from trading.gate.commands import Entry, Undecodable, decode
from trading.models import Listing

GATE_CHECKS = ("sequences", "accepted_accounted_for", "available_balances")


def gate_faults(instant: Instant, *, with_orders: bool) -> list[Fault]:
    """Compare all that was read; what needs a stream that was too long to be read is left out."""
    faults = list(sequences(instant))
    if all(key in instant.waiting for key in instant.listings):
        expected = expected_of(instant)
        if with_orders:
            faults += accepted_accounted_for(instant)
        faults += available_balances(instant, expected)
    return faults


def sequences(instant: Instant) -> Iterator[Fault]:
    """applied ≤ checkpoint ≤ given; outbox and stream without a gap in between."""
    for listing in instant.listings.values():
        for subject, text in _sequence_faults(instant, listing):
            yield Fault("sequences", f"{listing.symbol}:{subject}", f"{listing.symbol}: {text}")


def _sequence_faults(instant: Instant, listing: Listing) -> Iterator[tuple[str, str]]:
    key, checkpoint = listing.pk, listing.checkpoint
    if key not in instant.given:
        yield "unknown", "the gate does not know it"
        return
    applied, given = instant.applied[key], instant.given[key]
    if applied > checkpoint:
        yield "applied", f"released {applied}, settled only {checkpoint}"
    if (checkpoint if listing.marker is None else listing.marker) > given:
        yield "given", f"settled {checkpoint}, given only {given}"
    expected = applied + 1
    for first, last, _payload in instant.outbox[key]:
        if first != expected:
            yield "outbox", f"outbox row {first} where {expected} was due"
        expected = last + 1
    if applied <= checkpoint and expected != checkpoint + 1:
        yield "outbox", f"the outbox ends at {expected - 1}, the checkpoint is {checkpoint}"
    if key in instant.waiting:
        waiting = [sequence for _, sequence, _ in instant.waiting[key] if sequence > checkpoint]
        if waiting != list(range(checkpoint + 1, given + 1)):
            yield "stream", f"accepted entries behind {checkpoint} are missing from the stream"


def accepted_accounted_for(instant: Instant) -> Iterator[Fault]:
    """Every order open at the gate is open in the ledger, waits in the stream, or ends in the outbox; and back."""
    ended = {
        (listing, change[0])
        for listing, rows in instant.outbox.items()
        for _, _, payload in rows
        for change in payload["orders"]
        if not change[4]
    }
    at_gate: set[str] = set()
    for account in instant.accounts.values():
        for order_id, is_open in account.orders.items():
            at_gate.add(order_id)
            listing_id, _, sequence = (int(part) for part in order_id.split("-"))
            listing = instant.listings.get(listing_id)
            if is_open != "1":
                text = f"order {order_id} is among an account's open orders but is not open"
                yield Fault("accepted_accounted_for", order_id, text)
            elif listing is None or (
                sequence <= listing.checkpoint
                and order_id not in instant.open_orders
                and (listing_id, sequence) not in ended
            ):
                text = f"order {order_id} is open at the gate, not in the ledger"
                yield Fault("accepted_accounted_for", order_id, text)
    for order_id, user in instant.open_orders.items():
        if user in instant.accounts and order_id not in at_gate:
            text = f"order {order_id} is open in the ledger, not at the gate"
            yield Fault("accepted_accounted_for", order_id, text)


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


def expected_of(instant: Instant) -> Expected:
    """Return balances less the holds of open orders and of what still waits in the streams."""
    expected = Expected(instant.market.initial_cash, dict(instant.cash), dict(instant.shares))
    for (user, listing), holds in instant.holds.items():
        expected.hold(user, listing, "buy", holds.won)
        expected.hold(user, listing, "sell", holds.shares)
        expected.open_orders[user] += holds.count
    for key, entries in instant.waiting.items():
        _hold_waiting(expected, key, entries, instant.listings[key].checkpoint)
    return expected


def _hold_waiting(expected: Expected, listing: int, entries: list[WaitingEntry], checkpoint: int) -> None:
    unreadable = []
    for epoch, sequence, text in entries:
        if sequence <= checkpoint:
            continue
        entry = decode(epoch, sequence, text)
        if isinstance(entry, Undecodable):
            unreadable.append(sequence)
            continue
        _hold_command(expected, listing, entry)
    if unreadable:  # the hold of an order whose entry makes no sense is the one the gate recorded
        for order in gate().orders_held(listing, unreadable).values():
            hold = order_hold(Side(order.side), order.price, order.quantity)
            expected.hold(order.account, listing, order.side, hold)
            expected.open_orders[order.account] += 1


def _hold_command(expected: Expected, listing: int, entry: Entry) -> None:
    command: Any = entry.command
    if isinstance(command, Submit):
        hold = order_hold(command.side, command.price, command.quantity)
        expected.hold(command.account, listing, command.side, hold)  # type: ignore[arg-type]
        expected.open_orders[command.account] += 1  # type: ignore[index]
    elif isinstance(command, Amend):
        expected.hold(command.account, listing, command.side, command.extra_hold)  # type: ignore[arg-type]


def available_balances(instant: Instant, expected: Expected) -> Iterator[Fault]:
    """What is available, and how many orders are open, of each account that was read."""
    cash, shares, count = _after_release(instant)
    for user, account in instant.accounts.items():
        for name, value in (("cash", account.cash), *account.shares.items()):
            if value is not None and value < 0:
                text = f"account {user} has {value} available of {name}"
                yield Fault("nothing_negative", f"{user}:gate:{name}", text)
        if cash.get(user) != expected.cash.get(user):
            text = f"account {user}: {cash.get(user)} won available, should be {expected.cash.get(user)}"
            yield Fault("available_balances", f"{user}:cash", text)
        due = expected.open_orders.get(user, 0)
        if count[user] != due:
            text = f"account {user}: {count[user]} orders open at the gate, should be {due}"
            yield Fault("available_balances", f"{user}:orders", text)
        if account.set_size != account.count:
            text = f"account {user}: {account.count} orders counted as open, {account.set_size} listed"
            yield Fault("available_balances", f"{user}:set", text)
        for listing in instant.listings:
            has, due = shares.get((user, listing), 0), expected.shares.get((user, listing), 0)
            if has != due:
                text = f"account {user}: of the shares of listing {listing} {has} available, should be {due}"
                yield Fault("available_balances", f"{user}:{listing}", text)


def _after_release(
    instant: Instant,
) -> tuple[dict[int, int], dict[tuple[int, int], int], dict[int, int]]:
    """Return what the gate has available once it has released what the outbox still holds for it."""
    cash = {user: account.cash for user, account in instant.accounts.items() if account.cash is not None}
    shares = {
        (user, listing): quantity
        for user, account in instant.accounts.items()
        for listing, quantity in account.shares.items()
    }
    count: dict[int, int] = defaultdict(int)
    count.update({user: account.count for user, account in instant.accounts.items()})
    for listing, rows in instant.outbox.items():
        for _first, _last, payload in rows:
            for user, cash_delta, share_delta, open_delta in payload["accounts"]:
                cash[user] = cash.get(user, instant.market.initial_cash) + cash_delta
                shares[user, listing] = shares.get((user, listing), 0) + share_delta
                count[user] += open_delta
    return cash, shares, count
