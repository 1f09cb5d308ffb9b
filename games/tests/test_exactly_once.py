"""Each phase is announced exactly once and in order, whatever happens to the clock and to whoever reads it.

The clock jumps both ways, ticks come twice, late or not at all, two of them race, staff act in between, and processes
die between any two statements: SQL, commits, calls of the stores. In the end the database, the bus and somebody who
has listened all the time must agree. Real database, real stores; the deaths are those of `trading.simulation.seams`.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from random import Random
from threading import current_thread, main_thread
from typing import Any

import msgpack
import pytest
import redis
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import connection
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from chat import services as chat_services
from chat.models import Message
from chat.selectors import messages_public
from games import services
from games.control import (
    ControlError,
    game_cancel,
    game_end,
    game_extend,
    game_pause,
    game_resume,
    game_start,
)
from games.models import Game, News
from games.seeding import catalogue_seed
from games.selectors import game_current
from games.services import game_tick
from stocking.base import stream
from stocking.base.errors import ApplicationError
from stocking.base.units import now_ms
from trading import engine
from trading.engine import listing_drain
from trading.gate.client import gate
from trading.models import Holding, Intervention, Listing, Market, Outbox, Portfolio
from trading.simulation.seams import Fault, Killed, Seams, commit_seam, sql_seam

pytestmark = pytest.mark.django_db(transaction=True)

CYCLE, PREPARE, TRADING = 60_000, 20_000, 25_000
GAPS = [0, 1, 500, 1_000, 3_000, 6_000, 11_000, 30_000, 2 * CYCLE, -1, -3_000, -2 * CYCLE]
DEEDS = ("pause", "resume", "extend", "end", "start", "cancel")
ORDER = ["preparing", "trading", "settling", "held", "intermission"]

faults = st.one_of(
    st.none(),
    st.builds(
        Fault,
        st.sampled_from(["sql", "commit", "store"]),
        st.sampled_from(["kill", "kill_after", "pause"]),
        st.integers(1, 40),
    ),
)
steps = st.lists(
    st.tuples(
        st.sampled_from(["tick", "tick", "tick", "twice", "first", "drain", *DEEDS]),
        st.sampled_from(GAPS),
        faults,
    ),
    min_size=5,
    max_size=25,
)

BUDGET = budget(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Listener:
    """Somebody who follows the chat and the game from the beginning, as a browser does."""

    def __init__(self) -> None:
        self._client = redis.Redis.from_url(django_settings.BUS_REDIS_URL)
        self._pubsub = self._client.pubsub()
        self._pubsub.subscribe("stream:chat", "stream:game")
        self.lines: list[int] = []
        self.state: dict[str, Any] = {}

    def hear(self) -> None:
        """Take in what has come."""
        while True:
            raw = self._pubsub.get_message(timeout=0.02)
            if raw is None:
                return
            if raw["type"] != "message":
                continue
            message = json.loads(msgpack.unpackb(raw["data"])["text"])
            if message["topic"] == "game":
                self.state = message["data"]
            elif message["type"] == "snapshot":
                self.lines = [line["id"] for line in message["data"]]
            else:
                self.lines.append(message["data"]["id"])


@pytest.fixture
def seams(monkeypatch: pytest.MonkeyPatch) -> Iterator[Seams]:
    """The real connection and the real stores, each call of which a process may die at."""
    seams = Seams(connection)
    plain, piped = redis.Redis.execute_command, redis.client.Pipeline.execute

    def passage(call: Callable[[], Any]) -> Any:
        """Threads that publish in the background live on: they are other processes."""
        return seams.pass_("store", call) if current_thread() is main_thread() else call()

    def one(client: redis.Redis, *args: Any, **options: Any) -> Any:
        return passage(lambda: plain(client, *args, **options))

    def many(pipeline: Any, *args: Any) -> Any:
        return passage(lambda: piped(pipeline, *args))

    monkeypatch.setattr(redis.Redis, "execute_command", one)
    monkeypatch.setattr(redis.client.Pipeline, "execute", many)
    connection.ensure_connection()
    commit = connection._commit
    connection._commit = commit_seam(seams, commit)
    with connection.execute_wrapper(sql_seam(seams)):
        yield seams
    connection._commit = commit


@pytest.fixture(autouse=True)
def _world(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.GAME_CYCLE_SECONDS, settings.GAME_PREPARE_SECONDS = CYCLE // 1_000, PREPARE // 1_000
    settings.GAME_TRADING_SECONDS = TRADING // 1_000
    monkeypatch.setattr(services, "_drained_listeners", [])
    monkeypatch.setattr(
        chat_services, "PUBLISHING_MS_MAX", -1_000_000
    )  # whoever was to publish is dead by now
    catalogue_seed()


def wipe() -> None:
    """Begin with no game, empty stores, and nobody's memory."""
    for model in (Message, News, Intervention, Outbox, Holding, Portfolio, Game, Listing, Market):
        model.objects.all().delete()
    gate().redis.flushall()
    stream.bus().flushall()
    engine._engines.clear()


@contextmanager
def process_dies() -> Iterator[None]:
    """Run what may be killed; its connection and its memory are gone then."""
    try:
        yield
    except Killed:
        connection.in_atomic_block = connection.needs_rollback = connection.closed_in_transaction = False
        connection.savepoint_ids, connection.run_on_commit, connection.atomic_blocks = [], [], []
        connection.commit_on_exit = connection.autocommit = True
        raw = connection.connection
        if raw is not None and raw.in_transaction:
            raw.rollback()
        for client in (gate().redis, stream.bus()):
            client.connection_pool.disconnect()
        cache.close()
        engine._engines.clear()


def drain() -> None:
    """Have the engines apply all that waits, and release what a dead one has settled."""
    for key in Listing.objects.filter(market__is_settled=False).values_list("pk", flat=True):
        while listing_drain(key):
            pass


def deed(kind: str, now: int) -> None:
    """Let staff do something; they are told when it cannot be."""
    game = game_current()
    asked: dict[str, Any] = {"now_ms": now, "reason": kind}
    if kind == "cancel":
        if game is not None:
            game_cancel(game=game, **asked)
        return
    asked["number"] = None if game is None else game.number
    if kind == "start":
        game_start(**asked)
    elif game is not None:
        act = {"pause": game_pause, "resume": game_resume, "end": game_end, "extend": game_extend}[kind]
        act(**asked, **({"by_ms": 10_000} if kind == "extend" else {}))


def act(what: str, now: int) -> None:
    with suppress(ControlError, ApplicationError):
        if what in DEEDS:
            deed(what, now)
        elif what == "drain":
            drain()
        else:
            game_tick(now_ms=now, is_first=what == "first")
            if what == "twice":
                game_tick(now_ms=now)


def phases_told(game: Game) -> list[str]:
    keys = Message.objects.filter(key__startswith=f"game:{game.number}:").order_by("pk")
    names = [key.split(":")[2] for key in keys.values_list("key", flat=True)]
    return [name for name in names if name in [*ORDER, "canceled"]]


def phases_rise(reached: dict[int, int]) -> None:
    """No game ever goes back to a phase it has left, whoever acts on what was true a moment ago."""
    for number, phase in Game.objects.values_list("pk", "phase"):
        assert ORDER.index(phase) >= reached.get(number, 0), f"game {number} went back to {phase}"
        reached[number] = ORDER.index(phase)


def check(listener: Listener) -> None:
    games = list(Game.objects.order_by("pk"))
    for game in games:
        told = phases_told(game)
        assert told[0] == "preparing"
        if game.canceled_at is not None:
            assert told.pop() == "canceled"
            assert told == ORDER[: len(told)]
        else:
            expected = [name for name in ORDER if name != "held" or game.held_at is not None]
            reached = len(expected) if game.phase == "intermission" else expected.index(game.phase) + 1
            reached += game.phase == "settling" and game.held_at is not None
            assert told == expected[:reached]
    for former, later in pairwise(games):
        assert former.phase == "intermission" or former.held_at is not None
        assert later.number > former.number
    assert sum(game.is_live is True for game in games) <= 1
    listener.hear()
    assert listener.lines == [line["id"] for line in messages_public()][-len(listener.lines) :]
    if games:
        heard = (listener.state["number"], listener.state["phase"], listener.state["paused_at_ms"])
        assert heard == (games[-1].number, games[-1].phase, games[-1].paused_at)
        assert listener.lines[-1] == Message.objects.latest("pk").pk


@pytest.mark.parametrize("mode", ["aligned", "now"])
def test_each_phase_is_told_once_and_in_order(seams: Seams, mode: str, settings: Any) -> None:
    settings.GAME_START = mode

    @BUDGET
    @given(steps=steps, seed=st.integers(0, 9))
    def play(steps: list[tuple[str, int, Fault | None]], seed: int) -> None:
        with seams.off():
            wipe()
            listener = Listener()
        now = now_ms() - 1_000 * CYCLE
        rng = Random(seed)
        reached: dict[int, int] = {}

        def another() -> None:
            """While one process stands still between two statements, another one ticks, or staff act."""
            with seams.put_aside():
                act(rng.choice(["tick", "tick", *DEEDS]), now + rng.choice([0, 1, 700]))
            with seams.off():
                phases_rise(reached)

        seams.pause = another
        for what, gap, fault in steps:
            now += gap
            seams.arm(fault)
            with process_dies():
                act(what, now)
            seams.arm(None)
            with seams.off():
                phases_rise(reached)
        with seams.off():
            if (game := game_current()) is not None and game.is_paused:
                deed("resume", now)
            game_tick(now_ms=now)
            drain()
            game_tick(now_ms=now)
            check(listener)

    play()


@pytest.mark.parametrize(("seam", "stride"), [("sql", 37), ("commit", 1), ("store", 23)])
def test_a_process_dies_at_every_so_manieth_statement(
    seams: Seams, settings: Any, seam: str, stride: int
) -> None:
    """A quiet game: in each tick a process dies at the first passage, then at one further on, until it survives."""
    settings.GAME_START = "now"
    with seams.off():
        wipe()
        listener = Listener()
    now = now_ms() - 1_000 * CYCLE
    at, deaths = 1, 0
    while not Game.objects.filter(phase="intermission").exists():
        seams.arm(Fault(seam, "kill" if deaths % 2 else "kill_after", at))
        with process_dies():
            game_tick(now_ms=now)
            drain()
        deaths += seams.fired
        at = at + stride if seams.fired else 1
        now += 0 if seams.fired else 5_000
        seams.arm(None)
    with seams.off():
        game_tick(now_ms=now)
        check(listener)
    assert deaths >= 10
    assert phases_told(Game.objects.get()) == ["preparing", "trading", "settling", "intermission"]
