"""Several engine workers on the same queues: real processes, woken all at once, for a while.

`STOCKING_RIVALS_SECONDS` makes it longer.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from stocking.base import stream
from tests.instance import wait_until
from trading import tasks
from trading.gate.answers import Accepted
from trading.models import Listing
from trading.tests.market import Exchange, open_exchange
from trading.tests.replayed import assert_same, entries_of, whole_streams
from trading.wake import listings_wake

pytestmark = [pytest.mark.flow, pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]

WORKERS = 3
SECONDS = float(os.environ.get("STOCKING_RIVALS_SECONDS", "5"))
PLAYERS = tuple(f"p{number}" for number in range(8))
SYMBOLS = ("AAA", "BBB")
BURST = 10
ACCEPTED_MIN = 300
PRICES = (99_000, 99_500, 100_000, 100_500, 101_000)


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    return [tmp_path / f"worker{number}.log" for number in range(WORKERS)]


@pytest.fixture
def workers(logs: list[Path], repository: Path, tmp_path: Path) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Engine workers on this test's database and stores."""
    database = connection.settings_dict["NAME"]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "stocking.settings",
        "STOCKING_VAR_DIR": str(tmp_path),
        "ORDER_REDIS_URL": settings.ORDER_REDIS_URL,
        "BUS_REDIS_URL": settings.BUS_REDIS_URL,
        "DATABASE_URL": f"sqlite:///{database}" if connection.vendor == "sqlite" else _server_url(database),
    }
    started = []
    with ExitStack() as stack:
        for number, log in enumerate(logs):
            command = [
                sys.executable, "-m", "celery", "-A", "stocking", "worker", "--queues", "stock.none", "--pool", "solo",
                "--without-gossip", "--without-mingle", "--prefetch-multiplier", "1",
                "--hostname", f"e{number}@localhost",
            ]  # fmt: skip
            output = stack.enter_context(log.open("wb"))
            process = subprocess.Popen(command, cwd=repository, env=environment, stdout=output, stderr=output)
            stack.callback(process.wait)
            stack.callback(process.kill)
            started.append(process)
        yield started


def _server_url(database: str) -> str:
    """Return the address of the test's database on the server that DATABASE_URL names."""
    return os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{database}"


def _settled(exchange: Exchange) -> bool:
    """Return whether all is applied; sweeps as the game's clock does: a wake-up may meet a worker that waits to
    try again, or expire.
    """
    tasks.sweep()
    rows = Listing.objects.in_bulk([listing.pk for listing in exchange.listings.values()])
    return all(entries_of(key)[-1][1] == row.checkpoint for key, row in rows.items())


def _trade(exchange: Exchange, chance: random.Random, seconds: float) -> None:
    """Send commands in bursts, each with a wake-up for every worker."""
    orders: list[tuple[str, str]] = []
    accepted, deadline = 0, time.monotonic() + seconds
    while time.monotonic() < deadline or accepted < ACCEPTED_MIN:
        for _ in range(BURST):
            player, draw = chance.choice(PLAYERS), chance.random()
            if draw < 0.7 or not orders:
                side, quantity, symbol = (
                    chance.choice(["buy", "sell"]),
                    chance.randint(1, 5),
                    chance.choice(SYMBOLS),
                )
                answer = exchange.submit(player, side, quantity, chance.choice(PRICES), symbol=symbol)
                if isinstance(answer, Accepted):
                    orders.append((answer.order_id, player))
            else:
                order_id, owner = chance.choice(orders[-200:])
                if draw < 0.85:
                    answer = exchange.cancel(owner, order_id)
                else:
                    answer = exchange.amend(owner, order_id, chance.choice(PRICES), chance.randint(1, 8))
            accepted += isinstance(answer, Accepted)
        for _ in range(WORKERS):
            listings_wake(exchange.listings.values())


def test_rival_workers_apply_everything_once(
    workers: list["subprocess.Popen[bytes]"], logs: list[Path]
) -> None:
    grants = {player: dict.fromkeys(SYMBOLS, 10_000) for player in PLAYERS}
    exchange = open_exchange(symbols=SYMBOLS, shares=grants, initial_cash=10**11)
    with whole_streams():
        wait_until(lambda: _waiting_workers() >= WORKERS, 60, "all workers consume")
        _trade(exchange, random.Random(1), SECONDS)
        listings_wake(exchange.listings.values())
        wait_until(lambda: _settled(exchange), 120, "all is settled")
        assert [process.poll() for process in workers] == [None] * WORKERS
        exchange.drain()  # what a fenced worker left in the outbox, and the audit
        for listing in exchange.listings.values():
            assert_same(listing, entries_of(listing.pk))
    fenced = [log.read_text(errors="replace").count("Another worker has this listing") for log in logs]
    assert sum(count > 0 for count in fenced) >= 2, f"there was no rivalry: {fenced}"
    assert not Listing.objects.filter(is_halted=True).exists()


def _waiting_workers() -> int:
    """Return how many workers wait for a message."""
    return sum(client["cmd"] == "brpop" for client in stream.bus().client_list())
