"""`manage.py rerate`: rate all history anew from the stored results."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ranking.rerating import ratings_check, ratings_rewrite


class Command(BaseCommand):
    help = "Rate all history anew from the stored results: the same results give the same ratings."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="only compare; exit status 1 when anything differs"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = ratings_check() if options["check"] else ratings_rewrite()
        self.stdout.write(json.dumps({**asdict(found), "same": found.is_same}))
        if options["check"] and not found.is_same:
            sys.exit(1)
