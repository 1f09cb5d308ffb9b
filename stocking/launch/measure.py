"""`python -m stocking.launch.measure COMMAND …`: a management command against an instance of its own.

The instance has free ports and its state in a temporary directory; it is stopped and removed with the command's
end. Its game is long, so that the market does not close on a measurement. Settings come from the environment,
with the defaults below; `DATABASE_URL` names an empty database, or is `mariadb`: a private server is started.
"""

import os
import subprocess
import sys
from contextlib import ExitStack

from stocking.launch.instance import Instance
from stocking.launch.mariadb import private_mariadb
from stocking.launch.plan import LaunchError

# A generator is a few very busy players, who all sign up and log in from one address: no limit there.
DEFAULTS = {
    "GAME_CYCLE_SECONDS": "3600",
    "GAME_PREPARE_SECONDS": "5",
    "GAME_TRADING_SECONDS": "3300",
    "ORDER_RATE_PER_SECOND": "1000",
    "ORDER_RATE_BURST": "2000",
    "ADDRESS_ORDER_RATE_BURST": "0",
    "SIGNUP_RATE": "",
    "LOGIN_RATE": "",
}


def main(arguments: list[str]) -> int:
    """Start, run, stop; returns the command's exit status."""
    if not arguments:
        print("usage: python -m stocking.launch.measure COMMAND [OPTIONS]", file=sys.stderr)
        return 2
    settings = {name: os.environ.get(name) or value for name, value in DEFAULTS.items()}
    database = os.environ.get("DATABASE_URL", "")
    try:
        with ExitStack() as stack:
            if database == "mariadb":
                database = stack.enter_context(private_mariadb()).url()
            if database:
                settings["DATABASE_URL"] = database
            instance = stack.enter_context(Instance(settings))
            command = [sys.executable, "manage.py", *arguments]
            return subprocess.run(command, cwd=instance.root, env=instance.env, check=False).returncode
    except KeyboardInterrupt:
        return 130
    except LaunchError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
