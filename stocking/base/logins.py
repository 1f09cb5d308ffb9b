"""For whom the sockets of this process speak, and what ends that: a check each second, and a word over the bus.

What is told carries only the user whose logins are to be looked at; what has become of them the database says. So a
message that is lost, late or told twice does no harm: the check finds the same a second later.
"""

import asyncio
import contextlib
import logging
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from channels.db import database_sync_to_async
from redis.exceptions import RedisError

from stocking.base import stream
from stocking.base.fanout import fanout

logger = logging.getLogger(__name__)

CHANNEL = "logins"  # of the bus
CHECK_SECONDS = 1.0
CHECKED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Login:
    """A login that was valid when the socket opened: whose it is, and what of the user it rests on."""

    user_id: int
    session_key: str
    stamp: str
    proof: str


class Speaker(Protocol):
    """A socket that speaks for a user."""

    login: Login | None

    async def end_login(self, code: int) -> None:
        """Say that the login has ended and close with this code; asked twice, it does so once."""


Check = Callable[[Sequence[Login]], dict[Login, int]]
_checks: list[Check] = []


def register_login_check(check: Check) -> None:
    """Have `check(logins)` say which logins have ended, and with which close code; it may ask the database."""
    _checks[:] = [check]


def tell_changed(user_id: int) -> None:
    """Have every process look at the logins of a user now; what is lost is found by the check."""
    try:
        stream.bus().publish(CHANNEL, user_id)
    except RedisError as error:
        logger.warning("The bus is away, sockets learn of it by the check: %s", error)


def _ended(logins: Sequence[Login]) -> dict[Login, int]:
    ended: dict[Login, int] = {}
    for check in _checks:
        for first in range(0, len(logins), CHECKED_AT_ONCE):
            ended |= check(logins[first : first + CHECKED_AT_ONCE])
    return ended


class Speakers:
    """The sockets of one event loop that speak for a user."""

    def __init__(self) -> None:
        self._of_user: dict[int, set[Speaker]] = {}
        self._hinted: set[int] = set()
        self._hint = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._endings: set[asyncio.Task[None]] = set()
        # A thread of its own: whatever else waits for the database must not hold up the end of a login.
        self._thread = ThreadPoolExecutor(1, "logins")

    def join(self, speaker: Speaker) -> None:
        """Watch over a socket's login from now on."""
        if speaker.login is not None:
            self._of_user.setdefault(speaker.login.user_id, set()).add(speaker)
            if self._task is None or self._task.done():
                fanout().listen(CHANNEL, self._take)
                self._task = asyncio.ensure_future(self._watch())

    def leave(self, speaker: Speaker) -> None:
        """Let a socket go."""
        if speaker.login is None:
            return
        mine = self._of_user.get(speaker.login.user_id)
        if mine is not None:
            mine.discard(speaker)
            if not mine:
                del self._of_user[speaker.login.user_id]

    def count(self, user_id: int) -> int:
        """Return how many sockets speak for a user here."""
        return len(self._of_user.get(user_id, ()))

    def _take(self, data: bytes) -> None:
        """Take what came over the bus; what is no user of ours is passed over."""
        if data.isdigit() and int(data) in self._of_user:
            self._hinted.add(int(data))
            self._hint.set()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + CHECK_SECONDS
        while self._of_user:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._hint.wait()
            users, self._hinted = self._hinted, set()
            if loop.time() >= due:  # also where one hint follows another without a pause
                users, due = set(self._of_user), loop.time() + CHECK_SECONDS
            self._hint.clear()
            try:
                await self._look_at([s for user in users for s in self._of_user.get(user, ())])
            except Exception:
                logger.exception("Logins could not be looked at; they are again in a second.")
                self._hinted.clear()
                await asyncio.sleep(max(0.0, due - loop.time()))

    async def _look_at(self, speakers: list[Speaker]) -> None:
        """Close the sockets whose login has ended."""
        logins = [speaker.login for speaker in speakers if speaker.login is not None]
        if not logins:
            return
        look = database_sync_to_async(_ended, thread_sensitive=False, executor=self._thread)
        ended = await look(list(dict.fromkeys(logins)))
        for speaker in speakers:
            if speaker.login is not None and speaker.login in ended:
                ending = asyncio.ensure_future(speaker.end_login(ended[speaker.login]))
                self._endings.add(ending)
                ending.add_done_callback(self._ended)

    def _ended(self, ending: "asyncio.Task[None]") -> None:
        self._endings.discard(ending)
        if not ending.cancelled() and ending.exception() is not None:
            logger.debug("A socket was gone before it was told.", exc_info=ending.exception())


_speakers: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Any]" = weakref.WeakKeyDictionary()


def speakers() -> Speakers:
    """Return the running event loop's sockets that speak for a user."""
    loop = asyncio.get_running_loop()
    found: Speakers | None = _speakers.get(loop)
    if found is None:
        found = _speakers[loop] = Speakers()
    return found
