"""The read API of the games."""

from typing import Any

from django.http import HttpRequest

from accounts.models import User
from games.practice import daily
from games.selectors import game_state
from stocking.base.api import api_view
from stocking.base.units import now_ms


@api_view("GET")
def api_game(request: HttpRequest) -> dict[str, Any]:
    """`GET /api/game`: number, phase, the server's time, when the phase ends and when the next game comes."""
    return game_state()


@api_view("GET")
def api_practice_daily(request: HttpRequest) -> dict[str, Any]:
    """`GET /api/practice/daily`: today's board of the seed of the day, and my own first attempt."""
    user = request.user if isinstance(request.user, User) else None
    return daily.board_get(daily.day_of(now_ms()), user)
