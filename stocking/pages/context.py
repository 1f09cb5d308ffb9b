"""What every page knows: who looks, which game runs, and what time it is on the server."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.sessions import ended_elsewhere
from games.selectors import game_state
from ranking.core.placement import is_provisional
from stocking.base.errors import message_of
from stocking.base.units import now_ms


def player_of(request: HttpRequest) -> dict[str, Any] | None:
    """Return what pages show of the one who is logged in, None for a visitor."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    return {
        "nickname": user.nickname,
        "tier": user.tier,
        "mmr": user.mmr,
        "is_provisional": is_provisional(user.games_played),
        "is_guest": user.is_guest,
        "is_staff": user.is_staff,
    }


def goodbye_of(request: HttpRequest) -> str:
    """Return why a browser that comes back, as after a night's sleep, is logged out; once, as its cookie goes now."""
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    session = getattr(request, "session", None)
    if not key or session is None or session.session_key == key or not ended_elsewhere(key):
        return ""
    return message_of("logged_in_elsewhere")


def every_page(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `player`, `goodbye`, `game` (as `GET /api/game`), `server_time_ms`. The admin needs none."""
    if request.path.startswith("/admin/"):
        return {}
    player = player_of(request)
    goodbye = "" if player else goodbye_of(request)
    return {"player": player, "goodbye": goodbye, "game": game_state(), "server_time_ms": now_ms()}
