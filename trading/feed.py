"""Market data and private facts to the stream, after commit.

Public topics send the first change at once and then at most ten messages a second; what comes in between is
merged. Publishing may be lost: a client that sees a gap asks again.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import redis

from stocking.base import stream
from stocking.base.units import now_ms
from trading.core.candles import INTERVALS, Candle, CandleSeries, fold
from trading.core.depth import Level
from trading.core.orders import Side
from trading.gate.client import gate
from trading.models import Listing
from trading.private_feed import AccountFeed, Message, fill_messages, refusal_messages
from trading.projection import LateRefusal, TradeRow
from trading.publishing import Conflator, Publisher
from trading.selectors.markets import listing_row
from trading.selectors.prices import candle_as_dict

if TYPE_CHECKING:
    from trading.engine import ListingEngine

logger = logging.getLogger(__name__)

BUY, SELL = Side.BUY, Side.SELL
BOOK_LEVELS = 10
TRADES_KEPT = 50
Candles = dict[str, dict[str, dict[str, int]]]


@dataclass(frozen=True, slots=True)
class Published:
    """What one settled batch of one listing tells the world. Nothing in it changes with the next batch.

    `orders` and `refusals` are of people, not bots; `candles` are those that changed, by interval and start.
    """

    market_id: int
    listing_id: int
    symbol: str
    row: dict[str, Any]
    bids: list[Level]
    asks: list[Level]
    trades: list[TradeRow]
    candles: Candles
    orders: list[Message]
    refusals: list[LateRefusal]
    bots: frozenset[int]


def _latest(_: Any, new: Any) -> Any:
    return new


def _appended(old: list[Any], new: list[Any]) -> list[Any]:
    return (old + new)[-TRADES_KEPT:]


def _updated(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return {**old, **new}


def _send(topic: str, data: Any) -> None:
    try:
        stream.publish(topic, _rows_now(data) if topic == "market" else data)
    except (redis.RedisError, OSError) as error:
        logger.warning("The bus did not take %s: %s", topic, error)


def _rows_now(rows: dict[str, tuple[int, int, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Return the listings' rows by symbol; whether one may be traded others decide, so it is asked for last."""
    openings = gate().openings((market, listing) for market, listing, _ in rows.values())
    now = now_ms()
    return {
        symbol: {**row, "status": openings[listing].status(now)} if listing in openings else row
        for symbol, (_, listing, row) in rows.items()
    }


_conflator = Conflator(_send)
_accounts = AccountFeed()
_publisher = Publisher(idle=_accounts.send, idle_wait=_accounts.wait_seconds)


def publish_in_background() -> None:
    """Have this process publish from a thread of its own: the engine goes on matching meanwhile."""
    _publisher.start()


def flush() -> None:
    """Wait until everything that was given to `publish` so far has been told."""
    _publisher.flush()


def publish(published: Published) -> None:
    """Tell of one settled batch: first each player's own facts, then the market's."""
    _publisher.do(partial(_publish, published))


def _publish(published: Published) -> None:
    _publish_private(published)
    symbol = published.symbol
    book = {"bids": published.bids, "asks": published.asks, "last_price": published.row["last_price"]}
    _conflator.offer(f"book:{symbol}", book, _latest)
    if published.trades:
        _conflator.offer(f"trades:{symbol}", [_tape_row(trade) for trade in published.trades], _appended)
        for interval, candles in published.candles.items():
            _conflator.offer(f"candles:{symbol}:{interval}", candles, _updated)
        _conflator.offer(
            "market", {symbol: (published.market_id, published.listing_id, published.row)}, _updated
        )


def _publish_private(published: Published) -> None:
    symbol = published.symbol
    messages = list(published.orders)
    messages += fill_messages(published.trades, symbol, published.bots)
    messages += refusal_messages(published.refusals, published.listing_id, symbol)
    if not messages:
        return
    try:
        stream.publish_private("me", messages)
    except (redis.RedisError, OSError) as error:
        logger.warning("The bus did not take private messages: %s", error)
    _accounts.add(user_id for user_id, _ in messages)


def _tape_row(trade: TradeRow) -> dict[str, Any]:
    return {
        "trade_id": trade.id,
        "price": trade.price,
        "quantity": trade.quantity,
        "taker_side": trade.taker_side,
        "traded_at": trade.traded_at,
    }


def candles_changed(series: CandleSeries, changed: list[Candle]) -> Candles:
    """Return the candles of each interval that the changed short ones are part of, as the topics show them."""
    return {interval: _folded(series, changed, interval_ms) for interval, interval_ms in INTERVALS.items()}


def _folded(series: CandleSeries, changed: list[Candle], interval_ms: int) -> dict[str, dict[str, int]]:
    found = {}
    for start in sorted({candle.start - candle.start % interval_ms for candle in changed}):
        places = range(start, start + interval_ms, series.interval_ms)
        parts = (series.candles[place] for place in places if place in series.candles)
        found[str(start)] = candle_as_dict(fold(parts, interval_ms)[0])
    return found


def restored(engine: "ListingEngine") -> None:
    """Send the book as restored: the last message before a crash may have been lost."""
    book = {
        "bids": engine.book.depth(BUY, BOOK_LEVELS),
        "asks": engine.book.depth(SELL, BOOK_LEVELS),
        "last_price": engine.projection.last_price,
    }
    _publisher.do(partial(_conflator.offer, f"book:{engine.symbol}", book, _latest))


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
