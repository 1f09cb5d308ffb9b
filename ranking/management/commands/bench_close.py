"""`manage.py bench_close`: how long a game takes from its close until its results are shown."""

import json
import os
import subprocess
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ranking.benchmark.close import close_measure
from stocking.launch.mariadb import private_mariadb
from trading.benchmark.surroundings import throwaway


class Command(BaseCommand):
    help = "Measure the close of a game on stores and a database of its own; DATABASE_URL chooses the kind of database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--players", type=int, default=10_000)
        parser.add_argument("--listings", type=int, default=3)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument(
            "--first", action="store_true", help="nobody has played before; rate again afterwards"
        )
        parser.add_argument("--mariadb", action="store_true", help="on a private MariaDB, started for this")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["players"] < 1 or options["listings"] < 1:
            raise CommandError("players and listings are at least one")
        if options["mariadb"]:
            self._again_on_mariadb(options)
            return
        with throwaway():
            measured = close_measure(
                players=options["players"],
                listings=options["listings"],
                seed=options["seed"],
                is_first=options["first"],
            )
        self.stdout.write(json.dumps(measured.as_dict()))

    def _again_on_mariadb(self, options: dict[str, Any]) -> None:
        names = ("players", "listings", "seed")
        arguments = [f"--{name}={options[name]}" for name in names] + ["--first"] * options["first"]
        with private_mariadb() as server:
            environment = {**os.environ, "DATABASE_URL": server.url()}
            command = [sys.executable, "manage.py", "bench_close", *arguments]
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise CommandError("bench_close failed on MariaDB")
        self.stdout.write(done.stdout.strip())
