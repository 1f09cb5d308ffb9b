"""One batch of one listing into the database, in one transaction.

The first statement compares and sets the listing's checkpoint: no row, no commit. So a second worker, a
redelivered task or a paused process can do no harm. Money moves by difference, rows in key order, and the
database's own constraints forbid a negative.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from django.db import OperationalError, connection, transaction

from trading.bulk import BulkInsert, chunks
from trading.core.candles import Candle
from trading.core.invariants import require
from trading.core.ledger import AccountDelta
from trading.projection import OrderRow, TradeRow

logger = logging.getLogger(__name__)

DEADLOCK_RETRIES = 5
_DEADLOCK_ERRORS = (1205, 1213)  # MySQL, MariaDB: lock wait time-out, deadlock


class FencedError(Exception):
    """Another worker has moved the listing's checkpoint: what this one has in memory is void."""


@dataclass(slots=True)
class Batch:
    """Everything one settlement writes: the sequences `first` to `last` of one listing."""

    listing_id: int
    market_id: int
    initial_cash: int
    first: int
    last: int
    last_price: int
    volume: int
    trade_count: int
    book_digest: int
    marker: int | None
    is_closed: bool
    payload: str
    orders: list[OrderRow] = field(default_factory=list)
    trades: list[TradeRow] = field(default_factory=list)
    candles: list[Candle] = field(default_factory=list)
    deltas: dict[int, AccountDelta] = field(default_factory=dict)
    new_accounts: list[int] = field(default_factory=list)
    new_holders: list[int] = field(default_factory=list)


def batch_settle(batch: Batch) -> None:
    """Write a batch. Raises `FencedError` when the checkpoint is not where the batch begins.

    A deadlock rolls the whole transaction back, which is then tried again. Any other error leaves the
    database as it was, or (a lost connection at COMMIT) leaves it unknown: the caller reads it anew.
    """
    for attempt in range(DEADLOCK_RETRIES + 1):
        try:
            with transaction.atomic():
                _write(batch)
            return
        except OperationalError as error:
            if attempt == DEADLOCK_RETRIES or not error.args or error.args[0] not in _DEADLOCK_ERRORS:
                raise
            logger.info("Listing %s: deadlock in batch %s, again.", batch.listing_id, batch.last)
            time.sleep(0.002 * 2**attempt)


def _write(batch: Batch) -> None:
    with connection.cursor() as cursor:
        _checkpoint_advance(cursor, batch)
        _accounts_add(cursor, batch)
        _deltas_apply(cursor, batch)
        _orders_write(cursor, batch.orders)
        _trades_write(cursor, batch)
        _candles_write(cursor, batch)
        cursor.execute(
            "INSERT INTO trading_outbox (listing_id, first, last, payload) VALUES (%s, %s, %s, %s)",
            [batch.listing_id, batch.first, batch.last, batch.payload],
        )


def _checkpoint_advance(cursor: Any, batch: Batch) -> None:
    cursor.execute(
        "UPDATE trading_listing SET checkpoint = %s, last_price = %s, volume = %s, trade_count = %s,"
        " book_digest = %s, marker = %s, is_closed = %s WHERE id = %s AND checkpoint = %s",
        [
            batch.last, batch.last_price, batch.volume, batch.trade_count, batch.book_digest, batch.marker,
            batch.is_closed, batch.listing_id, batch.first - 1,
        ],
    )  # fmt: skip
    if cursor.rowcount != 1:
        raise FencedError(f"listing {batch.listing_id}: the checkpoint is not {batch.first - 1}")


ORDER_COLUMNS = (
    "id", "listing_id", "user_id", "epoch", "client_order_id", "side", "type", "price", "quantity",
    "filled_quantity", "filled_value", "status", "reason", "priority", "created_at",
)  # fmt: skip
PORTFOLIOS = BulkInsert(
    "trading_portfolio", ("market_id", "user_id", "initial_cash", "cash"), skip_existing=True
)
HOLDINGS = BulkInsert("trading_holding", ("listing_id", "user_id", "granted", "quantity", "cost"))
ORDERS = BulkInsert(
    "trading_order",
    ORDER_COLUMNS,
    texts=("client_order_id", "side", "type", "status", "reason"),
    conflict=("id",),
    changes=("price", "quantity", "filled_quantity", "filled_value", "status", "reason", "priority"),
)
TRADES = BulkInsert(
    "trading_trade",
    (
        "id", "listing_id", "sequence", "maker_order_id", "taker_order_id", "maker_id", "taker_id", "taker_side",
        "price", "quantity", "traded_at",
    ),
    texts=("taker_side",),
)  # fmt: skip
CANDLES = BulkInsert(
    "trading_candle",
    ("listing_id", "start", "open", "high", "low", "close", "volume"),
    conflict=("listing_id", "start"),
    changes=("high", "low", "close", "volume"),
)


def _accounts_add(cursor: Any, batch: Batch) -> None:
    """Add the portfolios and holdings that are not there yet; another listing may add a portfolio meanwhile."""
    cash = batch.initial_cash
    PORTFOLIOS.execute(cursor, [(batch.market_id, user, cash, cash) for user in sorted(batch.new_accounts)])
    HOLDINGS.execute(cursor, [(batch.listing_id, user, 0, 0, 0) for user in sorted(batch.new_holders)])


def _deltas_apply(cursor: Any, batch: Batch) -> None:
    """Add the differences, holdings before portfolios, each in the order of the accounts."""
    deltas = sorted(batch.deltas.items())
    for chunk in chunks([(user, delta) for user, delta in deltas if delta.shares or delta.cost]):
        shares, cost = _case((u, d.shares) for u, d in chunk), _case((u, d.cost) for u, d in chunk)
        _update_all(
            cursor,
            f"UPDATE trading_holding SET quantity = quantity + {shares}, cost = cost + {cost}"
            f" WHERE listing_id = {batch.listing_id:d} AND user_id IN ({_list(chunk)})",
            len(chunk),
        )
    for paid in chunks([(user, delta.cash) for user, delta in deltas if delta.cash]):
        _update_all(
            cursor,
            f"UPDATE trading_portfolio SET cash = cash + {_case(paid)}"
            f" WHERE market_id = {batch.market_id:d} AND user_id IN ({_list(paid)})",
            len(paid),
        )


def _update_all(cursor: Any, statement: str, expected: int) -> None:
    """Run a statement that is made of numbers alone; each of the accounts must be there to be changed."""
    cursor.execute(statement)
    require(cursor.rowcount == expected, f"{cursor.rowcount} of {expected} accounts were there to be changed")


def _case(pairs: Iterable[tuple[int, int]]) -> str:
    """Return the expression that picks each account's difference."""
    return "CASE user_id " + "".join([f"WHEN {user:d} THEN {n:d} " for user, n in pairs]) + "ELSE 0 END"


def _list(pairs: Iterable[tuple[int, Any]]) -> str:
    return ",".join([f"{user:d}" for user, _ in pairs])


def _orders_write(cursor: Any, orders: Iterable[OrderRow]) -> None:
    ORDERS.execute(
        cursor,
        [
            (
                row.id, row.listing_id, row.user_id, row.epoch, row.client_order_id, row.side, row.type, row.price,
                row.quantity, row.filled_quantity, row.filled_value, row.status, row.reason, row.priority,
                row.created_at,
            )
            for row in sorted(orders, key=attrgetter("sequence"))
        ],
    )  # fmt: skip


def _trades_write(cursor: Any, batch: Batch) -> None:
    listing_id = batch.listing_id
    TRADES.execute(
        cursor,
        [
            (
                trade.id, listing_id, trade.sequence, trade.maker.id, trade.taker.id, trade.maker.user_id,
                trade.taker.user_id, trade.taker_side, trade.price, trade.quantity, trade.traded_at,
            )
            for trade in batch.trades
        ],
    )  # fmt: skip


def _candles_write(cursor: Any, batch: Batch) -> None:
    listing_id = batch.listing_id
    CANDLES.execute(
        cursor,
        [(listing_id, c.start, c.open, c.high, c.low, c.close, c.volume) for c in batch.candles],
    )
