"""A private MariaDB for tests: `mariadbd` in a temporary directory, on a free port of this machine only."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.instance import free_port, wait_until
from tests.requirements import require_or_skip

START_SECONDS = 60.0
USER = "stocking"
PASSWORD = "stocking-test"
# Debian keeps the server in /usr/sbin, which an ordinary user's PATH may lack.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


@dataclass(frozen=True, slots=True)
class MariaDB:
    """A running server whose user may create and drop databases."""

    port: int
    socket: Path

    def url(self, database: str = "stocking") -> str:
        """Return the DATABASE_URL of one of its databases; `stocking` exists from the start."""
        return f"mysql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"


def _program(*names: str) -> str | None:
    return next((path for path in (shutil.which(name, path=SEARCH_PATH) for name in names) if path), None)


@contextmanager
def private_mariadb() -> Iterator[MariaDB]:
    """Run a server for the time of the block; skip or fail where MariaDB or mysqlclient is missing."""
    server = _program("mariadbd", "mysqld")
    install = _program("mariadb-install-db", "mysql_install_db")
    client = _program("mariadb", "mysql")
    require_or_skip("MariaDB (mariadbd)", server and install and client)
    require_or_skip("mysqlclient (requirements.txt)", importlib.util.find_spec("MySQLdb"))
    assert server
    assert install
    assert client
    # Not pytest's own directory: the socket's path must be short.
    directory = Path(tempfile.mkdtemp(prefix="stocking-mariadb-"))
    # As root the server must be told so; otherwise it runs as whoever runs the tests.
    run_as = ["--user=root"] if os.geteuid() == 0 else []
    data = directory / "data"
    socket = directory / "mariadb.sock"
    process = None
    try:
        subprocess.run(
            [install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
             "--skip-test-db", "--skip-name-resolve", *run_as],
            check=True, capture_output=True, timeout=START_SECONDS,
        )  # fmt: skip
        port = free_port()
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(
                [server, "--no-defaults", f"--datadir={data}", f"--socket={socket}", f"--port={port}",
                 "--bind-address=127.0.0.1", f"--pid-file={directory / 'pid'}", "--skip-name-resolve",
                 "--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci",
                 "--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=128M", "--skip-log-bin",
                 *run_as],
                stdout=log, stderr=log,
            )  # fmt: skip
        grants = (
            "CREATE DATABASE stocking; "
            f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}'; "
            f"GRANT ALL ON *.* TO '{USER}'@'%';"
        )

        def granted() -> bool:
            assert process.poll() is None, (directory / "log").read_text(errors="replace")[-2000:]
            done = subprocess.run(
                [client, "--no-defaults", f"--socket={socket}", "--user=root", "--execute", grants],
                capture_output=True, check=False, timeout=START_SECONDS,
            )  # fmt: skip
            return done.returncode == 0

        wait_until(granted, START_SECONDS, "MariaDB answers")
        yield MariaDB(port=port, socket=socket)
    finally:
        if process is not None:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """One private MariaDB for all tests of the session that ask for it."""
    with private_mariadb() as server:
        yield server
