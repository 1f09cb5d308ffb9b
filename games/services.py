"""Running the games: a tick of the clock creates, opens, closes and finishes them, each exactly once.

Every change of phase is a compare-and-set, made together with its announcement in one transaction and
published after the commit. So a tick may come late, twice, from two workers at once, or after a restart in
any phase.
"""

import logging
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

import redis
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from chat.services import announce
from games.announcing import (
    duration_text,
    history_mend,
    news_publish,
    preparation_text,
    publish_after_commit,
    rest_text,
    state_mend,
    time_left_announce,
)
from games.core.schedule import GameTimes, GameView, Phase, StartMode, Step, delayed, next_step, next_times
from games.locks import game_lock
from games.models import Game
from games.preparing import bot_grants, news_create
from games.seeding import flock_ensure
from games.selectors import game_current, game_get, schedule_lengths, start_mode
from stocking.base.alarms import alarm
from trading.audit.watch import market_certify
from trading.models import Company
from trading.services import (
    market_close,
    market_create,
    market_enforce,
    market_finish,
    market_grant,
    market_is_drained,
    market_register,
)

logger = logging.getLogger(__name__)

LEFTOVERS_A_TICK = 3
STEPS_MAX = 8  # a very late tick walks through every phase once, and a little more
SEED_BITS = 48

DrainedListener = Callable[[Game], None]
_drained_listeners: list[DrainedListener] = []


def on_game_drained(listener: DrainedListener) -> None:
    """Have `listener(game)` called once a game's market is drained, before its results are shown.

    The game stays in settling until every listener has returned. A listener may be called again for the same
    game (after a crash), so it must be idempotent.
    """
    if listener not in _drained_listeners:
        _drained_listeners.append(listener)


def game_tick(
    *,
    now_ms: int,
    is_first: bool = False,
    finish: Callable[[int], Any] | None = None,
    seed: int | None = None,
) -> Game | None:
    """Do all that is due at `now_ms` and return the current game; None while no company is listed.

    `is_first`: the clock was silent before (see `next_step`). `finish(number)` settles a drained game, here
    and now by default; the clock hands it to another queue. `seed` is for a game that is created; default
    random.
    """
    history_mend()
    if is_first:  # a game that could not be settled because the clock stood still has its time from now on
        Game.objects.filter(phase=Phase.SETTLING, is_live=True).update(settling_at=now_ms)
    for _turn in range(STEPS_MAX):
        game = game_current()
        if game is not None:
            _register(game)
        view = None if game is None else game.view
        step = next_step(
            now_ms=now_ms, latest=view, lengths=schedule_lengths(), mode=start_mode(), is_first=is_first
        )
        if step is Step.WAIT:
            break
        if step is Step.CREATE or game is None:
            if _create(now_ms=now_ms, is_first=is_first, seed=seed) is None:
                break
            is_first = False
        elif step is Step.OPEN:
            game_open(game=game, now_ms=now_ms)
        elif step is Step.CLOSE:
            game_close(game=game, now_ms=now_ms)
        elif step is Step.HOLD:
            game_hold(game=game, now_ms=now_ms)
        elif not _finish_if_drained(game, now_ms, finish):
            break
    leftovers_tend(now_ms=now_ms, finish=finish)
    game = game_current()
    if game is not None:
        _enforce(game)
        if game.phase == Phase.TRADING:
            news_publish(game=game, now_ms=now_ms)
        time_left_announce(game=game, now_ms=now_ms)
        state_mend(game)
    return game


def _enforce(game: Game) -> None:
    """Have the gate know what staff have decided, in case whoever was to tell it has died."""
    if not game.is_live or not game.is_registered:
        return
    try:
        market_enforce(market=game.market)
    except redis.RedisError:
        logger.warning("The gate could not be told of game %s.", game.number, exc_info=True)


# Creating -------------------------------------------------------------------------------------------


def game_create(
    *, now_ms: int, is_first: bool = False, seed: int | None = None, at_once: bool = False
) -> Game | None:
    """Create the next game with its market, the bots' grants and its planned news, in one transaction.

    None when it is not its time, or no company is listed. `at_once`: staff want it now, with a short preparation,
    whenever it would be due. Two at once: one of them fails on `is_live` (IntegrityError).
    """
    with transaction.atomic():
        previous = game_current()
        if previous is not None:
            game_lock(previous.number)
            previous.refresh_from_db()
        companies = list(Company.objects.filter(is_listed=True))
        is_over = previous is None or previous.phase == Phase.INTERMISSION or previous.is_held
        if not is_over or not companies:
            return None
        lengths, mode = schedule_lengths(), start_mode()
        view = None if previous is None else previous.view
        if not at_once:
            step = next_step(now_ms=now_ms, latest=view, lengths=lengths, mode=mode, is_first=is_first)
            if step is not Step.CREATE:  # staff have changed the times, or paused, since the tick looked
                return None
        times = next_times(
            now_ms=now_ms,
            lengths=lengths,
            mode=StartMode.NOW if at_once else mode,
            previous=None if view is None else view.times,
            is_first=is_first or at_once,
        )
        if at_once:
            times = delayed(GameView(Phase.PREPARING, times), 0, lengths=lengths, mode=mode)
        game = _game_insert(companies, times, now_ms=now_ms, seed=seed)
        text = preparation_text(game, companies, left_ms=times.trading_at - now_ms)
        announce(text=text, key=f"game:{game.number}:preparing")
        publish_after_commit()
    return game


def _game_insert(companies: list[Company], times: GameTimes, *, now_ms: int, seed: int | None) -> Game:
    market = market_create(
        companies=companies,
        opens_at=times.trading_at,
        closes_at=times.closes_at,
        initial_cash=settings.INITIAL_CASH_WON,
    )
    game = Game.objects.create(
        market=market,
        seed=secrets.randbits(SEED_BITS) if seed is None else seed,
        created_at=now_ms,
        trading_at=times.trading_at,
        closes_at=times.closes_at,
        next_game_at=times.next_game_at,
        is_live=True,
    )
    flock_ensure(listings=len(companies))
    market_grant(market=market, grants=bot_grants(companies))
    news_create(game, companies)
    return game


def _create(*, now_ms: int, is_first: bool, seed: int | None) -> Game | None:
    """Create the next game unless another worker was quicker."""
    try:
        game = game_create(now_ms=now_ms, is_first=is_first, seed=seed)
    except IntegrityError:
        game = game_current()
        if game is None or game.is_live is None:
            raise
        return game
    if game is not None:
        logger.info("Game %s prepares; trading begins in %s ms.", game.number, game.trading_at - now_ms)
    return game


def _register(game: Game) -> None:
    """Tell the gate of a live game, until it knows; it may be away and told at the next tick."""
    if game.is_registered or not game.is_live:
        return
    try:
        if not market_register(market=game.market):
            return
    except redis.RedisError:
        logger.warning("Game %s could not be registered at the gate yet.", game.number, exc_info=True)
        return
    Game.objects.filter(pk=game.pk).update(is_registered=True)
    game.is_registered = True


# Phases ---------------------------------------------------------------------------------------------


def _phase_set(game: Game, old: Phase, new: Phase, **fields: Any) -> bool:
    """Compare and set: True for the one caller that moves the game from `old` to `new`.

    What the caller has decided upon must still hold: staff may have paused the game or moved its times meanwhile.
    """
    same = Game.objects.filter(
        pk=game.pk, phase=old, paused_at=None, trading_at=game.trading_at, closes_at=game.closes_at
    )
    return bool(same.update(phase=new, **fields))


@transaction.atomic
def game_open(*, game: Game, now_ms: int) -> bool:
    """Let the game trade. The gate itself opens by its own clock; this is what everybody is told."""
    if not _phase_set(game, Phase.PREPARING, Phase.TRADING, started_at=now_ms):
        return False
    text = _("게임 #%(number)s 시작! 지금부터 %(time)s 동안 거래할 수 있어요.") % {
        "number": game.number,
        "time": duration_text(game.closes_at - game.trading_at),
    }
    announce(text=text, key=f"game:{game.number}:trading")
    publish_after_commit(game.market)
    return True


@transaction.atomic
def game_close(*, game: Game, now_ms: int) -> bool:
    """End the game's trading: what rests will be cancelled, then results are made."""
    if not _phase_set(game, Phase.TRADING, Phase.SETTLING, settling_at=now_ms):
        return False
    text = _("게임 #%(number)s 거래가 끝났어요. 남은 주문은 취소되고 결과를 정산하고 있어요.")
    announce(text=text % {"number": game.number}, key=f"game:{game.number}:settling")
    publish_after_commit(game.market)
    return True


@transaction.atomic
def game_hold(*, game: Game, now_ms: int) -> bool:
    """Give up waiting for a game that cannot be settled: the next one begins, its results come when they can."""
    waiting = Game.objects.filter(pk=game.pk, phase=Phase.SETTLING, held_at=None)
    if not waiting.update(held_at=now_ms, is_live=None):
        return False
    text = _(
        "게임 #%(number)s 결과가 늦어지고 있어요. 확인이 끝나면 알려 드릴게요. 다음 게임은 그대로 시작해요."
    )
    announce(text=text % {"number": game.number}, key=f"game:{game.number}:held")
    publish_after_commit()
    what = f"Game {game.number} cannot be settled; the next one begins without its results."
    transaction.on_commit(partial(alarm, "game_held", what))
    return True


def leftovers_tend(*, now_ms: int, finish: Callable[[int], Any] | None = None) -> None:
    """Settle held games that can be settled now, and close the markets of canceled ones."""
    waiting = Game.objects.select_related("market").filter(is_live=None, market__is_settled=False)
    for game in waiting.order_by("pk")[:LEFTOVERS_A_TICK]:
        try:
            if game.phase == Phase.SETTLING:
                if not game.market.is_suspended:
                    _finish_if_drained(game, now_ms, finish)
            elif _is_drained_after_close(game, early=True):
                market_finish(market=game.market)
        except Exception:  # a game of the past must not stop the present one
            logger.exception("Game %s could not be tended.", game.number)


def _is_drained_after_close(game: Game, *, early: bool = False) -> bool:
    """Close the market as far as it still is to be closed; return whether nothing of it is left to apply."""
    if not market_is_drained(market=game.market):
        market_close(market=game.market, early=early)
    return market_is_drained(market=game.market)


def _finish_if_drained(game: Game, now_ms: int, finish: Callable[[int], Any] | None) -> bool:
    """Close the market as far as it still is to be closed; once it is drained, finish the game.

    True when the game has reached its intermission.
    """
    try:
        if not _is_drained_after_close(game):
            return False
    except redis.RedisError:
        logger.warning("Game %s cannot be closed at the gate yet.", game.number, exc_info=True)
        return False
    if finish is not None:
        finish(game.number)
        return False
    return game_finish(number=game.number, now_ms=now_ms)


def game_finish(*, number: int, now_ms: int) -> bool:
    """Have the results of a drained game made by the listeners, then show them: the intermission begins.

    True when the game is in its intermission. Results and phase are one transaction: after a crash the game is
    settling, and the next call starts over. No results are made of a market that an audit finds wrong.
    """
    game = game_get(number)
    if game is None or game.phase != Phase.SETTLING:
        return game is not None and game.phase == Phase.INTERMISSION
    if not market_is_drained(market=game.market) or not market_certify(market=game.market):
        return False
    with transaction.atomic():
        locked = game_lock(number)
        if locked is None or locked.phase != Phase.SETTLING:
            return locked is not None
        for listener in _drained_listeners:
            listener(game)
        Game.objects.filter(pk=number).update(phase=Phase.INTERMISSION, closed_at=now_ms, is_live=None)
        # The results themselves are announced by those who make them.
        announce(text=rest_text(locked, now_ms), key=f"game:{number}:intermission")
        publish_after_commit()
    market_finish(market=game.market)
    return True
