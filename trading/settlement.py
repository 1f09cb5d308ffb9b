"""One batch of one listing into the database, in one transaction.

The first statement compares and sets the listing's checkpoint: no row, no commit. So a second worker, a
redelivered task or a paused process can do no harm. Money moves by difference, rows in key order, and the
database's own constraints forbid a negative.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import OperationalError, connection, transaction

from trading.core.candles import Candle
from trading.core.ledger import AccountDelta, Position
from trading.projection import OrderRow, TradeRow

logger = logging.getLogger(__name__)

DEADLOCK_RETRIES = 5
_DEADLOCK_ERRORS = (1205, 1213)  # MySQL, MariaDB: lock wait time-out, deadlock
_ROWS_A_STATEMENT = 500
Row = TypeVar("Row")


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
    positions: dict[int, Position] = field(default_factory=dict)


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


def _accounts_add(cursor: Any, batch: Batch) -> None:
    """Add the portfolios and holdings that are not there yet; another listing may add a portfolio meanwhile."""
    portfolios = [
        (batch.market_id, user, batch.initial_cash, batch.initial_cash) for user in sorted(batch.new_accounts)
    ]
    _insert(
        cursor,
        "trading_portfolio",
        ("market_id", "user_id", "initial_cash", "cash"),
        portfolios,
        skip_existing=True,
    )
    holdings = [(batch.listing_id, user, 0, 0, 0) for user in sorted(batch.new_holders)]
    _insert(cursor, "trading_holding", ("listing_id", "user_id", "granted", "quantity", "cost"), holdings)


def _deltas_apply(cursor: Any, batch: Batch) -> None:
    """Add the differences, holdings before portfolios, each in the order of the accounts."""
    deltas = sorted(batch.deltas.items())
    holders = [(user, delta) for user, delta in deltas if delta.shares or delta.cost]
    for chunk in _chunks(holders):
        users = [user for user, _ in chunk]
        _require_rows(
            cursor,
            f"UPDATE trading_holding SET quantity = quantity + {_case(chunk)}, cost = cost + {_case(chunk)}"
            f" WHERE listing_id = %s AND user_id IN ({_places(users)})",
            [
                *_case_values((user, delta.shares) for user, delta in chunk),
                *_case_values((user, delta.cost) for user, delta in chunk),
                batch.listing_id,
                *users,
            ],
            len(users),
        )
    payers = [(user, delta.cash) for user, delta in deltas if delta.cash]
    for paid in _chunks(payers):
        users = [user for user, _ in paid]
        _require_rows(
            cursor,
            f"UPDATE trading_portfolio SET cash = cash + {_case(paid)}"
            f" WHERE market_id = %s AND user_id IN ({_places(users)})",
            [*_case_values(paid), batch.market_id, *users],
            len(users),
        )


def _require_rows(cursor: Any, statement: str, values: Sequence[Any], expected: int) -> None:
    cursor.execute(statement, values)
    if cursor.rowcount != expected:
        raise FencedError(f"{cursor.rowcount} of {expected} accounts were there to be changed")


ORDER_COLUMNS = (
    "id", "listing_id", "user_id", "epoch", "client_order_id", "side", "type", "price", "quantity",
    "filled_quantity", "filled_value", "status", "reason", "priority", "created_at",
)  # fmt: skip
_ORDER_CHANGES = ("price", "quantity", "filled_quantity", "filled_value", "status", "reason", "priority")


def _orders_write(cursor: Any, orders: Iterable[OrderRow]) -> None:
    rows = [
        (
            row.id, row.listing_id, row.user_id, row.epoch, row.client_order_id, row.side, row.type, row.price,
            row.quantity, row.filled_quantity, row.filled_value, row.status, row.reason, row.priority, row.created_at,
        )
        for row in sorted(orders, key=lambda row: row.sequence)
    ]  # fmt: skip
    _insert(cursor, "trading_order", ORDER_COLUMNS, rows, conflict=("id",), changes=_ORDER_CHANGES)


def _trades_write(cursor: Any, batch: Batch) -> None:
    columns = (
        "id", "listing_id", "sequence", "maker_order_id", "taker_order_id", "maker_id", "taker_id", "taker_side",
        "price", "quantity", "traded_at",
    )  # fmt: skip
    rows = [
        (
            trade.id, batch.listing_id, trade.sequence, trade.maker.id, trade.taker.id, trade.maker.user_id,
            trade.taker.user_id, trade.taker_side, trade.price, trade.quantity, trade.traded_at,
        )
        for trade in batch.trades
    ]  # fmt: skip
    _insert(cursor, "trading_trade", columns, rows)


def _candles_write(cursor: Any, batch: Batch) -> None:
    columns = ("listing_id", "start", "open", "high", "low", "close", "volume")
    rows = [
        (batch.listing_id, candle.start, candle.open, candle.high, candle.low, candle.close, candle.volume)
        for candle in batch.candles
    ]
    changes = ("high", "low", "close", "volume")
    _insert(cursor, "trading_candle", columns, rows, conflict=("listing_id", "start"), changes=changes)


def _insert(
    cursor: Any,
    table: str,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    *,
    skip_existing: bool = False,
    conflict: Sequence[str] = (),
    changes: Sequence[str] = (),
) -> None:
    """Insert rows in few statements; existing ones are an error, are skipped, or take over `changes`."""
    is_mysql = connection.vendor == "mysql"
    names = ", ".join(_quoted(column) for column in columns)
    verb = "INSERT" if not skip_existing else "INSERT IGNORE" if is_mysql else "INSERT OR IGNORE"
    tail = ""
    if changes and is_mysql:
        tail = " ON DUPLICATE KEY UPDATE " + ", ".join(
            f"{_quoted(c)} = VALUES({_quoted(c)})" for c in changes
        )
    elif changes:
        keys = ", ".join(_quoted(key) for key in conflict)
        tail = f" ON CONFLICT ({keys}) DO UPDATE SET " + ", ".join(
            f"{_quoted(c)} = excluded.{_quoted(c)}" for c in changes
        )
    row_places = f"({_places(columns)})"
    for chunk in _chunks(rows):
        places = ", ".join([row_places] * len(chunk))
        values = [value for row in chunk for value in row]
        cursor.execute(f"{verb} INTO {table} ({names}) VALUES {places}{tail}", values)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _places(items: Sequence[Any]) -> str:
    return ", ".join(["%s"] * len(items))


def _case(chunk: Sequence[Any]) -> str:
    """Return the expression that picks each account's difference."""
    return "CASE user_id " + "WHEN %s THEN %s " * len(chunk) + "ELSE 0 END"


def _case_values(pairs: Iterable[tuple[int, int]]) -> list[int]:
    return [number for pair in pairs for number in pair]


def _chunks(rows: Sequence[Row]) -> Iterable[Sequence[Row]]:
    for start in range(0, len(rows), _ROWS_A_STATEMENT):
        yield rows[start : start + _ROWS_A_STATEMENT]
