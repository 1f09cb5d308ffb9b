"""The exchange and the accounts on MariaDB: their tests once more, on another database."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mariadb import MariaDB

pytestmark = [pytest.mark.database, pytest.mark.flow, pytest.mark.timeout(300)]

SUITES = (
    "trading/tests/test_engine.py", "trading/tests/test_faults.py", "trading/tests/test_watch.py",
    "--deselect=trading/tests/test_watch.py::test_under_load_hundreds_of_audits_raise_no_false_alarm",
    "ranking/tests/test_flow.py",
)  # fmt: skip


def run_on(mariadb: MariaDB, repository: Path, *suites: str) -> None:
    """Run tests in a process of their own, on another database."""
    environment = {name: value for name, value in os.environ.items() if name != "STOCKING_VAR_DIR"}
    environment["DATABASE_URL"] = mariadb.url()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *suites],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8_000:]
    assert "passed" in done.stdout and "skipped" not in done.stdout


def test_the_engine_settles_on_mariadb(mariadb: MariaDB, repository: Path) -> None:
    run_on(mariadb, repository, *SUITES)


def test_rival_workers_on_mariadb(mariadb: MariaDB, repository: Path) -> None:
    run_on(mariadb, repository, "tests/test_rivals.py")


def test_accounts_are_whose_they_are_on_mariadb(mariadb: MariaDB, repository: Path) -> None:
    """Its collations take letters for equal that are not."""
    run_on(mariadb, repository, "accounts/tests/test_letters.py", "accounts/tests/test_confirming.py")
