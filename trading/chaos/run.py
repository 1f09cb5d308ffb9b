"""Load, kills, probes, and the proof at the end."""

import asyncio
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from stocking.launch.instance import Instance
from stocking.launch.mariadb import private_mariadb
from trading.chaos import proof
from trading.chaos.http import Browser, NoAnswer, guest_browser
from trading.chaos.players import Player, Quote, Record, quotes_of
from trading.chaos.probe import Back, NotBack, Probe
from trading.chaos.victims import Executioner, victims

PLAYERS = 60
BACK_SECONDS_MAX = 10.0  # what is asked of each kill
GIVE_UP_SECONDS = 60.0
DRAIN_SECONDS = 60.0
SECONDS_A_KILL = 20  # how long a market has to be
PAUSE_SECONDS = (1.0, 3.0)


@dataclass(slots=True)
class Outcome:
    """What a run has shown."""

    seed: int
    rate: float
    kills: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    record: Record = field(default_factory=Record)
    faults: list[str] = field(default_factory=list)
    findings: proof.Findings | None = None
    audit_ok: bool = False
    load_seconds: float = 0.0
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        found = self.findings
        lost = found is None or found.missing or found.doubled or found.unasked
        return not lost and self.audit_ok and not self.faults and self.record.unknown == self.record.resolved

    def as_dict(self) -> dict[str, Any]:
        """Return the command's last line."""
        found = self.findings or proof.Findings([], [], [])
        every = [seconds for times in self.kills.values() for seconds in times]
        return {
            "kills": {name: len(times) for name, times in sorted(self.kills.items())},
            "back_ms": {
                name: {"max": round(max(times) * 1_000), "median": round(statistics.median(times) * 1_000)}
                for name, times in sorted({**self.kills, "all": every}.items())
                if times
            },
            "accepted": len(self.record.accepted),
            "accepted_per_second": round(len(self.record.accepted) / max(self.load_seconds, 0.001)),
            "unknown": self.record.unknown,
            "resolved": self.record.resolved,
            "refused": dict(self.record.refused.most_common()),
            "repeats": self.record.repeats,
            "missing": len(found.missing),
            "doubled": len(found.doubled),
            "unasked": len(found.unasked),
            "audit_ok": self.audit_ok,
            "faults": self.faults,
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
        }


class Crowd:
    """The players at work: so many actions a second, each by somebody who has nothing to do."""

    def __init__(self, outcome: Outcome, chance: random.Random) -> None:
        self.outcome = outcome
        self.quotes: dict[str, Quote] = {}
        self._chance = chance
        self._players: list[Player] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def enter(self, base_url: str) -> Probe:
        """Log everybody in; returns the two who probe."""
        for _ in range(PLAYERS + 2):
            self._players.append(await self._newcomer(base_url))
        self._watcher = Browser(base_url)
        self.quotes = await quotes_of(self._watcher)
        one, two = self._players.pop(), self._players.pop()
        return Probe(one, two, min(self.quotes))

    async def _newcomer(self, base_url: str) -> Player:
        chance = random.Random(self._chance.random())
        return Player(await guest_browser(base_url), self.outcome.record, chance)

    async def work(self) -> None:
        """Act at the given rate until cancelled. What an outage leaves undone is not made up for."""
        interval = 1 / self.outcome.rate
        due = time.monotonic()
        while True:
            due = max(due + interval, time.monotonic() - 0.1)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            idle = [player for player in self._players if not player.is_busy]
            if idle:
                player = self._chance.choice(idle)
                player.is_busy = True
                task = asyncio.create_task(player.act(self.quotes))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def watch(self) -> None:
        """Look at the prices once a second until cancelled."""
        while True:
            await asyncio.sleep(1)
            try:
                self.quotes = await quotes_of(self._watcher)
            except (NoAnswer, ValueError, KeyError):
                continue

    async def rest(self) -> None:
        """Wait until every request has its answer."""
        async with asyncio.timeout(DRAIN_SECONDS):
            while self._tasks:
                await asyncio.gather(*self._tasks)


def chaos_run(
    *, kills: int, rate: float, seed: int, database: str, say: Callable[[str], None] = print
) -> Outcome:
    """Start an instance, kill `kills` times under load, and prove what is left."""
    began = time.monotonic()
    outcome = Outcome(seed=seed, rate=rate)
    with ExitStack() as stack:
        mariadb = stack.enter_context(private_mariadb()) if database == "mariadb" else None
        trading_seconds = SECONDS_A_KILL * kills + 240
        settings = {
            "GAME_START": "now",
            "GAME_PREPARE_SECONDS": "5",
            "GAME_TRADING_SECONDS": str(trading_seconds),
            "GAME_CYCLE_SECONDS": str(trading_seconds + 120),
            "ORDER_RATE_BURST": "0",
            "ADDRESS_ORDER_RATE_BURST": "0",
            "SIGNUP_RATE": "100000/m/ip",
            "LOG_LEVEL": "WARNING",
            **({"DATABASE_URL": mariadb.url()} if mariadb else {}),
        }
        instance = stack.enter_context(Instance(settings))
        say(f"the instance is ready after {instance.ready_seconds:.1f} s (seed {seed})")
        proof.database_attach(instance.env["DATABASE_URL"])
        asyncio.run(_trade(outcome, instance, Executioner(instance, mariadb), kills, say))
        outcome.findings = proof.compare(outcome.record)
        outcome.faults += [f"halted {listing}" for listing in proof.halted()]
        findings = proof.audit(instance)
        outcome.audit_ok = not findings
        outcome.faults += findings
    outcome.seconds = time.monotonic() - began
    return outcome


async def _trade(
    outcome: Outcome, instance: Instance, executioner: Executioner, kills: int, say: Callable[[str], None]
) -> None:
    chance = random.Random(outcome.seed)
    crowd = Crowd(outcome, chance)
    probe = await crowd.enter(instance.base_url)
    await _market_open(probe)
    await probe.prepare(crowd.quotes[probe.symbol])
    began = time.monotonic()
    work = [asyncio.create_task(crowd.work()), asyncio.create_task(crowd.watch())]
    try:
        plan = victims(chance, has_database=executioner.has_database)
        for number, names in enumerate(islice(plan, kills), start=1):
            await asyncio.sleep(chance.uniform(*PAUSE_SECONDS))
            back = await _killed(names, executioner, probe, crowd)
            outcome.kills["+".join(names)].append(back.filled)
            took = f"accepted after {back.accepted * 1_000:6,.0f} ms, filled after {back.filled * 1_000:6,.0f} ms"
            say(f"{number:4} {'+'.join(names):16} {took}")
            if back.filled > BACK_SECONDS_MAX:
                outcome.faults.append(f"kill {number} ({'+'.join(names)}): {took}")
    except NotBack as error:
        outcome.faults.append(f"kill {number} ({'+'.join(names)}): not back: {error}")
        say(outcome.faults[-1])
    finally:
        for task in work:
            task.cancel()
        outcome.load_seconds = time.monotonic() - began
    await _settled(outcome, crowd)


async def _killed(names: tuple[str, ...], executioner: Executioner, probe: Probe, crowd: Crowd) -> Back:
    await asyncio.to_thread(executioner.kill, names)
    return await probe.until_back(crowd.quotes, GIVE_UP_SECONDS)


async def _market_open(probe: Probe) -> None:
    """Wait until the game trades and the bots quote."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    browser = probe.seller.browser
    while time.monotonic() < deadline:
        game = (await browser.ask("GET", "/api/game")).json()
        book = (await browser.ask("GET", f"/api/market/{probe.symbol}/book")).json()
        if game["phase"] == "trading" and book.get("asks"):
            return
        await asyncio.sleep(0.2)
    raise NotBack("the market did not open")


async def _settled(outcome: Outcome, crowd: Crowd) -> None:
    """Wait until every request is answered and all that was accepted is settled."""
    try:
        await crowd.rest()
    except TimeoutError:
        outcome.faults.append("some requests never got an answer")
    deadline = time.monotonic() + DRAIN_SECONDS
    while not await asyncio.to_thread(proof.settled_up_to, outcome.record):
        if time.monotonic() > deadline:
            outcome.faults.append("what was accepted is not settled")
            return
        await asyncio.sleep(0.2)
