"""The process that hosts practice: asks come over the bus, frames go out over it, one host at a time.

When it dies, its games are gone, nothing else is.
"""

import logging
import secrets
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import msgspec
import redis
from django.conf import settings
from django.db import close_old_connections, connection

from games.practice import asks
from games.practice.host import Host
from stocking.base import stream

logger = logging.getLogger(__name__)

PLACE_KEY = "practice:host"
PLACE_MS = 5_000
RENEW_MS = 1_000
RETRY_SECONDS = 0.5
ASKS_A_TURN = 200


class _Clerk(ThreadPoolExecutor):
    """One thread that writes to the ledger, with a connection that is looked at before each use."""

    def __init__(self) -> None:
        super().__init__(max_workers=1, thread_name_prefix="clerk")

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Any:
        """Do it in the thread, when what was asked before is done."""

        def work() -> Any:
            close_old_connections()
            return function(*arguments, **named)

        return super().submit(work)

    def close(self) -> None:
        """Finish what was begun, and let the connection go."""
        super().submit(connection.close)
        self.shutdown()


class Place:
    """The one place of a host; whoever does not renew it loses it after some seconds."""

    def __init__(self, bus: redis.Redis) -> None:
        self._bus, self._token = bus, secrets.token_hex(8)

    def take(self) -> bool:
        """Take or keep the place; False while another host has it."""
        if self._bus.set(PLACE_KEY, self._token, nx=True, px=PLACE_MS):
            return True
        if self._bus.get(PLACE_KEY) != self._token.encode():
            return False
        self._bus.pexpire(PLACE_KEY, PLACE_MS)
        return True

    def leave(self) -> None:
        """Let the next host in at once."""
        if self._bus.get(PLACE_KEY) == self._token.encode():
            self._bus.delete(PLACE_KEY)


def _tell(user_id: int, frame: dict[str, Any]) -> None:
    """Publish a frame; what is lost the page asks for again."""
    try:
        stream.publish(f"practice:{user_id}", frame)
    except redis.RedisError as error:
        logger.warning("A frame was not told: %s", error)


def _watched(user_ids: Iterable[int]) -> dict[int, int]:
    """Return how many processes follow each player's topic; nothing while the bus is away."""
    topics = {f"practice:{user_id}": user_id for user_id in user_ids}
    try:
        return {topics[topic]: count for topic, count in stream.subscriber_counts(topics).items()}
    except redis.RedisError:
        return {}


def clock_ms() -> float:
    """Return milliseconds that never go back."""
    return time.monotonic() * 1_000


def run(stop: threading.Event) -> None:
    """Host practice until told to stop, or until another host has taken the place."""
    clerk = _Clerk()
    host = Host(tell=_tell, watched=_watched, clerk=clerk, load_max=settings.PRACTICE_LOAD_MAX)
    place = Place(stream.bus())
    try:
        while not stop.is_set():
            try:
                if place.take():
                    _serve(host, place, stop)
                else:
                    stop.wait(RENEW_MS / 1_000)
            except redis.RedisError as error:
                logger.warning("The bus is away: %s", error)
                host.turn(clock_ms())
                stop.wait(RETRY_SECONDS)
    finally:
        host.close()
        clerk.close()
        with suppress(redis.RedisError):
            place.leave()


def _serve(host: Host, place: Place, stop: threading.Event) -> None:
    """Listen and play; `redis.RedisError` when the bus goes away."""
    with stream.bus().pubsub(ignore_subscribe_messages=True) as listening:
        listening.subscribe(asks.CHANNEL)
        logger.info("Practice is open.")
        renew_at = clock_ms() + RENEW_MS
        while not stop.is_set():
            waits_ms = host.turn(clock_ms())
            message = listening.get_message(timeout=waits_ms / 1_000)
            for _ in range(ASKS_A_TURN):
                if message is None:
                    break
                _take(host, message["data"])
                message = listening.get_message(timeout=0)
            if clock_ms() >= renew_at:
                renew_at = clock_ms() + RENEW_MS
                if not place.take():
                    logger.error("Another process hosts practice.")
                    host.close()
                    return


def _take(host: Host, data: bytes) -> None:
    try:
        envelope = asks.opened(data)
    except msgspec.MsgspecError:
        logger.warning("What came over the bus is no ask.")
        return
    host.take(envelope.user_id, envelope.ask, clock_ms())
