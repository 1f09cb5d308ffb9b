"""`manage.py loadtest_sockets`: many sockets on moving books, some of which do not read."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading.loadtest.sockets import Options, sockets_run


class Command(BaseCommand):
    help = "Open sockets to a running instance, publish books of its own to them, and measure the delivery."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sockets", type=int, default=1_000)
        parser.add_argument("--rate", type=int, default=10, help="updates a second of each book")
        parser.add_argument("--stalled", type=int, default=50, help="how many of the sockets do not read")
        parser.add_argument("--seconds", type=int, default=20)
        parser.add_argument("--books", type=int, default=10, help="each socket follows one of them")
        parser.add_argument("--base-url", default="", help="default: the instance of var/instance.env")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = {
            name: options[name] for name in ("sockets", "rate", "stalled", "seconds", "books", "base_url")
        }
        if not (
            wanted["books"] >= 1
            and 0 <= wanted["stalled"] < wanted["sockets"]
            and 1 <= wanted["rate"] <= 1_000
        ):
            raise CommandError(
                "there must be a book, a rate of 1 to 1000, and more sockets than stalled ones"
            )
        try:
            result = sockets_run(Options(**wanted), say=self.stderr.write)
        except (OSError, ValueError) as error:
            raise CommandError(f"the instance does not answer: {error}") from None
        self.stdout.write(json.dumps(result))
