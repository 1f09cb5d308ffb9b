"""What staff may do to a game: start, pause, resume, extend, end and cancel it, each with a reason.

Each deed is one transaction that holds the game's row: what is due by the clock happens first, then the deed, its log
and its announcement. The gate and the players are told after the commit; the clock's next tick makes good what was not
told. The caller says which revision of the market's times it has looked at: of two at once, or of one that is sent
twice, the second is refused.
"""

import logging
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from chat.services import announce, text_clean
from games.announcing import duration_text, left_text, publish_after_commit
from games.core.schedule import GameTimes, Phase, Step, delayed, next_step, phase_ends_at, times_at
from games.locks import game_lock
from games.models import Game, News
from games.selectors import game_current, schedule_lengths, start_mode
from games.services import game_close, game_create, game_open, leftovers_tend
from stocking.base.errors import ApplicationError
from trading.models import Intervention
from trading.services import REASON_CHARACTERS_MAX, intervention_record, market_reschedule

logger = logging.getLogger(__name__)

EXTENSION_MS_MAX = 60 * 60_000
Kind = Intervention.Kind

_TITLES = {
    Kind.START: gettext_lazy("게임 #%(number)s 바로 시작"),
    Kind.PAUSE: gettext_lazy("게임 #%(number)s 일시정지"),
    Kind.RESUME: gettext_lazy("게임 #%(number)s 다시 시작"),
    Kind.EXTEND: gettext_lazy("게임 #%(number)s 시간 연장"),
    Kind.END: gettext_lazy("게임 #%(number)s 조기 종료"),
    Kind.CANCEL: gettext_lazy("게임 #%(number)s 취소"),
}
_PAUSABLE = (Phase.PREPARING, Phase.TRADING, Phase.INTERMISSION)


class ControlError(Exception):
    """The game's present state does not allow the deed; the text says why, to staff."""


def deeds_possible(game: Game | None) -> list[Intervention.Kind]:
    """Return what may be done to a game as it stands; `start` for None, where no game was ever played."""
    current = game_current()
    if game is None or current is None:
        return [Kind.START] if current is None else []
    if game.pk != current.pk:
        return [Kind.CANCEL] if game.is_held else []
    phase = Phase(game.phase)
    possible = {
        Kind.START: phase in (Phase.PREPARING, Phase.INTERMISSION) or game.is_held,
        Kind.PAUSE: phase in _PAUSABLE and not game.is_paused,
        Kind.RESUME: game.is_paused,
        Kind.EXTEND: phase in _PAUSABLE,
        Kind.END: phase is Phase.TRADING,
        Kind.CANCEL: phase is not Phase.INTERMISSION,
    }
    return [kind for kind, is_possible in possible.items() if is_possible]


@transaction.atomic
def game_pause(
    *, number: int, now_ms: int, reason: str, staff: User | None = None, revision: int | None = None
) -> Game:
    """Stop a game's clock: no order is taken, nothing closes, news and bots wait, no phase changes.

    What was accepted before is still matched and settled.
    """
    reason = _reason(reason)
    game = _game_for(Kind.PAUSE, number, now_ms, revision)
    _game_update(game, paused_at=now_ms, pause_reason=reason)
    market_reschedule(market=game.market, paused_at=now_ms)
    text = _("시계와 거래가 멈췄고, 다시 시작하면 남은 시간 그대로 이어져요.")
    return _done(Kind.PAUSE, game, staff, reason, text, {"paused_at": [None, now_ms]})


@transaction.atomic
def game_resume(
    *, number: int, now_ms: int, reason: str, staff: User | None = None, revision: int | None = None
) -> Game:
    """Let a paused game go on with the time that was left; all that is to come moves on by the pause's length."""
    reason = _reason(reason)
    game = _game_for(Kind.RESUME, number, now_ms, revision)
    since = now_ms if game.paused_at is None else game.paused_at
    until = max(now_ms, since)
    times = times_at(game.view, until, lengths=schedule_lengths(), mode=start_mode())
    change = _times_change(game, times) | {"paused_at": [since, None]}
    pauses = [*game.pauses, [since, until]] if game.phase == Phase.TRADING else game.pauses
    if game.phase != Phase.INTERMISSION:
        _news_move(game, until - since)
    _game_update(game, times, paused_at=None, pause_reason="", pauses=pauses)
    _market_move(game, times, paused_at=None)
    text = left_text(Phase(game.phase), phase_ends_at(game.view) - until)
    return _done(Kind.RESUME, game, staff, reason, text, change)


@transaction.atomic
def game_extend(
    *,
    number: int,
    now_ms: int,
    by_ms: int,
    reason: str,
    staff: User | None = None,
    revision: int | None = None,
) -> Game:
    """Make the present phase longer, by an hour at most; also while the game is paused."""
    reason = _reason(reason)
    if not 0 < by_ms <= EXTENSION_MS_MAX:
        raise ApplicationError("invalid_request", parameter="by_ms", maximum=EXTENSION_MS_MAX)
    game = _game_for(Kind.EXTEND, number, now_ms, revision)
    times = delayed(game.view, by_ms, lengths=schedule_lengths(), mode=start_mode())
    change = _times_change(game, times)
    if game.phase == Phase.PREPARING:
        _news_move(game, by_ms)
    _game_update(game, times, extensions=game.extensions + 1)
    _market_move(game, times)
    now = now_ms if game.paused_at is None else game.paused_at
    text = _("%(time)s 늘었어요. %(left)s") % {
        "time": duration_text(by_ms),
        "left": left_text(Phase(game.phase), phase_ends_at(game.view) - now),
    }
    return _done(Kind.EXTEND, game, staff, reason, text, change)


@transaction.atomic
def game_end(
    *, number: int, now_ms: int, reason: str, staff: User | None = None, revision: int | None = None
) -> Game:
    """End a game's trading now (or when it was paused), with results as at any other close."""
    reason = _reason(reason)
    game = _game_for(Kind.END, number, now_ms, revision)
    ends_at = _trading_ended_at(game, now_ms)
    times = delayed(game.view, ends_at - game.closes_at, lengths=schedule_lengths(), mode=start_mode())
    change = _times_change(game, times)
    _game_update(game, times, paused_at=None, pause_reason="")
    _market_move(game, times, paused_at=None)
    _done(Kind.END, game, staff, reason, _("지금까지의 거래로 순위를 매겨요."), change)
    game_close(game=game, now_ms=now_ms)
    game.refresh_from_db()
    return game


@transaction.atomic
def game_start(
    *,
    number: int | None,
    now_ms: int,
    reason: str,
    staff: User | None = None,
    revision: int | None = None,
) -> Game:
    """Let a game that prepares trade at once; after a game (`number`), or before the first one, begin the next.

    The next one has a short preparation, so that its companies can be looked at and the gate be told.
    """
    reason = _reason(reason)
    if number is None and game_current() is not None:
        raise ControlError(_("그사이 게임이 시작됐어요. 화면을 새로 고쳐 주세요."))
    game = None if number is None else _game_for(Kind.START, number, now_ms, revision)
    if game is not None and game.phase == Phase.PREPARING:
        by_ms = now_ms - game.trading_at
        times = delayed(game.view, by_ms, lengths=schedule_lengths(), mode=start_mode())
        change = _times_change(game, times)
        _news_move(game, by_ms)
        _game_update(game, times, paused_at=None, pause_reason="")
        _market_move(game, times, paused_at=None)
        _done(Kind.START, game, staff, reason, "", change)
        game_open(game=game, now_ms=now_ms)
        game.refresh_from_db()
        return game
    if game is not None and game.is_paused:
        _game_update(game, paused_at=None, pause_reason="")
        market_reschedule(market=game.market, paused_at=None)
    following = game_create(now_ms=now_ms, at_once=True)
    if following is None:
        raise ControlError(_("상장된 회사가 없어서 게임을 시작할 수 없어요."))
    return _done(Kind.START, following, staff, reason, "", {})


def game_cancel(
    *,
    game: Game,
    now_ms: int,
    reason: str,
    staff: User | None = None,
    revision: int | None = None,
) -> bool:
    """End a game without results, whatever it is doing; False when it has ended already.

    Nobody trades in it any more, nobody's rating moves. What was traded stays in the ledger.
    """
    reason = _reason(reason)
    with transaction.atomic():
        locked = _locked(game.number, revision)
        if locked.phase == Phase.INTERMISSION:
            return False
        ended_at = now_ms if locked.paused_at is None else locked.paused_at
        times = locked.times
        if locked.trading_at < ended_at < locked.closes_at:  # clocks show when trading really ended
            times = GameTimes(locked.trading_at, ended_at, locked.next_game_at)
        change = _times_change(locked, times)
        fields = {"phase": Phase.INTERMISSION, "canceled_at": now_ms, "closed_at": now_ms, "is_live": None}
        _game_update(locked, times, **fields, paused_at=None, pause_reason="")
        _market_move(locked, times, paused_at=None)
        text = _("결과와 MMR에 반영되지 않아요.")
        _done(Kind.CANCEL, locked, staff, reason, text, change, key="canceled")
    logger.warning("Game %s is canceled: %s", game.number, reason)
    leftovers_tend(now_ms=now_ms)
    return True


# Parts ----------------------------------------------------------------------------------------------


def _reason(text: str) -> str:
    reason = text_clean(text)[:REASON_CHARACTERS_MAX]
    if not reason:
        raise ApplicationError("invalid_request", parameter="reason")
    return reason


def _locked(number: int, revision: int | None) -> Game:
    """Lock a game; refuse a caller who has looked at other times than it has now."""
    game = game_lock(number)
    if game is None:
        raise ApplicationError("not_found")
    if revision is not None and game.market.revision != revision:
        raise ControlError(_("그사이 게임의 일정이 바뀌었어요. 지금 상태를 확인하고 다시 시도해 주세요."))
    return game


def _game_for(kind: Intervention.Kind, number: int, now_ms: int, revision: int | None) -> Game:
    """Lock a game, do first what is due by the clock, and return it if the deed is possible then."""
    game = _locked(number, revision)
    for _turn in range(2):  # preparing may become trading, and that end, when the clock is late
        step = next_step(now_ms=now_ms, latest=game.view, lengths=schedule_lengths(), mode=start_mode())
        if step is Step.OPEN and kind is not Kind.START:
            game_open(game=game, now_ms=now_ms)
        elif step is Step.CLOSE:
            game_close(game=game, now_ms=now_ms)
        else:
            break
        game.refresh_from_db()
    if kind not in deeds_possible(game):
        text = _("지금은 할 수 없어요: %(deed)s (단계: %(phase)s)")
        raise ControlError(text % {"deed": kind.label, "phase": game.get_phase_display()})
    return game


def _trading_ended_at(game: Game, now_ms: int) -> int:
    """Return when trading ends that is ended now: a paused game has stopped before."""
    ended_at = now_ms if game.paused_at is None else game.paused_at
    return max(ended_at, game.trading_at + 1)


def _game_update(game: Game, times: GameTimes | None = None, **fields: Any) -> None:
    """Write to the locked row, and to the object in hand."""
    if times is not None:
        fields |= {
            "trading_at": times.trading_at,
            "closes_at": times.closes_at,
            "next_game_at": times.next_game_at,
        }
    Game.objects.filter(pk=game.pk).update(**fields)
    game.refresh_from_db(fields=[*fields])


def _market_move(game: Game, times: GameTimes, **fields: int | None) -> None:
    """Give the market the game's times, as far as they are still to come, and count a revision."""
    if game.market.opens_at != times.trading_at:
        fields["opens_at"] = times.trading_at
    if game.market.closes_at != times.closes_at:
        fields["closes_at"] = times.closes_at
    market_reschedule(market=game.market, **fields)


def _news_move(game: Game, by_ms: int) -> None:
    News.objects.filter(game=game, published_at=None).update(at_ms=F("at_ms") + by_ms)


def _times_change(game: Game, times: GameTimes) -> dict[str, list[int | None]]:
    """Return for the log which times change, each from and to."""
    names: Iterable[str] = ("trading_at", "closes_at", "next_game_at")
    pairs = {name: [getattr(game, name), getattr(times, name)] for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _done(
    kind: Intervention.Kind,
    game: Game,
    staff: User | None,
    reason: str,
    text: str,
    change: dict[str, Any],
    *,
    key: str = "",
) -> Game:
    """Log what was done, say it with its reason, and publish the game's new state."""
    market = game.market
    intervention_record(kind=kind, market=market, staff=staff, reason=reason, change=change)
    parts = [str(_TITLES[kind]) % {"number": game.number}, text, _("이유: %(reason)s") % {"reason": reason}]
    announce(
        text=" · ".join(part for part in parts if part),
        kind="result" if kind is Kind.CANCEL else "system",
        level="warning",
        key=f"game:{game.number}:{key or f'{kind.value}:{market.revision}'}",
    )
    publish_after_commit(market)
    return game
