"""The clock's tick, the settling of a game and the bots' steps, as Celery tasks; beat drives the first and
last.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from celery import shared_task
from django.conf import settings
from django.core.cache import cache

from games import flock, services
from games.core.schedule import Phase, phase_ends_at
from stocking.base.units import now_ms

LONG_CYCLE_SECONDS = 300
TICK_SECONDS = 1.0 if settings.GAME_CYCLE_SECONDS >= LONG_CYCLE_SECONDS else 0.5
BOTS_STEP_SECONDS = flock.STEP_MS / 1_000

CLOCK_SILENCE_SECONDS = 10
FINISH_LOCK_SECONDS = 120
# A tick ahead of time would do nothing, so the one sent for a boundary comes just behind it.
BOUNDARY_MARGIN_MS = 5

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "game-tick": {
        "task": "games.game_tick",
        "schedule": timedelta(seconds=TICK_SECONDS),
        "options": {"queue": "clock", "expires": 2 * TICK_SECONDS},
    },
    "bots-step": {
        "task": "games.bots_step",
        "schedule": timedelta(seconds=BOTS_STEP_SECONDS),
        "options": {"queue": "default", "expires": 2 * BOTS_STEP_SECONDS},
    },
}


@shared_task(name="games.game_tick")
def game_tick() -> None:
    """Do what is due by the clock; when a phase ends before the next tick, come back at that very moment."""
    now = now_ms()
    is_first = _is_fresh_start()
    game = services.game_tick(now_ms=now, is_first=is_first, finish=_finish_elsewhere)
    if game is None:
        return
    if is_first and game.is_live and game.phase != Phase.SETTLING:
        cache.delete("games:fresh_start")
    boundary = phase_ends_at(game.view)
    if not game.is_paused and now < boundary <= now + TICK_SECONDS * 1_000:
        due = datetime.fromtimestamp((boundary + BOUNDARY_MARGIN_MS) / 1_000, tz=UTC)
        game_tick.apply_async(eta=due, expires=due + timedelta(seconds=TICK_SECONDS), queue="clock")


def _is_fresh_start() -> bool:
    """Return whether the clock has been silent until now and no game has been reached since.

    Remembered on the bus until a game prepares or trades, because settling an old game may come first.
    """
    if not cache.touch("games:clock", CLOCK_SILENCE_SECONDS):
        cache.set("games:clock", 1, timeout=CLOCK_SILENCE_SECONDS)
        cache.set("games:fresh_start", 1, timeout=60)
    return bool(cache.get("games:fresh_start"))


def _finish_elsewhere(number: int) -> None:
    """Settle a drained game on the jobs' queue, so that the clock goes on; sent again by each tick until
    done.
    """
    game_finish.apply_async(args=[number], expires=5, queue="default")


@shared_task(name="games.game_finish")
def game_finish(number: int) -> None:
    """Make a drained game's results and show them; one at a time."""
    key = f"games:finish:{number}"
    if not cache.add(key, 1, timeout=FINISH_LOCK_SECONDS):
        return
    try:
        services.game_finish(number=number, now_ms=now_ms())
    finally:
        cache.delete(key)


@shared_task(name="games.bots_step")
def bots_step() -> None:
    """Let the bots look at the market once; does nothing while the step before it still runs."""
    if not cache.add("games:bots_step", 1, timeout=5):
        return
    try:
        flock.bots_step(now_ms=now_ms())
    finally:
        cache.delete("games:bots_step")
