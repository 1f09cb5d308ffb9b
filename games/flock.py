"""Letting all bots act once: what each sees is read, its rules decide, its orders go through the gate.

Draws are made from the game, the step, the bot and the listing; so are the `client_order_id`s. A step that is
run twice therefore asks the gate for what it has already been given, and changes nothing.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random

import redis

from games.core.bots import (
    TREND_WINDOW_MS,
    BotAction,
    BotCancel,
    BotKind,
    BotOrder,
    BotView,
    RestingOrder,
    decide,
    is_looking,
)
from games.core.news import Piece
from games.core.perception import Perception
from games.core.simulated import STEP_MS
from games.hidden import perception_of, pieces_by_company
from games.models import Bot, Game
from games.selectors import game_current
from stocking.base.errors import ApplicationError
from trading.core.candles import INTERVALS
from trading.core.orders import Side
from trading.gate.answers import Balances, GateOrder
from trading.gate.client import gate
from trading.models import Candle, Holding, Listing
from trading.selectors.prices import book_get
from trading.services import order_cancel, order_submit

logger = logging.getLogger(__name__)

BOOK_DEPTH = 10
QUIET_MS_MAX = 60_000

# After one of these nothing more of this step can succeed.
_CODES_THAT_END_A_STEP = frozenset({"market_closed", "recovering", "overloaded", "outcome_unknown"})

Levels = list[tuple[int, int]]


class _StepOverError(Exception):
    """The market takes no more orders now."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A bot's place in a listing: what it was granted there, and its rank among the bots of its kind."""

    granted: int
    rank: int


@dataclass(frozen=True, slots=True)
class _Look:
    """A bot that looks at a listing in this step."""

    bot: Bot
    listing: Listing
    place: _Place


@dataclass(frozen=True, slots=True)
class _Market:
    """What all bots share in one step. `time_ms` is the time since trading began, by which bots live."""

    game: Game
    step: int
    time_ms: int
    perception: Perception
    pieces: Mapping[int, list[Piece]]  # by company
    prices_before: Mapping[int, int]  # by listing
    books: dict[int, tuple[Levels, Levels]] = field(default_factory=dict)  # by listing: bids, asks

    def pieces_about(self, listing: Listing) -> list[Piece]:
        return self.pieces.get(listing.company_id, [])

    def book(self, listing: Listing) -> tuple[Levels, Levels]:
        """Return the levels others see, read once a step; levels are (price, quantity)."""
        if listing.pk not in self.books:
            book = book_get(listing, BOOK_DEPTH)
            self.books[listing.pk] = (_levels(book["bids"]), _levels(book["asks"]))
        return self.books[listing.pk]


def bots_step(*, now_ms: int) -> int:
    """Let every active bot look at the market once; return how many orders and cancels were accepted."""
    game = game_current()
    if game is None or game.phase != Game.Phase.TRADING or not game.trading_at <= now_ms < game.closes_at:
        return 0
    if game.is_paused:
        return 0
    # Bots live by the game's own clock: it stands while the game is paused.
    time_ms = game.clock_time(now_ms) - game.trading_at
    market = _Market(
        game=game,
        step=time_ms // STEP_MS,
        time_ms=time_ms,
        perception=_perception(game.seed, game.closes_at - game.trading_at),
        pieces=pieces_by_company(game),
        prices_before=_prices_before(game, now_ms),
    )
    try:
        return _flock_step(market)
    except redis.RedisError:
        logger.warning("A step of the bots ended early: a store is away.", exc_info=True)
        return 0


def _flock_step(market: _Market) -> int:
    """Find out who looks where, read what all of them have in one go, and let them act in random turn."""
    looks = _looks(market)
    accounts = sorted({look.bot.user_id for look in looks})
    balances = gate().balances_of(market.game.number, accounts)
    orders = gate().open_orders_of(market.game.number, accounts)
    resting = {account: _resting_by_listing(orders[account]) for account in accounts}
    shares_of_cash = {account: sum(look.bot.user_id == account for look in looks) for account in accounts}
    decided = []
    for look in looks:
        account = look.bot.user_id
        parts = shares_of_cash[account]
        view = _view(look, market, balances[account], parts, resting[account].get(look.listing.pk, []))
        rng = Random(f"{market.game.seed}:{market.step}:{look.bot.seed}:{look.listing.symbol}")
        actions = decide(BotKind(look.bot.kind), view, rng)
        if actions:
            decided.append((look, actions))
    count = 0
    try:
        for look, actions in Random(f"turn:{market.game.seed}:{market.step}").sample(decided, len(decided)):
            count += _submit(look, market, actions)
    except _StepOverError:
        pass
    return count


# What they see --------------------------------------------------------------------------------------


_perception = lru_cache(maxsize=2)(perception_of)


@lru_cache(maxsize=2)
def _places(number: int) -> dict[int, dict[int, _Place]]:
    """Return the place of each bot in each listing, by user and listing; grants of a game never change."""
    rows = Holding.objects.filter(listing__market=number, granted__gt=0, user__bot__isnull=False)
    places: dict[int, dict[int, _Place]] = {}
    ranks: dict[tuple[int, str], int] = {}
    for listing, user, kind, granted in rows.order_by("user__bot__pk").values_list(
        "listing", "user", "user__bot__kind", "granted"
    ):
        rank = ranks.get((listing, kind), 0)
        ranks[listing, kind] = rank + 1
        places.setdefault(user, {})[listing] = _Place(granted, rank)
    return places


def _prices_before(game: Game, now_ms: int) -> dict[int, int]:
    """Return the last price of each listing of a while ago; a listing that has been quiet is not in it."""
    ended_by = now_ms - TREND_WINDOW_MS - INTERVALS["5s"]
    candles = Candle.objects.filter(
        listing__market=game.market_id, start__gt=ended_by - QUIET_MS_MAX, start__lte=ended_by
    )
    return dict(candles.order_by("start").values_list("listing", "close"))


def _looks(market: _Market) -> list[_Look]:
    """Return who looks where in this step, of the active bots that were granted something in this game."""
    listings = list(Listing.objects.filter(market=market.game.market_id, is_halted=False).order_by("pk"))
    paces = {
        listing.pk: market.perception.pace(listing.symbol, market.pieces_about(listing), market.time_ms)
        for listing in listings
    }
    places = _places(market.game.number)
    rng = Random(f"looks:{market.game.seed}:{market.step}")
    looks = []
    for bot in Bot.objects.filter(is_active=True).order_by("pk"):
        mine = places.get(bot.user_id, {})
        for listing in listings:
            if listing.pk not in mine:
                continue
            if is_looking(BotKind(bot.kind), step_ms=STEP_MS, pace=paces[listing.pk], rng=rng):
                looks.append(_Look(bot, listing, mine[listing.pk]))
    return looks


def _view(
    look: _Look, market: _Market, balances: Balances, parts: int, resting: Sequence[RestingOrder]
) -> BotView:
    """Return what the bot knows of the listing; its cash is shared out among the listings it looks at."""
    bot, listing = look.bot, look.listing
    belief = market.perception.belief(
        bot_seed=bot.seed,
        kind=BotKind(bot.kind),
        symbol=listing.symbol,
        base_price=listing.base_price,
        pieces=market.pieces_about(listing),
        now_ms=market.time_ms,
    )
    bids, asks = market.book(listing)
    return BotView(
        base_price=listing.base_price,
        lower_limit=listing.lower_limit,
        upper_limit=listing.upper_limit,
        last_price=listing.last_price,
        price_before=market.prices_before.get(listing.pk, listing.last_price),
        news_ms_ago=belief.news_ms_ago,
        whim=market.perception.whim(listing.symbol, market.time_ms),
        bids=bids,
        asks=asks,
        value=belief.value,
        cash=(balances.cash or 0) // parts,
        shares=balances.shares.get(listing.pk, 0),
        shares_target=look.place.granted,
        position=look.place.rank,
        resting=resting,
    )


def _resting_by_listing(orders: Iterable[GateOrder]) -> dict[int, list[RestingOrder]]:
    """Return what rests of a bot's orders in each listing, oldest first."""
    found: dict[int, list[RestingOrder]] = {}
    for order in sorted(orders, key=lambda order: int(order.order_id.rpartition("-")[2])):
        left = order.quantity - order.filled
        if left > 0:
            resting = RestingOrder(order.order_id, Side(order.side), order.price, left)
            found.setdefault(order.listing_id, []).append(resting)
    return found


def _levels(levels: Iterable[Sequence[int]]) -> Levels:
    return [(level[0], level[1]) for level in levels]


# What they do ---------------------------------------------------------------------------------------


def _submit(look: _Look, market: _Market, actions: Sequence[BotAction]) -> int:
    """Send the actions to the gate; a refusal is part of the game and is passed over."""
    accepted = 0
    for index, action in enumerate(actions):
        try:
            _send(look, market, index, action)
            accepted += 1
        except ApplicationError as refusal:
            if refusal.code in _CODES_THAT_END_A_STEP:
                raise _StepOverError from refusal
            logger.debug("Bot %s was refused: %s", look.bot.user_id, refusal.code)
    return accepted


def _send(look: _Look, market: _Market, index: int, action: BotAction) -> None:
    bot, listing = look.bot, look.listing
    match action:
        case BotCancel(order_id):
            order_cancel(account=bot.user_id, order_id=order_id, is_bot=True)
        case BotOrder(side, order_type, price, quantity):
            order_submit(
                account=bot.user_id,
                client_order_id=f"b{market.game.number}-{market.step}-{bot.pk}-{listing.pk}-{index}",
                symbol=listing.symbol,
                side=side.value,
                type=order_type.value,
                price=price,
                quantity=quantity,
                is_bot=True,
            )
