"""When a game prepares, trades and ends, and what a tick of the clock must do about it.

All times are milliseconds since 1970. A cycle is preparation, trading and the rest: settling, results and
intermission. The game's row holds its own times, so neither a restart nor a change of the settings moves a
game that already exists. A phase only ever goes forward: whatever the clock does, a tick that finds nothing
due does nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

QUICK_PREPARE_MS = 10_000
LAST_SECONDS_MARKS_MS = (30_000, 10_000)
MINUTE_MS = 60_000
MARK_TOLERANCE_MS = 4_000
SETTLING_MS_MIN = 30_000


class Phase(StrEnum):
    """What a game is doing; they follow each other in this order."""

    PREPARING = "preparing"
    TRADING = "trading"
    SETTLING = "settling"
    INTERMISSION = "intermission"


class StartMode(StrEnum):
    """When the first game after a silence begins."""

    ALIGNED = "aligned"  # at multiples of the cycle since 1970
    NOW = "now"  # at once, with a short preparation


class Step(StrEnum):
    """The one thing a tick must do next."""

    WAIT = "wait"
    CREATE = "create"
    OPEN = "open"
    CLOSE = "close"
    FINISH = "finish"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long a cycle and its parts last; after trading the rest is settling, results and intermission."""

    cycle_ms: int
    prepare_ms: int
    trading_ms: int

    def __post_init__(self) -> None:
        if min(self.prepare_ms, self.trading_ms) <= 0 or self.prepare_ms + self.trading_ms >= self.cycle_ms:
            raise ValueError("a cycle must be longer than its preparation and its trading together")


@dataclass(frozen=True, slots=True)
class GameTimes:
    """The times of one game."""

    trading_at: int
    closes_at: int
    next_game_at: int


@dataclass(frozen=True, slots=True)
class GameView:
    """What the schedule knows of the latest game. A held one is settling still, and no longer waited for.

    `paused_at` is since when its clock stands; `began_at` when its phase began, as far as it is known.
    """

    phase: Phase
    times: GameTimes
    settling_at: int | None = None
    is_held: bool = False
    paused_at: int | None = None
    began_at: int | None = None


def _times_from(prepares_at: int, lengths: Lengths) -> GameTimes:
    trading_at = prepares_at + lengths.prepare_ms
    return GameTimes(trading_at, trading_at + lengths.trading_ms, prepares_at + lengths.cycle_ms)


def next_times(
    *, now_ms: int, lengths: Lengths, mode: StartMode, previous: GameTimes | None, is_first: bool
) -> GameTimes:
    """Return the times of the game to create now. Its trading always begins in the future.

    `aligned`: preparation begins at a multiple of the cycle; the game is the first whose trading has not yet
    begun, and after a gap its preparation is simply shown early. `now`: the game follows its predecessor at
    the fixed cycle; where there is none, or it is the first one since the clock was silent (`is_first`), or
    its turn has passed, preparation is short and the fixed cycle counts from it.
    """
    if mode is StartMode.ALIGNED:
        prepares_at = now_ms - now_ms % lengths.cycle_ms
        if prepares_at + lengths.prepare_ms <= now_ms:
            prepares_at += lengths.cycle_ms
        return _times_from(prepares_at, lengths)
    if previous is not None and not is_first:
        prepares_at = previous.next_game_at
        if prepares_at <= now_ms < prepares_at + lengths.prepare_ms:
            return _times_from(prepares_at, lengths)
    trading_at = now_ms + min(QUICK_PREPARE_MS, lengths.prepare_ms)
    return _times_from(trading_at - lengths.prepare_ms, lengths)


def next_step(
    *, now_ms: int, latest: GameView | None, lengths: Lengths, mode: StartMode, is_first: bool = False
) -> Step:
    """Decide what is due for the latest game. One tick repeats this until it says `WAIT` or a step must wait.

    `is_first` marks the first tick since the clock was silent: in mode `now` it cuts an intermission short,
    so that a fresh start reaches a trading game at once. `FINISH` is due as soon as a game settles; whether
    its market is drained is for the caller to see. A game that cannot be settled is held (`HOLD`) when the next
    one is due, at the earliest half a minute after it began to settle: the next game does not wait for it. While
    the latest game is paused nothing is due.
    """
    if latest is None:
        return Step.CREATE
    if latest.paused_at is not None:
        return Step.WAIT
    times = latest.times
    match Phase.INTERMISSION if latest.is_held else latest.phase:
        case Phase.PREPARING:
            return Step.OPEN if now_ms >= times.trading_at else Step.WAIT
        case Phase.TRADING:
            return Step.CLOSE if now_ms >= times.closes_at else Step.WAIT
        case Phase.SETTLING:
            began_at = times.closes_at if latest.settling_at is None else latest.settling_at
            is_overdue = now_ms >= max(times.next_game_at, began_at + SETTLING_MS_MIN)
            return Step.HOLD if is_overdue else Step.FINISH
        case Phase.INTERMISSION:
            is_due = now_ms >= times.next_game_at
            # A clock set back by more than a cycle would otherwise leave everybody waiting for it.
            is_lost = times.next_game_at - now_ms > lengths.cycle_ms
            return Step.CREATE if is_due or is_lost or (is_first and mode is StartMode.NOW) else Step.WAIT


def phase_ends_at(view: GameView) -> int:
    """Return when the current phase ends by the plan; settling ends with the intermission at the latest."""
    match view.phase:
        case Phase.PREPARING:
            return view.times.trading_at
        case Phase.TRADING:
            return view.times.closes_at
        case _:
            return view.times.next_game_at


def overdue_ms(view: GameView, now_ms: int) -> int:
    """Return for how long the next phase has been due without anybody having begun it; 0 while all is in time."""
    if view.paused_at is not None:
        return 0
    due_at = phase_ends_at(view)
    if view.phase is Phase.SETTLING and view.settling_at is not None and not view.is_held:
        due_at = max(due_at, view.settling_at + SETTLING_MS_MIN)
    return max(0, now_ms - due_at)


def delayed(view: GameView, by_ms: int, *, lengths: Lengths, mode: StartMode) -> GameTimes:
    """Return the plan when the present phase lasts so much longer (or, negative, shorter), with all behind it.

    In mode `aligned` the next game still begins at a multiple of the cycle: the first one that leaves half a minute
    (or the usual rest, where that is shorter) behind the close. Where the rest itself is made longer, that alone moves.
    """
    times = view.times
    if view.phase in (Phase.SETTLING, Phase.INTERMISSION):
        next_game_at = max(times.next_game_at + by_ms, times.closes_at + 1)
        return GameTimes(times.trading_at, times.closes_at, next_game_at)
    trading_at = times.trading_at + (by_ms if view.phase is Phase.PREPARING else 0)
    closes_at = max(times.closes_at + by_ms, trading_at + 1)
    if mode is StartMode.NOW:
        return GameTimes(trading_at, closes_at, times.next_game_at + closes_at - times.closes_at)
    usual_rest = lengths.cycle_ms - lengths.prepare_ms - lengths.trading_ms
    earliest = closes_at + min(SETTLING_MS_MIN, usual_rest)
    return GameTimes(trading_at, closes_at, -(-earliest // lengths.cycle_ms) * lengths.cycle_ms)


def times_at(view: GameView, now_ms: int, *, lengths: Lengths, mode: StartMode) -> GameTimes:
    """Return the plan as it is at `now_ms`: that of a paused game is the one it has if it goes on now."""
    if view.paused_at is None or now_ms <= view.paused_at:
        return view.times
    return delayed(view, now_ms - view.paused_at, lengths=lengths, mode=mode)


def clock_time(at_ms: int, pauses: Sequence[Sequence[int]]) -> int:
    """Return a moment by the game's own clock, which stands while it is paused.

    `pauses` are (from, to) in order, those of the trading alone, ended ones. So `clock_time(t) - trading_at` is for how
    long the game had traded at `t`.
    """
    return at_ms - sum(max(0, min(at_ms, until) - since) for since, until in pauses)


def time_left_mark(*, now_ms: int, began_at: int, ends_at: int) -> int | None:
    """Return the mark (time left of a phase in ms: whole minutes, 30 s, 10 s) to announce now, or None.

    A mark is due from its moment for a few seconds; after that it would be a lie and is left out. A phase's whole
    length is no mark: its beginning has an announcement of its own.
    """
    left = ends_at - now_ms
    length = ends_at - began_at
    if left <= 0 or left >= length:
        return None
    minute_mark = -(-left // MINUTE_MS) * MINUTE_MS
    for mark in (*LAST_SECONDS_MARKS_MS[::-1], minute_mark):
        if mark - MARK_TOLERANCE_MS < left <= mark:
            return mark if mark < length else None
    return None
