"""`manage.py bench_engine`: how fast accepted orders are matched, settled and published."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from trading.benchmark.engine import engine_measure
from trading.benchmark.surroundings import throwaway


class Command(BaseCommand):
    help = (
        "Measure the engine on stores and a database of its own; DATABASE_URL chooses the kind of database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--orders", type=int, default=10_000)
        parser.add_argument("--listings", type=int, default=1)
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        with throwaway():
            result = engine_measure(
                orders=options["orders"], listings=options["listings"], seed=options["seed"]
            )
        self.stdout.write(json.dumps(result.as_dict()))
