"""The topic `game`: the current game, the same object as `GET /api/game`. And `practice`: each player's own game,
with the operation by which they ask for one and trade in it.
"""

import logging
from typing import Any

import msgspec
from redis.exceptions import RedisError

from games.practice import asks
from games.selectors import game_state
from stocking.base.stream import async_bus, register_op, register_topic

logger = logging.getLogger(__name__)


def _snapshot(_topic: str) -> dict[str, Any]:
    return game_state()


# The kept copy lasts a second, so that who subscribes later is given the server's time of now, not of the
# phase's start.
register_topic("game", kind="replace", ttl_seconds=1, snapshot=_snapshot)


def _no_practice(_topic: str) -> dict[str, Any]:
    return {"phase": "none", "answers": []}


async def practice_operation(consumer: Any, message: dict[str, Any]) -> None:
    """Handle `{"op": "practice", "do": …, "ref": …}`: the answer comes on the topic, a refusal here as an `error`."""
    if consumer.user is None:
        await consumer.send_error("not_authenticated")
        return
    ref = message.get("ref")
    named = {"ref": ref} if isinstance(ref, str) and len(ref) <= asks.REF_CHARACTERS_MAX else {}
    try:
        ask = asks.parse(message)
    except msgspec.ValidationError:
        await consumer.send_error("invalid_request", **named)
        return
    try:
        hosts = await async_bus().publish(asks.CHANNEL, asks.sealed(consumer.user.pk, ask))
    except (RedisError, OSError) as error:
        logger.warning("The bus is away: %s", error)
        hosts = 0
    if not hosts:
        await consumer.send_error("practice_unavailable", **named)


# Frames are changes, so a kept one is of little use: whoever is given it asks for everything (`look`).
register_topic("practice", kind="replace", private=True, ttl_seconds=60, snapshot=_no_practice)
register_op("practice", practice_operation)
