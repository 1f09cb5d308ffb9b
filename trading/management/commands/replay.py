"""`manage.py replay FILE`: what the exchange answers to a file of commands, a line of JSON per event."""

from __future__ import annotations

import json
import sys
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading.core.replay import ReplayError, replay_lines


class Command(BaseCommand):
    help = (
        "Feed a file of commands (JSON lines, - for standard input) to the matching core; print its events."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["file"]
        with self._open(name) as lines:
            try:
                for output in replay_lines(lines):
                    self.stdout.write(json.dumps(output, separators=(",", ":")))
            except ReplayError as error:
                raise CommandError(f"{name}, {error}") from None

    def _open(self, name: str) -> BinaryIO:
        try:
            return sys.stdin.buffer if name == "-" else open(name, "rb")
        except OSError as error:
            raise CommandError(f"cannot read {name}: {error.strerror}") from None
