"""A worker that takes no message from a queue that has some ends itself, so that the supervisor starts another."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from django.conf import settings

from stocking.celery import app
from stocking.watchdog import DEAF_SECONDS, EXIT_STATUS, START_SECONDS, Hearing
from tests.instance import wait_until

QUEUE = "deaf"


def test_it_is_deaf_when_messages_wait_and_nothing_is_done() -> None:
    hearing = Hearing(limit_seconds=5)
    assert not hearing.is_deaf(3, now=10)
    assert not hearing.is_deaf(9, now=15)
    assert hearing.is_deaf(9, now=15.1)


def test_it_is_not_deaf_while_it_works_takes_messages_or_has_none() -> None:
    hearing = Hearing(limit_seconds=5)
    hearing.is_deaf(3, now=10)
    hearing.active()  # took one
    assert not hearing.is_deaf(3, now=16)
    hearing.active(is_busy=True)  # a long task
    assert not hearing.is_deaf(3, now=100)
    hearing.active()
    assert not hearing.is_deaf(3, now=101)
    assert not hearing.is_deaf(0, now=105)
    assert not hearing.is_deaf(1, now=107)
    assert hearing.is_deaf(1, now=113)


def test_a_worker_that_starts_is_given_more_time() -> None:
    hearing = Hearing()
    assert not hearing.is_deaf(1, now=0)
    assert not hearing.is_deaf(1, now=DEAF_SECONDS + 1)
    assert hearing.is_deaf(1, now=START_SECONDS + 1)


@pytest.mark.flow
def test_a_deaf_worker_ends_and_the_next_one_takes_what_waits(repository: Path, tmp_path: Path) -> None:
    def worker(module: str) -> subprocess.Popen[bytes]:
        command = [
            sys.executable, "-m", "celery", "-A", module, "worker", "--queues", QUEUE, "--pool", "solo",
            "--without-gossip", "--without-mingle", "--hostname", "deaf@localhost",
        ]  # fmt: skip
        environment = {
            **os.environ, "DJANGO_SETTINGS_MODULE": "stocking.settings", "STOCKING_VAR_DIR": str(tmp_path),
            "ORDER_REDIS_URL": settings.ORDER_REDIS_URL, "BUS_REDIS_URL": settings.BUS_REDIS_URL,
        }  # fmt: skip
        with (tmp_path / "log").open("ab") as log:
            return subprocess.Popen(command, cwd=repository, env=environment, stdout=log, stderr=log)

    def send() -> None:
        app.send_task("celery.accumulate", args=[1], queue=QUEUE, ignore_result=True)

    with redis.Redis.from_url(settings.BUS_REDIS_URL) as bus:
        deaf = worker("tests.deaf_worker")
        try:
            send()
            log = tmp_path / "log"
            wait_until(lambda: "deaf now" in log.read_text(), 30, "the first task")
            send()
            assert deaf.wait(timeout=20) == EXIT_STATUS
        finally:
            deaf.kill()
        assert "It ends." in log.read_text()
        assert bus.llen(QUEUE) == 1
        sound = worker("stocking")
        try:
            wait_until(lambda: bus.llen(QUEUE) == 0, 30, "the next worker takes what waits")
            assert sound.poll() is None
        finally:
            sound.kill()
            sound.wait()
