"""`manage.py bench_flock`: what the live flock costs, in processor time."""

import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from games.flock import STEP_MS
from games.models import Game
from games.seeding import catalogue_seed
from games.services import game_tick
from games.tasks import bots_step
from stocking.base.units import now_ms
from trading.benchmark.surroundings import throwaway
from trading.engine import listing_drain
from trading.gate.client import gate
from trading.models import Company, Listing, Order

PREPARE_SECONDS = 1
WARM_UP_SECONDS = 10
T = TypeVar("T")


class Command(BaseCommand):
    help = "Let the bots trade alone in real time, on stores and a database of its own, and measure what they take."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=int, default=60)
        parser.add_argument("--listings", type=int, default=3)

    def handle(self, *args: Any, **options: Any) -> None:
        with throwaway():
            print(json.dumps(_measured(options["seconds"], options["listings"])))


def _measured(seconds: int, listings: int) -> dict[str, Any]:
    """Trade in real time; the share of a core is that of steps at their full pace, however late they came."""
    game = _trading_game(seconds, listings)
    _trade(game, WARM_UP_SECONDS)
    gate_before, orders_before = _gate_seconds(), Order.objects.count()
    began = time.monotonic()
    steps, flock_seconds, engine_seconds = _trade(game, seconds)
    elapsed = time.monotonic() - began
    steps_a_second = 1_000 / STEP_MS
    orders = Order.objects.count() - orders_before
    return {
        "listings": listings,
        "bots": Game.objects.get(pk=game.pk).market.portfolios.count(),
        "steps": steps,
        "orders_per_second": round(orders / steps * steps_a_second, 1),
        "step_ms": round(flock_seconds / steps * 1_000, 1),
        "flock_core_share": round(flock_seconds / steps * steps_a_second, 3),
        "engine_core_share": round(engine_seconds / steps * steps_a_second, 3),
        "gate_core_share": round((_gate_seconds() - gate_before) / steps * steps_a_second, 3),
        "seconds": round(elapsed, 1),
    }


def _trading_game(seconds: int, listings: int) -> Game:
    catalogue_seed()
    for number in range(Company.objects.count(), listings):
        Company.objects.create(
            symbol=f"W{number:03d}", name=f"회사{number}", name_en=f"Company {number}", sector="반도체",
            description="-", base_price=10_000 + 1_000 * number,
        )  # fmt: skip
    settings.GAME_START = "now"
    settings.GAME_PREPARE_SECONDS = PREPARE_SECONDS
    settings.GAME_TRADING_SECONDS = 10 * (seconds + WARM_UP_SECONDS)
    settings.GAME_CYCLE_SECONDS = settings.GAME_TRADING_SECONDS + 60
    while True:
        game = game_tick(now_ms=now_ms())
        if game is not None and game.phase == Game.Phase.TRADING:
            return game
        time.sleep(0.05)


def _trade(game: Game, seconds: int) -> tuple[int, float, float]:
    """Return the steps taken and the processor seconds of flock and engines."""
    listings = list(Listing.objects.filter(market=game.market).values_list("pk", flat=True))
    steps, flock_seconds, engine_seconds = 0, 0.0, 0.0
    ends = time.monotonic() + seconds
    while (now := time.monotonic()) < ends:
        game_tick(now_ms=now_ms())
        flock_seconds += _processor_seconds(lambda: bots_step.apply(throw=True))
        for listing in listings:
            engine_seconds += _processor_seconds(lambda: _drained(listing))  # noqa: B023 (called at once)
        steps += 1
        time.sleep(max(0.0, now + STEP_MS / 1_000 - time.monotonic()))
    return steps, flock_seconds, engine_seconds


def _drained(listing: int) -> None:
    while listing_drain(listing):
        pass


def _processor_seconds(act: Callable[[], T]) -> float:
    before = time.process_time()
    act()
    return time.process_time() - before


def _gate_seconds() -> float:
    used: Any = gate().redis.info("cpu")
    return float(used["used_cpu_sys"] + used["used_cpu_user"])
