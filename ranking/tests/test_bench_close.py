"""The benchmark of a close: the game it makes is one the audit and the results accept."""

import pytest

from games.models import Game
from ranking.benchmark.close import close_measure
from ranking.models import Result

pytestmark = pytest.mark.django_db


def test_a_game_made_of_rows_closes_like_a_played_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trading.engine.engine_process_begin", lambda: None)
    figures = close_measure(players=7, listings=2, seed=3, is_first=True).as_dict()
    assert Game.objects.get().phase == Game.Phase.INTERMISSION
    assert Result.objects.count() == 7
    assert figures["rerated_same"]
    counted = sum(
        figures[f"{name}_seconds"] for name in ("close", "drain", "audit", "results", "finish", "show")
    )
    assert figures["seconds"] == pytest.approx(counted, abs=0.01)
