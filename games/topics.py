"""The topic `game`: the current game, the same object as `GET /api/game`."""

from typing import Any

from games.selectors import game_state
from stocking.base.stream import register_topic


def _snapshot(_topic: str) -> dict[str, Any]:
    return game_state()


# The kept copy lasts a second, so that who subscribes later is given the server's time of now, not of the
# phase's start.
register_topic("game", kind="replace", ttl_seconds=1, snapshot=_snapshot)
