"""A short form of `manage.py chaos`: real kills under load, and nothing is lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.flow, pytest.mark.timeout(180)]


def test_nothing_is_lost_or_doubled_when_processes_are_killed(repository: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environment |= {"STOCKING_VAR_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "manage.py", "chaos", "--kills", "3", "--seed", "2", "--rate", "150"],
        cwd=repository, env=environment, capture_output=True, text=True, check=False, timeout=170,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-4_000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["kills"] == {"engine": 1, "gate": 1, "web": 1}
    assert result["accepted"] > 200
    assert (result["missing"], result["doubled"], result["unasked"]) == (0, 0, 0)
    assert result["unknown"] == result["resolved"]
    assert result["audit_ok"]
    assert result["back_ms"]["all"]["max"] <= 10_000
