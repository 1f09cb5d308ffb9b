"""One seed: a market, some forty random steps with faults in them, then all comes to rest and is compared."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import redis
from django.db import OperationalError

from accounts.models import User
from trading import engine, services
from trading.models import Company, Market
from trading.services import Grant, market_create, market_grant, market_register
from trading.simulation.checks import end_check, full_check, halt_check, is_behind, step_check
from trading.simulation.model import _LOOK, ListingModel, Model, SimulationFailure, check, oracle_for
from trading.simulation.seams import Fault, Killed
from trading.simulation.steps import Steps
from trading.simulation.world import START_MS, Image, World

INITIAL_CASH_WON = 3_000_000
GRANTED_SHARES = 15
ACCOUNTS = 6
BASE_PRICES = {"AAA": 100_000, "BBB": 49_900, "CCC": 1_990}
# Which accounts begin with cash and shares, for 2 and for 3 listings; the others come with their first order.
LAYOUTS = ((2, (0, 1, 2)), (3, (0, 1, 2)), (2, (0,)), (3, (1, 3, 4)))
CLOSES_IN_MS = 120_000
SETTLE_ROUNDS = 60
REPEATED_AT_END = 4
LEDGER_LOST_SHARE = 0.08
# Seeds that come to rest, to be audited, before the market closes. The system's own audit is slow; what it sees,
# `step_check` sees too, after every step.
AT_REST_SHARE = 0.15
AUDITED_SHARE = 0.02  # of the crashes

WEIGHTS = {
    "submit": 42, "amend": 9, "cancel": 6, "cancel_all": 2, "repeat": 5, "drain": 15, "sweep": 3, "gate_open": 1,
    "outbox": 2, "releases": 3, "halt": 1, "watch": 0.5, "forget": 1, "clock": 4, "image": 4, "store_restarted": 0.7,
    "store_tail_lost": 0.7, "store_lost": 0.3, "bus_lost": 0.5, "close": 0.6,
}  # fmt: skip
# While the gate is shut somebody soon opens it, or nothing would happen any more.
WEIGHTS_SHUT = {**WEIGHTS, "sweep": 20, "gate_open": 20, "drain": 40, "submit": 10}
# While a process stands still the worst may happen: the store it has read from is replaced, and all goes on.
WEIGHTS_PAUSED = {**WEIGHTS, "store_lost": 6, "store_tail_lost": 6, "store_restarted": 4}
FAULTED = {
    "client": ("submit", "amend", "cancel", "cancel_all", "repeat"),
    "process": ("drain", "sweep", "gate_open", "outbox", "releases", "close", "halt", "watch"),
}
FAULT_SHARE = {"client": 0.12, "process": 0.35}
FAULTS = {
    "client": (("gate", "kill", 1), ("gate", "kill_after", 1), ("gate", "error", 1), ("gate", "error_after", 1),
               ("wake", "kill", 1), ("wake", "kill_after", 1), ("wake", "error", 1)),
    "process": (
        ("gate", "kill", 5), ("gate", "kill_after", 5), ("gate", "error", 5), ("gate", "error_after", 5),
        ("gate", "pause", 5), ("gate", "pause", 5), ("gate", "replaced", 9),
        ("sql", "kill", 22), ("sql", "kill_after", 22), ("sql", "error", 22), ("sql", "deadlock", 22),
        ("sql", "pause", 8), ("commit", "kill", 2), ("commit", "kill_after", 2), ("commit", "error", 2),
        ("commit", "error_after", 2), ("match", "kill", 3), ("match", "pause", 3), ("match", "pause", 1),
        ("bus", "kill", 3), ("bus", "error", 3), ("bus", "pause", 2), ("wake", "kill", 2),
    ),
}  # fmt: skip


@dataclass(slots=True)
class Outcome:
    """What one seed did; `failure` is empty if all was as it must be."""

    seed: int
    steps: int = 0
    crashes: Counter[str] = field(default_factory=Counter)
    commands: Counter[str] = field(default_factory=Counter)
    trades: int = 0
    lost: int = 0
    failure: str = ""
    trace: list[str] = field(default_factory=list)


class Simulator:
    """Runs seeds in a world, each from a copy of a market that has just opened."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._bare = world.database_copy()
        self._openings: dict[int, Image] = {}
        self._look = str(world.store.script_load(_LOOK))

    def run(self, seed: int, steps: int) -> Outcome:
        """Run one seed."""
        draw = random.Random(seed)
        layout = draw.randrange(len(LAYOUTS))
        if layout not in self._openings:
            self._openings[layout] = self._opened(layout)
        self.world.begin(self._openings[layout])
        outcome = Outcome(seed)
        run = Run(self.world, self._model(layout), draw, outcome)
        try:
            run.play(steps)
        except SimulationFailure as failure:
            outcome.failure = str(failure) or "failed"
            outcome.trace.append(f"FAILURE {failure}")
        outcome.trades = sum(len(listing.oracle.trades) for listing in run.model.listings.values())
        outcome.lost = sum(listing.lost for listing in run.model.listings.values())
        return outcome

    def _opened(self, layout: int) -> Image:
        """Open a market in an empty world and take its image."""
        world = self.world
        listings, granted = LAYOUTS[layout]
        world.begin(Image(self._bare, []))
        world.store.flushdb()
        world.clock_set(START_MS)
        with world.seams.off():
            users = [User(nickname=f"p{n}", nickname_key=f"p{n}") for n in range(ACCOUNTS)]
            User.objects.bulk_create(users)
            companies = [
                Company.objects.create(
                    symbol=symbol, name=symbol, name_en=symbol, sector="-", description="-", base_price=price
                )
                for symbol, price in list(BASE_PRICES.items())[:listings]
            ]
            market = market_create(
                companies=companies,
                opens_at=START_MS,
                closes_at=START_MS + CLOSES_IN_MS,
                initial_cash=INITIAL_CASH_WON,
            )
            shares = {company.symbol: GRANTED_SHARES for company in companies}
            keys = list(User.objects.order_by("pk").values_list("pk", flat=True))
            market_grant(market=market, grants=[Grant(keys[n], INITIAL_CASH_WON, shares) for n in granted])
            if not market_register(market=market):
                raise RuntimeError("the market could not be opened")
        return Image(world.database_copy(), world.store_copy())

    def _model(self, layout: int) -> Model:
        raw = self.world.connection.connection
        [(market_id,)] = raw.execute("SELECT id FROM trading_market").fetchall()
        [(epoch,)] = raw.execute("SELECT epoch FROM trading_gaterecord").fetchall()
        accounts = [key for (key,) in raw.execute("SELECT id FROM accounts_user ORDER BY id")]
        granted = {accounts[n]: INITIAL_CASH_WON for n in LAYOUTS[layout][1]}
        listings = {}
        for key, symbol, price in raw.execute(
            "SELECT id, symbol, base_price FROM trading_listing ORDER BY id"
        ):
            listings[key] = ListingModel(key, symbol, price, oracle_for(price))
            for account in granted:
                assets = listings[key].oracle.assets[account]
                assets.shares, assets.cost = GRANTED_SHARES, GRANTED_SHARES * price
            listings[key].oracle.remember()
        model = Model(
            self.world, market_id, INITIAL_CASH_WON, listings, accounts, granted, self._look, epoch=epoch
        )
        model.observe()
        return model


class Run:
    """One run through a seed's steps."""

    def __init__(self, world: World, model: Model, draw: random.Random, outcome: Outcome) -> None:
        self.world, self.model, self.draw, self.outcome = world, model, draw, outcome
        self.steps = Steps(world, model, draw)
        self._depth = 0
        self._number = 0

    def play(self, steps: int) -> None:
        """Take the steps, then let all come to rest, close, and compare."""
        while self._number < steps:
            self.step()
        if self.steps.ledgers and self.model.is_open and self.draw.random() < LEDGER_LOST_SHARE:
            self._take("ledger_tail_lost", None)
            if is_behind(self.model):
                halt_check(self.world, self.model, self.draw)
                return
        if self.draw.random() < AT_REST_SHARE:
            self.settle()
            full_check(self.model)
        for _ in range(REPEATED_AT_END):
            self._take("repeat", None)
        self._take("close", None)
        self.settle(closing=True)
        end_check(self.model)
        with self.world.seams.off():
            market = Market.objects.get(pk=self.model.market_id)
            check(services.market_is_drained(market=market), "the market is not drained")
        if self.draw.random() < AUDITED_SHARE:
            full_check(self.model)

    def step(self) -> None:
        """Take one random step, with or without a fault in it."""
        weights = WEIGHTS_SHUT if not self.model.is_open else WEIGHTS_PAUSED if self._depth else WEIGHTS
        kind = self.draw.choices(list(weights), list(weights.values()))[0]
        self._take(kind, self._fault(kind))

    def _fault(self, kind: str) -> Fault | None:
        for group, kinds in FAULTED.items():
            if kind in kinds and self.draw.random() < FAULT_SHARE[group]:
                seam, what, most = self.draw.choice(FAULTS[group])
                if what != "pause" or self._depth == 0:
                    return Fault(seam, what, self.draw.randint(1, most))
        return None

    def _take(self, kind: str, fault: Fault | None) -> None:
        """Do one thing and look at what it did."""
        self._number += 1
        model, steps, seams = self.model, self.steps, self.world.seams
        number, depth, trace = self._number, self._depth, self.outcome.trace
        model.appended.clear()
        steps.may_append, steps.then, steps.note = 0, None, ""
        seams.pause, seams.replace = self._others, self._store_replaced
        seams.arm(fault)
        text = "RAISED"
        try:
            with self._expected(kind, fault):
                text = getattr(steps, kind)()
        except Killed:
            text = f"{steps.note} KILLED"
            if kind == "drain":
                self.world.process_end(self.world.process)
            self.world.connection_reset()
        except _Injected:
            text = f"{steps.note} FAILED"
        finally:
            fired = seams.fired
            seams.arm(None)
            trace.append(f"{'  ' * depth}{number:3} {kind}: {text}{f'  [{fault}]' if fired else ''}")
        check(fired or "outcome_unknown" not in text, f"{kind}: the gate's script failed")
        if fired and fault:
            self.outcome.crashes[f"{fault.seam} {fault.what}"] += 1
        self.outcome.commands[kind] += 1
        self._look()
        if fired and self._depth == 0 and model.is_open and self.draw.random() < AUDITED_SHARE:
            full_check(model)

    def _look(self) -> None:
        """Compare everything with the model."""
        model, steps = self.model, self.steps
        raw = self.world.connection.connection
        check(not raw.in_transaction and not self.world.connection.in_atomic_block, "a transaction is open")
        check(not steps.told_early, steps.told_early)
        errors = [error for error in self.world.errors if "injected" not in error]
        check(not errors, lambda: f"logged: {errors[0]}")
        self.world.errors.clear()
        model.observe()
        check(
            len(model.appended) <= steps.may_append,
            lambda: f"appended {model.appended}, at most {steps.may_append} expected",
        )
        if steps.then is not None:
            steps.then()
        step_check(model)

    @contextmanager
    def _expected(self, kind: str, fault: Fault | None) -> Iterator[None]:
        """Let through what an injected error may raise; any other exception is a bug found."""
        try:
            yield
        except (redis.RedisError, OperationalError, OSError) as error:
            if "injected" not in str(error):
                raise SimulationFailure(f"{kind} raises {error!r}") from error
            raise _Injected from error
        except (Killed, SimulationFailure):
            raise
        except Exception as error:
            raise SimulationFailure(f"{kind} raises {error!r}") from error

    def _others(self) -> None:
        """While one process stands still, others do things."""
        world, steps = self.world, self.steps
        kept: dict[str, Any] = {
            "may_append": steps.may_append, "then": steps.then, "note": steps.note
        }  # fmt: skip
        process, batch, look = world.process, engine.BATCH_ENTRIES, world.seconds_a_look
        self.outcome.trace.append(f"    ({steps.note} pauses)")
        self._depth, steps.paused = 1, process
        with world.seams.put_aside():
            self._look()
            for _ in range(self.draw.randint(1, 8)):
                self.step()
        self._depth, steps.paused = 0, None
        world.seams.pause = self._others
        world.process_use(process)
        engine.BATCH_ENTRIES, world.seconds_a_look = batch, look
        self.model.appended.clear()
        for name, value in kept.items():
            setattr(steps, name, value)

    def _store_replaced(self) -> None:
        """Between two calls of one process the store is started again, or is another one."""
        with self.world.seams.off():
            kind = self.draw.choice(("store_restarted", "store_tail_lost", "store_lost"))
            text = getattr(self.steps, kind)()
        self.outcome.trace.append(f"    ({kind} {text})")

    def settle(self, *, closing: bool = False) -> None:
        """Let sweeps and drains go on, without faults, until nothing is left to do (`closing`: and all is closed)."""
        for _ in range(SETTLE_ROUNDS):
            self._take("sweep", None)
            while self.world.wakes:
                self._take("drain", None)
            if self._is_at_rest():
                if not closing or all(listing.is_closed for listing in self.model.listings.values()):
                    return
                self._take("close", None)
        raise SimulationFailure("it does not come to rest")

    def _is_at_rest(self) -> bool:
        return self.model.is_open and all(
            listing.checkpoint >= listing.newest
            and listing.applied == listing.checkpoint
            and (listing.marker is None or listing.is_closed)
            for listing in self.model.listings.values()
        )


class _Injected(Exception):
    """An injected error has come out of the system, which is its right."""
