"""The read API of the games."""

from typing import Any

from django.http import HttpRequest

from games.selectors import game_state
from stocking.base.api import api_view


@api_view("GET")
def api_game(request: HttpRequest) -> dict[str, Any]:
    """`GET /api/game`: number, phase, the server's time, when the phase ends and when the next game comes."""
    return game_state()
