"""How fast the engine drains what the gate has accepted, and how that compares with bare inserts.

The clock runs from the first drain to the last commit and publish. The yardstick is the same rows, in the same
batches, by the driver's multi-row insert alone, into empty copies of the same tables.
"""

import itertools
import random
import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.models import User
from stocking.base.units import now_ms
from trading import engine, feed
from trading.audit import market_audit
from trading.core.book import Book
from trading.gate.answers import Accepted, Who
from trading.gate.client import gate
from trading.gate.commands import Entry, decode
from trading.models import Company, Listing, Market
from trading.services import Grant, market_create, market_grant, market_register
from trading.settlement import ORDER_COLUMNS, Batch

BASE_PRICE_WON = 100_000
ACCOUNTS = 100
CASH_WON = 10**12
SHARES = 10**7
PRICE_TICKS = 20
TRADE_COLUMNS = (
    "id", "listing_id", "sequence", "maker_order_id", "taker_order_id", "maker_id", "taker_id", "taker_side",
    "price", "quantity", "traded_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """What one run gave; see `manage.py bench_engine`."""

    orders: int
    seconds: float
    match_seconds: float
    raw_seconds: float
    rows: int
    audit_ok: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the figures of the outside contract."""
        raw = self.rows / self.raw_seconds
        return {
            "orders": self.orders,
            "seconds": round(self.seconds, 3),
            "orders_per_second": round(self.orders / self.seconds),
            "match_orders_per_second": round(self.orders / self.match_seconds),
            "raw_insert_rows_per_second": round(raw),
            "ratio_to_raw_insert": round((self.rows / self.seconds) / raw, 3),
            "database": connection.vendor,
            "audit_ok": self.audit_ok,
        }


def engine_measure(*, orders: int, listings: int, seed: int) -> Result:
    """Accept seeded orders at the real gate, then time their settlement. Needs `throwaway()` around it."""
    settings.MAX_OPEN_ORDERS = settings.STREAM_LIMIT = 10**9
    market = _market_open(listings)
    accepted = _orders_accept(market, orders, seed)
    keys = [listing.pk for listing in market.listings.order_by("pk")]
    match_seconds = _match_alone(keys)
    batches: list[Batch] = []
    settle = engine.batch_settle

    def recorded(batch: Batch) -> None:
        settle(batch)
        batches.append(batch)

    engine.batch_settle = recorded
    engine.engine_process_begin()
    try:
        began = time.perf_counter()
        for key in keys:
            while engine.listing_drain(key):
                pass
        feed.flush()
        seconds = time.perf_counter() - began
    finally:
        engine.batch_settle = settle
    audit_ok = all(check.ok for check in market_audit(market))
    rows = sum(len(batch.orders) + len(batch.trades) for batch in batches)
    return Result(accepted, seconds, match_seconds, _insert_alone(batches), rows, audit_ok)


def _market_open(listings: int) -> Market:
    users = [User(nickname=f"p{n}", nickname_key=f"p{n}") for n in range(ACCOUNTS)]
    User.objects.bulk_create(users)
    companies = [
        Company.objects.create(
            symbol=f"B{n:02d}",
            name=f"B{n}",
            name_en=f"B{n}",
            sector="-",
            description="-",
            base_price=BASE_PRICE_WON,
        )
        for n in range(listings)
    ]
    now = now_ms()
    market = market_create(
        companies=companies, opens_at=now - 1_000, closes_at=now + 3_600_000, initial_cash=CASH_WON
    )
    shares = {company.symbol: SHARES for company in companies}
    accounts = list(User.objects.values_list("pk", flat=True))
    market_grant(market=market, grants=[Grant(account, CASH_WON, shares) for account in accounts])
    market_register(market=market)
    return market


def _orders_accept(market: Market, orders: int, seed: int) -> int:
    draws = random.Random(seed)
    accounts = list(User.objects.values_list("pk", flat=True))
    symbols = list(Listing.objects.filter(market=market).values_list("symbol", flat=True))
    accepted = 0
    for number in range(orders):
        answer = gate().submit(
            Who(account=draws.choice(accounts), is_limited=False),
            client_order_id=f"b{number}",
            symbol=draws.choice(symbols),
            side=draws.choice(("buy", "sell")),
            type="limit",
            price=BASE_PRICE_WON + 100 * draws.randint(-PRICE_TICKS, PRICE_TICKS),
            quantity=draws.randint(1, 20),
        )
        accepted += isinstance(answer, Accepted)
    return accepted


def _match_alone(keys: list[int]) -> float:
    """Return the seconds the books alone take for the same commands."""
    seconds = 0.0
    for key in keys:
        entries = [decode(*raw) for raw in gate().entries(key, 0, 0, 10**9)]
        commands = [entry.command for entry in entries if isinstance(entry, Entry)]
        book = Book(key)
        began = time.perf_counter()
        for command in commands:
            book.apply(command)
        seconds += time.perf_counter() - began
    return seconds


def _insert_alone(batches: list[Batch]) -> float:
    """Return the seconds that bare inserts of the batches' orders and trades take, a transaction a batch.

    An order that a later batch has written again is one more row here. The rows are put together beforehand.
    """
    key = itertools.count(1)
    work = []
    for batch in batches:
        orders = [tuple(getattr(row, name) for name in ORDER_COLUMNS[1:]) for row in batch.orders]
        trades = [
            (
                trade.id, batch.listing_id, trade.sequence, trade.maker.id, trade.taker.id, trade.maker.user_id,
                trade.taker.user_id, trade.taker_side, trade.price, trade.quantity, trade.traded_at,
            )
            for trade in batch.trades
        ]  # fmt: skip
        work.append(([(next(key), *row) for row in orders], trades))
    with connection.cursor() as cursor:
        for table in ("trading_order", "trading_trade"):
            _copy_empty(cursor, table)
    began = time.perf_counter()
    for orders_of_batch, trades_of_batch in work:
        with transaction.atomic(), connection.cursor() as cursor:
            _insert(cursor, "bench_trading_order", ORDER_COLUMNS, orders_of_batch)
            _insert(cursor, "bench_trading_trade", TRADE_COLUMNS, trades_of_batch)
    return time.perf_counter() - began


def _insert(cursor: Any, table: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    if rows:
        places = ", ".join(["(" + ", ".join(["%s"] * len(columns)) + ")"] * len(rows))
        names = ", ".join(connection.ops.quote_name(column) for column in columns)
        values = list(itertools.chain.from_iterable(rows))
        cursor.execute(f"INSERT INTO {table} ({names}) VALUES {places}", values)  # noqa: S608


def _copy_empty(cursor: Any, table: str) -> None:
    if connection.vendor == "mysql":
        cursor.execute(f"CREATE TABLE bench_{table} LIKE {table}")
        return
    cursor.execute("SELECT sql FROM sqlite_master WHERE tbl_name = %s AND sql IS NOT NULL", [table])
    for (statement,) in cursor.fetchall():
        renamed = statement.replace(f'"{table}"', f'"bench_{table}"', 1)
        if statement.startswith("CREATE INDEX"):
            name = statement.split('"')[1]
            renamed = statement.replace(f'"{name}"', f'"bench_{name}"', 1).replace(
                f'ON "{table}"', f'ON "bench_{table}"'
            )
        cursor.execute(renamed)
