"""What everybody is told of a game: its phases, the time left, its news; and the topic `game`.

What is said is a row of the chat, stored with what it says and published after the commit. Who dies in between has said
nothing to those who listen: the next tick of the clock makes good what the bus does not know (`state_mend`,
`history_mend`).
"""

import logging
from functools import partial

import redis
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils.translation import gettext as _

from chat.services import announce, history_restore
from games.core.schedule import Phase, phase_ends_at, time_left_mark
from games.locks import game_lock
from games.models import Game, News
from games.selectors import game_current, game_state, news_due
from stocking.base import stream
from trading.feed import market_changed
from trading.models import Company, Market
from trading.selectors.markets import listings_of

logger = logging.getLogger(__name__)

MINUTE_MS = 60_000
PUBLISHED_KEY = "games:published"

# The mark's name in the message's key, which makes it happen once.
_MARKS = {Phase.PREPARING: "opens_in", Phase.TRADING: "left", Phase.INTERMISSION: "next_in"}


def duration_text(length_ms: int) -> str:
    """Return a length of time in words: minutes and seconds, rounded to whole seconds."""
    minutes, seconds = divmod(round(length_ms / 1_000), 60)
    if minutes and seconds:
        return _("%(minutes)s분 %(seconds)s초") % {"minutes": minutes, "seconds": seconds}
    if minutes:
        return _("%(minutes)s분") % {"minutes": minutes}
    return _("%(seconds)s초") % {"seconds": seconds}


def preparation_text(game: Game, companies: list[Company], *, left_ms: int) -> str:
    """Return the announcement of a new game: when it begins, with what, and what is traded."""
    listed = ", ".join(
        _("%(name)s(%(symbol)s) %(price)s원")
        % {"name": company.name, "symbol": company.symbol, "price": f"{company.base_price:,}"}
        for company in companies
    )
    text = _(
        "게임 #%(number)s 준비 중이에요. %(time)s 뒤에 거래를 시작해요. "
        "시작 자금 %(cash)s원, 오늘의 종목과 기준가: %(listed)s"
    )
    return text % {
        "number": game.number,
        "time": duration_text(left_ms),
        "cash": f"{settings.INITIAL_CASH_WON:,}",
        "listed": listed,
    }


def rest_text(game: Game, now_ms: int) -> str:
    """Return the announcement of a game's intermission."""
    text = _("게임 #%(number)s 결과 화면에서 순위와 수익률을 확인해 보세요.") % {"number": game.number}
    left_ms = game.next_game_at - now_ms
    if left_ms <= 0 or game.is_held:
        return text
    return _("%(text)s 다음 게임까지 %(time)s 남았어요.") % {"text": text, "time": duration_text(left_ms)}


def left_text(phase: Phase, left_ms: int) -> str:
    """Return how much of a phase is left, in words."""
    texts = {
        Phase.PREPARING: _("거래 시작까지 %(time)s 남았어요."),
        Phase.TRADING: _("마감까지 %(time)s 남았어요."),
        Phase.INTERMISSION: _("다음 게임까지 %(time)s 남았어요."),
    }
    return texts[phase] % {"time": duration_text(left_ms)}


def time_left_announce(*, game: Game, now_ms: int) -> bool:
    """Announce the time left of a phase at each whole minute, 30 s and 10 s; True when this call has announced.

    A phase that staff have made longer may pass a mark again, and say so again.
    """
    phase = Phase(game.phase)
    began_at = game.view.began_at
    if phase not in _MARKS or began_at is None or game.is_paused:
        return False
    mark = time_left_mark(now_ms=now_ms, began_at=began_at, ends_at=phase_ends_at(game.view))
    if mark is None:
        return False
    key = f"game:{game.number}:{_MARKS[phase]}:{mark // 1_000}"
    if game.extensions:
        key = f"{key}:{game.extensions}"
    with transaction.atomic():
        now = game_lock(game.number)
        if now is None or now.view != game.view:  # what is left is not what it was when the caller looked
            return False
        return announce(text=left_text(phase, mark), key=key) is not None


def news_publish(*, game: Game, now_ms: int) -> int:
    """Publish the news that is due, each exactly once; return how many pieces this call has published."""
    count = 0
    for news in news_due(game, now_ms):
        with transaction.atomic():
            now = game_lock(game.number)
            if now is None or now.view != game.view or now.is_paused:
                return count
            if News.objects.filter(pk=news.pk, published_at=None).update(published_at=now_ms):
                announce(
                    text=news.text,
                    kind="news",
                    level=news.direction,
                    symbol=news.company.symbol,
                    key=f"news:{news.pk}",
                )
                count += 1
    return count


# The topic ------------------------------------------------------------------------------------------


def publish_after_commit(market: Market | None = None) -> None:
    """Publish the topic `game` after the commit, and the listings' status when the market opens or closes."""
    transaction.on_commit(game_publish)
    if market is not None:
        transaction.on_commit(partial(_listings_publish, market))


def _listings_publish(market: Market) -> None:
    try:
        market_changed(listings_of(market))
    except redis.RedisError:
        logger.warning("The listings' status could not be published.", exc_info=True)


def game_publish() -> None:
    """Publish the topic `game` as the database has it, and remember on the bus that this was told."""
    game = game_current()
    try:
        stream.publish("game", game_state())
        if game is not None:
            cache.set(PUBLISHED_KEY, _fingerprint(game), timeout=None)
    except redis.RedisError:
        logger.warning("The game's state could not be published.", exc_info=True)


def _fingerprint(game: Game) -> str:
    """Return what tells a state of the game from every other one that clients must be told of."""
    times = f"{game.trading_at}:{game.closes_at}:{game.next_game_at}"
    return f"{game.number}:{game.phase}:{game.paused_at}:{times}"


def state_mend(game: Game) -> bool:
    """Publish the game's state and its listings' again if the bus was not told of it; True when it was not."""
    try:
        if cache.get(PUBLISHED_KEY) == _fingerprint(game):
            return False
    except redis.RedisError:
        return False
    game_publish()
    _listings_publish(game.market)
    return True


def history_mend() -> bool:
    """Publish the chat again if something was stored and never told; True when it was."""
    try:
        return history_restore()
    except redis.RedisError:
        return False
