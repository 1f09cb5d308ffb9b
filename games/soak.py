"""Many games in a row on an instance of its own: players trade, somebody listens, each game is audited at its end.

What is told over the socket is compared with what must happen once in each game; what the processes hold in memory
is noted at the end of each.
"""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chat.models import Message
from games.core.schedule import LAST_SECONDS_MARKS_MS, Phase
from games.models import Game
from stocking.launch.instance import Instance
from stocking.launch.mariadb import private_mariadb
from trading.chaos import proof
from trading.chaos.run import Crowd, Outcome
from trading.loadtest.observation import memory_bytes
from trading.loadtest.orders import Server
from trading.loadtest.websocket import Socket

PHASES = [phase.value for phase in Phase]
LOOK_SECONDS = 0.2
LATE_SECONDS = 60.0
MEGABYTE = 1_000_000
WARM_GAMES = 4  # until then caches fill; growth is counted from there


@dataclass(slots=True)
class Heard:
    """What one visitor's socket has told: the phases of each game in their order, and each line of the chat."""

    phases: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    lines: Counter[int] = field(default_factory=Counter)

    def take(self, payload: bytes) -> None:
        """Note one message."""
        message = msgspec.json.decode(payload)
        data = message.get("data")
        if message.get("topic") == "game" and data and data.get("number") is not None:
            seen = self.phases[data["number"]]
            if seen[-1:] != [data["phase"]]:
                seen.append(data["phase"])
        elif message.get("topic") == "chat" and message["type"] == "update":
            self.lines[data["id"]] += 1


@dataclass(slots=True)
class Soak:
    """What a run has shown."""

    games: int
    heard: Heard = field(default_factory=Heard)
    memory: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    audits: list[bool] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    orders: int = 0
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the command's last line; memory in MB by process: after some games, at the end, and the most."""
        rows = {
            name: {
                "warm": values[min(WARM_GAMES, len(values)) - 1] // MEGABYTE,
                "end": values[-1] // MEGABYTE,
                "max": max(values) // MEGABYTE,
            }
            for name, values in sorted(self.memory.items())
            if values
        }
        return {
            "games": self.games,
            "accepted": self.orders,
            "audits_ok": sum(self.audits),
            "faults": self.faults,
            "memory_mb": rows,
            "seconds": round(self.seconds, 1),
        }


def soak_run(
    *, games: int, cycle_seconds: int, rate: float, database: str, say: Callable[[str], None] = print
) -> Soak:
    """Play that many games; the first of them may have begun with a shortened preparation."""
    began, soak = time.monotonic(), Soak(games)
    with ExitStack() as stack:
        mariadb = stack.enter_context(private_mariadb()) if database == "mariadb" else None
        settings = {
            "GAME_CYCLE_SECONDS": str(cycle_seconds),
            "ADDRESS_ORDER_RATE_BURST": "0",
            "SIGNUP_RATE": "100000/m/ip",
            "LOG_LEVEL": "WARNING",
            **({"DATABASE_URL": mariadb.url()} if mariadb else {}),
        }
        instance = stack.enter_context(Instance(settings))
        say(f"ready after {instance.ready_seconds:.1f} s")
        proof.database_attach(instance.env["DATABASE_URL"])
        asyncio.run(_play(soak, instance, cycle_seconds, rate, say))
        _compare(soak, cycle_seconds)
    soak.seconds = time.monotonic() - began
    return soak


async def _play(
    soak: Soak, instance: Instance, cycle_seconds: int, rate: float, say: Callable[[str], None]
) -> None:
    outcome = Outcome(seed=1, rate=rate)
    crowd = Crowd(outcome, random.Random(1))
    await crowd.enter(instance.base_url)
    socket = await Socket.open(Server.of(instance.base_url), soak.heard.take)
    socket.say('{"op":"subscribe","topics":["game","chat"]}')
    work = [asyncio.create_task(crowd.work()), asyncio.create_task(crowd.watch())]
    try:
        for number in range(1, soak.games + 1):
            if not await _ended(soak, number, cycle_seconds):
                soak.faults.append(f"game {number} did not come to its results in time")
                return
            await asyncio.to_thread(_look, soak, instance, number, say)
    finally:
        for task in work:
            task.cancel()
        socket.close()
        soak.orders = len(outcome.record.accepted)
    if socket.close_code is not None and socket.close_code != 1006:
        soak.faults.append(f"the socket was closed with {socket.close_code}")


async def _ended(soak: Soak, number: int, cycle_seconds: int) -> bool:
    """Wait until the socket has told of the game's results."""
    deadline = time.monotonic() + 2 * cycle_seconds + LATE_SECONDS
    while soak.heard.phases[number][-1:] != [Phase.INTERMISSION.value]:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(LOOK_SECONDS)
    return True


def _look(soak: Soak, instance: Instance, number: int, say: Callable[[str], None]) -> None:
    """Audit the game that has ended and note what the processes hold."""
    for name, pid in instance.pids().items():
        if pid:
            soak.memory[name].append(memory_bytes(pid))
    findings = proof.audit(instance)
    soak.audits.append(not findings)
    soak.faults += [f"game {number}: {finding}" for finding in findings]
    total = sum(values[-1] for values in soak.memory.values()) // MEGABYTE
    say(f"game {number:3}: audit {'NOT CLEAN' if findings else 'clean'}, {total} MB in all")


def _compare(soak: Soak, cycle_seconds: int) -> None:
    """Compare what was heard, and what the database says, with what must be."""
    for number in range(1, soak.games + 1):
        told = soak.heard.phases[number]
        # The first game may have been under way when the socket was opened.
        if told != PHASES and not (number == 1 and told == PHASES[-len(told) :]):
            soak.faults.append(f"game {number}: the phases told were {told}")
    soak.faults += [f"line {key} of the chat came {n} times" for key, n in soak.heard.lines.items() if n > 1]
    rows = list(Game.objects.using(proof.INSTANCE).order_by("pk")[: soak.games])
    before: Game | None = None
    for game in rows:
        _game_compare(soak, game, before, cycle_seconds)
        before = game
    if len(rows) < soak.games:
        soak.faults.append(f"{len(rows)} games in the database")


def _game_compare(soak: Soak, game: Game, before: Game | None, cycle_seconds: int) -> None:
    times = (game.created_at, game.started_at, game.settling_at, game.closed_at)
    if None in times or list(times) != sorted(times):  # type: ignore[type-var]
        soak.faults.append(f"game {game}: its times are {times}")
    if game.held_at or game.canceled_at:
        soak.faults.append(f"game {game} was held or canceled")
    if before is not None and game.trading_at - before.trading_at != cycle_seconds * 1_000:
        soak.faults.append(f"game {game} began {game.trading_at - before.trading_at} ms after the one before")
    wanted = {f"game:{game.number}:{name}" for name in ("preparing", "trading", "settling", "intermission")}
    length = game.closes_at - game.trading_at
    wanted |= {f"game:{game.number}:left:{mark // 1_000}" for mark in LAST_SECONDS_MARKS_MS if mark < length}
    wanted.add(f"podium:{game.number}")
    said = set(Message.objects.using(proof.INSTANCE).filter(key__in=wanted).values_list("key", flat=True))
    if missing := wanted - said:
        soak.faults.append(f"game {game}: never announced: {sorted(missing)}")
