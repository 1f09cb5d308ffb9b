"""An account's orders and fills, page by page."""

from typing import Any

from django.db.models import Q

from stocking.base.errors import ApplicationError
from trading.models import Listing, Market, Order, Trade
from trading.selectors.cursors import page_of
from trading.selectors.markets import companies_search

ORDER_STATUSES = ("open", "closed", "all")
ORDER_SORTS = ("newest", "oldest")
SIDES = ("buy", "sell")
PUBLIC_ID_PARTS = 3


def order_as_dict(order: Order, symbol: str) -> dict[str, Any]:
    """Return an order as `GET /api/orders` and the topic `me` show it.

    `price` of a market order is its protection price; the average is rounded down, null without a fill.
    """
    average = order.filled_value // order.filled_quantity if order.filled_quantity else None
    return {
        "order_id": order.public_id,
        "client_order_id": order.client_order_id,
        "symbol": symbol,
        "side": order.side,
        "type": order.type,
        "price": order.price,
        "quantity": order.quantity,
        "filled_quantity": order.filled_quantity,
        "average_fill_price": average,
        "status": order.status,
        "reason": order.reason or None,
        "created_at": order.created_at,
    }


def fill_as_dict(trade: Trade, user_id: int, symbol: str) -> dict[str, Any]:
    """Return one side of a trade as `GET /api/fills` shows it; reads `maker_order` and `taker_order`."""
    is_taker = trade.taker_id == user_id
    order = trade.taker_order if is_taker else trade.maker_order
    maker_side = "sell" if trade.taker_side == "buy" else "buy"
    return {
        "trade_id": trade.pk,
        "order_id": order.public_id,
        "symbol": symbol,
        "side": trade.taker_side if is_taker else maker_side,
        "price": trade.price,
        "quantity": trade.quantity,
        "role": "taker" if is_taker else "maker",
        "traded_at": trade.traded_at,
    }


def _symbols(market: Market | None, symbol: str | None, search: str | None) -> dict[int, str]:
    """Return {listing key: symbol} of what the filters leave; `unknown_symbol` for one the market lacks."""
    rows = Listing.objects.filter(market=market) if market is not None else Listing.objects.none()
    if search:
        rows = rows.filter(company_id__in=companies_search(search))
    if not symbol:
        return dict(rows.values_list("pk", "symbol"))
    found = dict(rows.filter(symbol=symbol).values_list("pk", "symbol"))
    if not found and not search:
        raise ApplicationError("unknown_symbol")
    return found


def orders_list(
    *,
    user_id: int,
    market: Market | None,
    status: str = "all",
    symbol: str | None = None,
    side: str | None = None,
    sort: str = "newest",
    limit: int = 50,
    cursor: str | None = None,
    search: str | None = None,
) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of the account's orders in the market, and the next page's cursor (None at the end)."""
    symbols = _symbols(market, symbol, search)
    rows = Order.objects.filter(user_id=user_id, listing_id__in=symbols)
    if status == "open":
        rows = rows.filter(status__in=Order.OPEN_STATUSES)
    elif status == "closed":
        rows = rows.exclude(status__in=Order.OPEN_STATUSES)
    if side:
        rows = rows.filter(side=side)
    orders, following = page_of(rows, time_field="created_at", sort=sort, limit=limit, cursor=cursor)
    return [order_as_dict(order, symbols[order.listing_id]) for order in orders], following


def fills_list(
    *,
    user_id: int,
    market: Market | None,
    symbol: str | None = None,
    side: str | None = None,
    sort: str = "newest",
    limit: int = 50,
    cursor: str | None = None,
    search: str | None = None,
) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of the account's fills in the market, and the next page's cursor (None at the end)."""
    symbols = _symbols(market, symbol, search)
    as_taker, as_maker = Q(taker_id=user_id), Q(maker_id=user_id)
    if side:
        as_taker &= Q(taker_side=side)
        as_maker &= ~Q(taker_side=side)
    rows = Trade.objects.filter(as_taker | as_maker, listing_id__in=symbols)
    rows = rows.select_related("maker_order", "taker_order")
    trades, following = page_of(rows, time_field="traded_at", sort=sort, limit=limit, cursor=cursor)
    return [fill_as_dict(trade, user_id, symbols[trade.listing_id]) for trade in trades], following


def order_get(*, user_id: int, order_id: str) -> dict[str, Any]:
    """Return one order of the account by its public id; another's, or none, is `order_not_found`."""
    parts = order_id.split("-")
    if len(parts) == PUBLIC_ID_PARTS and all(part.isascii() and part.isdigit() for part in parts):
        listing_id, epoch, sequence = (int(part) for part in parts)
        if listing_id < 1 << 31 and sequence < 1 << 32 and epoch < 1 << 31:
            key = listing_id << 32 | sequence
            order = (
                Order.objects.select_related("listing").filter(pk=key, user_id=user_id, epoch=epoch).first()
            )
            if order is not None:
                return order_as_dict(order, order.listing.symbol)
    raise ApplicationError("order_not_found")


def open_orders_count(*, user_id: int, market: Market | None) -> int:
    """Return how many orders of the account rest in the market's books."""
    if market is None:
        return 0
    return Order.objects.filter(
        user_id=user_id, listing__market=market, status__in=Order.OPEN_STATUSES
    ).count()
