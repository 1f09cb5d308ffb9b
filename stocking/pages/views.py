"""The pages: each gathers what several applications know and renders one template."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from accounts.models import User
from chat.selectors import messages_latest
from stocking.base.errors import ApplicationError
from trading import selectors as trading
from trading.forms import client_order_id_new
from trading.models import Market

STOCK_ORDERS_MAX = 100
STOCK_FILLS_MAX = 100


def user_of(request: HttpRequest) -> User | None:
    """Return who is logged in."""
    return request.user if isinstance(request.user, User) else None


def _account(request: HttpRequest, market: Market | None) -> dict[str, Any] | None:
    user = user_of(request)
    return trading.account_get(user, market) if user else None


@require_safe
@ensure_csrf_cookie
def market(request: HttpRequest) -> HttpResponse:
    """`/`: all stocks, my assets, who leads, news and chat."""
    current = trading.current_market()
    context = {
        "listings": trading.market_rows(current),
        "account": _account(request, current),
        "leaderboard": {"rows": [], "me": None},
        "news": [],
        "chat": messages_latest(user=user_of(request)),
    }
    return render(request, "pages/market.html", context)


@require_safe
@ensure_csrf_cookie
def stock(request: HttpRequest, symbol: str) -> HttpResponse:
    """`/stocks/{symbol}/`: the trading screen."""
    current = trading.current_market()
    try:
        listing = trading.listing_get(symbol, current)
    except ApplicationError as error:
        raise Http404(symbol) from error
    user = user_of(request)
    orders: list[dict[str, Any]] = []
    fills: list[dict[str, Any]] = []
    if user:
        mine = {"user_id": user.pk, "market": current, "symbol": symbol}
        orders, _more = trading.orders_list(**mine, status="open", limit=STOCK_ORDERS_MAX)
        fills, _more = trading.fills_list(**mine, limit=STOCK_FILLS_MAX)
    context = {
        "listing": trading.listing_row(listing),
        "listings": trading.market_rows(current),
        "company": trading.company_get(listing),
        "news": [],
        "book": trading.book_get(listing),
        "trades": trading.trades_list(listing),
        "candles": trading.candles_list(listing, "5s"),
        "account": _account(request, current),
        "orders": orders,
        "fills": fills,
        "chat": messages_latest(user=user_of(request)),
        "form": {"client_order_id": client_order_id_new(), "symbol": symbol},
    }
    return render(request, "pages/stock.html", context)


@require_safe
@login_required
def orders(request: HttpRequest) -> HttpResponse:
    """`/orders/`: what I ordered and what was filled."""
    return render(request, "pages/orders.html", {})


@require_safe
def rankings(request: HttpRequest) -> HttpResponse:
    """`/rankings/`: this game and all time."""
    return render(request, "pages/rankings.html", {})


@require_safe
def game(request: HttpRequest, number: int) -> HttpResponse:
    """`/games/{number}/`: a game's results."""
    return render(request, "pages/game.html", {})


@require_safe
@login_required
def me(request: HttpRequest) -> HttpResponse:
    """`/me/`: my assets and my history."""
    return render(request, "pages/me.html", {})


@require_safe
def player(request: HttpRequest, nickname: str) -> HttpResponse:
    """`/players/{nickname}/`: what everyone may know of a player."""
    return render(request, "pages/player.html", {})
