"""The read API, and the order form that works without JavaScript. `trading.entry` serves the orders API."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import User
from stocking.base.api import api_view, parameter_choice, parameter_integer
from stocking.base.errors import ApplicationError
from trading import selectors, services
from trading.forms import AmendForm, OrderForm, first_error
from trading.models import Listing, Market

LIST_LIMIT = 50
LIST_LIMIT_MAX = 500
GAME_NUMBER_MAX = 2**31 - 1


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _market(query: QueryDict) -> Market | None:
    """Return the market of `game=`, the current one without it."""
    if "game" not in query:
        return selectors.current_market()
    return selectors.market_get(parameter_integer(query, "game", default=0, maximum=GAME_NUMBER_MAX))


def _listing(query: QueryDict, symbol: str) -> tuple[Listing, bool]:
    """Return the symbol's listing in the market asked for, and whether that is the current one."""
    current = selectors.current_market()
    market = _market(query) if "game" in query else current
    return selectors.listing_get(symbol, market), market == current


def _list_filters(query: QueryDict) -> dict[str, Any]:
    return {
        "market": _market(query),
        "symbol": query.get("symbol") or None,
        "side": parameter_choice(query, "side", selectors.SIDES, default="") or None,
        "sort": parameter_choice(query, "sort", selectors.ORDER_SORTS, default="newest"),
        "limit": parameter_integer(query, "limit", default=LIST_LIMIT, maximum=LIST_LIMIT_MAX),
        "cursor": query.get("cursor") or None,
    }


@api_view("GET", login=True)
def api_orders(request: HttpRequest) -> dict[str, Any]:
    """`GET /api/orders`: my orders. The other methods are order entry's, in front of this."""
    status = parameter_choice(request.GET, "status", selectors.ORDER_STATUSES, default="all")
    filters = _list_filters(request.GET)
    orders, following = selectors.orders_list(user_id=_user(request).pk, status=status, **filters)
    return {"orders": orders, "next_cursor": following}


@api_view("GET", login=True)
def api_order(request: HttpRequest, order_id: str) -> dict[str, Any]:
    """`GET /api/orders/{order_id}`: one of my orders."""
    return selectors.order_get(user_id=_user(request).pk, order_id=order_id)


@api_view("GET", login=True)
def api_fills(request: HttpRequest) -> dict[str, Any]:
    """`GET /api/fills`: my side of each trade."""
    fills, following = selectors.fills_list(user_id=_user(request).pk, **_list_filters(request.GET))
    return {"fills": fills, "next_cursor": following}


@api_view("GET", login=True)
def api_account(request: HttpRequest) -> dict[str, Any]:
    """`GET /api/account`: my cash, shares and return."""
    return selectors.account_get(_user(request), _market(request.GET))


@api_view("GET")
def api_market(request: HttpRequest) -> dict[str, Any]:
    """`GET /api/market`: every listing."""
    return {"listings": selectors.market_rows(_market(request.GET))}


@api_view("GET")
def api_book(request: HttpRequest, symbol: str) -> dict[str, Any]:
    """`GET /api/market/{symbol}/book`: depth, best level first."""
    depth = parameter_integer(
        request.GET, "depth", default=selectors.BOOK_DEPTH, maximum=selectors.BOOK_DEPTH_MAX
    )
    listing, is_current = _listing(request.GET, symbol)
    return selectors.book_get(listing, depth, is_current=is_current)


@api_view("GET")
def api_trades(request: HttpRequest, symbol: str) -> dict[str, Any]:
    """`GET /api/market/{symbol}/trades`: the tape, newest first."""
    limit = parameter_integer(request.GET, "limit", default=LIST_LIMIT, maximum=LIST_LIMIT_MAX)
    listing, _is_current = _listing(request.GET, symbol)
    return {"trades": selectors.trades_list(listing, limit)}


@api_view("GET")
def api_candles(request: HttpRequest, symbol: str) -> dict[str, Any]:
    """`GET /api/market/{symbol}/candles`: oldest first."""
    interval = parameter_choice(request.GET, "interval", selectors.INTERVALS, default="5s")
    limit = parameter_integer(request.GET, "limit", default=selectors.CANDLES_LIMIT, maximum=LIST_LIMIT_MAX)
    listing, _is_current = _listing(request.GET, symbol)
    return {"candles": selectors.candles_list(listing, interval, limit)}


# The order form without JavaScript -------------------------------------------------------------------


def _next_url(request: HttpRequest, fallback: str) -> str:
    url = request.POST.get("next", "")
    allowed = {request.get_host()}
    if url and url_has_allowed_host_and_scheme(url, allowed, require_https=request.is_secure()):
        return url
    return fallback


def _login_redirect(next_url: str) -> HttpResponseRedirect:
    return redirect(f"{resolve_url('account_login')}?{urlencode({'next': next_url})}")


def _done(request: HttpRequest, fallback: str, text: str = "", refusal: str = "") -> HttpResponse:
    """Say what happened and go back to the page the form was on."""
    if refusal:
        messages.error(request, refusal)
    else:
        messages.success(request, text)
    return redirect(_next_url(request, fallback))


@require_POST
def order_submit(request: HttpRequest) -> HttpResponse:
    """Place the order of the form; the same form sent twice places it once."""
    form = OrderForm(request.POST)
    is_valid = form.is_valid()
    symbol = form.cleaned_data.get("symbol")
    fallback = resolve_url("stock", symbol=symbol) if symbol else resolve_url("market")
    if not request.user.is_authenticated:
        return _login_redirect(_next_url(request, fallback))
    if not is_valid:
        return _done(request, fallback, refusal=first_error(form))
    try:
        accepted = services.order_submit(account=_user(request).pk, **form.cleaned_data)
    except ApplicationError as error:
        return _done(request, fallback, refusal=error.as_dict()["message"])
    if accepted.duplicate:
        return _done(request, fallback, _("이미 접수된 주문이에요. 한 번만 주문했어요."))
    return _done(request, fallback, _("주문을 접수했어요. 체결되면 바로 알려드릴게요."))


@require_POST
def order_amend(request: HttpRequest, order_id: str) -> HttpResponse:
    """Change price or quantity of one of my open orders."""
    fallback = resolve_url("orders")
    if not request.user.is_authenticated:
        return _login_redirect(_next_url(request, fallback))
    form = AmendForm(request.POST)
    if not form.is_valid():
        return _done(request, fallback, refusal=first_error(form))
    price, quantity = form.cleaned_data["price"], form.cleaned_data["quantity"]
    try:
        services.order_amend(account=_user(request).pk, order_id=order_id, price=price, quantity=quantity)
    except ApplicationError as error:
        return _done(request, fallback, refusal=error.as_dict()["message"])
    return _done(request, fallback, _("정정을 접수했어요."))


@require_POST
def order_cancel(request: HttpRequest, order_id: str) -> HttpResponse:
    """Cancel one of my open orders."""
    fallback = resolve_url("orders")
    if not request.user.is_authenticated:
        return _login_redirect(_next_url(request, fallback))
    try:
        services.order_cancel(account=_user(request).pk, order_id=order_id)
    except ApplicationError as error:
        return _done(request, fallback, refusal=error.as_dict()["message"])
    return _done(request, fallback, _("취소를 접수했어요."))


@require_POST
def orders_cancel_all(request: HttpRequest) -> HttpResponse:
    """Cancel all my open orders, of one stock where the form names it."""
    fallback = resolve_url("orders")
    if not request.user.is_authenticated:
        return _login_redirect(_next_url(request, fallback))
    try:
        services.orders_cancel_all(account=_user(request).pk, symbol=request.POST.get("symbol") or None)
    except ApplicationError as error:
        return _done(request, fallback, refusal=error.as_dict()["message"])
    return _done(request, fallback, _("미체결 주문을 모두 취소하고 있어요."))
