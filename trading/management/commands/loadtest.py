"""`manage.py loadtest`: orders over real HTTP from many players, then the books are compared with its own record."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading.loadtest.players import LoadError
from trading.loadtest.report import Options, loadtest_run


class Command(BaseCommand):
    help = "Put load on a running instance (never one that people play on: it creates players with money of their own)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--users", type=int, default=100)
        parser.add_argument("--orders", type=int, default=1_000, help="orders of each user")
        parser.add_argument(
            "--rate", type=float, default=0.0, help="so many orders a second in all, and every player listens"
        )
        parser.add_argument(
            "--journey",
            action="store_true",
            help="each user signs up, logs in, buys, logs out by the pages' forms",
        )
        parser.add_argument("--base-url", default="", help="default: the instance of var/instance.env")
        parser.add_argument(
            "--seed", default="", help="the same orders again; must not be reused in one game"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["users"] < 1 or options["orders"] < 1:
            raise CommandError("--users and --orders are at least 1")
        if options["journey"] and options["rate"]:
            raise CommandError("a journey has no rate: it goes as fast as answers come")
        try:
            result = loadtest_run(
                Options(
                    users=options["users"],
                    orders=options["orders"],
                    base_url=options["base_url"],
                    seed=options["seed"],
                    rate=options["rate"],
                    journey=options["journey"],
                ),
                say=self.stderr.write,
            )
        except (LoadError, OSError, ValueError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(json.dumps(result, ensure_ascii=False))
        if result["missing"] or result["doubled"] or not result["audit_ok"]:
            sys.exit(1)
