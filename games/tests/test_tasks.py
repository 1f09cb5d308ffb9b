"""The Celery tasks: fresh starts, the tick at the boundary itself, and steps that do not overlap."""

from datetime import datetime
from typing import Any

import pytest
from django.core.cache import cache

from games import flock, services, tasks
from games.models import Game
from games.seeding import catalogue_seed
from stocking.base.units import now_ms
from trading.engine import listing_drain
from trading.models import Listing

pytestmark = pytest.mark.django_db(transaction=True)


class Clock:
    """A clock the test sets."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Clock:
    """Time under the test's control, hours behind the gate's, so that every close is due there."""
    settings.GAME_START = "now"
    settings.GAME_CYCLE_SECONDS, settings.GAME_PREPARE_SECONDS, settings.GAME_TRADING_SECONDS = 720, 60, 540
    monkeypatch.setattr(services, "_drained_listeners", [])
    catalogue_seed()
    clock = Clock(now_ms() - 36_000_000)
    monkeypatch.setattr(tasks, "now_ms", clock)
    return clock


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What would have been sent to the queues."""
    found: list[tuple[str, dict[str, Any]]] = []
    for task in (tasks.game_tick, tasks.game_finish):
        monkeypatch.setattr(
            task, "apply_async", lambda name=task.name, **options: found.append((name, options))
        )
    return found


def test_a_fresh_start_is_remembered_until_a_game_is_reached(clock: Clock, sent: list[Any]) -> None:
    tasks.game_tick()
    first = Game.objects.get()
    assert first.trading_at == clock.now + 10_000
    assert not cache.get("games:fresh_start")
    clock.now = first.trading_at
    tasks.game_tick()

    # Everything stops in mid-game and comes back after its end: settle it, then start again at once.
    cache.clear()
    clock.now = first.closes_at + 5_000
    tasks.game_tick()
    assert Game.objects.get().phase == "settling"
    for listing in Listing.objects.all():
        while listing_drain(listing.pk):
            pass
    clock.now += 500
    tasks.game_tick()
    assert sent[-1] == ("games.game_finish", {"args": [first.number], "expires": 5, "queue": "default"})
    tasks.game_finish(first.number)
    clock.now += 500
    tasks.game_tick()
    second = Game.objects.exclude(pk=first.pk).get()
    assert second.trading_at == clock.now + 10_000
    assert not cache.get("games:fresh_start")


def test_a_tick_before_a_boundary_sends_one_for_the_boundary(clock: Clock, sent: list[Any]) -> None:
    tasks.game_tick()
    game = Game.objects.get()
    assert sent == []
    clock.now = game.trading_at - 300
    tasks.game_tick()
    [(name, options)] = sent
    assert name == "games.game_tick"
    eta: datetime = options["eta"]
    assert round(eta.timestamp() * 1_000) == game.trading_at + tasks.BOUNDARY_MARGIN_MS
    assert options["expires"] > eta


def test_settling_runs_one_at_a_time(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(services, "game_finish", lambda *, number, now_ms: calls.append(number))
    cache.set("games:finish:7", 1)
    tasks.game_finish(7)
    assert calls == []
    cache.delete("games:finish:7")
    tasks.game_finish(7)
    tasks.game_finish(7)
    assert calls == [7, 7]


def test_a_step_that_overlaps_does_nothing(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def step(*, now_ms: int) -> None:
        calls.append(now_ms)
        tasks.bots_step()

    monkeypatch.setattr(flock, "bots_step", step)
    tasks.bots_step()
    assert calls == [clock.now]
    tasks.bots_step()
    assert len(calls) == 2


def test_the_schedule_names_tasks_that_exist_and_lets_ticks_expire() -> None:
    from stocking.celery import app

    for entry in tasks.BEAT_SCHEDULE.values():
        assert entry["task"] in app.tasks
        assert entry["options"]["queue"] in {"clock", "default"}
        assert 0 < entry["options"]["expires"] <= 2
