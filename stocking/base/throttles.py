"""How often something may be done: allowances by account and by address, counted for all processes on the bus.

An allowance holds `amount` and fills up evenly over `seconds` (the generic cell rate algorithm): after a burst one
more is let through every `seconds / amount`, so nobody is ever shut out for longer than that, whatever others do in
their name. One that is full takes no memory. While the bus is away each process counts for itself.
"""

import logging
import math
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import redis

from stocking.base import stream
from stocking.base.errors import ApplicationError

logger = logging.getLogger(__name__)

KEYS_REMEMBERED_MAX = 20_000
_TAKE = (stream.SCRIPTS / "throttle_take.lua").read_text()
_GIVE_BACK = (stream.SCRIPTS / "throttle_give_back.lua").read_text()


@dataclass(frozen=True, slots=True)
class Limit:
    """So many at once, and as many again evenly over the seconds."""

    amount: int
    seconds: float

    @property
    def interval_ms(self) -> float:
        """In how many milliseconds one more is allowed."""
        return self.seconds * 1_000 / self.amount


@dataclass(frozen=True, slots=True)
class Allowance:
    """A limit for one key: what is done, and the account or address group it is counted for."""

    key: str
    limit: Limit


class LocalThrottle:
    """Allowances in the memory of one process; the longest unused are forgotten above `keys_max`."""

    def __init__(self, keys_max: int = KEYS_REMEMBERED_MAX) -> None:
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._keys_max = keys_max

    def take(self, allowances: Sequence[Allowance], now_ms: float | None = None) -> int:
        """Take one from each or from none; return how many milliseconds too early it is, 0 when it was taken."""
        now = time.monotonic() * 1_000 if now_ms is None else now_ms
        wait = 0.0
        for allowance in allowances:
            at = max(self._full_at.get(allowance.key, 0.0), now)
            wait = max(wait, at - (allowance.limit.amount - 1) * allowance.limit.interval_ms - now)
        if wait > 0:
            return math.ceil(wait)
        for allowance in allowances:
            at = max(self._full_at.get(allowance.key, 0.0), now)
            self._full_at[allowance.key] = at + allowance.limit.interval_ms
            self._full_at.move_to_end(allowance.key)
        while len(self._full_at) > self._keys_max:
            self._full_at.popitem(last=False)
        return 0

    def give_back(self, allowances: Sequence[Allowance]) -> None:
        """Give one back to each."""
        for allowance in allowances:
            if allowance.key in self._full_at:
                self._full_at[allowance.key] -= allowance.limit.interval_ms


_local = LocalThrottle()


@cache
def _script(text: str) -> Any:
    return stream.bus().register_script(text)


def _key(allowance: Allowance) -> str:
    return f"throttle:{allowance.key}"


def throttle_take(*allowances: Allowance) -> None:
    """Take one from each of the allowances, or raise `rate_limited` (with `retry_after_ms`) and take none."""
    arguments = [value for a in allowances for value in (a.limit.interval_ms, a.limit.amount)]
    try:
        wait_ms = int(_script(_TAKE)(keys=[_key(a) for a in allowances], args=arguments))
    except redis.RedisError:
        logger.warning("The bus is away: this process limits by itself.", exc_info=True)
        wait_ms = _local.take(allowances)
    if wait_ms:
        raise ApplicationError("rate_limited", retry_after_ms=wait_ms)


def throttle_give_back(*allowances: Allowance) -> None:
    """Undo a `throttle_take` for what turned out not to count (a login that succeeded). Lost with the bus."""
    try:
        intervals = [a.limit.interval_ms for a in allowances]
        _script(_GIVE_BACK)(keys=[_key(a) for a in allowances], args=intervals)
    except redis.RedisError:
        _local.give_back(allowances)
