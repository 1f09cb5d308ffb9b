"""`manage.py bench_pages`: how long each page and each read takes with a full game behind it."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from stocking.pages.benchmark.measure import pages_measure
from trading.benchmark.surroundings import throwaway


class Command(BaseCommand):
    help = "Measure every page and every GET of the API on stores and a database of its own, with a full game in it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--requests", type=int, default=200, help="how often each is asked for")
        parser.add_argument("--listings", type=int, default=12)
        parser.add_argument("--players", type=int, default=100)
        parser.add_argument("--orders", type=int, default=20_000)
        parser.add_argument("--games", type=int, default=50, help="finished games")

    def handle(self, *args: Any, **options: Any) -> None:
        names = ("requests", "listings", "players", "orders", "games")
        with throwaway():
            result = pages_measure(**{name: options[name] for name in names})
        self.stdout.write(json.dumps(result))
