"""The accepted commands of a listing applied once more, by one writer, in memory: what the ledger must be."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from trading.core.book import Book
from trading.core.commands import Close
from trading.core.events import Accepted, Amended, Canceled, Event, Traded
from trading.gate.client import gate
from trading.gate.commands import Entry, decode
from trading.models import Holding, Listing, Order, Trade

ORDER_COLUMNS = (
    "user_id", "epoch", "client_order_id", "side", "type", "price", "quantity", "filled_quantity", "filled_value",
    "status", "reason",
)  # fmt: skip


@dataclass
class State:
    """A listing: orders by sequence, trades in order, shares by account, the book's digest."""

    orders: dict[int, dict[str, Any]] = field(default_factory=dict)
    trades: list[tuple[int, int, int, int]] = field(default_factory=list)
    shares: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    digest: int = 0

    def add(self, entry: Entry, events: Iterable[Event]) -> None:
        """Fold the events of one command in."""
        for event in events:
            if isinstance(event, Accepted):
                values = (
                    event.account, entry.epoch, entry.client_order_id, event.side.value, event.type.value,
                    event.price, event.quantity, 0, 0, "open", "",
                )  # fmt: skip
                self.orders[entry.sequence] = dict(zip(ORDER_COLUMNS, values, strict=True))
            elif isinstance(event, Traded):
                self._trade(event)
            elif isinstance(event, Canceled):
                self.orders[event.order_id] |= {"status": "canceled", "reason": event.reason.value}  # type: ignore[index]
            elif isinstance(event, Amended):
                self.orders[event.order_id] |= {"price": event.price, "quantity": event.quantity}  # type: ignore[index]

    def _trade(self, event: Traded) -> None:
        self.trades.append((event.maker, event.taker, event.price, event.quantity))  # type: ignore[arg-type]
        for key, left in ((event.maker, event.maker_open_quantity), (event.taker, event.taker_open_quantity)):
            row = self.orders[key]  # type: ignore[index]
            row["filled_quantity"] += event.quantity
            row["filled_value"] += event.price * event.quantity
            row["status"] = "partially_filled" if left else "filled"
            self.shares[row["user_id"]] += event.quantity if row["side"] == "buy" else -event.quantity


def entries_of(listing_id: int, after: int = 0) -> list[tuple[int, int, str]]:
    """Return what is in a listing's stream behind a sequence."""
    return gate().entries(listing_id, 0, after, 1_000_000)


@contextmanager
def whole_streams() -> Iterator[None]:
    """Have the store trim nothing in the block: it only drops whole nodes, and now a stream is one node."""
    store, names = gate().redis, ("stream-node-max-entries", "stream-node-max-bytes")
    former = {name: store.config_get(name)[name] for name in names}
    for name in names:
        store.config_set(name, 0)  # no limit
    try:
        yield
    finally:
        for name, value in former.items():
            store.config_set(name, value)


def replayed(listing: Listing, entries: Iterable[tuple[int, int, str]]) -> State:
    """Return what one writer makes of the entries, for a listing that is not closed."""
    book, state = Book(listing.pk), State()
    for expected, raw in enumerate(entries, start=1):
        entry = decode(*raw)
        assert isinstance(entry, Entry)
        assert not isinstance(entry.command, Close)
        assert entry.sequence == expected, "the stream has a gap"
        state.add(entry, book.apply(entry.command))
    state.digest = book.digest()
    return state


def settled(listing: Listing) -> State:
    """Return what the ledger has."""
    listing = Listing.objects.get(pk=listing.pk)
    state = State(digest=listing.book_digest)
    for row in Order.objects.filter(listing=listing).order_by("pk"):
        state.orders[row.sequence] = {name: getattr(row, name) for name in ORDER_COLUMNS}
    trades = Trade.objects.filter(listing=listing).order_by("pk")
    state.trades = [
        (maker & 0xFFFFFFFF, taker & 0xFFFFFFFF, price, quantity)
        for maker, taker, price, quantity in trades.values_list(
            "maker_order_id", "taker_order_id", "price", "quantity"
        )
    ]
    for user, granted, quantity in Holding.objects.filter(listing=listing).values_list(
        "user_id", "granted", "quantity"
    ):
        state.shares[user] = quantity - granted
    return state


def assert_same(listing: Listing, entries: Iterable[tuple[int, int, str]]) -> None:
    """Fail unless the ledger is exactly what one writer makes of the entries."""
    expected, real = replayed(listing, entries), settled(listing)
    assert real.trades == expected.trades
    assert real.orders == expected.orders
    accounts = {*expected.shares, *real.shares}
    assert {key: real.shares[key] for key in accounts} == {key: expected.shares[key] for key in accounts}
    assert real.digest == expected.digest
