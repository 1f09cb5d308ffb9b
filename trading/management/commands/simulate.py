"""`manage.py simulate`: random runs of the whole exchange with crashes and losses in them, each from a seed."""

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading.simulation.workers import Total, simulate


class Command(BaseCommand):
    help = "Simulate the exchange from seeds, with faults, on stores and databases of its own."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seeds", type=int, default=1_000)
        parser.add_argument("--first", type=int, default=1)
        parser.add_argument("--steps", type=int, default=40)
        parser.add_argument("--jobs", type=int, default=2)
        parser.add_argument("--seconds", type=float, default=0, help="begin no new seed after this time")
        parser.add_argument(
            "--trace", action="store_true", help="show the steps of every seed, in this process"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        if options["trace"]:
            total = self._traced(options)
        else:
            total = simulate(
                first=options["first"], seeds=options["seeds"], steps=options["steps"], jobs=options["jobs"],
                seconds=options["seconds"], tell=self._progress, show=self._show,
            )  # fmt: skip
        self.stdout.write(json.dumps(total.as_dict(time.monotonic() - began)))
        if total.failures:
            raise CommandError(f"{len(total.failures)} of {total.seeds} seeds failed")

    def _traced(self, options: dict[str, Any]) -> Total:
        from trading.simulation.run import Simulator
        from trading.simulation.world import world_open

        total = Total()
        with world_open() as world:
            simulator = Simulator(world)
            for seed in range(options["first"], options["first"] + options["seeds"]):
                outcome = simulator.run(seed, options["steps"])
                total.add(outcome)
                self._show(outcome)
        return total

    def _show(self, outcome: Any) -> None:
        self.stdout.write(f"Seed {outcome.seed}: {outcome.failure or 'as it should be'}")
        for line in outcome.trace:
            self.stdout.write(f"  {line}")

    def _progress(self, total: Total, seconds: float) -> None:
        rate = total.seeds / seconds
        failed = [outcome.seed for outcome in total.failures]
        self.stdout.write(
            f"{total.seeds} seeds in {seconds:.0f} s ({rate:.1f}/s), failed: {failed or 'none'}"
        )
        self.stdout.flush()
