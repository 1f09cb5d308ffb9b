"""`manage.py soak`: many short games in a row on an instance of its own, audited, listened to and weighed."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from games.soak import soak_run
from stocking.launch.plan import LaunchError


class Command(BaseCommand):
    help = "Play many games in a row on an instance of its own; the last line says what came of it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--games", type=int, default=20)
        parser.add_argument("--cycle", type=int, default=60, help="seconds of a game, everything included")
        parser.add_argument("--rate", type=float, default=20.0, help="orders a second")
        parser.add_argument("--database", choices=("sqlite", "mariadb"), default="sqlite")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            soak = soak_run(
                games=options["games"], cycle_seconds=options["cycle"], rate=options["rate"],
                database=options["database"], say=self.stdout.write,
            )  # fmt: skip
        except LaunchError as error:
            raise CommandError(str(error)) from None
        for fault in soak.faults:
            self.stdout.write(f"FAULT {fault}")
        self.stdout.write(json.dumps(soak.as_dict(), ensure_ascii=False))
        if soak.faults:
            sys.exit(1)
