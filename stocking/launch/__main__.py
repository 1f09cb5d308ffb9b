"""`python -m stocking.launch`: starts Stocking in the foreground, as `make run` does."""

import os
import sys

from stocking.launch.launcher import Launcher
from stocking.launch.ownership import lock_instance
from stocking.launch.plan import LaunchError, plan_from_environment


def main(arguments: list[str]) -> int:
    """Run an instance, or with `--check-stopped` only tell by the exit status that none is running."""
    try:
        plan = plan_from_environment(os.environ)
        if arguments == ["--check-stopped"]:
            lock_instance(plan).close()
            return 0
        if arguments:
            print("usage: python -m stocking.launch [--check-stopped]", file=sys.stderr)
            return 2
        return Launcher(plan, os.environ).run()
    except LaunchError as error:
        print(error, file=sys.stderr)
        return 1


sys.exit(main(sys.argv[1:]))
