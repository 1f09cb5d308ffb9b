"""The simulation bites: each guard of the exchange is taken away in turn, and it finds out within few seeds.

What is taken away is named by its text or its place. If that is no longer there the test fails: then the guard has
moved, and the test has to follow it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from trading import engine
from trading.gate import client
from trading.gate.client import GateClient, gate
from trading.simulation import run
from trading.simulation.run import Outcome, Simulator
from trading.simulation.world import World, world_open

STEPS = 40
SEEDS_MAX = 150
Tooth = Callable[[World], AbstractContextManager[Any]]


@pytest.fixture(scope="module")
def simulator(django_db_blocker: Any) -> Iterator[Simulator]:
    """Return a simulator in a world of its own; the tests' database is not touched."""
    with django_db_blocker.unblock(), world_open() as world:
        yield Simulator(world)


def _script_without(name: str, guard: str, instead: str) -> Tooth:
    """Replace a guard's text in a script."""

    @contextmanager
    def tooth(world: World) -> Iterator[None]:
        whole = client.script_text

        def text(script: str) -> str:
            found = whole(script)
            if script != name:
                return found
            assert found.count(guard) == 1, f"{name}.lua no longer says {guard!r} once"
            return found.replace(guard, instead)

        client.script_text = text  # type: ignore[assignment]
        gate()._scripts.clear()
        try:
            text(name)
            yield
        finally:
            client.script_text = whole
            gate()._scripts.clear()

    return tooth


def _statement_without(guard: str, instead: str) -> Tooth:
    """Replace a guard's text in the SQL statements that have it."""

    @contextmanager
    def tooth(world: World) -> Iterator[None]:
        found = 0

        def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            nonlocal found
            found += guard in sql
            return execute(sql.replace(guard, instead), params, many, context)

        with world.connection.execute_wrapper(wrapper):
            yield
        assert found, f"no statement says {guard!r}"

    return tooth


def _place_without(place: Any, name: str, instead: Any) -> Tooth:
    """Replace a function."""

    @contextmanager
    def tooth(world: World) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(place, name, instead)
            yield

    return tooth


_release = GateClient.release


def _release_by_the_sweep_alone(
    self: GateClient, listing_id: int, first: int, last: int, trim_id: str, payload: str
) -> int:
    """Leave the release of a batch to whoever applies the outbox (it trims nothing): the message comes first."""
    if trim_id == "0-0":
        return _release(self, listing_id, first, last, trim_id, payload)
    return first - 1


TEETH: dict[str, Tooth] = {
    "the compare-and-set of the checkpoint": _statement_without(
        "WHERE id = %s AND checkpoint = %s", "WHERE id = %s AND -1 < %s"
    ),
    "the applied sequence in the release": _script_without("release", "applied ~= first - 1", "false"),
    "the answer to a repeated request": _script_without("submit", "if earlier then", "if false then"),
    "the discarding of the book after a failed commit": _place_without(
        engine, "engine_forget", lambda listing_id: None
    ),
    "the sequence that recovery passes over": _statement_without(
        '"checkpoint" = ("trading_listing"."checkpoint" + %s)',
        '"checkpoint" = ("trading_listing"."checkpoint" + 0 * %s)',
    ),
    "the release before the message": _place_without(GateClient, "release", _release_by_the_sweep_alone),
    "the run id in the scripts": _script_without("submit", "or gate[2] ~= run_id()", ""),
    "the run id when the gate is looked at": _place_without(
        GateClient, "is_open", lambda self: self.state().get("state") == "open"
    ),
}


# What a worker does with a batch of a store that was lost while it stood still is seen in one seed of two hundred.
SEEN_AFTER_PAUSES = "the sequence that recovery passes over"


def _pause_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes mostly stand still, and the store get lost meanwhile."""
    pauses = (("gate", "pause", 5), ("match", "pause", 3))
    lost = {"store_lost": 20, "store_tail_lost": 20, "gate_open": 30, "sweep": 30, "submit": 20}
    monkeypatch.setattr(run, "FAULTS", {**run.FAULTS, "process": pauses})
    monkeypatch.setattr(run, "FAULT_SHARE", {**run.FAULT_SHARE, "process": 0.6})
    monkeypatch.setattr(run, "WEIGHTS_PAUSED", {**run.WEIGHTS, **lost})


@pytest.mark.parametrize("guard", TEETH)
def test_without_a_guard_a_seed_fails(
    guard: str, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    if guard == SEEN_AFTER_PAUSES:
        _pause_often(monkeypatch)
    found: Outcome | None = None
    with TEETH[guard](simulator.world):
        for seed in range(1, SEEDS_MAX + 1):
            outcome = simulator.run(seed, STEPS)
            if outcome.failure:
                found = outcome
                break
    assert found is not None, f"{SEEDS_MAX} seeds do not miss {guard}"
    print(f"Seed {found.seed}: {found.failure}")
    for seed in range(1, found.seed + 1):
        outcome = simulator.run(seed, STEPS)
        assert not outcome.failure, f"seed {seed}, with every guard: {outcome.failure}"


def test_the_same_seed_gives_the_same_steps(simulator: Simulator) -> None:
    traces = [simulator.run(7, STEPS).trace for _ in range(2)]
    assert traces[0] == traces[1]
    assert len(traces[0]) >= STEPS
