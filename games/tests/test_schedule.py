"""The schedule by tables: both modes, boundaries, gaps, clocks that jump."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from games.core.schedule import (
    SETTLING_MS_MIN,
    GameTimes,
    GameView,
    Lengths,
    Phase,
    StartMode,
    Step,
    next_step,
    next_times,
    phase_ends_at,
    time_left_mark,
)

CYCLE, PREPARE, TRADING = 720_000, 60_000, 540_000
LENGTHS = Lengths(CYCLE, PREPARE, TRADING)
BOUNDARY = CYCLE * 2_361_111
TIMES = GameTimes(BOUNDARY + PREPARE, BOUNDARY + PREPARE + TRADING, BOUNDARY + CYCLE)


@pytest.mark.parametrize(
    ("after_boundary", "trading_after_boundary"),
    [
        (0, PREPARE),  # exactly at the boundary: this one's game
        (1, PREPARE),
        (PREPARE - 1, PREPARE),  # late, but its trading has not begun
        (PREPARE, CYCLE + PREPARE),  # too late: the next boundary's, shown at once
        (CYCLE // 2, CYCLE + PREPARE),
        (CYCLE - 1, CYCLE + PREPARE),
    ],
)
def test_aligned_games_stand_on_multiples_of_the_cycle(
    after_boundary: int, trading_after_boundary: int
) -> None:
    for previous in (None, TIMES):
        for is_first in (False, True):
            times = next_times(
                now_ms=BOUNDARY + after_boundary,
                lengths=LENGTHS,
                mode=StartMode.ALIGNED,
                previous=previous,
                is_first=is_first,
            )
            assert times.trading_at == BOUNDARY + trading_after_boundary
            assert times.closes_at == times.trading_at + TRADING
            assert times.next_game_at == times.trading_at - PREPARE + CYCLE


@pytest.mark.parametrize(
    ("now_after_next", "previous", "is_first", "trading_in"),
    [
        (0, None, False, 10_000),  # the very first game: a short preparation
        (0, TIMES, False, PREPARE),  # at the fixed cycle
        (5_000, TIMES, False, PREPARE - 5_000),  # a late tick does not move the cycle
        (PREPARE, TIMES, False, 10_000),  # its turn has passed: from now on
        (CYCLE * 9, TIMES, False, 10_000),
        (-100_000, TIMES, True, 10_000),  # a fresh start cuts the intermission short
        (0, TIMES, True, 10_000),
    ],
)
def test_now_games_start_quickly_then_follow_the_cycle(
    now_after_next: int, previous: GameTimes | None, is_first: bool, trading_in: int
) -> None:
    now = TIMES.next_game_at + now_after_next
    times = next_times(now_ms=now, lengths=LENGTHS, mode=StartMode.NOW, previous=previous, is_first=is_first)
    assert times.trading_at == now + trading_in
    assert times.next_game_at == times.trading_at - PREPARE + CYCLE


def test_a_short_preparation_is_not_made_longer() -> None:
    lengths = Lengths(60_000, 5_000, 45_000)
    times = next_times(now_ms=7, lengths=lengths, mode=StartMode.NOW, previous=None, is_first=True)
    assert times == GameTimes(5_007, 50_007, 60_007)


@pytest.mark.parametrize(
    ("phase", "now", "step"),
    [
        (Phase.PREPARING, TIMES.trading_at - 1, Step.WAIT),
        (Phase.PREPARING, TIMES.trading_at, Step.OPEN),
        (Phase.PREPARING, TIMES.next_game_at + CYCLE, Step.OPEN),  # however late: one phase at a time
        (Phase.TRADING, TIMES.closes_at - 1, Step.WAIT),
        (Phase.TRADING, TIMES.closes_at, Step.CLOSE),
        (Phase.TRADING, 0, Step.WAIT),  # the clock jumped back: nothing is undone
        (Phase.SETTLING, TIMES.closes_at, Step.FINISH),
        (Phase.SETTLING, 0, Step.FINISH),
        (Phase.SETTLING, TIMES.next_game_at - 1, Step.FINISH),
        (Phase.SETTLING, TIMES.next_game_at, Step.HOLD),  # the next game does not wait
        (Phase.INTERMISSION, TIMES.next_game_at - 1, Step.WAIT),
        (Phase.INTERMISSION, TIMES.next_game_at, Step.CREATE),
        (Phase.INTERMISSION, TIMES.next_game_at - CYCLE, Step.WAIT),
        (Phase.INTERMISSION, TIMES.next_game_at - CYCLE - 1, Step.CREATE),  # far back: do not wait for ever
    ],
)
@pytest.mark.parametrize("mode", list(StartMode))
def test_what_a_tick_must_do(phase: Phase, now: int, step: Step, mode: StartMode) -> None:
    assert next_step(now_ms=now, latest=GameView(phase, TIMES), lengths=LENGTHS, mode=mode) is step


def test_a_game_has_half_a_minute_to_settle_and_is_over_once_held() -> None:
    began, due = TIMES.next_game_at + 5_000, TIMES.next_game_at + 5_000 + SETTLING_MS_MIN

    def step(now: int, *, is_held: bool) -> Step:
        view = GameView(Phase.SETTLING, TIMES, began, is_held)
        return next_step(now_ms=now, latest=view, lengths=LENGTHS, mode=StartMode.ALIGNED)

    assert [step(now, is_held=False) for now in (began, due - 1, due)] == [
        Step.FINISH,
        Step.FINISH,
        Step.HOLD,
    ]
    assert step(due, is_held=True) is Step.CREATE
    assert step(TIMES.next_game_at - 1, is_held=True) is Step.WAIT


def test_without_a_game_one_is_created() -> None:
    assert next_step(now_ms=0, latest=None, lengths=LENGTHS, mode=StartMode.ALIGNED) is Step.CREATE


@pytest.mark.parametrize(("mode", "step"), [(StartMode.ALIGNED, Step.WAIT), (StartMode.NOW, Step.CREATE)])
def test_a_fresh_start_ends_an_intermission_in_mode_now_only(mode: StartMode, step: Step) -> None:
    view = GameView(Phase.INTERMISSION, TIMES)
    now = TIMES.next_game_at - 60_000
    assert next_step(now_ms=now, latest=view, lengths=LENGTHS, mode=mode, is_first=True) is step


@pytest.mark.parametrize("phase", [Phase.PREPARING, Phase.TRADING])
def test_a_fresh_start_never_cuts_a_live_game(phase: Phase) -> None:
    now = TIMES.trading_at - 1
    view = GameView(phase, TIMES)
    step = next_step(now_ms=now, latest=view, lengths=LENGTHS, mode=StartMode.NOW, is_first=True)
    assert step is Step.WAIT


@pytest.mark.parametrize(
    ("phase", "ends_at"),
    [
        (Phase.PREPARING, TIMES.trading_at),
        (Phase.TRADING, TIMES.closes_at),
        (Phase.SETTLING, TIMES.next_game_at),
        (Phase.INTERMISSION, TIMES.next_game_at),
    ],
)
def test_phase_ends(phase: Phase, ends_at: int) -> None:
    assert phase_ends_at(GameView(phase, TIMES)) == ends_at


@pytest.mark.parametrize(
    ("left", "mark"),
    [
        (TRADING, None),  # the start has its own announcement
        (TRADING - 1, None),
        (480_001, None),
        (480_000, 480_000),
        (478_500, 480_000),
        (470_000, None),  # too late to say so
        (60_000, 60_000),
        (59_000, 60_000),
        (30_000, 30_000),
        (29_000, 30_000),
        (10_000, 10_000),
        (9_000, 10_000),
        (5_000, None),
        (0, None),
        (-1, None),
    ],
)
def test_time_left_marks(left: int, mark: int | None) -> None:
    began_at, ends_at = TIMES.trading_at, TIMES.closes_at
    assert time_left_mark(now_ms=ends_at - left, began_at=began_at, ends_at=ends_at) == mark


def test_marks_of_a_short_game_leave_out_its_own_length() -> None:
    said = {time_left_mark(now_ms=now, began_at=0, ends_at=30_000) for now in range(0, 30_000, 500)}
    assert said == {None, 10_000}


@pytest.mark.parametrize("lengths", [(10, 5, 5), (10, 0, 5), (10, 5, 0), (0, 0, 0)])
def test_impossible_lengths_are_refused(lengths: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="cycle"):
        Lengths(*lengths)


@given(
    mode=st.sampled_from(list(StartMode)),
    ticks=st.lists(st.integers(0, 3 * CYCLE), min_size=1, max_size=60),
    jump_back=st.integers(0, CYCLE),
)
def test_games_never_overlap_whatever_the_ticks(mode: StartMode, ticks: list[int], jump_back: int) -> None:
    """Drive the decisions with any gaps between ticks: every game goes through its phases in order, one at a time."""
    now = BOUNDARY
    view: GameView | None = None
    previous_close = 0
    for index, gap in enumerate(ticks):
        now += gap if index % 7 else -min(jump_back, 1_000)
        for _ in range(8):
            step = next_step(now_ms=now, latest=view, lengths=LENGTHS, mode=mode)
            if step is Step.WAIT:
                break
            if step is Step.CREATE:
                assert view is None or view.phase is Phase.INTERMISSION
                times = next_times(
                    now_ms=now,
                    lengths=LENGTHS,
                    mode=mode,
                    previous=None if view is None else view.times,
                    is_first=False,
                )
                assert times.trading_at > now
                assert times.trading_at <= now + CYCLE
                assert times.trading_at >= previous_close
                view = GameView(Phase.PREPARING, times)
                continue
            assert view is not None
            order = list(Phase)
            view = GameView(order[order.index(view.phase) + 1], view.times)
            if view.phase is Phase.SETTLING:
                previous_close = view.times.closes_at
        else:
            pytest.fail("a tick never came to rest")
