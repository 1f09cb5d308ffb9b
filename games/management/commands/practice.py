"""`manage.py practice`: the process that hosts the practice games."""

import os
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from games.practice import process

NICENESS = 10


class Command(BaseCommand):
    """Host practice until told to stop."""

    help = "Host the practice games, until SIGTERM or Ctrl-C; one process at a time does, a second one waits."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, yielding to everything else on the machine; players are told when it ends."""
        os.nice(NICENESS)
        stop = threading.Event()
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, lambda *_: stop.set())
        process.run(stop)
