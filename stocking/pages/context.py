"""What every page knows: who looks, which game runs, and what time it is on the server."""

from typing import Any

from django.http import HttpRequest

from games.selectors import game_state
from ranking.core.placement import is_provisional
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


def every_page(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `player`, `game` (as `GET /api/game`), `server_time_ms`. The admin needs none."""
    if request.path.startswith("/admin/"):
        return {}
    return {"player": player_of(request), "game": game_state(), "server_time_ms": now_ms()}
