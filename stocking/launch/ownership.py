"""One launcher per state directory, and which processes belong to it.

Every process of an instance carries the instance's random token in its environment. So what a launcher
that was killed has left behind can be found with certainty, whatever became of process ids since, and nothing
else is ever signalled.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from stocking.launch.plan import TOKEN_VARIABLE, LaunchError, Plan, write_private

GRACE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Record:
    """What the running launcher notes down for others: see `var/run.json`."""

    token: str
    launcher_pid: int
    port: int
    run_dir: str

    @property
    def control_socket(self) -> Path:
        """The supervisor's socket."""
        return Path(self.run_dir) / "control.sock"


def record_path(var_dir: Path) -> Path:
    """Return where the record of a state directory stands."""
    return var_dir / "run.json"


def write_record(var_dir: Path, record: Record) -> None:
    """Note the running instance down."""
    write_private(record_path(var_dir), json.dumps(asdict(record)) + "\n")


def read_record(var_dir: Path) -> Record | None:
    """Return the record, or None where there is none or it cannot be read."""
    try:
        data: Any = json.loads(record_path(var_dir).read_text(encoding="utf-8"))
        return Record(
            token=str(data["token"]),
            launcher_pid=int(data["launcher_pid"]),
            port=int(data["port"]),
            run_dir=str(data["run_dir"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def lock_instance(plan: Plan) -> IO[str]:
    """Take the state directory for this launcher until it ends, in whatever way; LaunchError if taken."""
    # For its owner only: the database has sessions and password hashes.
    plan.var_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = (plan.var_dir / "launch.lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        record = read_record(plan.var_dir)
        where = f" at http://127.0.0.1:{record.port}/ (process {record.launcher_pid})" if record else ""
        raise LaunchError(
            f"Stocking is already running from {plan.var_dir}{where}.\n"
            "Stop it with Ctrl-C in its terminal, or start another one beside it:\n"
            f"  PORT={plan.port + 1} STOCKING_VAR_DIR=/another/directory make run"
        ) from error
    return file


def owned_processes(token: str) -> list[int]:
    """Return the ids of all other processes that carry the token."""
    marker = f"{TOKEN_VARIABLE}={token}".encode()
    own = os.getpid()
    listed = _by_proc(marker) if os.path.exists("/proc/self/environ") else _by_ps(marker)
    return [pid for pid in listed if pid != own]


def _by_proc(marker: bytes) -> Iterable[int]:
    for name in os.listdir("/proc"):
        if not name.isdecimal():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                environment = file.read()
        except OSError:  # ended meanwhile, or another user's
            continue
        if marker in environment.split(b"\0"):
            yield int(name)


def _by_ps(marker: bytes) -> Iterable[int]:
    """Where there is no /proc (macOS): `ps` shows one's own processes with their environment."""
    listing = subprocess.run(
        ["/bin/ps", "-A", "-E", "-ww", "-o", "pid=,command="], capture_output=True, check=False
    ).stdout
    for line in listing.splitlines():
        pid, _, command = line.strip().partition(b" ")
        if marker in command.split() and pid.isdigit():
            yield int(pid)


def end_owned_processes(token: str, *, impatient: Callable[[], bool] = lambda: False) -> None:
    """End every process with the token: asked first, killed after a time of grace."""
    _signal_all(owned_processes(token), signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while owned_processes(token) and time.monotonic() < deadline and not impatient():
        time.sleep(0.1)
    for _ in range(50):
        left = owned_processes(token)
        if not left:
            return
        _signal_all(left, signal.SIGKILL)
        time.sleep(0.1)


def clean_up_after_killed_launcher(var_dir: Path, say: Callable[[str], None]) -> None:
    """With the lock held: end what an earlier launcher of this directory could not stop itself."""
    record = read_record(var_dir)
    if record is None:
        return
    left = owned_processes(record.token)
    if left:
        say(f"Stopping {len(left)} processes which an earlier run left behind …")
        end_owned_processes(record.token)
    forget(var_dir, record)


def forget(var_dir: Path, record: Record) -> None:
    """Remove the traces of an instance that has ended."""
    (var_dir / "instance.env").unlink(missing_ok=True)
    run_dir = Path(record.run_dir)
    if run_dir.name.startswith("stocking-run-"):
        shutil.rmtree(run_dir, ignore_errors=True)
    record_path(var_dir).unlink(missing_ok=True)


def _signal_all(pids: Iterable[int], signum: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signum)
