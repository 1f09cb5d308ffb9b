"""The ledger's tables can be made, and a game seeded, on MariaDB as well as on SQLite."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.instance import REPOSITORY
from tests.mariadb import MariaDB

pytestmark = [pytest.mark.database, pytest.mark.timeout(180)]


def manage(mariadb: MariaDB, var_dir: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environment |= {"DATABASE_URL": mariadb.url(), "DEBUG": "true", "STOCKING_VAR_DIR": str(var_dir)}
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=150,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_migrations_and_the_seed_run(mariadb: MariaDB, tmp_path: Path) -> None:
    manage(mariadb, tmp_path, "migrate", "--no-input")
    assert "No migrations to apply" in manage(mariadb, tmp_path, "migrate", "--no-input")
    manage(mariadb, tmp_path, "seed")


def test_a_game_is_ranked_rated_and_rated_again_to_the_last_bit(mariadb: MariaDB, tmp_path: Path) -> None:
    lines = manage(mariadb, tmp_path, "bench_close", "--players", "60", "--first").splitlines()
    figures = json.loads(lines[-1])
    assert (figures["database"], figures["rerated_same"]) == ("mysql", True)
