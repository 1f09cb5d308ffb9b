"""The pages one trades on: the market, a stock, and my orders."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from chat.selectors import panel_context
from games.selectors import news_today
from ranking.selectors import leaderboard_game, leaderboard_last
from stocking.pages.presentation import news_item, with_names, with_words
from stocking.pages.requests import page_view, user_of
from trading import selectors as trading
from trading.forms import client_order_id_new
from trading.models import Market

STOCK_ORDERS_MAX = 100
STOCK_FILLS_MAX = 100
MARKET_LEADERS = 10
PODIUM_PLACES = 3
MARKET_NEWS = 20
ORDERS_PAGE = 30
SEARCH_CHARACTERS_MAX = 40
ORDER_TABS = ("open", "filled", "closed")


def _account(request: HttpRequest, market: Market | None) -> dict[str, Any] | None:
    user = user_of(request)
    return trading.account_get(user, market) if user else None


@require_safe
@ensure_csrf_cookie
@page_view
def market(request: HttpRequest) -> HttpResponse:
    """`/`: all stocks, my assets, who leads, news and chat; before trading the companies and the last podium."""
    current = trading.current_market()
    listings = trading.listings_of(current)
    user = user_of(request)
    context = {
        "listings": [trading.listing_row(row) for row in listings],
        "companies": [trading.company_get(row) for row in listings],
        "last_game": leaderboard_last(limit=PODIUM_PLACES),
        "account": _account(request, current),
        "leaderboard": leaderboard_game(user, MARKET_LEADERS),
        "news": [news_item(news) for news in news_today(limit=MARKET_NEWS)],
        **panel_context(user),
    }
    return render(request, "pages/market.html", context)


@require_safe
@ensure_csrf_cookie
@page_view
def stock(request: HttpRequest, symbol: str) -> HttpResponse:
    """`/stocks/{symbol}/`: the trading screen."""
    current = trading.current_market()
    listings = trading.listings_of(current)
    listing = trading.listing_among(listings, symbol)
    user = user_of(request)
    orders: list[dict[str, Any]] = []
    fills: list[dict[str, Any]] = []
    if user:
        orders, _more = trading.orders_list(
            user_id=user.pk, market=current, symbol=symbol, status="open", limit=STOCK_ORDERS_MAX
        )
        fills, _more = trading.fills_list(
            user_id=user.pk, market=current, symbol=symbol, limit=STOCK_FILLS_MAX
        )
    context = {
        "listing": trading.listing_row(listing),
        "listings": [trading.listing_row(row) for row in listings],
        "company": trading.company_get(listing),
        "news": [news_item(news) for news in news_today(symbol)],
        "book": trading.book_get(listing),
        "trades": trading.trades_list(listing),
        "candles": trading.candles_list(listing, "5s"),
        "account": _account(request, current),
        "orders": orders,
        "fills": fills,
        **panel_context(user),
        "form": {"client_order_id": client_order_id_new(), "symbol": symbol},
    }
    return render(request, "pages/stock.html", context)


def _order_filters(request: HttpRequest, symbols: set[str]) -> dict[str, str]:
    """Return the filters of the orders page; what is not among the choices is left out."""
    query = request.GET
    symbol, side, sort = query.get("symbol", ""), query.get("side", ""), query.get("sort", "")
    return {
        "search": query.get("q", "").strip()[:SEARCH_CHARACTERS_MAX],
        "symbol": symbol if symbol in symbols else "",
        "side": side if side in trading.SIDES else "",
        "sort": sort if sort in trading.ORDER_SORTS else "newest",
    }


def _orders_url(tab: str, filters: dict[str, str], cursor: str = "") -> str:
    """Return the address of the orders page with these filters, leaving out what is the default."""
    sort = "" if filters["sort"] == "newest" else filters["sort"]
    parameters = {"tab": tab, "q": filters["search"], "symbol": filters["symbol"], "side": filters["side"]}
    parameters |= {"sort": sort, "cursor": cursor}
    return f"{reverse('orders')}?{urlencode({name: value for name, value in parameters.items() if value})}"


@never_cache
@require_safe
@login_required
@ensure_csrf_cookie
@page_view
def orders(request: HttpRequest) -> HttpResponse:
    """`/orders/`: what I ordered in this game, by tab: open orders, fills, orders that ended."""
    user = user_of(request)
    assert user is not None
    current = trading.current_market()
    listings = trading.listings_of(current)
    names = {listing.symbol: listing.company.name for listing in listings}
    tab = request.GET.get("tab", "")
    tab = tab if tab in ORDER_TABS else "open"
    filters = _order_filters(request, set(names))
    cursor = request.GET.get("cursor", "")
    asked: dict[str, Any] = {
        "user_id": user.pk,
        "market": current,
        "symbol": filters["symbol"] or None,
        "side": filters["side"] or None,
        "sort": filters["sort"],
        "search": filters["search"] or None,
        "limit": ORDERS_PAGE,
        "cursor": cursor or None,
    }
    if tab == "filled":
        rows, following = trading.fills_list(**asked)
    else:
        rows, following = trading.orders_list(**asked, status=tab)
        rows = with_words(rows)
    labels = {"open": _("미체결"), "filled": _("체결"), "closed": _("끝난 주문")}
    counts = {"open": trading.open_orders_count(user_id=user.pk, market=current)}
    context = {
        "tab": tab,
        "tabs": [
            {
                "value": value,
                "label": labels[value],
                "url": _orders_url(value, filters),
                "count": counts.get(value),
            }
            for value in ORDER_TABS
        ],
        "rows": with_names(rows, names),
        "filters": filters,
        "is_filtered": bool(filters["search"] or filters["symbol"] or filters["side"]),
        "listings": [{"symbol": symbol, "name": name} for symbol, name in names.items()],
        "here": request.get_full_path(),
        "is_first": not cursor,
        "first_url": _orders_url(tab, filters),
        "next_url": _orders_url(tab, filters, following) if following else "",
        **panel_context(user),
    }
    return render(request, "pages/orders.html", context)
