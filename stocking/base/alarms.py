"""What a person has to look at: logged as CRITICAL and counted, for all processes together, for `/metrics`."""

import logging

import redis
from django.core.cache import cache

logger = logging.getLogger(__name__)

KINDS = ("market_suspended", "listing_halted", "listing_stuck", "game_held")


def alarm(kind: str, text: str) -> None:
    """Raise an alarm of one of the `KINDS`; `text` says what is wrong and where to look."""
    if kind not in KINDS:
        raise ValueError(kind)
    logger.critical("%s: %s", kind, text)
    try:
        cache.add(_key(kind), 0, timeout=None)
        cache.incr(_key(kind))
    except (redis.RedisError, ValueError):
        logger.warning("The alarm could not be counted.", exc_info=True)


def alarm_counts() -> dict[str, int]:
    """Return how many alarms of each kind there were since the bus was last empty."""
    found = cache.get_many([_key(kind) for kind in KINDS])
    return {kind: int(found.get(_key(kind), 0)) for kind in KINDS}


def _key(kind: str) -> str:
    return f"alarms:{kind}"
