"""A gate store of a test's own, made as in `make run`, which can be killed, copied, put back and wiped."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from stocking.launch.plan import free_store_ports, new_password, store_url
from stocking.launch.stores import GATE_RULES, server_binary, write_store_configuration
from trading.gate.client import gate

START_SECONDS = 10.0


class GateStore:
    """One Valkey server and its log."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port, self._password = free_store_ports(1, but=0)[0], new_password()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return store_url(self._port, self._password)

    @property
    def _log(self) -> Path:
        return self._directory / "appendonlydir"

    def start(self) -> None:
        """Start the server on whatever log is there, and wait until it answers."""
        configuration = write_store_configuration(
            self._directory, port=self._port, password=self._password, rules=GATE_RULES
        )
        command = [str(server_binary()), str(configuration)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        with redis.Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                    return
                except (redis.ConnectionError, redis.BusyLoadingError):
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.01)

    def kill(self) -> None:
        """End it as `kill -9` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> None:
        """Kill it and start it on its log."""
        self.kill()
        self.start()

    def copy_log(self, to: Path) -> None:
        """Keep its log as it is now: a copy that will be old one day."""
        shutil.copytree(self._log, to)

    def put_back(self, copy: Path) -> None:
        """Replace it by one that was started on an older copy of the log."""
        self.kill()
        shutil.rmtree(self._log)
        shutil.copytree(copy, self._log)
        self.start()

    def wipe(self) -> None:
        """Replace it by an empty one."""
        self.kill()
        shutil.rmtree(self._log)
        self.start()


@contextmanager
def own_gate_store(directory: Path, settings: Any) -> Iterator[GateStore]:
    """Have the gate's client of this process use a store of its own for the time of the block."""
    store, former = GateStore(directory), settings.ORDER_REDIS_URL
    store.start()
    settings.ORDER_REDIS_URL = store.url
    gate.cache_clear()
    try:
        yield store
    finally:
        settings.ORDER_REDIS_URL = former
        gate.cache_clear()
        store.kill()


def dump() -> dict[str, Any]:
    """Return everything the gate store has, by key, but when keys expire and the wake-ups on their way."""
    client = gate().redis
    readers = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"stream": client.xrange,
    }
    keys = sorted(key for key in client.scan_iter(count=1_000) if not key.startswith(b"woken:"))
    return {key.decode(): readers[client.type(key)](key) for key in keys}
