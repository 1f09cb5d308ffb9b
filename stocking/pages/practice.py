"""The page of practice: what to play, the board of the day, and the screen of a private game."""

from datetime import date, timedelta
from typing import Any, get_args

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from games.catalogue import COMPANIES
from games.practice import daily
from games.practice.asks import SEED_MAX, Speeds
from stocking.base.units import now_ms
from stocking.pages.requests import page_view, user_of

SEED_DIGITS = len(str(SEED_MAX))


def _day_asked(request: HttpRequest, today: date) -> date:
    """Return the day whose board is asked for; what is none, or still to come, is today."""
    try:
        day = date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return today
    return min(day, today)


def _seed_asked(request: HttpRequest) -> int | None:
    text = request.GET.get("seed", "")
    is_number = text.isascii() and text.isdigit() and len(text) <= SEED_DIGITS
    return int(text) or None if is_number else None


@require_safe
@ensure_csrf_cookie
@page_view
def practice(request: HttpRequest) -> HttpResponse:
    """`/practice/`: `day=` shows the board of another day, `seed=` proposes a game."""
    user = user_of(request)
    today = daily.day_of(now_ms())
    day = _day_asked(request, today)
    board = daily.board_get(today, user)
    first = COMPANIES[0]
    context: dict[str, Any] = {
        "day": today,
        "board": board,
        "day_shown": day,
        "board_shown": board if day == today else daily.board_get(day, user),
        "days": {
            "before": day - timedelta(days=1) if day > date.min else None,
            "after": day + timedelta(days=1) if day < today else None,
        },
        "seed": _seed_asked(request),
        "speeds": get_args(Speeds),
        "listing": {"symbol": first.symbol, "base_price": first.base_price, "last_price": first.base_price},
        "form": {"client_order_id": "", "symbol": first.symbol},
        "practice_account": {
            "available_cash": settings.INITIAL_CASH_WON,
            "equity": settings.INITIAL_CASH_WON,
            "return_bps": 0,
        },
    }
    return render(request, "pages/practice.html", context)
