"""Seeds on several processes at once, each with a world of its own. Imports nothing that needs Django's set-up."""

import multiprocessing
import queue
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trading.simulation.run import Outcome

REPORT_SECONDS = 1.0
PROGRESS_SECONDS = 30.0
WAIT_SECONDS = 1.0
FAILURES_MAX = 20


@dataclass(slots=True)
class Total:
    """What many seeds did, added up."""

    seeds: int = 0
    steps: int = 0
    crashes: Counter[str] = field(default_factory=Counter)
    commands: Counter[str] = field(default_factory=Counter)
    trades: int = 0
    lost: int = 0
    failures: list["Outcome"] = field(default_factory=list)

    def add(self, outcome: "Outcome") -> None:
        """Count one seed."""
        self.seeds += 1
        self.steps += sum(outcome.commands.values())
        self.crashes += outcome.crashes
        self.commands += outcome.commands
        self.trades += outcome.trades
        self.lost += outcome.lost
        if outcome.failure:
            self.failures.append(outcome)

    def merge(self, other: "Total") -> None:
        """Add what another process has counted."""
        for name in ("seeds", "steps", "crashes", "commands", "trades", "lost", "failures"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def as_dict(self, seconds: float) -> dict[str, Any]:
        """Return the figures of the outside contract."""
        return {
            "seeds": self.seeds,
            "steps": self.steps,
            "crashes": dict(sorted(self.crashes.items())),
            "commands": dict(sorted(self.commands.items())),
            "trades": self.trades,
            "entries_lost": self.lost,
            "seconds": round(seconds, 1),
            "failures": sorted(outcome.seed for outcome in self.failures),
        }


def simulate(
    *, first: int, seeds: int, steps: int, jobs: int, seconds: float,
    tell: Callable[[Total, float], None], show: Callable[["Outcome"], None],
) -> Total:  # fmt: skip
    """Run the seeds from `first` on, at most for `seconds` (0: no limit), stopping early after many failures.

    `tell` is called now and then with what has been done so far, `show` with each failure at once. Raises
    RuntimeError when a worker dies.
    """
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(1)
    )  # so that the workers are ended, and end their stores
    context = multiprocessing.get_context("spawn")
    results: Any = context.Queue()
    began = time.monotonic()
    workers = [
        context.Process(
            target=_work, args=(results, range(first + job, first + seeds, jobs), steps, seconds), daemon=True
        )
        for job in range(min(jobs, seeds))
    ]
    for worker in workers:
        worker.start()
    total, running, told = Total(), len(workers), began
    try:
        while running:
            try:
                part, is_last = results.get(timeout=WAIT_SECONDS)
            except queue.Empty:
                if any(worker.exitcode not in (None, 0) for worker in workers):
                    raise RuntimeError("a worker of the simulation has died") from None
                continue
            total.merge(part)
            for outcome in part.failures:
                show(outcome)
            running -= is_last
            if len(total.failures) >= FAILURES_MAX:
                break
            if time.monotonic() - told >= PROGRESS_SECONDS:
                told = time.monotonic()
                tell(total, told - began)
    finally:
        for worker in workers:
            worker.terminate() if running else worker.join()
    return total


def _work(results: Any, seeds: range, steps: int, seconds: float) -> None:
    """Be one worker: run the seeds and report what they gave every second."""
    import django

    django.setup()
    from trading.simulation.run import Simulator
    from trading.simulation.world import world_open

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the world is taken down
    parent: Any = multiprocessing.parent_process()
    part = Total()
    with world_open() as world:
        simulator = Simulator(world)
        began = reported = time.monotonic()
        for seed in seeds:
            part.add(simulator.run(seed, steps))
            now = time.monotonic()
            if now - reported >= REPORT_SECONDS:
                if not parent.is_alive():
                    return
                results.put((part, 0))
                part, reported = Total(), now
            if seconds and now - began >= seconds:
                break
    results.put((part, 1))
