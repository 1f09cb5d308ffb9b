"""Where a fault can be put in: each call of a store, each SQL statement, each commit, each command a book applies.

At most one fault is armed at a time. A kill stays in force until the step is over: a dead process does nothing
more, whatever its `finally` and `except` clauses ask for.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis
from django.db import OperationalError

from trading.core.book import Book


class Killed(BaseException):
    """What a dying process does to the code it was in."""


class Paused(BaseException):
    """Never raised: names the fault that lets others go on while one process stands still."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that happens at the n-th passage of a seam.

    Seams: `gate`, `bus`, `sql`, `commit`, `match`, `wake`. What happens: `kill`, `error`, `pause` (before it),
    `kill_after`, `error_after` (it was done, nobody is told), `deadlock` (sql), `replaced` (gate: another run of
    the store answers from this call on).
    """

    seam: str
    what: str
    at: int

    def __str__(self) -> str:
        return f"{self.what} at {self.seam} {self.at}"


class Seams:
    """Counts the passages and lets the armed fault happen."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.pause: Callable[[], None] = lambda: None
        self.replace: Callable[[], None] = lambda: None
        self.told: Callable[[], None] = lambda: None
        self.fault: Fault | None = None
        self.fired = False
        self._passed = 0
        self._is_dead = False
        self._is_off = False

    def arm(self, fault: Fault | None) -> None:
        """Begin a step with this fault before it, or with none."""
        self.fault, self.fired, self._passed, self._is_dead = fault, False, 0, False

    @contextmanager
    def put_aside(self) -> Iterator[None]:
        """Let other steps happen, with faults of their own, within the present one."""
        kept = self.fault, self.fired, self._passed, self._is_dead
        told, self.told = self.told, lambda: None
        self.arm(None)
        try:
            yield
        finally:
            self.fault, self.fired, self._passed, self._is_dead = kept
            self.told = told

    @contextmanager
    def off(self) -> Iterator[None]:
        """Let nothing happen: the simulation itself is looking or rebuilding."""
        kept, self._is_off = self._is_off, True
        try:
            yield
        finally:
            self._is_off = kept

    def pass_(self, seam: str, call: Callable[[], Any]) -> Any:
        """Do what the system asked for, unless the armed fault happens here."""
        if self._is_off:
            return call()
        if self._is_dead:
            raise Killed
        if seam == "bus":
            self.told()
        fault = self.fault
        if fault is None or fault.seam != seam or self.fired:
            return call()
        self._passed += 1
        if self._passed < fault.at:
            return call()
        if fault.what == "pause":
            if self.connection.in_atomic_block:
                return call()  # one connection has one transaction: the pause comes at the next seam outside
            self.fired = True
            self.pause()
            return call()
        self.fired = True
        if fault.what == "replaced":
            self.replace()
            return call()
        if fault.what.endswith("_after"):
            call()
        elif seam == "commit":
            self._roll_back()
        if fault.what.startswith("kill"):
            self._is_dead = True
            self._roll_back()
            raise Killed
        raise _error(fault)

    def _roll_back(self) -> None:
        """Do to the open transaction what the database does when its client is gone.

        (Django would commit it: switching autocommit on again does.)
        """
        raw = self.connection.connection
        if raw is not None and raw.in_transaction:
            raw.rollback()


def _error(fault: Fault) -> Exception:
    if fault.seam in ("gate", "bus"):
        return redis.ConnectionError("injected")
    if fault.what == "deadlock":
        return OperationalError(1213, "injected")
    if fault.seam == "wake":
        return OSError("injected")
    return OperationalError("injected")


def sql_seam(seams: Seams) -> Callable[..., Any]:
    """Return the wrapper that makes each statement a passage."""

    def wrapper(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        return seams.pass_("sql", lambda: execute(sql, params, many, context))

    return wrapper


def commit_seam(seams: Seams, commit: Callable[[], None]) -> Callable[[], None]:
    """Return the connection's commit as a passage."""
    return lambda: seams.pass_("commit", commit)


def match_seam(seams: Seams, apply: Callable[[Book, Any], Any]) -> Callable[[Book, Any], Any]:
    """Return `Book.apply` as a passage."""
    return lambda book, command: seams.pass_("match", lambda: apply(book, command))
