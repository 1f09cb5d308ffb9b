"""Many sockets on moving books, some of which do not read: how late updates arrive, what is dropped, what it costs."""

import asyncio
import http.client
import re
import secrets
import threading
import time
from array import array
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from stocking.base import stream
from trading.loadtest.observation import ProcessorWatch, memory_bytes
from trading.loadtest.orders import Server
from trading.loadtest.record import milliseconds
from trading.loadtest.report import Say, run_on_loop, server_of
from trading.loadtest.websocket import STALLED_BUFFER_BYTES, Socket, number_after

OPENING_AT_ONCE = 50
LEVELS = 10
SNAPSHOT_SECONDS = 30.0
MEMORY_SECONDS = 0.5
LAST_UPDATES_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """What `manage.py loadtest_sockets` was asked for."""

    sockets: int
    rate: int
    stalled: int
    seconds: int
    books: int
    base_url: str = ""


class Watcher:
    """One socket on one book: notes how late each update comes, and whether one is missing."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.socket: Socket | None = None
        self.has_snapshot = asyncio.Event()
        self.updates = self.gaps = 0
        self._last: int | None = None
        self.seconds = array("d")

    def heard(self, payload: bytes) -> None:
        """Take one message."""
        version = number_after(payload[:120], b"version")
        if b'"snapshot"' in payload[:80]:
            self.has_snapshot.set()
        else:
            sent_at = number_after(payload, b"at_us")
            self.updates += 1
            self.gaps += self._last is not None and version != self._last + 1
            if sent_at is not None:
                self.seconds.append(time.time() - sent_at / 1e6)
        self._last = version


class BookPublisher(threading.Thread):
    """Publishes each book so many times a second, evenly spread, as the engine's feed would."""

    def __init__(self, topics: list[str], rate: int) -> None:
        super().__init__(name="books", daemon=True)
        self._topics, self._pause = topics, 1 / (rate * len(topics))
        self._ended = threading.Event()
        self.published = 0

    def run(self) -> None:
        due = time.monotonic()
        while not self._ended.is_set():
            topic = self._topics[self.published % len(self._topics)]
            stream.publish(topic, book(self.published) | {"at_us": time.time_ns() // 1_000})
            self.published += 1
            due += self._pause
            self._ended.wait(max(0.0, due - time.monotonic()))

    def end(self) -> None:
        """Publish no more."""
        self._ended.set()
        self.join()


def book(number: int) -> dict[str, Any]:
    """Return a book of ten levels a side, as the feed publishes it."""
    middle = 100_000 + 100 * (number % 50)
    return {
        "bids": [[middle - 100 * level, 10 * level + number % 7, level] for level in range(1, LEVELS + 1)],
        "asks": [[middle + 100 * level, 10 * level + number % 5, level] for level in range(1, LEVELS + 1)],
        "last_price": middle,
    }


def sockets_dropped(server: Server) -> int:
    """Return how many sockets the web process has dropped since its start, from its metrics."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    found = re.search(r"^stocking_sockets_dropped_total (\S+)", text, re.MULTILINE)
    return int(float(found[1])) if found else 0


def sockets_run(options: Options, say: Say) -> dict[str, Any]:
    """Open the sockets, publish, measure; returns the figures."""
    run = secrets.token_hex(3).upper()
    topics = [f"book:LT{run}{number}" for number in range(options.books)]
    for topic in topics:
        stream.publish_snapshot(topic, book(0))
    try:
        return run_on_loop(_Run(options, topics, say).measure())  # type: ignore[no-any-return]
    finally:
        stream.forget(topics)


class _Run:
    def __init__(self, options: Options, topics: list[str], say: Say) -> None:
        self._options, self._topics, self._say = options, topics, say
        self._server = server_of(options.base_url)
        self._processors = ProcessorWatch(settings.VAR_DIR)
        self._web = self._processors.pid("web") or 0
        self._watchers = [Watcher(topics[n % len(topics)]) for n in range(options.sockets)]
        # The stalled ones are spread over all books.
        self._stalled = self._watchers[: options.stalled]
        self._memory_max = 0

    async def measure(self) -> dict[str, Any]:
        options = self._options
        dropped_before = await asyncio.to_thread(sockets_dropped, self._server)
        memory_idle = memory_bytes(self._web)
        self._say(f"opening {options.sockets} sockets …")
        gate = asyncio.Semaphore(OPENING_AT_ONCE)
        await asyncio.gather(*(self._open(watcher, gate) for watcher in self._watchers))
        memory_open = self._memory_max = memory_bytes(self._web)
        for watcher in self._stalled:
            if watcher.socket is not None:
                watcher.socket.stop_reading()
        self._say(f"{options.seconds} s of updates …")
        publisher = BookPublisher(self._topics, options.rate)
        self._processors.start()
        began = time.monotonic()
        publisher.start()
        while time.monotonic() - began < options.seconds:
            await asyncio.sleep(MEMORY_SECONDS)
            self._memory_max = max(self._memory_max, memory_bytes(self._web))
        await asyncio.to_thread(publisher.end)
        seconds = time.monotonic() - began
        await asyncio.sleep(LAST_UPDATES_SECONDS)
        used = self._processors.used(publisher.published)
        dropped = await asyncio.to_thread(sockets_dropped, self._server) - dropped_before
        memory_end = memory_bytes(self._web)
        for watcher in self._watchers:
            if watcher.socket is not None:
                watcher.socket.close()
        return self._figures(publisher.published, seconds) | {
            "dropped": dropped,
            "memory_per_socket_bytes": max(0, memory_open - memory_idle) // max(1, options.sockets),
            "memory_growth_max_bytes": self._memory_max - memory_open,
            "memory_growth_at_end_bytes": memory_end - memory_open,
            "processor_percent": used["processor_percent"],
        }

    async def _open(self, watcher: Watcher, gate: asyncio.Semaphore) -> None:
        async with gate:
            small = STALLED_BUFFER_BYTES if watcher in self._stalled else None
            watcher.socket = await Socket.open(self._server, watcher.heard, receive_buffer=small)
            watcher.socket.say(f'{{"op":"subscribe","topics":["{watcher.topic}"]}}')
            await asyncio.wait_for(watcher.has_snapshot.wait(), SNAPSHOT_SECONDS)

    def _figures(self, published: int, seconds: float) -> dict[str, Any]:
        readers = self._watchers[self._options.stalled :]
        delivered = sum(watcher.updates for watcher in readers)
        each = [0] * len(self._topics)
        for number in range(len(self._topics)):
            each[number] = published // len(self._topics) + (number < published % len(self._topics))
        expected = sum(each[self._topics.index(watcher.topic)] for watcher in readers)
        times = [value for watcher in readers for value in watcher.seconds]
        return {
            "sockets": self._options.sockets,
            "stalled": self._options.stalled,
            "books": len(self._topics),
            "seconds": round(seconds, 2),
            "published": published,
            "delivered": delivered,
            "missing": expected - delivered,
            "gaps": sum(watcher.gaps for watcher in readers),
            "frames_per_second": round(delivered / seconds),
            **milliseconds(times, "delivery_"),
            "readers_lost": sum(w.socket is None or w.socket.close_code is not None for w in readers),
        }
