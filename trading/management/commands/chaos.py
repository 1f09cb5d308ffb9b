"""`manage.py chaos`: kill the processes of a whole instance under load, and prove that nothing is lost."""

import json
import random
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from stocking.launch.plan import LaunchError
from trading.chaos.run import chaos_run


class Command(BaseCommand):
    help = (
        "Kill processes of an instance of its own at random under load; the last line says what came of it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--kills", type=int, default=10)
        parser.add_argument("--rate", type=float, default=300.0, help="orders a second")
        parser.add_argument("--seed", type=int, help="of the kills and the orders; random by default")
        parser.add_argument("--database", choices=("sqlite", "mariadb"), default="sqlite")

    def handle(self, *args: Any, **options: Any) -> None:
        seed = random.SystemRandom().randrange(10**6) if options["seed"] is None else options["seed"]
        try:
            outcome = chaos_run(
                kills=options["kills"],
                rate=options["rate"],
                seed=seed,
                database=options["database"],
                say=self.stdout.write,
            )
        except LaunchError as error:
            raise CommandError(str(error)) from None
        for fault in outcome.faults:
            self.stdout.write(f"FAULT {fault}")
        self.stdout.write(json.dumps(outcome.as_dict(), ensure_ascii=False))
        if not outcome.ok:
            sys.exit(1)
