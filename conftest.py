"""What all tests share: two Valkey servers of their own, emptied before each test that asks for them."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis

pytest_plugins = ["tests.mariadb"]

# Each group stays in one process: whole instances, of which two make each other late, and what shares a server.
GROUPS = {
    "browser": "instances",
    "test_black_box": "instances",
    "test_launch": "instances",
    "test_load": "instances",
    "test_run": "instances",
    "test_mariadb": "mariadb",
    "test_mariadb_trading": "mariadb",
    "security": "server",
    "test_one_session": "server",
}


def _start_store(url: str, directory: str, *options: str) -> subprocess.Popen[bytes]:
    from stocking.launch.stores import server_binary

    os.makedirs(directory)
    port = str(urlsplit(url).port)
    command = [
        str(server_binary()),
        "--port",
        port,
        "--bind",
        "127.0.0.1",
        "--dir",
        directory,
        "--save",
        "",
        *options,
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    with redis.Redis.from_url(url) as client:
        while time.monotonic() < deadline:
            try:
                client.ping()
                return process
            except redis.ConnectionError:
                time.sleep(0.02)
    raise RuntimeError("the store did not start")


def pytest_configure(config: pytest.Config) -> None:
    """Start the two stores that the test settings name, in each process that runs tests."""
    from django.conf import settings

    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        return  # this one only hands the tests out

    directory = tempfile.mkdtemp(prefix="stocking-stores-")
    stores = [
        _start_store(
            settings.ORDER_REDIS_URL, f"{directory}/gate", "--appendonly", "yes", "--appendfsync", "no"
        ),
        _start_store(settings.BUS_REDIS_URL, f"{directory}/bus"),
    ]

    def stop() -> None:
        for process in stores:
            process.kill()
            process.wait()
        shutil.rmtree(directory, ignore_errors=True)

    config.add_cleanup(stop)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand tests out by file and by group. (xdist's own groups need an attribute that pytest 9 no longer has.)"""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = PurePath(nodeid.split("::", 1)[0])
            return _group_of(file) or str(file)

    return ByGroup(config, log)


def _group_of(file: PurePath) -> str | None:
    return GROUPS.get(file.stem) or GROUPS.get(file.parent.name)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Where tests are handed out, begin with what takes longest, so that no process is left with it at the end."""
    yield
    if hasattr(config, "workerinput"):
        items.sort(
            key=lambda item: (_group_of(item.path) != "instances", item.path.stem != "test_simulation")
        )


@pytest.fixture(autouse=True)
def _empty_stores() -> Iterator[None]:
    """Begin each test with empty stores and nothing in memory of an earlier one, whose keys come again."""
    from django.conf import settings

    from trading import engine, halting, wake

    for url in (settings.ORDER_REDIS_URL, settings.BUS_REDIS_URL):
        with redis.Redis.from_url(url) as client:
            client.flushall()
    engine._engines.clear()
    halting.forget_all()
    wake._symbols.clear()
    return


@pytest.fixture
def repository() -> Path:
    """Return the checkout's root."""
    return Path(__file__).parent


@pytest.fixture(autouse=True)
def _audited(request: pytest.FixtureRequest) -> Iterator[None]:
    """Audit the newest market at the end of every test that traded through the gate."""
    yield
    if "transactional_db" not in request.fixturenames and not request.node.get_closest_marker("django_db"):
        return
    from trading.audit import market_audit
    from trading.gate.client import gate
    from trading.models import Market

    market = Market.objects.order_by("-pk").first()
    if market is not None and gate().serves(market.pk) and not request.node.get_closest_marker("unaudited"):
        assert [check for check in market_audit(market) if not check.ok] == []
