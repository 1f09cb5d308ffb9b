"""How long a game takes from the end of its trading until its results are shown."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from celery import current_app
from django.conf import settings
from django.db import connection

from games import services as games
from games.models import Game
from ranking import services
from ranking.benchmark.world import NEW_SHARE, closing_game
from ranking.models import GameReview, Result
from ranking.rerating import ratings_check
from ranking.reviews import reviews_catch_up
from ranking.selectors import results_of
from stocking.base.units import now_ms
from trading import engine, feed
from trading.core.invariants import require
from trading.models import Listing
from trading.services import market_close, market_is_drained, market_register

T = TypeVar("T")


@dataclass
class Measured:
    """Seconds by step. What comes after the results are shown (notices, and the gate forgetting) is told apart."""

    players: int
    cpu_seconds: float = 0.0
    rerated_same: bool | None = None
    steps: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add what the block takes."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.steps[name] = self.steps.get(name, 0.0) + time.perf_counter() - began

    def timed(self, name: str, function: Callable[..., T]) -> Callable[..., T]:
        """Return the function, its time added to a step."""

        def call(*args: Any, **kwargs: Any) -> T:
            with self.step(name):
                return function(*args, **kwargs)

        return call

    @property
    def _afterwards(self) -> list[str]:
        return [name for name in ("retire", "notices", "review", "rerate") if name in self.steps]

    def as_dict(self) -> dict[str, Any]:
        """Return the figures of the outside contract."""
        steps = dict(self.steps)
        steps["finish"] -= steps["audit"] + steps["results"] + steps["retire"]
        counted = ("close", "drain", "audit", "results", "finish", "show")
        return {
            "players": self.players,
            "seconds": round(sum(steps[name] for name in counted), 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            **{f"{name}_seconds": round(steps[name], 3) for name in (*counted, *self._afterwards, "setup")},
            **({} if self.rerated_same is None else {"rerated_same": self.rerated_same}),
            "database": connection.vendor,
        }


def close_measure(*, players: int, listings: int, seed: int, is_first: bool = False) -> Measured:
    """Close, settle, rank and rate a game of so many players. Needs `throwaway()` around it.

    `is_first`: nobody has played before, so the whole history can be rated again and compared.
    """
    measured = Measured(players)
    current_app.conf.broker_url = settings.BUS_REDIS_URL
    with measured.step("setup"):
        new_share = 1.0 if is_first else NEW_SHARE
        game = closing_game(
            players=players, listings=listings, seed=seed, now_ms=now_ms(), new_share=new_share
        )
        while not market_register(market=game.market):
            pass
        engine.engine_process_begin()
    began = time.process_time()
    with measured.step("close"):
        require(market_close(market=game.market), "the market does not close")
    with measured.step("drain"):
        _drain(game)
    _finish(game, measured)
    with measured.step("show"):
        shown = results_of(game.number, limit=100)
    measured.cpu_seconds = time.process_time() - began
    require(shown["participants"] == players == Result.objects.count(), "not everybody has a result")
    require(shown["phase"] == Game.Phase.INTERMISSION, "the results are not shown")
    with measured.step("notices"):
        services.results_notify(market_id=game.number)
    with measured.step("review"):
        reviews_catch_up()
    require(GameReview.objects.filter(pk=game.number).exists(), "the game has no review")
    if is_first:
        with measured.step("rerate"):
            measured.rerated_same = ratings_check().is_same
    return measured


def _drain(game: Game) -> None:
    keys = list(Listing.objects.filter(market=game.market).order_by("pk").values_list("pk", flat=True))
    for key in keys:
        while engine.listing_drain(key):
            pass
    feed.flush()
    require(market_is_drained(market=game.market), "the market is not drained")


def _finish(game: Game, measured: Measured) -> None:
    """Finish the game as the jobs' worker does, the audit and the results timed within."""
    certify, retire, listeners = games.market_certify, games.market_finish, list(games._drained_listeners)
    games.market_certify = measured.timed("audit", certify)
    games.market_finish = measured.timed("retire", retire)
    games._drained_listeners[:] = [measured.timed("results", listener) for listener in listeners]
    try:
        with measured.step("finish"):
            require(games.game_finish(number=game.number, now_ms=now_ms()), "the game does not finish")
    finally:
        games.market_certify, games.market_finish = certify, retire
        games._drained_listeners[:] = listeners
