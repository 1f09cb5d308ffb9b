"""What is killed, and how it comes back: the supervisor restarts the instance's own programs, we the database."""

import os
import random
import signal
from collections.abc import Iterator

from stocking.launch.instance import Instance, wait_until
from stocking.launch.mariadb import MariaDB

PROGRAMS = ("engine", "web", "beat", "jobs", "clock", "gate", "bus")
DATABASE = "database"
PAIRS = (("gate", "engine"), ("bus", "engine"), (DATABASE, "gate"))
ALIVE_SECONDS = 60.0


def victims(chance: random.Random, *, has_database: bool) -> Iterator[tuple[str, ...]]:
    """Yield what to kill, for ever: in each round every program once and two of the pairs, in random order."""
    singles = [(name,) for name in (*PROGRAMS, *([DATABASE] if has_database else []))]
    pairs = [pair for pair in PAIRS if has_database or DATABASE not in pair]
    while True:
        turn = [*singles, *chance.sample(pairs, 2)]
        chance.shuffle(turn)
        yield from turn


class Executioner:
    """Kills by process id, and only what the instance has started (or its database)."""

    def __init__(self, instance: Instance, mariadb: MariaDB | None) -> None:
        self._instance = instance
        self._mariadb = mariadb

    @property
    def has_database(self) -> bool:
        """Whether there is a database server to be killed."""
        return self._mariadb is not None

    def kill(self, names: tuple[str, ...]) -> None:
        """End them all at once. The database is started again at once, as an init system would."""
        for pid in self._pids_alive(names):
            os.kill(pid, signal.SIGKILL)
        if DATABASE in names and self._mariadb is not None:
            self._mariadb.kill()
            self._mariadb.start()

    def _pids_alive(self, names: tuple[str, ...]) -> list[int]:
        """Return the process ids, once all have one: a program that was killed before may be starting still."""

        def pids() -> list[int] | None:
            known = self._instance.pids()
            found = [known[name] for name in names if name != DATABASE]
            return found if all(found) else None

        if names == (DATABASE,):
            return []
        return wait_until(pids, ALIVE_SECONDS, f"{names} have processes") or []
