"""Where an instance lives and which addresses it uses."""

import os
import random
import re
import secrets
import socket
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

HOST = "127.0.0.1"
DEFAULT_PORT = 8000
WEB_SERVERS = ("uvicorn", "daphne")
# Below the ports that systems hand out to outgoing connections (32768 and up on Linux, 49152 on macOS),
# so that a store which is restarted does not find its port taken by somebody's client.
STORE_PORTS = range(20_000, 30_000)
# A unix socket's path may have 104 bytes on macOS, 108 on Linux.
SOCKET_PATH_LENGTH_MAX = 100
TOKEN_VARIABLE = "STOCKING_INSTANCE"  # noqa: S105
# Settings which another shell needs to see the same game as the running instance.
SHARED_SETTINGS = (
    "GAME_START",
    "GAME_CYCLE_SECONDS",
    "GAME_PREPARE_SECONDS",
    "GAME_TRADING_SECONDS",
    "ORDER_RATE_PER_SECOND",
    "ORDER_RATE_BURST",
    "ADDRESS_ORDER_RATE_PER_SECOND",
    "ADDRESS_ORDER_RATE_BURST",
    "MAX_OPEN_ORDERS",
    "STREAM_LIMIT",
    "SIGNUP_RATE",
    "LOGIN_RATE",
    "LANGUAGE_CODE",
)


class LaunchError(Exception):
    """The instance cannot be started or kept; the message is for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One instance: directories, ports and the environment of all its processes."""

    root: Path
    var_dir: Path
    port: int
    web_server: str = "uvicorn"

    @property
    def base_url(self) -> str:
        """Address of the pages, with the closing slash."""
        return f"http://{HOST}:{self.port}/"

    @property
    def instance_file(self) -> Path:
        """State file from which `manage.py` in another shell learns the addresses."""
        return self.var_dir / "instance.env"

    def log_file(self, program: str) -> Path:
        """Log of one program, standard output and error together."""
        return self.var_dir / "log" / f"{program}.log"


def plan_from_environment(environment: Mapping[str, str]) -> Plan:
    """Read `PORT`, `STOCKING_VAR_DIR` and `WEB_SERVER`; raise LaunchError for what is none."""
    root = Path(__file__).resolve().parent.parent.parent
    var_dir = Path(environment.get("STOCKING_VAR_DIR") or root / "var").expanduser().resolve()
    text = environment.get("PORT") or str(DEFAULT_PORT)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 65_535):
        raise LaunchError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    web_server = environment.get("WEB_SERVER") or WEB_SERVERS[0]
    if web_server not in WEB_SERVERS:
        raise LaunchError(f"WEB_SERVER must be one of {', '.join(WEB_SERVERS)}, not {web_server!r}.")
    return Plan(root=root, var_dir=var_dir, port=int(text), web_server=web_server)


def port_is_free(port: int) -> bool:
    """Tell whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(0.5)
        if client.connect_ex((HOST, port)) == 0:
            return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((HOST, port))
        except PermissionError as error:
            raise LaunchError(
                f"Port {port} may not be opened by this user; choose one above 1023."
            ) from error
        except OSError:
            return False
    return True


def free_store_ports(count: int, *, but: int) -> list[int]:
    """Return that many free ports for the stores, none of them `but`."""
    found: list[int] = []
    for port in random.sample(STORE_PORTS, 500):
        if port != but and port_is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise LaunchError(f"No free ports for the stores between {STORE_PORTS.start} and {STORE_PORTS.stop}.")


def make_run_dir(plan: Plan) -> Path:
    """Make a private directory whose path is short enough for a socket and has no character of meaning.

    The supervisor's configuration reaches log files and checkout through its links `var` and `root`, because
    there is no way to write every path that a checkout may have (spaces, %, ;) into that configuration.
    """
    for parent in (tempfile.gettempdir(), "/tmp"):  # noqa: S108
        path_length = len(parent) + len("/stocking-run-12345678/control.sock")
        if re.fullmatch(r"[A-Za-z0-9/._+-]+", parent) and path_length <= SOCKET_PATH_LENGTH_MAX:
            run_dir = Path(tempfile.mkdtemp(prefix="stocking-run-", dir=parent))
            (run_dir / "var").symlink_to(plan.var_dir)
            (run_dir / "root").symlink_to(plan.root)
            return run_dir
    raise LaunchError("No temporary directory with a path short and plain enough for a socket.")


def child_environment(
    plan: Plan, environment: Mapping[str, str], *, addresses: Mapping[str, str], token: str
) -> dict[str, str]:
    """Return the environment of every process of the instance; what the user has set goes before defaults."""
    return {
        "DJANGO_SETTINGS_MODULE": "stocking.settings",
        "GAME_START": "now",
        **environment,
        **addresses,
        "PORT": str(plan.port),
        "STOCKING_VAR_DIR": str(plan.var_dir),
        TOKEN_VARIABLE: token,
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
    }


def sqlite_url(path: Path) -> str:
    """Return a DATABASE_URL for the file, whatever characters its path has."""
    return f"sqlite:///{quote(str(path))}"


def store_url(port: int, password: str) -> str:
    """Return the address of a store of this instance."""
    return f"redis://:{password}@{HOST}:{port}/0"


def new_password() -> str:
    """Return a password for the stores: other users of this machine can reach their ports too."""
    return secrets.token_hex(16)


def write_instance_file(plan: Plan, environment: Mapping[str, str], addresses: Mapping[str, str]) -> None:
    """Write the state file, readable by its owner only, complete or not at all."""
    shared = {name: environment[name] for name in SHARED_SETTINGS if environment.get(name)}
    values = {**shared, **addresses, "PORT": str(plan.port)}
    lines = ["# Written by the running instance and removed when it stops.\n"]
    lines += [f"{name}={value}\n" for name, value in values.items()]
    write_private(plan.instance_file, "".join(lines))


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically; only its owner can read it."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def python() -> str:
    """Return the interpreter that runs this launcher, by the path of its virtual environment."""
    return sys.executable
