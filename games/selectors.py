"""Reading games and news. Nothing here tells what is not yet public: news counts from its publication."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from games.core.schedule import (
    GameTimes,
    GameView,
    Lengths,
    Phase,
    StartMode,
    next_times,
    overdue_ms,
    phase_ends_at,
    times_at,
)
from games.models import Game, News
from stocking.base.units import now_ms
from trading.models import Company

NEWS_LIMIT = 20


def schedule_lengths() -> Lengths:
    """Return the lengths of a cycle and its parts from the settings."""
    return Lengths(
        cycle_ms=settings.GAME_CYCLE_SECONDS * 1_000,
        prepare_ms=settings.GAME_PREPARE_SECONDS * 1_000,
        trading_ms=settings.GAME_TRADING_SECONDS * 1_000,
    )


def start_mode() -> StartMode:
    """Return when the first game after a silence begins, from the settings."""
    return StartMode(settings.GAME_START)


def game_current() -> Game | None:
    """Return the newest game, whatever its phase; None before the first one."""
    return Game.objects.select_related("market").order_by("-pk").first()


def game_get(number: int) -> Game | None:
    """Return the game of that number, None if there was none."""
    return Game.objects.select_related("market").filter(pk=number).first()


def games_finished(*, limit: int = 20) -> list[Game]:
    """Return the last games whose results are out, newest first."""
    return list(Game.objects.filter(phase=Game.Phase.INTERMISSION, canceled_at=None).order_by("-pk")[:limit])


def game_times(game: Game, time_ms: int) -> GameTimes:
    """Return the game's plan; that of a paused one as if it went on now, so that what is left of it stands still."""
    return times_at(game.view, time_ms, lengths=schedule_lengths(), mode=start_mode())


def game_state(*, time_ms: int | None = None) -> dict[str, Any]:
    """Return the current game as `GET /api/game` and the topic `game` show it.

    Before the very first game `number` is None and the phase is `intermission`. While a game is paused its times to
    come are those it has if it goes on at `server_time_ms`: the time left is their difference and stands still.
    """
    now = now_ms() if time_ms is None else time_ms
    game = game_current()
    if game is None:
        lengths = schedule_lengths()
        times = next_times(now_ms=now, lengths=lengths, mode=start_mode(), previous=None, is_first=True)
        number, phase = None, Phase.INTERMISSION.value
        ends_at = next_game_at = max(now, times.trading_at - lengths.prepare_ms)
    else:
        times = game_times(game, now)
        number, phase = game.number, game.phase
        ends_at, next_game_at = phase_ends_at(GameView(Phase(phase), times)), times.next_game_at
    return {
        "number": number,
        "phase": phase,
        "server_time_ms": now,
        "phase_ends_at_ms": ends_at,
        "next_game_at_ms": next_game_at,
        "trading_at_ms": times.trading_at,
        "closes_at_ms": times.closes_at,
        "paused_at_ms": None if game is None else game.paused_at,
        "pause_reason": "" if game is None else game.pause_reason,
    }


def game_overdue_ms(*, time_ms: int | None = None) -> int:
    """Return for how long the current game's next phase, or the next game, has been due: the clock does not tick.

    0 while all is in time, before the first game, and where no company is listed that a game could be played with.
    """
    game = game_current()
    if game is None or not Company.objects.filter(is_listed=True).exists():
        return 0
    return overdue_ms(game.view, now_ms() if time_ms is None else time_ms)


def news_as_dict(news: News) -> dict[str, Any]:
    """Return a published piece of news as pages show it; reads `company`."""
    return {
        "game": news.game_id,
        "symbol": news.company.symbol,
        "name": news.company.name,
        "kind": news.kind,
        "level": news.direction,
        "headline": news.text,
        "published_at": news.published_at,
    }


def news_published(
    symbol: str | None = None,
    *,
    game: Game | None = None,
    since_ms: int | None = None,
    limit: int = NEWS_LIMIT,
) -> list[News]:
    """Return published news, newest first: of one company, one game, or since a time."""
    condition = Q(published_at__isnull=False)
    if symbol is not None:
        condition &= Q(company__symbol=symbol)
    if game is not None:
        condition &= Q(game=game)
    if since_ms is not None:
        condition &= Q(published_at__gte=since_ms)
    return list(
        News.objects.filter(condition).select_related("company").order_by("-published_at", "-pk")[:limit]
    )


def news_today(symbol: str | None = None, *, limit: int = NEWS_LIMIT) -> list[News]:
    """Return the news since midnight in the site's time zone, newest first."""
    midnight: datetime = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    return news_published(symbol, since_ms=int(midnight.timestamp() * 1_000), limit=limit)


def news_due(game: Game, time_ms: int) -> QuerySet[News]:
    """Return the game's news whose time has come and which is not out yet, oldest first."""
    return (
        News.objects.filter(game=game, published_at__isnull=True, at_ms__lte=time_ms)
        .select_related("company")
        .order_by("at_ms", "pk")
    )
