"""A private MariaDB: `mariadbd` in a temporary directory, on a free port of this machine only."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from stocking.launch.instance import free_port, wait_until
from stocking.launch.plan import HOST, LaunchError

START_SECONDS = 60.0
STOP_SECONDS = 30.0
USER = "stocking"
PASSWORD = "stocking-local"  # noqa: S105
# Debian keeps the server in /usr/sbin, which an ordinary user's PATH may lack.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def missing_part() -> str | None:
    """Return what is not installed of what a private MariaDB needs, or None."""
    for names in (("mariadbd", "mysqld"), ("mariadb-install-db", "mysql_install_db"), ("mariadb", "mysql")):
        if _program(*names) is None:
            return f"MariaDB ({names[0]})"
    if importlib.util.find_spec("MySQLdb") is None:
        return "mysqlclient (requirements.txt)"
    return None


def _program(*names: str) -> str | None:
    return next((path for path in (shutil.which(name, path=SEARCH_PATH) for name in names) if path), None)


def _required(*names: str) -> str:
    found = _program(*names)
    if found is None:
        raise LaunchError(f"{names[0]} is not installed")
    return found


@dataclass(slots=True)
class MariaDB:
    """A server whose user may create and drop databases; it can be killed and started again on its data."""

    directory: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def socket(self) -> Path:
        """The server's socket."""
        return self.directory / "mariadb.sock"

    @property
    def log(self) -> Path:
        """What the server prints."""
        return self.directory / "log"

    def url(self, database: str = "stocking") -> str:
        """Return the DATABASE_URL of one of its databases; `stocking` exists from the start."""
        return f"mysql://{USER}:{PASSWORD}@{HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Start the server on its data, without waiting until it answers."""
        command = [
            _required("mariadbd", "mysqld"), "--no-defaults", f"--datadir={self.directory / 'data'}",
            f"--socket={self.socket}", f"--port={self.port}", f"--bind-address={HOST}",
            f"--pid-file={self.directory / 'pid'}", "--skip-name-resolve", "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_unicode_ci", "--innodb-flush-log-at-trx-commit=1",
            "--innodb-buffer-pool-size=128M", "--skip-log-bin", *_run_as(),
        ]  # fmt: skip
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def execute(self, statements: str) -> bool:
        """Run statements as the server's root; returns whether it answered and did."""
        if self.process is None or self.process.poll() is not None:
            raise LaunchError(f"MariaDB ended:\n{self.log.read_text(errors='replace')[-2000:]}")
        done = subprocess.run(
            [_required("mariadb", "mysql"), "--no-defaults", f"--socket={self.socket}", "--user=root",
             "--execute", statements],
            capture_output=True, check=False, timeout=START_SECONDS,
        )  # fmt: skip
        return done.returncode == 0

    def kill(self) -> None:
        """End the server as `kill -9` does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """Stop the server in order; kill it when that takes too long."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()


def _run_as() -> list[str]:
    """As root the server must be told so; otherwise it runs as whoever starts it."""
    return ["--user=root"] if os.geteuid() == 0 else []


@contextmanager
def private_mariadb() -> Iterator[MariaDB]:
    """Run a server for the time of the block; LaunchError where MariaDB or mysqlclient is missing."""
    missing = missing_part()
    if missing is not None:
        raise LaunchError(f"{missing} is not installed")
    # A directory of our own making: the socket's path must be short.
    server = MariaDB(Path(tempfile.mkdtemp(prefix="stocking-mariadb-")), free_port())
    try:
        subprocess.run(
            [_required("mariadb-install-db", "mysql_install_db"), "--no-defaults",
             f"--datadir={server.directory / 'data'}", "--auth-root-authentication-method=normal",
             "--skip-test-db", "--skip-name-resolve", *_run_as()],
            check=True, capture_output=True, timeout=START_SECONDS,
        )  # fmt: skip
        server.start()
        grants = (
            "CREATE DATABASE stocking; "
            f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}'; "
            f"GRANT ALL ON *.* TO '{USER}'@'%';"
        )
        wait_until(lambda: server.execute(grants), START_SECONDS, "MariaDB answers")
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.directory, ignore_errors=True)
