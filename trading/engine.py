"""The single writer of a listing: restore, drain, step, settle, publish.

What is in memory is a copy of the database at the checkpoint. After any failed or doubtful commit it is thrown
away and rebuilt: recovery is the normal path, taken at every start.
"""

import gc
import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
from django.db import connection

from stocking.base.units import now_ms
from trading import feed
from trading.core.book import Book
from trading.core.candles import Candle
from trading.core.commands import Close
from trading.core.invariants import InvariantError, require
from trading.core.ledger import AccountDelta, Position, Settlement
from trading.core.orders import OrderStatus, Side
from trading.gate.answers import HeldOrder
from trading.gate.client import gate
from trading.gate.commands import Entry, Undecodable, decode
from trading.models import Listing
from trading.private_feed import order_messages
from trading.projection import OrderRow, Projection, candle_series
from trading.selectors.instant import one_instant
from trading.selectors.markets import listing_row
from trading.settlement import Batch, FencedError, batch_settle

logger = logging.getLogger(__name__)

BATCH_ENTRIES = 500
CLOSE_CHUNK = 1_000
GC_YOUNG_OBJECTS = 100_000
THREAD_SWITCH_SECONDS = 0.000_5
DRAIN_BUDGET_SECONDS = 0.2
REJECT_REASON = "server_error"  # what the player reads of an order that could not be decoded

# Plain SQL: a restore is on the way of every recovery, and the ORM took most of its time.
_OPEN_ORDERS = (
    "SELECT listing_id, user_id, epoch, client_order_id, side, type, price, quantity, filled_quantity, filled_value,"
    " status, reason, priority, created_at, id FROM trading_order"
    " WHERE listing_id = %s AND status IN ('open', 'partially_filled')"
)
_HOLDINGS = "SELECT user_id, quantity, cost FROM trading_holding WHERE listing_id = %s"
_CANDLES = (
    "SELECT candle.start, candle.open, candle.high, candle.low, candle.close, candle.volume"
    " FROM trading_candle candle WHERE candle.listing_id = %s ORDER BY candle.start"
)
_MEMBERS = "SELECT user_id FROM trading_portfolio WHERE market_id = %s"
_OUTBOX = (
    "SELECT first, last, payload FROM trading_outbox WHERE listing_id = %s AND first > %s ORDER BY first"
)
_BOTS = "SELECT id FROM accounts_user WHERE is_bot = %s"


@dataclass(slots=True)
class ListingEngine:
    """One listing in memory, as of `checkpoint`. `epoch` is that of the last entry read, 0 after a restore."""

    listing: Listing
    checkpoint: int
    marker: int | None
    is_closed: bool
    book: Book
    positions: dict[int, Position]
    projection: Projection
    bots: frozenset[int]
    members: set[int]
    holders: set[int]
    epoch: int = 0
    candles: list[Candle] = field(default_factory=list)

    @classmethod
    def restore(cls, listing_id: int) -> "ListingEngine":
        """Rebuild from the database and check that what rests is what the checkpoint's digest says.

        Read as of one instant: a rival may settle a batch meanwhile, and half of each would be no book at all.
        """
        with one_instant(), connection.cursor() as cursor:
            listing = Listing.objects.select_related("market", "company").get(pk=listing_id)
            rows = [_restored_row(values) for values in _read(cursor, _OPEN_ORDERS, listing_id)]
            holdings = _read(cursor, _HOLDINGS, listing_id)
            series = candle_series(Candle(*values) for values in _read(cursor, _CANDLES, listing_id))
            members = {user for (user,) in _read(cursor, _MEMBERS, listing.market_id)}
            bots = frozenset(user for (user,) in _read(cursor, _BOTS, True))
        book = Book(listing_id)
        book.restore(row.to_order() for row in rows)
        require(
            book.digest() == listing.book_digest,
            f"listing {listing_id}: the book is not that of the checkpoint",
        )
        return cls(
            listing,
            listing.checkpoint,
            listing.marker,
            listing.is_closed,
            book,
            {user: Position(quantity, cost) for user, quantity, cost in holdings},
            Projection(
                listing_id,
                {row.sequence: row for row in rows},
                series,
                listing.trade_count,
                listing.volume,
                listing.last_price,
                listing.book_digest,
            ),
            bots,
            members,
            {user for user, _, _ in holdings},
        )

    @property
    def listing_id(self) -> int:
        """The listing's key."""
        return int(self.listing.pk)

    @property
    def symbol(self) -> str:
        """The listing's symbol."""
        return self.listing.symbol

    @property
    def is_closing(self) -> bool:
        """Whether the end marker was read and what rests is still being cancelled."""
        return self.marker is not None and not self.is_closed

    def step(self, entries: list[Entry | Undecodable], held: Mapping[int, HeldOrder] | None = None) -> Batch:
        """Apply stream entries to the book; returns what settlement has to write.

        `held` has the gate's record of each order among the entries that cannot be decoded.
        """
        first = self.checkpoint + 1
        settlement = Settlement(self.positions)  # type: ignore[arg-type]
        book, projection = self.book, self.projection
        for entry in entries:
            sequence = entry.sequence
            if sequence != self.checkpoint + 1 or self.marker is not None:
                raise InvariantError(
                    f"listing {self.listing_id}: {sequence} does not follow {self.checkpoint}"
                )
            self.checkpoint, self.epoch = sequence, entry.epoch
            if isinstance(entry, Undecodable):
                self._reject(entry, (held or {}).get(sequence), settlement)
            elif isinstance(entry.command, Close):
                self.marker = sequence
            else:
                events = book.apply(entry.command)
                settlement.add_all(events)
                projection.add(entry.epoch, sequence, entry.client_order_id, events)
        return self._batch(first, settlement)

    def _reject(self, entry: Undecodable, order: HeldOrder | None, settlement: Settlement) -> None:
        """Pass over an entry that makes no sense; if it was an order, record a reject and release its hold."""
        logger.error("Listing %s: entry %s makes no sense: %r", self.listing_id, entry.sequence, entry.text)
        if order is None:
            return
        settlement.reject(order.account, Side(order.side), order.price, order.quantity)
        self.projection.reject(
            OrderRow(
                self.listing_id, entry.sequence, order.account, order.epoch, "", order.side, order.type, order.price,
                order.quantity, 0, 0, OrderStatus.REJECTED.value, REJECT_REASON, entry.sequence, now_ms(),
            )
        )  # fmt: skip

    def close_step(self) -> Batch:
        """Cancel a bounded part of what rests behind the end marker, under a sequence of its own."""
        self.checkpoint += 1
        settlement = Settlement(self.positions)  # type: ignore[arg-type]
        events = self.book.close_chunk(CLOSE_CHUNK)
        settlement.add_all(events)
        self.projection.add(self.epoch, self.checkpoint, "", events)
        self.is_closed = not self.book.orders
        return self._batch(self.checkpoint, settlement)

    def _batch(self, first: int, settlement: Settlement) -> Batch:
        projection = self.projection
        projection.digest = projection.digest_at_end()
        deltas = cast(dict[int, AccountDelta], settlement.deltas)
        accounts = {row.user_id for row in projection.touched.values()}
        return Batch(
            listing_id=self.listing_id,
            market_id=self.listing.market_id,
            initial_cash=self.listing.market.initial_cash,
            first=first,
            last=self.checkpoint,
            last_price=projection.last_price,
            volume=projection.volume,
            trade_count=projection.trade_count,
            book_digest=projection.digest,
            marker=self.marker,
            is_closed=self.is_closed,
            payload=self._payload(settlement),
            orders=list(projection.touched.values()),
            trades=projection.trades,
            candles=projection.candles.take_changed(),
            deltas=deltas,
            new_accounts=sorted(accounts - self.members),
            new_holders=sorted(
                user
                for user, delta in deltas.items()
                if (delta.shares or delta.cost) and user not in self.holders
            ),
        )

    def _payload(self, settlement: Settlement) -> str:
        """Return what the gate has to release and to know, as its script reads it."""
        projection = self.projection
        accounts = [
            [user, delta.available_cash, delta.available_shares, delta.open_orders]
            for user, delta in settlement.deltas.items()
            if delta.available_cash or delta.available_shares or delta.open_orders
        ]
        amended = projection.amended
        orders = [
            [
                sequence, row.price, row.quantity, row.filled_quantity, int(row.is_open), int(sequence in amended),
                row.user_id, row.epoch,
            ]
            for sequence, row in projection.touched.items()
            # Of an order that rests as it was accepted the gate knows everything.
            if row.filled_quantity or sequence in amended or not row.is_open
        ]  # fmt: skip
        payload = {
            "market": self.listing.market_id,
            "last_price": projection.last_price,
            "accounts": accounts,
            "orders": orders,
        }
        return msgspec.json.encode(payload).decode()

    def settled(self, batch: Batch) -> feed.Published:
        """Take note of a committed batch; returns what the players are to be told."""
        self.members.update(batch.new_accounts)
        self.holders.update(batch.new_holders)
        projection, listing = self.projection, self.listing
        listing.last_price, listing.volume = projection.last_price, projection.volume
        listing.marker, listing.is_closed = self.marker, self.is_closed
        # Whether it is halted or suspended is asked for when the row goes out.
        listing.is_halted, listing.market.suspended_at = False, None
        people = [row for row in batch.orders if row.user_id not in self.bots]
        published = feed.Published(
            market_id=listing.market_id,
            listing_id=self.listing_id,
            symbol=self.symbol,
            row=listing_row(listing),
            bids=self.book.depth(feed.BUY, feed.BOOK_LEVELS),
            asks=self.book.depth(feed.SELL, feed.BOOK_LEVELS),
            trades=projection.trades,
            candles=feed.candles_changed(projection.candles, batch.candles),
            orders=order_messages(people, self.symbol),
            refusals=[late for late in projection.refusals if late.user_id not in self.bots],
            bots=self.bots,
        )
        projection.finish()
        return published


def _read(cursor: Any, query: str, value: int) -> list[tuple[Any, ...]]:
    cursor.execute(query, [value])
    return cursor.fetchall()  # type: ignore[no-any-return]


def _restored_row(values: tuple) -> OrderRow:  # type: ignore[type-arg]
    listing_id, *others, key = values
    return OrderRow(listing_id, key & 0xFFFFFFFF, *others)


def engine_process_begin() -> None:
    """Make the most of a process that does nothing but drain.

    Messages go out from a thread of their own, which hands over soon when the engine's wait is over. The
    collector of reference cycles, which the engine makes none of, looks rarely: it took a fifth of the time of
    a long drain to walk over the rows of resting orders.
    """
    feed.publish_in_background()
    sys.setswitchinterval(THREAD_SWITCH_SECONDS)
    collector_calm()


def collector_calm() -> None:
    """Have the collector of reference cycles look rarely, and never at what is there already."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_YOUNG_OBJECTS, 50, 100)


_engines: dict[int, ListingEngine] = {}


def engine_forget(listing_id: int) -> None:
    """Throw away what this process has of a listing; the next drain restores it."""
    _engines.pop(listing_id, None)


def listing_drain(listing_id: int) -> bool:
    """Apply what waits in a listing's stream, for a bounded time; returns whether more may be waiting."""
    deadline = time.monotonic() + DRAIN_BUDGET_SECONDS
    try:
        engine = _engines.get(listing_id)
        if engine is None:
            released = _released(listing_id)
            engine = ListingEngine.restore(listing_id)
            _require_settled(listing_id, released, engine.checkpoint)
            outbox_apply(listing_id)
            if engine.is_closed:
                return False
            feed.restored(engine)
            _engines[listing_id] = engine
        is_idle = True
        while time.monotonic() < deadline:
            batch = _next_batch(engine)
            if batch is None:
                # Whoever comes from here on wakes again; whoever came before is read now.
                gate().wake_flag_clear(listing_id)
                batch = _next_batch(engine)
            if batch is None:
                if is_idle:  # woken for what this memory does not know of
                    _require_current(engine)
                return False
            is_idle = False
            batch_settle(batch)
            _publish(engine, batch)
            if engine.is_closed:
                _engines.pop(listing_id, None)
                return False
        return True
    except FencedError as error:
        engine_forget(listing_id)
        logger.warning("Another worker has this listing: %s", error)
        return False
    except BaseException:
        engine_forget(listing_id)
        raise


def _next_batch(engine: ListingEngine) -> Batch | None:
    if engine.is_closing:
        # Nothing is read that would show it: a database that has gone back behind what the gate has released.
        _require_current(engine)
        return engine.close_step()
    raw = gate().entries(engine.listing_id, engine.epoch, engine.checkpoint, BATCH_ENTRIES)
    if not raw:
        return None
    if raw[-1][1] != engine.checkpoint + len(raw):
        _require_current(engine)
    entries = [decode(*entry) for entry in raw]
    unreadable = [entry.sequence for entry in entries if isinstance(entry, Undecodable)]
    return engine.step(entries, gate().orders_held(engine.listing_id, unreadable) if unreadable else None)


def _require_current(engine: ListingEngine) -> None:
    """Raise `FencedError` if the database is elsewhere: another worker has moved it and trimmed the stream, recovery
    has passed over a sequence, or the database has lost its newest commits.
    """
    released = _released(engine.listing_id)
    stored = Listing.objects.values_list("checkpoint", flat=True).get(pk=engine.listing_id)
    if stored != engine.checkpoint:
        raise FencedError(f"listing {engine.listing_id}: at {engine.checkpoint}, the ledger at {stored}")
    _require_settled(engine.listing_id, released, stored)


def _released(listing_id: int) -> int:
    """Return up to where the gate has released. To be read before the checkpoint: a release follows its commit."""
    return gate().sequences([listing_id])[listing_id][1]


def _require_settled(listing_id: int, released: int, checkpoint: int) -> None:
    require(
        released <= checkpoint,
        f"listing {listing_id}: the database has lost settled batches: the gate has released {released},"
        f" the ledger is at {checkpoint}",
    )


def _publish(engine: ListingEngine, batch: Batch) -> None:
    """Release first, so that a player who acts on a fill never finds the money missing; then tell."""
    before = gate().release(
        batch.listing_id, batch.first, batch.last, f"{engine.epoch}-{batch.last}", batch.payload
    )
    published = engine.settled(batch)
    if before != batch.first - 1:
        outbox_apply(engine.listing_id)
    feed.publish(published)


def outbox_apply(listing_id: int) -> int:
    """Apply every settled batch the gate has not released yet, in order; returns how many rows were applied.

    Safe to run from anywhere at any time: the gate applies a row only on top of the one before it.
    """
    client, applied_rows = gate(), 0
    _, applied = client.sequences([listing_id])[listing_id]
    if applied < 0:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_OUTBOX, [listing_id, applied])
        rows = cursor.fetchall()
    for first, last, payload in rows:
        if client.release(listing_id, first, last, "0-0", payload) == first - 1:
            applied_rows += 1
    return applied_rows
