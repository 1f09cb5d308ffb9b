"""Messages go out in their order, not too often, and never disturb whoever has them sent."""

import queue
import threading
from typing import Any

from trading.publishing import Conflator, Publisher

LIMIT_SECONDS = 10


def test_the_first_message_goes_at_once_and_the_rest_merged() -> None:
    sent: queue.Queue[tuple[str, Any]] = queue.Queue()
    conflator = Conflator(lambda topic, data: sent.put((topic, data)), interval_seconds=0.05)
    for number in range(5):
        conflator.offer("a", [number], lambda old, new: old + new)
    conflator.offer("b", "first of b", lambda _, new: new)
    assert sent.get_nowait() == ("a", [0])
    assert sent.get_nowait() == ("b", "first of b")
    assert sent.get(timeout=LIMIT_SECONDS) == ("a", [1, 2, 3, 4])
    assert sent.empty()


def test_a_flush_waits_for_what_waits_for_its_turn() -> None:
    sent: list[int] = []
    conflator = Conflator(lambda topic, data: sent.append(data), interval_seconds=0.05)
    conflator.flush()
    for number in range(3):
        conflator.offer("a", number, lambda _, new: new)
    conflator.flush()
    assert sent == [0, 2]


def test_a_topic_that_cannot_be_sent_does_not_silence_another() -> None:
    sent: queue.Queue[tuple[str, Any]] = queue.Queue()

    def send(topic: str, data: Any) -> None:
        sent.put((topic, data))
        if topic == "broken" and data == 2:
            raise ValueError("no")

    conflator = Conflator(send, interval_seconds=0.02)
    for data in (1, 2):
        conflator.offer("broken", data, lambda _, new: new)
    for data in (1, 2):
        conflator.offer("sound", data, lambda _, new: new)
    assert {sent.get(timeout=LIMIT_SECONDS) for _ in range(4)} == {
        ("broken", 1), ("broken", 2), ("sound", 1), ("sound", 2),
    }  # fmt: skip


class _Idle:
    """Something to do when nothing else is: due while `wait` is a number."""

    def __init__(self) -> None:
        self.wait: float | None = None
        self.called = threading.Event()

    def __call__(self) -> None:
        self.wait = None
        self.called.set()


def test_without_a_thread_a_job_is_done_at_once() -> None:
    idle, done = _Idle(), []
    publisher = Publisher(idle=idle, idle_wait=lambda: idle.wait)

    def job() -> None:
        done.append(threading.current_thread())
        idle.wait = 30.0

    publisher.do(job)
    assert done == [threading.current_thread()]
    assert idle.called.is_set()


def test_in_the_background_jobs_keep_their_order_and_one_that_fails_is_passed_over() -> None:
    idle, done = _Idle(), []
    publisher = Publisher(idle=idle, idle_wait=lambda: idle.wait)
    publisher.start()
    publisher.start()  # a second time changes nothing

    def job(number: int) -> None:
        if number == 3:
            raise ValueError(number)
        done.append((number, threading.current_thread().name))

    for number in range(200):  # more than may wait
        publisher.do(lambda number=number: job(number))
    publisher.flush()
    assert done == [(number, "publisher") for number in range(200) if number != 3]


def test_the_idle_job_comes_when_it_is_due() -> None:
    idle = _Idle()
    publisher = Publisher(idle=idle, idle_wait=lambda: idle.wait)
    publisher.start()

    def job() -> None:
        idle.wait = 0.01

    publisher.do(job)
    assert idle.called.wait(LIMIT_SECONDS)
