"""`make run` with the real game: ready, reachable from a second shell, gone after Ctrl-C."""

import signal
from pathlib import Path

import httpx
import pytest

from tests.instance import Instance, wait_until

pytestmark = [pytest.mark.flow, pytest.mark.timeout(300)]


def test_the_game_starts_trades_and_stops(tmp_path: Path) -> None:
    with Instance(var_dir=tmp_path / "상태 100%") as instance:
        assert "Admin: " in instance.output

        def phase() -> str:
            return str(httpx.get(f"{instance.base_url}/api/game").json()["phase"])

        # The promise is 15 s on an idle machine; a test allows ten times the goal.
        wait_until(lambda: phase() == "trading", 150, "the first game trades")
        assert "Seeded 0 companies" in instance.manage("seed")
        old = instance.kill("engine")
        assert instance.wait_restarted("engine", old, 30) != old
        processes = instance.processes()
        assert instance.stop(signal.SIGINT) == 0
        assert not [pid for pid in processes if Path(f"/proc/{pid}").exists()]
