"""Fresh seeds of the simulation; a seed that failed once is a test of its own, or better a scenario elsewhere."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

SECONDS = int(os.environ.get("STOCKING_SIMULATION_SECONDS", "30"))
# Beside another process of tests one processor is enough.
JOBS = 1 if "PYTEST_XDIST_WORKER" in os.environ else os.cpu_count() or 1


@pytest.mark.timeout(SECONDS + 120)
def test_fresh_seeds(repository: Path, tmp_path: Path) -> None:
    first = int(datetime.now(UTC).timestamp()) * 1_000
    command = [
        sys.executable, "manage.py", "simulate", "--seeds", "1000000", "--first", str(first),
        "--seconds", str(SECONDS), "--jobs", str(JOBS),
    ]  # fmt: skip
    run = subprocess.run(
        command,
        cwd=repository,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "stocking.settings", "STOCKING_VAR_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    print(run.stdout)
    assert run.returncode == 0, f"{run.stdout[-8_000:]}\n{run.stderr[-4_000:]}"
    result = json.loads(run.stdout.splitlines()[-1])
    assert result["seeds"] > 0
    assert result["trades"] > 0
    assert {"commit kill", "commit kill_after", "gate kill", "gate kill_after"} <= set(result["crashes"])
