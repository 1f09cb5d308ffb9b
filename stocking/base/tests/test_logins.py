"""Sockets whose login has ended are found by the check, whatever the bus says."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from stocking.base import logins
from stocking.base.logins import Login, Speakers

ENDED = Login(1, "a" * 32, "stamp", "proof")
BUSY = Login(2, "b" * 32, "stamp", "proof")
SEEN_SECONDS = 5.0


class Socket:
    """A socket that notes with which code it was closed."""

    def __init__(self, login: Login) -> None:
        self.login: Login | None = login
        self.closed = asyncio.Event()

    async def end_login(self, code: int) -> None:
        self.closed.set()


async def test_words_about_one_user_do_not_keep_the_check_from_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Somebody who logs in and out without a pause must not keep sockets open whose word the bus has lost."""
    speakers = Speakers()

    def check(asked: Sequence[Login]) -> dict[Login, int]:
        speakers._take(b"2")  # the next word is there before this look is over
        time.sleep(0.001)
        return {login: 4401 for login in asked if login == ENDED}

    monkeypatch.setattr(logins, "_checks", [check])
    monkeypatch.setattr(logins, "CHECK_SECONDS", 0.05)
    ended, busy = Socket(ENDED), Socket(BUSY)
    for socket in (ended, busy):
        speakers.join(socket)
    speakers._take(b"2")
    try:
        await asyncio.wait_for(ended.closed.wait(), SEEN_SECONDS)
    finally:
        for socket in (ended, busy):
            speakers.leave(socket)
    assert not busy.closed.is_set()
