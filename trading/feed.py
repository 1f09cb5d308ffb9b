"""Market data and private facts to the stream, after commit.

Public topics send the first change at once and then at most ten messages a second; what comes in between is
merged. Private topics are never held back. Publishing may be lost: a client that sees a gap asks again.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import redis

from stocking.base import stream
from trading.core.candles import INTERVALS, Candle, CandleSeries, fold
from trading.core.depth import Level
from trading.core.orders import Side
from trading.models import Listing
from trading.projection import LateRefusal, OrderRow, TradeRow
from trading.selectors.markets import listing_row
from trading.selectors.orders import order_as_dict
from trading.selectors.prices import candle_as_dict

if TYPE_CHECKING:
    from trading.engine import ListingEngine

logger = logging.getLogger(__name__)

BUY, SELL = Side.BUY, Side.SELL
BOOK_LEVELS = 10
INTERVAL_SECONDS = 0.1
TRADES_KEPT = 50
Merge = Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class Published:
    """What one settled batch of one listing tells the world; `orders` and `refusals` are of people, not bots."""

    symbol: str
    market_id: int
    row: dict[str, Any]
    last_price: int
    bids: list[Level]
    asks: list[Level]
    trades: list[TradeRow]
    candles: list[Candle]
    series: CandleSeries
    orders: list[OrderRow]
    refusals: list[LateRefusal]
    bots: frozenset[int]


class Conflator:
    """Sends each topic's first message at once and merges what follows within the interval."""

    def __init__(self, send: Callable[[str, Any], None], interval_seconds: float = INTERVAL_SECONDS) -> None:
        self._send = send
        self._interval = interval_seconds
        self._pending: dict[str, Any] = {}
        self._sent_at: dict[str, float] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def offer(self, topic: str, data: Any, merge: Merge) -> None:
        """Send now, or merge into what waits for the topic's next turn."""
        with self._changed:
            if topic in self._pending:
                self._pending[topic] = merge(self._pending[topic], data)
                return
            now = time.monotonic()
            if now - self._sent_at.get(topic, -self._interval) >= self._interval:
                self._sent_at[topic] = now
                self._send(topic, data)
                return
            self._pending[topic] = data
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._pending:
                    self._changed.wait()
                due = min(self._sent_at[topic] for topic in self._pending) + self._interval
                wait = due - time.monotonic()
                if wait <= 0:
                    try:
                        self._flush_due()
                    except Exception:  # one topic that cannot be sent must not silence the others
                        logger.exception("The feed could not send.")
            if wait > 0:
                time.sleep(wait)

    def _flush_due(self) -> None:
        now = time.monotonic()
        for topic in [t for t in self._pending if now - self._sent_at[t] >= self._interval]:
            self._sent_at[topic] = now
            self._send(topic, self._pending.pop(topic))


def _latest(_: Any, new: Any) -> Any:
    return new


def _appended(old: list[Any], new: list[Any]) -> list[Any]:
    return (old + new)[-TRADES_KEPT:]


def _updated(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return {**old, **new}


def _send(topic: str, data: Any) -> None:
    try:
        stream.publish(topic, data)
    except (redis.RedisError, OSError) as error:
        logger.warning("The bus did not take %s: %s", topic, error)


_conflator = Conflator(_send)


def publish(published: Published) -> None:
    """Tell of one settled batch: first each player's own facts, then the market's."""
    _publish_private(published)
    symbol = published.symbol
    book = {"bids": published.bids, "asks": published.asks, "last_price": published.last_price}
    _conflator.offer(f"book:{symbol}", book, _latest)
    if published.trades:
        _conflator.offer(f"trades:{symbol}", [_tape_row(trade) for trade in published.trades], _appended)
        for interval in INTERVALS:
            candles = _candles_changed(published, interval)
            _conflator.offer(f"candles:{symbol}:{interval}", candles, _updated)
        _conflator.offer("market", {symbol: published.row}, _updated)


def _tape_row(trade: TradeRow) -> dict[str, Any]:
    return {
        "trade_id": trade.id,
        "price": trade.price,
        "quantity": trade.quantity,
        "taker_side": trade.taker_side,
        "traded_at": trade.traded_at,
    }


def _candles_changed(published: Published, interval: str) -> dict[str, dict[str, int]]:
    interval_ms = INTERVALS[interval]
    series = published.series
    changed = {}
    for start in sorted({candle.start - candle.start % interval_ms for candle in published.candles}):
        places = range(start, start + interval_ms, series.interval_ms)
        parts = (series.candles[place] for place in places if place in series.candles)
        changed[str(start)] = candle_as_dict(fold(parts, interval_ms)[0])
    return changed


def _publish_private(published: Published) -> None:
    messages: list[tuple[int, dict[str, Any]]] = [
        (row.user_id, {"kind": "order", **order_as_dict(row, published.symbol)})  # type: ignore[arg-type]
        for row in published.orders
    ]
    for trade in published.trades:
        messages += _fill_messages(trade, published)
    messages += _refusal_messages(published)
    if not messages:
        return
    try:
        stream.publish_private("me", messages)
        _publish_accounts({user_id for user_id, _ in messages})
    except (redis.RedisError, OSError) as error:
        logger.warning("The bus did not take private messages: %s", error)


def _fill_messages(trade: TradeRow, published: Published) -> Iterable[tuple[int, dict[str, Any]]]:
    maker_side = "sell" if trade.taker_side == "buy" else "buy"
    for order, role, side in ((trade.maker, "maker", maker_side), (trade.taker, "taker", trade.taker_side)):
        if order.user_id not in published.bots:
            yield (
                order.user_id,
                {
                    "kind": "fill",
                    "trade_id": trade.id,
                    "order_id": order.public_id,
                    "symbol": published.symbol,
                    "side": side,
                    "price": trade.price,
                    "quantity": trade.quantity,
                    "role": role,
                    "traded_at": trade.traded_at,
                },
            )


def _refusal_messages(published: Published) -> Iterable[tuple[int, dict[str, Any]]]:
    """A cancel or amend that came too late, told with the order as it stands in the ledger."""
    from trading.models import SEQUENCE_BITS, Order

    for late in published.refusals:
        listing = Listing.objects.get(market_id=published.market_id, symbol=published.symbol)
        order = Order.objects.filter(pk=listing.pk << SEQUENCE_BITS | late.sequence).first()
        if order is not None:
            yield late.user_id, {"kind": "order", **order_as_dict(order, published.symbol), "code": late.code}


def _publish_accounts(users: set[int]) -> None:
    """Send the account as it stands to those who are looking."""
    from accounts.models import User
    from trading.selectors.accounts import account_get

    counts = stream.subscriber_counts(f"me:{user_id}" for user_id in sorted(users))
    watching = [int(topic.split(":")[1]) for topic, count in counts.items() if count]
    if not watching:
        return  # an empty query costs nothing in the database, and much on the way to it
    for user in User.objects.filter(pk__in=watching):
        stream.publish(f"me:{user.pk}", {"kind": "account", **account_get(user)})


def restored(engine: "ListingEngine") -> None:
    """Send the book as restored: the last message before a crash may have been lost."""
    book = {
        "bids": engine.book.depth(BUY, BOOK_LEVELS),
        "asks": engine.book.depth(SELL, BOOK_LEVELS),
        "last_price": engine.projection.last_price,
    }
    _conflator.offer(f"book:{engine.symbol}", book, _latest)


def market_began(listings: Iterable[Listing]) -> None:
    """Begin all public topics anew for the listings of a new market."""
    rows = {listing.symbol: listing_row(listing) for listing in listings}
    for listing in listings:
        book: dict[str, Any] = {"bids": [], "asks": [], "last_price": listing.last_price}
        stream.publish_snapshot(f"book:{listing.symbol}", book)
        stream.publish_snapshot(f"trades:{listing.symbol}", [])
        for interval in INTERVALS:
            stream.publish_snapshot(f"candles:{listing.symbol}:{interval}", {})
    stream.publish_snapshot("market", rows)


def market_changed(listings: Iterable[Listing]) -> None:
    """Send the rows of listings whose status has changed (opened, closed, halted)."""
    stream.publish("market", {listing.symbol: listing_row(listing) for listing in listings})
