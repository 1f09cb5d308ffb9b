"""`manage.py bench_book`: how fast the book alone is, and what a resting order weighs."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from trading.benchmark.book import book_measure


class Command(BaseCommand):
    help = (
        "Measure the matching core alone: no store, no database. Linux only (it reads /proc for the memory)."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--orders", type=int, default=100_000)
        parser.add_argument("--resting", type=int, default=1_000_000)
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        result = book_measure(orders=options["orders"], resting=options["resting"], seed=options["seed"])
        self.stdout.write(json.dumps(result.as_dict()))
