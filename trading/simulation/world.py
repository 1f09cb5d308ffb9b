"""The world of one simulation worker: a Valkey server, a database in memory, a clock that only moves when told.

Everything in it is real but the clock, the store's run id and Celery: the scripts read time and run id from a key,
and wake-ups go into a list.
"""

import logging
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.utils import load_backend

from stocking.base import stream
from stocking.launch.stores import server_binary
from trading import engine, feed, halting, wake
from trading.core.book import Book
from trading.gate import client
from trading.publishing import Conflator
from trading.simulation.seams import Seams, commit_seam, match_seam, sql_seam
from trading.simulation.transport import Line, SeamRedis

START_MS = 1_800_000_000_000
START_SECONDS = 10.0
BATCH_ENTRIES = 4
CLOSE_CHUNK = 2
STREAM_LIMIT = 12
SECONDS_A_LOOK = 1.0  # of the engine's the simulation decides; the feed never has to wait for its next turn
MAX_OPEN_ORDERS = 5
# Small stream nodes, so that trimming, which removes whole nodes, happens with few entries.
STORE_OPTIONS = ("--port", "0", "--save", "", "--appendonly", "no", "--databases", "2",
                 "--stream-node-max-entries", "2")  # fmt: skip
CLOCK_KEY = "simulation"
_TIME, _SIMULATED_TIME = (
    "redis.call('TIME')",
    f"redis.call('HMGET', '{CLOCK_KEY}', 'seconds', 'microseconds')",
)
_INFO, _SIMULATED_INFO = "redis.call('INFO', 'server')", f"redis.call('HGET', '{CLOCK_KEY}', 'info')"
_WAKE, _SIMULATED_WAKE = "'NX', 'PX', WAKE_TTL_MS", "'NX'"  # the simulation's clock ends the flag
_DUMP = """
local answer = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  answer[#answer + 1] = key
  answer[#answer + 1] = redis.call('PTTL', key)
  answer[#answer + 1] = redis.call('DUMP', key)
end
return answer
"""
_RESTORE = """
redis.call('FLUSHDB')
for i = 1, #ARGV, 3 do
  redis.call('RESTORE', ARGV[i], math.max(0, tonumber(ARGV[i + 1])), ARGV[i + 2])
end
"""


class SimulatedTime:
    """Stands for the `time` module: the wall clock is the world's, nothing sleeps."""

    def __init__(self, world: "World", seconds_a_call: float | None = None) -> None:
        self._world = world
        self._seconds_a_call = seconds_a_call
        self._monotonic = 0.0

    def time_ns(self) -> int:
        """Return the world's time."""
        return self._world.clock_ms * 1_000_000

    def time(self) -> float:
        """Return the world's time."""
        return self._world.clock_ms / 1000

    def monotonic(self) -> float:
        """Return a clock that moves with each look at it, so that a drain's budget ends after some batches."""
        step = self._world.seconds_a_look if self._seconds_a_call is None else self._seconds_a_call
        self._monotonic += step
        return self._monotonic

    perf_counter = monotonic

    def sleep(self, seconds: float) -> None:
        """Take no time."""


def wake_kept(world: "World") -> Callable[[int, str], None]:
    """Return what stands for the sending of a wake-up: it is kept until the simulation delivers it."""

    def send(listing_id: int, queue_name: str) -> None:
        world.seams.pass_("wake", lambda: world.wakes.append(listing_id))

    return send


@dataclass(slots=True)
class Image:
    """Copies of the database and of the gate store as of one moment."""

    database: bytes = b""
    store: list[Any] = field(default_factory=list)


@dataclass
class World:
    """What one worker simulates in. `memories` are the engines of each of its two engine processes."""

    store: Any
    bus: Any
    connection: Any
    seams: Seams
    errors: list[str]
    clock_ms: int = START_MS
    seconds_a_look: float = 0.0
    runs: int = 0
    wakes: list[int] = field(default_factory=list)
    memories: list[dict[int, Any]] = field(default_factory=lambda: [{}, {}])
    process: int = 0

    @property
    def run_id(self) -> str:
        """The run id of the gate store's present run."""
        return f"{self.runs:040x}"

    def store_started(self) -> None:
        """Give the gate store another run id: it was started again, or another has taken its place."""
        self.runs += 1
        self.clock_set(self.clock_ms)

    def clock_set(self, clock_ms: int) -> None:
        """Set the time, here and at the gate store."""
        self.clock_ms = clock_ms
        fields: dict[str, Any] = {
            "seconds": clock_ms // 1000,
            "microseconds": clock_ms % 1000 * 1000,
            "info": f"run_id:{self.run_id}\r\n",
        }
        self.store.hset(CLOCK_KEY, mapping=fields)

    def process_use(self, process: int) -> None:
        """Let what follows run in one of the engine processes."""
        self.process = process
        engine._engines = self.memories[process]

    def process_end(self, process: int) -> None:
        """Throw away what one process has in memory."""
        self.memories[process].clear()

    def database_copy(self) -> bytes:
        """Return the database's content."""
        return bytes(self.connection.connection.serialize())

    def database_restore(self, content: bytes) -> None:
        """Replace the database's content."""
        self.connection.connection.deserialize(content)

    def store_copy(self) -> list[Any]:
        """Return the gate store's content."""
        return list(self.store.eval(_DUMP, 0))

    def store_restore(self, content: list[Any]) -> None:
        """Replace the gate store's content; the clock goes on."""
        self.store.eval(_RESTORE, 0, *content)
        self.clock_set(self.clock_ms)

    def connection_reset(self) -> None:
        """Give the next process a connection of its own: nothing of a dead one's transaction is left."""
        connection = self.connection
        if connection.connection.in_transaction:
            connection.connection.rollback()
        connection.connection.isolation_level = None
        connection.in_atomic_block = connection.needs_rollback = connection.closed_in_transaction = False
        connection.savepoint_ids, connection.run_on_commit, connection.atomic_blocks = [], [], []
        connection.commit_on_exit = connection.autocommit = True

    def begin(self, image: Image) -> None:
        """Begin a seed where the image was taken."""
        self.connection_reset()
        self.clock_ms, self.runs = START_MS, 1
        self.wakes.clear()
        self.errors.clear()
        for memory in self.memories:
            memory.clear()
        self.process_use(0)
        halting.forget_all()
        self.database_restore(image.database)
        self.bus.flushdb()
        self.store_restore(image.store)


@contextmanager
def world_open() -> Iterator[World]:
    """Start a world, and put this process into it until the block ends."""
    directory = Path(tempfile.mkdtemp(prefix="stocking-simulation-", dir=_memory_directory()))
    socket = str(directory / "store.sock")
    command = [str(server_binary()), *STORE_OPTIONS, "--unixsocket", socket, "--dir", str(directory)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        with ExitStack() as stack:
            _wait(socket)
            lines = [stack.enter_context(closing(Line(socket, database))) for database in (0, 1)]
            connection = stack.enter_context(_database())
            seams, unfailing = Seams(connection), Seams(connection)
            store, bus = (SeamRedis(line, unfailing, "") for line in lines)
            world = World(store, bus, connection, seams, stack.enter_context(_errors_collected()))
            _patch(stack, world, SeamRedis(lines[0], seams, "gate"), SeamRedis(lines[1], seams, "bus"))
            yield world
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(directory, ignore_errors=True)


def _memory_directory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108


def _wait(socket: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            Line(socket, 0).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


class ErrorsLogged(logging.Handler):
    """Keeps what is logged as an error: code that must not stop says there what it could not do."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record, with its exception."""
        error = record.exc_info[1] if record.exc_info else None
        self.texts.append(f"{record.getMessage()} {type(error).__name__}: {error}")


@contextmanager
def _errors_collected() -> Iterator[list[str]]:
    """Collect errors instead of writing logs."""
    root, handler = logging.getLogger(), ErrorsLogged()
    kept, disabled = root.handlers[:], logging.root.manager.disable
    root.handlers[:] = [handler]
    logging.disable(logging.WARNING)
    try:
        yield handler.texts
    finally:
        root.handlers[:] = kept
        logging.disable(disabled)


@contextmanager
def _database() -> Iterator[Any]:
    """Put a migrated SQLite database in memory in the place of the configured one."""
    configured = connections[DEFAULT_DB_ALIAS]
    own = {
        **configured.settings_dict,
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
        "CONN_MAX_AGE": None,
    }
    connection = load_backend(own["ENGINE"]).DatabaseWrapper(own, DEFAULT_DB_ALIAS)
    connections[DEFAULT_DB_ALIAS] = connection
    try:
        for app in ("accounts", "chat", "trading"):
            call_command("migrate", app, verbosity=0, interactive=False)
        yield connection
    finally:
        connections[DEFAULT_DB_ALIAS] = configured
        connection.connection.close()


def _patch(stack: ExitStack, world: World, store: SeamRedis, bus: SeamRedis) -> None:
    """Replace clock, run id, Celery and the clients' transport; nothing else of the system is replaced."""
    seams = world.seams

    def put(place: Any, name: str, value: Any) -> None:
        stack.callback(setattr, place, name, getattr(place, name))
        setattr(place, name, value)

    put(settings, "STREAM_LIMIT", STREAM_LIMIT)
    put(settings, "MAX_OPEN_ORDERS", MAX_OPEN_ORDERS)
    put(client, "script_text", _simulated(client.script_text))
    put(client.GateClient, "store_run_id", lambda _: world.run_id)
    put(engine, "BATCH_ENTRIES", BATCH_ENTRIES)
    put(engine, "CLOSE_CHUNK", CLOSE_CHUNK)
    put(engine, "_engines", {})
    put(wake, "wake_send", wake_kept(world))
    put(Book, "apply", match_seam(seams, Book.apply))
    for name, module in sorted(sys.modules.items()):
        is_system = name.startswith(("trading.", "stocking.base.")) and "simulation" not in name
        if is_system and getattr(module, "time", None) is time:
            put(module, "time", SimulatedTime(world, None if module is engine else SECONDS_A_LOOK))
    # What this process has yet to tell goes to its own bus; the simulation has nobody but its one thread.
    feed._conflator.flush()
    put(feed, "_conflator", Conflator(feed._send))
    _clear_clients()
    stack.callback(_clear_clients)
    client.gate().redis = store
    put(stream, "bus", lambda: bus)
    stack.enter_context(world.connection.execute_wrapper(sql_seam(seams)))
    world.connection._commit = commit_seam(seams, world.connection._commit)


def _clear_clients() -> None:
    client.gate.cache_clear()
    for value in vars(stream).values():
        if hasattr(value, "cache_clear"):
            value.cache_clear()


def _simulated(script_text: Callable[[str], str]) -> Callable[[str], str]:
    """Return the scripts with clock and run id read from a key."""

    def text(name: str) -> str:
        script = script_text(name)
        for real, simulated in ((_TIME, _SIMULATED_TIME), (_INFO, _SIMULATED_INFO), (_WAKE, _SIMULATED_WAKE)):
            if real not in script:
                raise RuntimeError(f"{name}.lua no longer says {real}: the simulation has no clock")
            script = script.replace(real, simulated)
        return script

    return text
