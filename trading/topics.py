"""The topics of the exchange."""

from typing import Any

from stocking.base import stream


def _listing(topic: str) -> Any:
    from stocking.base.errors import ApplicationError
    from trading.selectors import markets

    try:
        return markets.listing_get(topic.split(":")[1])
    except ApplicationError:
        return None


def _book(topic: str) -> Any:
    from trading.selectors import prices

    listing = _listing(topic)
    if listing is None:
        return {"bids": [], "asks": [], "last_price": None}
    return prices.book_from_database(listing)


def _trades(topic: str) -> Any:
    from trading.selectors import prices

    listing = _listing(topic)
    return [] if listing is None else list(reversed(prices.trades_list(listing)))


def _candles(topic: str) -> Any:
    from trading.core.candles import INTERVALS
    from trading.selectors import prices

    listing, interval = _listing(topic), topic.split(":")[2]
    if listing is None or interval not in INTERVALS:
        return {}
    return {str(candle["start"]): candle for candle in prices.candles_list(listing, interval)}


def _market(_: str) -> Any:
    from trading.selectors import markets

    return {row["symbol"]: row for row in markets.market_rows()}


def register() -> None:
    """Make the exchange's topics known to the stream."""
    stream.register_topic("market", kind="upsert", snapshot=_market)
    stream.register_topic("book", kind="replace", parameters=1, snapshot=_book)
    stream.register_topic(
        "trades", kind="append", parameters=1, limit=50, batched=True, newest_first=True, snapshot=_trades
    )
    stream.register_topic("candles", kind="upsert", parameters=2, limit=300, snapshot=_candles)
    stream.register_topic("me", kind="append", limit=50, private=True, ttl_seconds=3600)
