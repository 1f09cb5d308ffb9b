"""Depth, tape and candles: from the stream's snapshot where it has one, else from the ledger."""

from typing import Any

import msgspec
from django.db.models import Count, F, Sum

from stocking.base import stream
from trading.core.candles import INTERVALS, fold
from trading.core.candles import Candle as CoreCandle
from trading.models import Candle, Listing, Order, Trade

BOOK_DEPTH = 10
BOOK_DEPTH_MAX = 50
TRADES_LIMIT = 50
CANDLES_LIMIT = 300
BASE_INTERVAL_MS = INTERVALS["5s"]


def book_from_database(listing: Listing, depth: int = BOOK_DEPTH) -> dict[str, Any]:
    """Return the book as the ledger's open orders say: levels `[price, quantity, orders]`, best first."""
    levels: dict[str, list[list[int]]] = {}
    for side, ordering in (("buy", "-price"), ("sell", "price")):
        rows = (
            Order.objects.filter(listing=listing, status__in=Order.OPEN_STATUSES, side=side)
            .values("price")
            .annotate(open_quantity=Sum(F("quantity") - F("filled_quantity")), orders=Count("pk"))
            .order_by(ordering)[:depth]
        )
        levels[side] = [[row["price"], row["open_quantity"], row["orders"]] for row in rows]
    return {"bids": levels["buy"], "asks": levels["sell"], "last_price": listing.last_price}


def book_get(listing: Listing, depth: int = BOOK_DEPTH, *, is_current: bool = True) -> dict[str, Any]:
    """Return `{version, bids, asks, last_price}`, at most `depth` levels a side.

    The stream's snapshot is of the current market; a past one (`is_current=False`) is read from the ledger.
    """
    if is_current and depth <= BOOK_DEPTH:
        found = stream.snapshot(f"book:{listing.symbol}")
        data = msgspec.json.decode(found.data)
        if data:
            bids, asks = data["bids"][:depth], data["asks"][:depth]
            return {**data, "version": found.version, "bids": bids, "asks": asks}
    return {"version": 0, **book_from_database(listing, depth)}


def trade_as_dict(trade: Trade) -> dict[str, Any]:
    """Return a trade as the tape shows it to everyone."""
    return {
        "trade_id": trade.pk,
        "price": trade.price,
        "quantity": trade.quantity,
        "taker_side": trade.taker_side,
        "traded_at": trade.traded_at,
    }


def trades_list(listing: Listing, limit: int = TRADES_LIMIT) -> list[dict[str, Any]]:
    """Return the listing's last trades, newest first."""
    return [trade_as_dict(trade) for trade in Trade.objects.filter(listing=listing).order_by("-pk")[:limit]]


def candle_as_dict(candle: CoreCandle) -> dict[str, int]:
    """Return a candle as the API and the topic show it."""
    return {
        "start": candle.start,
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
        "volume": candle.volume,
    }


def candles_list(listing: Listing, interval: str = "5s", limit: int = CANDLES_LIMIT) -> list[dict[str, int]]:
    """Return the listing's last candles of the interval (`5s`, `15s`, `1m`), oldest first."""
    interval_ms = INTERVALS[interval]
    newest = Candle.objects.filter(listing=listing).order_by("-start")
    rows = newest.values_list("start", "open", "high", "low", "close", "volume")
    stored = [CoreCandle(*row) for row in reversed(rows[: limit * (interval_ms // BASE_INTERVAL_MS)])]
    return [candle_as_dict(candle) for candle in fold(stored, interval_ms)[-limit:]]
