"""Plays everybody's practice games, one after the other in one thread; knows the player only by what it is passed.

Nothing is waited for: what takes time (the ledger of daily attempts) is done by a thread beside it and looked at in a
later turn. Times are milliseconds of a clock that never goes back; a game's own time runs at its speed.
"""

import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any, Literal

from django.conf import settings

from games.core.practice import PracticeGame
from games.practice import daily
from games.practice.asks import (
    DAILY_MINUTES,
    SEED_MAX,
    Amend,
    Ask,
    Cancel,
    CancelAll,
    Look,
    Speed,
    Start,
    Stop,
    Submit,
)
from games.practice.frames import OPENS_AT_MS, Teller, answer_row, outcome_row
from games.simulation import game_of_catalogue
from stocking.base.units import now_ms as wall_clock_ms
from trading.core.orders import OrderType, Side

logger = logging.getLogger(__name__)

STEP_MS = 500  # of game time: bots look at the market so often
FRAME_MS_MIN = 250
GAMES_A_TURN = 8  # then the players' asks are looked at
LAG_MS_MAX = 2_000
# A player who leaves the game of the day does not have it held up: the rest is played this fast.
LEFT_SPEED = 20
WATCH_MS = 5_000
UNWATCHED_MS_MAX = 30_000
SAVE_AGAIN_MS = 2_000
SAVES_MAX = 60
ASKS_PER_SECOND = 10
ASKS_BURST = 30
ENDED_KEPT = 100
ENDED_MS = 120_000
PLAYERS_REMEMBERED = 5_000

Phase = Literal["trading", "saving", "finished", "lost", "none"]


@dataclass
class HostedGame:
    """A game and its pace: at `wall_ms` it had reached `game_ms`. `attempt` is that of the day, if it counts."""

    user_id: int
    start: Start
    seed: int
    game: PracticeGame
    speed: int
    wall_ms: float
    attempt: daily.Attempt | None = None
    phase: Phase = "trading"
    key: str = field(default_factory=lambda: secrets.token_hex(8))
    game_ms: int = 0
    due_ms: float = 0
    frame: int = 0
    unwatched_since: float | None = None
    saving: "Future[Any] | None" = None
    saves: int = 0
    save_again_ms: float | None = None
    teller: Teller = field(init=False)

    def __post_init__(self) -> None:
        self.teller = Teller(self.game)

    def reached(self, now: float) -> int:
        """Return the time the game should have reached."""
        return self.game_ms + int((now - self.wall_ms) * self.speed)

    def pace(self, now: float, speed: int) -> None:
        """Go on at this speed from where the game is."""
        self.game_ms, self.wall_ms, self.speed = self.game.now_ms, now, speed


@dataclass(slots=True)
class _Allowance:
    """How many asks a player may make at once, refilled as time goes."""

    tokens: float
    at: float

    def take(self, now: float) -> bool:
        self.tokens = min(ASKS_BURST, self.tokens + (now - self.at) * ASKS_PER_SECOND / 1_000)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Host:
    """All practice games of one process.

    `tell` sends a frame to a player, `watched` says how many sockets follow the topics of players, `clerk` is where
    the ledger is written. The speeds of all games together stay within `load_max`.
    """

    def __init__(
        self,
        *,
        tell: Callable[[int, dict[str, Any]], None],
        watched: Callable[[Iterable[int]], Mapping[int, int]],
        clerk: Executor,
        load_max: int,
    ) -> None:
        self._tell, self._watched, self._clerk = tell, watched, clerk
        self.load_max = load_max
        self.games: dict[int, HostedGame] = {}
        self._starting: dict[int, tuple[Start, daily.Attempt, Future[bool]]] = {}
        self._ended: OrderedDict[int, tuple[float, dict[str, Any]]] = OrderedDict()
        self._allowances: OrderedDict[int, _Allowance] = OrderedDict()
        self._watch_due = 0.0

    @property
    def load(self) -> int:
        """The speeds of all games, with those about to start."""
        return sum(hosted.speed for hosted in self.games.values()) + len(self._starting)

    # What players ask ---------------------------------------------------------------------------------

    def take(self, user_id: int, ask: Ask, now: float) -> None:
        """Do what a player asks, and tell."""
        allowance = self._allowances.setdefault(user_id, _Allowance(ASKS_BURST, now))
        self._allowances.move_to_end(user_id)
        if len(self._allowances) > PLAYERS_REMEMBERED:
            self._allowances.popitem(last=False)
        hosted = self.games.get(user_id)
        if not allowance.take(now):
            self._answer(user_id, ask.ref, code="rate_limited")
        elif isinstance(ask, Start):
            self._start(user_id, ask, now)
        elif isinstance(ask, Look):
            self._show(user_id, ask.ref)
        elif hosted is None or hosted.phase != "trading":
            self._answer(user_id, ask.ref, code="practice_not_found")
        elif isinstance(ask, Speed):
            self._set_speed(hosted, ask, now)
        elif isinstance(ask, Stop):
            self._stop(hosted, ask.ref, now)
        else:
            self._trade(hosted, ask, now)

    def _start(self, user_id: int, start: Start, now: float) -> None:
        """Begin a game; who has one is shown it."""
        if user_id in self._starting:
            return
        if user_id in self.games:
            self._show(user_id, start.ref)
            return
        speed = 1 if start.mode == "daily" else start.speed
        if self.load + speed > self.load_max:
            self._answer(user_id, start.ref, code="practice_full")
            return
        if start.mode == "daily":
            time_ms = wall_clock_ms()
            attempt = daily.Attempt(user_id, daily.day_of(time_ms), time_ms)
            saved = self._clerk.submit(daily.attempt_begin, attempt)
            self._starting[user_id] = (start, attempt, saved)
            return
        self._open(user_id, start, seed=start.seed or 1 + secrets.randbelow(SEED_MAX), now=now)

    def _open(
        self, user_id: int, start: Start, *, seed: int, now: float, attempt: daily.Attempt | None = None
    ) -> None:
        is_daily = start.mode == "daily"
        minutes = DAILY_MINUTES if is_daily else start.minutes
        self._ended.pop(user_id, None)
        self.games[user_id] = hosted = HostedGame(
            user_id=user_id,
            start=start,
            seed=seed,
            game=PracticeGame(
                game_of_catalogue(seed=seed, seconds=minutes * 60), cash=settings.INITIAL_CASH_WON
            ),
            speed=1 if is_daily else start.speed,
            wall_ms=now,
            attempt=attempt,
        )
        hosted.due_ms = now
        self._show(user_id, start.ref)

    def _set_speed(self, hosted: HostedGame, ask: Speed, now: float) -> None:
        if hosted.start.mode == "daily":
            self._answer(hosted.user_id, ask.ref, code="invalid_request")
        elif self.load + ask.speed - hosted.speed > self.load_max:
            self._answer(hosted.user_id, ask.ref, code="practice_full")
        else:
            hosted.pace(now, ask.speed)
            self._frame(hosted, answers=[answer_row(ask.ref)])

    def _stop(self, hosted: HostedGame, ref: str, now: float) -> None:
        """Let the player go: a game of the day is played to its end without them, any other is dropped."""
        if hosted.attempt is None:
            del self.games[hosted.user_id]
            self._answer(hosted.user_id, ref)
            return
        hosted.game.cancel_all()
        hosted.pace(now, LEFT_SPEED)
        self._frame(hosted, answers=[answer_row(ref)])

    def _trade(self, hosted: HostedGame, ask: Submit | Amend | Cancel | CancelAll, now: float) -> None:
        game = hosted.game
        self._advance(hosted, now)
        if hosted.phase != "trading":
            self._answer(hosted.user_id, ask.ref, code="market_closed")
            return
        match ask:
            case Submit():
                answer = game.submit(
                    ask.client_order_id,
                    ask.symbol,
                    Side(ask.side),
                    OrderType(ask.type),
                    ask.price,
                    ask.quantity,
                )
            case Amend():
                answer = game.amend(ask.order_id, ask.price, ask.quantity)
            case Cancel():
                answer = game.cancel(ask.order_id)
            case CancelAll():
                answer = game.cancel_all()
        code = None if answer.code is None else str(answer.code)
        row = answer_row(ask.ref, code=code, order_id=answer.order_id, duplicate=answer.is_duplicate)
        self._frame(hosted, answers=[row])

    # Time ---------------------------------------------------------------------------------------------

    def turn(self, now: float) -> float:
        """Do what is due; return in how many milliseconds something is due again, a second at most."""
        self._begin_started(now)
        due = sorted(
            (hosted for hosted in self.games.values() if hosted.due_ms <= now), key=lambda one: one.due_ms
        )
        for hosted in due[:GAMES_A_TURN]:
            if hosted.phase == "trading":
                self._advance(hosted, now)
                self._frame(hosted)
            if hosted.phase != "trading":
                self._settle(hosted, now)
        if now >= self._watch_due:
            self._watch_due = now + WATCH_MS
            self._drop_unwatched(now)
            for user_id in [user_id for user_id, (at, _last) in self._ended.items() if now - at > ENDED_MS]:
                del self._ended[user_id]
        waits = [20.0 if self._starting else 1_000.0]
        waits += [hosted.due_ms - now for hosted in self.games.values()]
        return max(0.0, min(waits))

    def _advance(self, hosted: HostedGame, now: float) -> None:
        """Move a game on to where it should be. Where the process was held up, the game's clock waits for it."""
        if hosted.reached(now) - hosted.game.now_ms > LAG_MS_MAX * hosted.speed:
            hosted.pace(now, hosted.speed)
            hosted.game_ms += STEP_MS
        hosted.game.advance(hosted.reached(now))
        hosted.due_ms = now + max(FRAME_MS_MIN, STEP_MS / hosted.speed)
        if hosted.game.is_over:
            hosted.phase = "saving" if hosted.attempt else "finished"

    def _begin_started(self, now: float) -> None:
        """Open the games of the day whose attempts are recorded."""
        for user_id, (start, attempt, saved) in list(self._starting.items()):
            if not saved.done():
                continue
            del self._starting[user_id]
            try:
                is_first = saved.result()
            except Exception:
                logger.exception("A daily attempt could not be recorded.")
                self._answer(user_id, start.ref, code="practice_unavailable")
                continue
            seed = daily.seed_of(attempt.day)
            self._open(user_id, start, seed=seed, now=now, attempt=attempt if is_first else None)

    def _settle(self, hosted: HostedGame, now: float) -> None:
        """End a game that is over: one that counts when its result is recorded, any other at once."""
        if hosted.attempt is None:
            self._end(hosted, now)
        elif hosted.saving is None:
            hosted.saves += 1
            hosted.due_ms = now + FRAME_MS_MIN
            hosted.saving = self._clerk.submit(
                daily.attempt_finish, hosted.attempt, outcome=hosted.game.outcome(), time_ms=wall_clock_ms()
            )
        elif not hosted.saving.done():
            hosted.due_ms = now + FRAME_MS_MIN
        elif (error := hosted.saving.exception()) is None:
            hosted.phase = "finished"
            self._end(hosted, now)
        elif hosted.saves >= SAVES_MAX:
            logger.error("The daily attempt of account %s is lost.", hosted.user_id, exc_info=error)
            self._lose(hosted)
        elif hosted.save_again_ms is None:
            logger.warning("A daily attempt could not be recorded yet: %s", error)
            hosted.due_ms = hosted.save_again_ms = now + SAVE_AGAIN_MS
        elif now >= hosted.save_again_ms:
            hosted.saving = hosted.save_again_ms = None

    def _end(self, hosted: HostedGame, now: float) -> None:
        """Show the end, and keep it for who comes back a little later."""
        del self.games[hosted.user_id]
        hosted.frame += 1
        last = {**self._state(hosted), "is_full": True, **hosted.teller.everything(), **self._result(hosted)}
        self._ended[hosted.user_id] = (now, last)
        if len(self._ended) > ENDED_KEPT:
            self._ended.popitem(last=False)
        self._tell(hosted.user_id, {**last, "answers": []})

    def _drop_unwatched(self, now: float) -> None:
        """End the games that nobody has looked at for a while; those that count go on without a spectator."""
        watched = self._watched(list(self.games))
        for hosted in list(self.games.values()):
            if hosted.attempt is not None or watched.get(hosted.user_id, 1):
                hosted.unwatched_since = None
            elif hosted.unwatched_since is None:
                hosted.unwatched_since = now
            elif now - hosted.unwatched_since >= UNWATCHED_MS_MAX:
                self._lose(hosted)

    def close(self) -> None:
        """Tell everybody that the process ends: their games are lost, attempts of the day can be made again."""
        for hosted in list(self.games.values()):
            self._lose(hosted)

    def _lose(self, hosted: HostedGame) -> None:
        del self.games[hosted.user_id]
        self._tell(hosted.user_id, {"phase": "lost", "answers": []})

    # What players are told ----------------------------------------------------------------------------

    def _answer(self, user_id: int, ref: str, code: str | None = None) -> None:
        """Answer an ask that no game has to do with; who has one keeps it on the screen."""
        answers = [answer_row(ref, code=code)]
        hosted = self.games.get(user_id)
        if hosted is None:
            self._tell(user_id, {"phase": "none", "answers": answers})
        else:
            self._frame(hosted, answers=answers)

    def _show(self, user_id: int, ref: str) -> None:
        """Tell everything there is: the running game, the one that has just ended, or that there is none."""
        hosted = self.games.get(user_id)
        if hosted is not None:
            self._frame(hosted, answers=[answer_row(ref)], is_full=True)
        elif user_id in self._ended:
            self._tell(user_id, {**self._ended[user_id][1], "answers": [answer_row(ref)]})
        else:
            self._answer(user_id, ref)

    def _frame(
        self, hosted: HostedGame, *, answers: list[dict[str, Any]] | None = None, is_full: bool = False
    ) -> None:
        hosted.frame += 1
        told = hosted.teller.everything() if is_full else hosted.teller.changes()
        self._tell(
            hosted.user_id, {**self._state(hosted), "is_full": is_full, **told, "answers": answers or []}
        )

    def _state(self, hosted: HostedGame) -> dict[str, Any]:
        is_daily = hosted.start.mode == "daily"
        return {
            "game": hosted.key,
            "frame": hosted.frame,
            "phase": hosted.phase,
            "mode": hosted.start.mode,
            "is_counted": hosted.attempt is not None,
            "seed": None if is_daily else hosted.seed,
            "speed": hosted.speed,
            "now_ms": OPENS_AT_MS + hosted.game.now_ms,
            "opens_at_ms": OPENS_AT_MS,
            "closes_at_ms": OPENS_AT_MS + hosted.game.market.trading_ms,
        }

    def _result(self, hosted: HostedGame) -> dict[str, Any]:
        names = {company.symbol: company.name for company in hosted.game.market.companies}
        return {"result": outcome_row(hosted.game.outcome(), names)}
