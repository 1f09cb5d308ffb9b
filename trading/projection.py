"""Events of a batch turned into the rows that settlement writes. Pure: no database, no clock.

The engine keeps one `OrderRow` for each resting order; events alone change them, never the book's own objects.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from zlib import crc32

from trading.core.book import DIGEST_MODULUS
from trading.core.candles import Candle, CandleSeries
from trading.core.events import Accepted, Amended, AmendRejected, Canceled, Event, Rejected, Traded
from trading.core.invariants import InvariantError, require
from trading.core.orders import Order, OrderStatus, OrderType, Side
from trading.models import SEQUENCE_BITS

CANDLE_INTERVAL_MS = 5_000


OPEN, PARTIALLY_FILLED, FILLED, CANCELED = (
    status.value
    for status in (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED, OrderStatus.CANCELED)
)
# A member's `value` is a property; these are looked up once for each order and trade.
SIDE_NAMES = {side: side.value for side in Side}
TYPE_NAMES = {type_: type_.value for type_ in OrderType}


@dataclass(slots=True)
class OrderRow:
    """One row of the orders table, named like its columns; `sequence` is the order's id in the book."""

    listing_id: int
    sequence: int
    user_id: int
    epoch: int
    client_order_id: str
    side: str
    type: str
    price: int
    quantity: int
    filled_quantity: int
    filled_value: int
    status: str
    reason: str
    priority: int
    created_at: int

    @property
    def id(self) -> int:
        """The primary key."""
        return self.listing_id << SEQUENCE_BITS | self.sequence

    @property
    def public_id(self) -> str:
        """The order's name outside."""
        return f"{self.listing_id}-{self.epoch}-{self.sequence}"

    @property
    def is_open(self) -> bool:
        """Whether the order rests (or will, within its batch)."""
        return self.status in (OPEN, PARTIALLY_FILLED)

    def digest(self) -> int:
        """The order's share of the book's digest, as the core computes it from the order itself."""
        return crc32(
            f"{self.sequence}:{self.user_id}:{self.side}:{self.price}:{self.quantity}:{self.filled_quantity}"
            f":{self.filled_value}:{self.priority}".encode()
        )

    def to_order(self) -> Order:
        """Return the resting order for a restored book."""
        return Order(
            self.sequence, self.user_id, Side(self.side), OrderType(self.type), self.price, self.quantity,
            self.filled_quantity, self.filled_value, self.priority,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class TradeRow:
    """One row of the trades table, with the two order rows it filled."""

    id: int
    sequence: int
    price: int
    quantity: int
    taker_side: str
    traded_at: int
    maker: OrderRow
    taker: OrderRow


@dataclass(frozen=True, slots=True)
class LateRefusal:
    """An accepted cancel or amend that came too late: told to its account with the code."""

    user_id: int
    sequence: int
    code: str


@dataclass(slots=True)
class Projection:
    """What one listing's events add up to since the last batch; `rows` outlive batches, the rest does not."""

    listing_id: int
    rows: dict[int, OrderRow]
    candles: CandleSeries
    trade_count: int
    volume: int
    last_price: int
    digest: int
    touched: dict[int, OrderRow] = field(default_factory=dict)
    trades: list[TradeRow] = field(default_factory=list)
    refusals: list[LateRefusal] = field(default_factory=list)
    amended: set[int] = field(default_factory=set)

    def add(self, epoch: int, sequence: int, client_order_id: str, events: Iterable[Event]) -> None:
        """Fold the events of one command in."""
        for event in events:
            kind = type(event)
            if kind is Traded:
                self._trade(sequence, event)  # type: ignore[arg-type]
            elif kind is Accepted:
                self._accept(epoch, sequence, client_order_id, event)  # type: ignore[arg-type]
            elif kind is Canceled:
                self._cancel(event)  # type: ignore[arg-type]
            elif kind is Amended:
                self._amend(sequence, event)  # type: ignore[arg-type]
            elif kind is AmendRejected or kind is Rejected:
                self._refuse(event)  # type: ignore[arg-type]

    def reject(self, row: OrderRow) -> None:
        """Record an order that could not be applied; it never was in the book."""
        require(row.sequence not in self.rows, f"order {row.sequence} is accepted twice")
        self.rows[row.sequence] = self.touched[row.sequence] = row

    def finish(self) -> None:
        """End the batch: forget what was touched and the rows of orders that have ended."""
        for sequence, row in self.touched.items():
            if not row.is_open:
                del self.rows[sequence]
        self.touched, self.trades, self.refusals, self.amended = {}, [], [], set()

    def _touch(self, sequence: int) -> OrderRow:
        """Return a row about to change, taken out of the digest the first time in a batch."""
        row = self.touched.get(sequence)
        if row is None:
            row = self.touched[sequence] = self.rows[sequence]
            self.digest = (self.digest - row.digest()) % DIGEST_MODULUS
        return row

    def digest_at_end(self) -> int:
        """Return the digest of all that rests after the batch."""
        return (
            self.digest + sum(row.digest() for row in self.touched.values() if row.is_open)
        ) % DIGEST_MODULUS

    def _accept(self, epoch: int, sequence: int, client_order_id: str, event: Accepted) -> None:
        row = OrderRow(
            self.listing_id, sequence, event.account, epoch, client_order_id, SIDE_NAMES[event.side],  # type: ignore[arg-type]
            TYPE_NAMES[event.type], event.price, event.quantity, 0, 0, OPEN, "", sequence, event.time_ms,
        )  # fmt: skip
        if sequence in self.rows:
            raise InvariantError(f"order {sequence} is accepted twice")
        self.rows[sequence] = self.touched[sequence] = row

    def _trade(self, sequence: int, event: Traded) -> None:
        touched = self.touched
        maker = touched.get(event.maker) or self._touch(event.maker)  # type: ignore[call-overload,arg-type]
        taker = touched.get(event.taker) or self._touch(event.taker)  # type: ignore[call-overload,arg-type]
        quantity = event.quantity
        value = event.price * quantity
        for row, left in ((maker, event.maker_open_quantity), (taker, event.taker_open_quantity)):
            row.filled_quantity += quantity
            row.filled_value += value
            if row.quantity - row.filled_quantity != left:
                raise InvariantError(f"order {row.sequence} does not fit its fills")
            row.status = PARTIALLY_FILLED if left else FILLED
        self.trade_count += 1
        self.volume += quantity
        self.last_price = event.price
        self.candles.add(event.price, quantity, event.time_ms)
        self.trades.append(
            TradeRow(
                self.listing_id << SEQUENCE_BITS | self.trade_count,
                sequence,
                event.price,
                quantity,
                SIDE_NAMES[event.taker_side],
                event.time_ms,
                maker,
                taker,
            )
        )

    def _cancel(self, event: Canceled) -> None:
        row = self._touch(event.order_id)  # type: ignore[arg-type]
        row.status, row.reason = CANCELED, event.reason.value

    def _amend(self, sequence: int, event: Amended) -> None:
        row = self._touch(event.order_id)  # type: ignore[arg-type]
        if event.price != row.price or event.quantity > row.quantity:
            row.priority = sequence
        row.price, row.quantity = event.price, event.quantity
        self.amended.add(row.sequence)

    def _refuse(self, event: AmendRejected | Rejected) -> None:
        sequence: int = event.order_id  # type: ignore[assignment]
        self.refusals.append(LateRefusal(event.account, sequence, event.code.value))  # type: ignore[arg-type]
        if type(event) is AmendRejected and sequence in self.rows and self.rows[sequence].is_open:
            self._touch(sequence)
            self.amended.add(sequence)


def candle_series(candles: Iterable[Candle]) -> CandleSeries:
    """Return the series of stored five-second candles."""
    return CandleSeries(CANDLE_INTERVAL_MS, candles)
