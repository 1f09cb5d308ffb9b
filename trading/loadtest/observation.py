"""Watching an instance under load from beside it: how far settlement lags, and who uses the processors."""

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from django.db import connection

from stocking.launch.control import Control, ControlError
from stocking.launch.ownership import read_record
from trading.gate.client import gate

SAMPLE_SECONDS = 0.05
DATABASE_SERVERS = ("mariadbd", "mysqld")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class LagWatch:
    """Samples, in a thread, the age of the oldest command that is accepted and not yet settled and released."""

    def __init__(self, listing_ids: Sequence[int]) -> None:
        self._listing_ids = list(listing_ids)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lag", daemon=True)
        self.lag_ms_max = 0
        self.entries_max = 0
        self.samples = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self.sample()

    def sample(self) -> int:
        """Take one sample; return how many commands wait."""
        waiting = 0
        for listing_id in self._listing_ids:
            age_ms, entries = gate().lag(listing_id)
            waiting += entries
            self.lag_ms_max = max(self.lag_ms_max, age_ms)
            self.entries_max = max(self.entries_max, entries)
        self.samples += 1
        return waiting

    def wait_settled(self, limit_seconds: float) -> float | None:
        """Wait until nothing waits; return the seconds that took, None when the limit came first."""
        began = time.monotonic()
        while self.sample():
            if time.monotonic() - began > limit_seconds:
                return None
            time.sleep(SAMPLE_SECONDS)
        return time.monotonic() - began


class ProcessorWatch:
    """The share of one processor that each process of the instance, the database and this process use."""

    def __init__(self, var_dir: Path) -> None:
        self._pids = {"load_generator": os.getpid(), **_instance_pids(var_dir), **_database_pids()}
        self._before: dict[str, float] = {}
        self._began = 0.0

    def start(self) -> None:
        """Begin to count."""
        self._began = time.monotonic()
        self._before = {name: processor_seconds(pid) for name, pid in self._pids.items()}

    def used(self, orders: int) -> dict[str, dict[str, int]]:
        """Return since the start, by process, percent of one processor, and microseconds for each of `orders`."""
        elapsed = max(1e-9, time.monotonic() - self._began)
        seconds = {
            name: processor_seconds(pid) - self._before.get(name, 0.0) for name, pid in self._pids.items()
        }
        return {
            "processor_percent": {name: round(100 * value / elapsed) for name, value in seconds.items()},
            "processor_us_per_order": {
                name: round(1e6 * value / max(1, orders)) for name, value in seconds.items()
            },
        }

    def pid(self, name: str) -> int | None:
        """Return the process id of a program, if it is known."""
        return self._pids.get(name)


def _instance_pids(var_dir: Path) -> dict[str, int]:
    record = read_record(var_dir)
    if record is None:
        return {}
    try:
        states = Control(record.control_socket).states()
    except ControlError:
        return {}
    return {name: state.pid for name, state in states.items() if state.pid}


def _database_pids() -> dict[str, int]:
    """Return the database servers of this machine; an SQLite database works inside the other processes."""
    if connection.vendor != "mysql":
        return {}
    found: dict[str, int] = {}
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            name = (directory / "comm").read_text().strip()
        except OSError:
            continue
        if name in DATABASE_SERVERS:
            found[f"database_{directory.name}"] = int(directory.name)
    return {"database": next(iter(found.values()))} if len(found) == 1 else found


def processor_seconds(pid: int) -> float:
    """Return the processor time a process has used; 0 where there is no /proc, or the process has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    values: list[Any] = text.rpartition(")")[2].split()
    return (int(values[11]) + int(values[12])) / float(_TICKS_PER_SECOND)


def memory_bytes(pid: int) -> int:
    """Return the resident memory of a process; 0 where there is no /proc."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
