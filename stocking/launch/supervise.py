"""The supervisor process of an instance: supervisord, ending by itself when its launcher is gone.

The launcher keeps the writing end of a pipe that is this process's standard input. When the launcher ends
without having stopped anything (kill -9), the pipe closes; the supervisor stops its programs, then itself.
"""

import os
import sys
from pathlib import Path

from supervisor.medusa import asyncore_25 as asyncore
from supervisor.supervisord import main as supervisord

LAUNCHER_PIPE = 0


class LauncherPipe:
    """Takes part in the supervisor's own select loop: readable at the end of the launcher's life."""

    closed = False

    def readable(self) -> bool:
        """Tell the loop whether to look at the pipe."""
        return not self.closed

    def writable(self) -> bool:
        """Nothing is ever written."""
        return False

    def handle_read_event(self) -> None:
        """At the end of the pipe ask this very process to stop, as a terminal would."""
        if os.read(LAUNCHER_PIPE, 1024) == b"":
            self.closed = True
            os.kill(os.getpid(), 15)

    def handle_error(self) -> None:
        """Treat a broken pipe as a closed one."""
        self.closed = True
        os.kill(os.getpid(), 15)


def supervise(configuration: Path) -> None:
    """Run supervisord in this process until it is told to stop."""
    asyncore.socket_map[LAUNCHER_PIPE] = LauncherPipe()
    supervisord(["--nodaemon", "--configuration", str(configuration)])


if __name__ == "__main__":
    supervise(Path(sys.argv[1]))
