"""Two Valkey servers and an empty database that last as long as a measurement, away from any live instance."""

import logging
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.core.cache import caches
from django.db import connection

from stocking.base import stream
from stocking.launch.plan import free_store_ports, new_password, store_url
from stocking.launch.stores import BUS_RULES, GATE_RULES, server_binary, write_store_configuration
from trading.gate.client import gate

START_SECONDS = 10.0


@contextmanager
def throwaway() -> Iterator[None]:
    """Point this process at stores and a database of its own, made as in `make run`, and remove them again."""
    directory = Path(tempfile.mkdtemp(prefix="stocking-bench-"))
    stores: list[subprocess.Popen[bytes]] = []
    try:
        for port, (name, rules) in zip(
            free_store_ports(2, but=0), (("gate", GATE_RULES), ("bus", BUS_RULES)), strict=True
        ):
            password = new_password()
            configuration = write_store_configuration(
                directory / name, port=port, password=password, rules=rules
            )
            command = [str(server_binary()), str(configuration)]
            stores.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
            url = store_url(port, password)
            _wait(url)
            setattr(settings, "ORDER_REDIS_URL" if name == "gate" else "BUS_REDIS_URL", url)
        gate.cache_clear()
        stream.bus.cache_clear()
        settings.CACHES["default"]["LOCATION"] = settings.BUS_REDIS_URL
        caches["default"] = caches.create_connection("default")
        with _database(directory):
            yield
    finally:
        for process in stores:
            process.kill()
            process.wait()
        shutil.rmtree(directory, ignore_errors=True)


def _wait(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    with redis.Redis.from_url(url) as client:
        while True:
            try:
                client.ping()
                return
            except redis.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)


@contextmanager
def _database(directory: Path) -> Iterator[None]:
    """Create an empty database beside the configured one: a file for SQLite, `test_NAME` for the others."""
    database: Any = connection
    if database.vendor == "sqlite":
        database.settings_dict["TEST"]["NAME"] = str(directory / "bench.sqlite3")
    former = database.settings_dict["NAME"]
    logging.disable(logging.INFO)
    database.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        database.creation.destroy_test_db(former, verbosity=0)
        logging.disable(logging.NOTSET)
