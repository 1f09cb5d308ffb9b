"""A whole real instance for a test or a measurement: started by the launcher, on free ports, in a temporary place.

with Instance(settings={"GAME_CYCLE_SECONDS": "60"}) as instance:
    httpx.get(instance.base_url)
    instance.kill("engine")
    instance.manage("audit")
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import unquote

from stocking.launch.control import Control, ProgramState
from stocking.launch.ownership import Record, owned_processes, read_record
from stocking.launch.plan import HOST, LaunchError, free_store_ports

REPOSITORY = Path(__file__).resolve().parent.parent.parent
READY_LINE = "Stocking is ready at "
READY_SECONDS = 120.0
STOP_SECONDS = 40.0
# What the caller's process has set for itself (its own stores and settings) is not the instance's.
NOT_INHERITED = (
    "DJANGO_SETTINGS_MODULE",
    "STOCKING_VAR_DIR",
    "DATABASE_URL",
    "DATABASE_REPLICA_URL",
    "ORDER_REDIS_URL",
    "BUS_REDIS_URL",
    "DEBUG",
    "PORT",
    "SECRET_KEY",
)
T = TypeVar("T")


def free_port() -> int:
    """Return a port nobody listens on, and that no outgoing connection takes while its server restarts."""
    return free_store_ports(1, but=0)[0]


def wait_until(condition: Callable[[], T], limit_seconds: float, what: str) -> T:
    """Return the condition's first true value; LaunchError at the limit."""
    deadline = time.monotonic() + limit_seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise LaunchError(f"not within {limit_seconds} s: {what}")
        time.sleep(0.05)


class Instance:
    """One instance. `settings` are environment variables of its own; `root` another checkout."""

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        *,
        var_dir: Path | None = None,
        port: int | None = None,
        root: Path = REPOSITORY,
    ) -> None:
        self._own_var_dir = var_dir is None
        self.var_dir = var_dir or Path(tempfile.mkdtemp(prefix="stocking-instance-"))
        self.port = port or free_port()
        self.root = root
        self.base_url = f"http://{HOST}:{self.port}"
        self.ready_seconds: float | None = None
        inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        self._launch_environment = {
            **inherited,
            "PYTHONUNBUFFERED": "1",
            **(settings or {}),
            "PORT": str(self.port),
            "STOCKING_VAR_DIR": str(self.var_dir),
        }
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._lines: list[str] = []

    # Life -------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def launch(self) -> Self:
        """Start the launcher without waiting for anything."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "stocking.launch"],
            cwd=self.root,
            env=self._launch_environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        return self

    def start(self, limit_seconds: float = READY_SECONDS) -> Self:
        """Start the launcher and wait until it says that the instance is ready."""
        began = time.monotonic()
        self.launch()
        wait_until(lambda: READY_LINE in self.output or self.ended, limit_seconds, f"ready\n{self.output}")
        if READY_LINE not in self.output:
            raise LaunchError(f"the launcher ended:\n{self.output}")
        self.ready_seconds = time.monotonic() - began
        return self

    def stop(self, signum: signal.Signals = signal.SIGINT) -> int | None:
        """Stop everything as Ctrl-C does; return the launcher's exit status, None if it never ran."""
        if self._process is None:
            self._remove_state()
            return None
        if not self.ended:
            self._process.send_signal(signum)
        try:
            status = self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # Without its launcher the supervisor stops everything by itself.
            self._process.kill()
            raise LaunchError(f"the launcher did not stop:\n{self.output}") from None
        finally:
            self._remove_state()
        return status

    def _remove_state(self) -> None:
        if self._own_var_dir:
            shutil.rmtree(self.var_dir, ignore_errors=True)

    def _read(self, process: "subprocess.Popen[str]") -> None:
        for line in process.stdout or ():
            self._lines.append(line)

    # Looking at it ----------------------------------------------------------------------------------

    @property
    def output(self) -> str:
        """All that the launcher has printed so far."""
        return "".join(self._lines)

    @property
    def ended(self) -> bool:
        """Tell whether the launcher has ended and all of its output is here."""
        return (
            self._process is not None
            and self._process.poll() is not None
            and self._reader is not None
            and not self._reader.is_alive()
        )

    @property
    def launcher_pid(self) -> int:
        """The launcher's own process id."""
        if self._process is None:
            raise LaunchError("the launcher was not started")
        return self._process.pid

    @property
    def record(self) -> Record:
        """What the launcher has noted down for others."""
        record = read_record(self.var_dir)
        if record is None:
            raise LaunchError(f"the instance is not running:\n{self.output}")
        return record

    @property
    def env(self) -> dict[str, str]:
        """Environment for a client process of this instance, such as a management command."""
        values = dict(self._launch_environment)
        for line in (self.var_dir / "instance.env").read_text(encoding="utf-8").splitlines():
            name, sign, value = line.partition("=")
            if sign and not name.startswith("#"):
                values[name] = value
        return values

    @property
    def database_file(self) -> Path:
        """Path of the instance's SQLite database."""
        return Path(unquote(self.env["DATABASE_URL"].removeprefix("sqlite:///")))

    def states(self) -> dict[str, ProgramState]:
        """Return what the supervisor says of each program, by name."""
        return Control(self.record.control_socket).states()

    def pids(self) -> dict[str, int]:
        """Return the process ids by program: gate, bus, web, engine, jobs, clock, beat, practice (0: not running)."""
        return {name: state.pid for name, state in self.states().items()}

    def processes(self) -> list[int]:
        """Return every process of this instance, the launcher's helpers included, but not the launcher."""
        return owned_processes(self.record.token)

    def log(self, program: str) -> str:
        """Return what a program has printed."""
        path = self.var_dir / "log" / f"{program}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    # Acting on it -----------------------------------------------------------------------------------

    def kill(self, program: str, signum: signal.Signals = signal.SIGKILL) -> int:
        """Send a program a signal and return the process id it had."""
        pid = self.pids()[program]
        if not pid:
            raise LaunchError(f"{program} is not running")
        os.kill(pid, signum)
        return pid

    def wait_restarted(self, program: str, old_pid: int, limit_seconds: float = 15.0) -> int:
        """Wait until a killed program has a new process; return its id."""

        def new_pid() -> int:
            pid = self.pids()[program]
            return pid if pid != old_pid else 0

        return wait_until(new_pid, limit_seconds, f"{program} restarted")

    def manage(self, *arguments: str, limit_seconds: float = 120.0, check: bool = True) -> str:
        """Run a management command against the instance and return its standard output."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.root,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=limit_seconds,
            check=False,
        )
        if check and done.returncode != 0:
            raise LaunchError(f"{arguments} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout
