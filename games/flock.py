"""Letting all bots act once: what each sees is read, its rules decide, its orders go through the gate.

Draws are made from the game, the step, the bot and the listing; so are the `client_order_id`s. A step that is
run twice therefore asks the gate for what it has already been given, and changes nothing.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

import redis

from games.core.bots import (
    BotAction,
    BotCancel,
    BotKind,
    BotOrder,
    BotView,
    RestingOrder,
    decide,
    endowment,
    is_looking,
)
from games.core.perception import Belief, Perception, Piece
from games.core.simulated import STEP_MS
from games.models import Bot, Direction, Game, News
from games.selectors import game_current
from stocking.base.errors import ApplicationError
from trading.core.orders import Side
from trading.gate.answers import Balances, GateOrder
from trading.gate.client import gate
from trading.models import Listing
from trading.selectors.prices import book_get
from trading.services import order_cancel, order_submit

logger = logging.getLogger(__name__)

BOOK_DEPTH = 10

# After one of these nothing more of this step can succeed.
_CODES_THAT_END_A_STEP = frozenset({"market_closed", "recovering", "overloaded", "outcome_unknown"})


class _StepOverError(Exception):
    """The market takes no more orders now."""


@dataclass(frozen=True, slots=True)
class _Market:
    """What all bots share in one step."""

    game: Game
    step: int
    now_ms: int
    listings: Sequence[Listing]
    base_prices: dict[str, int]
    perception: Perception
    pieces: dict[int, list[Piece]]  # by company
    books: dict[int, tuple[list[tuple[int, int]], list[tuple[int, int]]]]  # by listing: bids, asks


def bots_step(*, now_ms: int) -> int:
    """Let every active bot look at the market once; return how many orders and cancels were accepted."""
    game = game_current()
    if game is None or game.phase != Game.Phase.TRADING or not game.trading_at <= now_ms < game.closes_at:
        return 0
    if game.is_paused:
        return 0
    # Bots live by the game's own clock: it stands while the game is paused.
    now_ms = game.clock_time(now_ms)
    listings = list(Listing.objects.filter(market=game.market_id, is_halted=False).order_by("pk"))
    market = _Market(
        game=game,
        step=(now_ms - game.trading_at) // STEP_MS,
        now_ms=now_ms,
        listings=listings,
        base_prices={listing.symbol: listing.base_price for listing in listings},
        perception=_perception(game.seed, (game.closes_at - game.trading_at) // 1_000 + 1),
        pieces=_pieces_by_company(game),
        books={},
    )
    try:
        return _flock_step(market)
    except redis.RedisError:
        logger.warning("A step of the bots ended early: a store is away.", exc_info=True)
        return 0


def _flock_step(market: _Market) -> int:
    """Find out who looks where, read what all of them have in one go, and let each act."""
    looks = []
    for position, bot in enumerate(Bot.objects.filter(is_active=True).order_by("pk")):
        looked_at = _listings_looked_at(bot, market)
        if looked_at:
            looks.append((position, bot, looked_at))
    accounts = [bot.user_id for _position, bot, _looked_at in looks]
    balances = gate().balances_of(market.game.number, accounts)
    orders = gate().open_orders_of(market.game.number, accounts)
    count = 0
    try:
        for position, bot, looked_at in looks:
            account = bot.user_id
            count += _bot_step(bot, position, market, looked_at, balances[account], orders[account])
    except _StepOverError:
        pass
    return count


@lru_cache(maxsize=2)
def _perception(seed: int, seconds: int) -> Perception:
    return Perception(seed=seed, seconds=seconds, draws=Random)


def _pieces_by_company(game: Game) -> dict[int, list[Piece]]:
    found: dict[int, list[Piece]] = {}
    for news in News.objects.filter(game=game, published_at__isnull=False).order_by("pk"):
        sign = 1 if news.direction == Direction.GOOD else -1
        at_ms = game.clock_time(news.published_at or 0) - game.trading_at
        piece = Piece(str(news.pk), sign * news.magnitude_bps, at_ms)
        found.setdefault(news.company_id, []).append(piece)
    return found


def _listings_looked_at(bot: Bot, market: _Market) -> list[tuple[Listing, Random]]:
    """Return the listings the bot looks at in this step, each with the draws for its decision."""
    looked_at = []
    for listing in market.listings:
        rng = Random(f"{market.game.seed}:{market.step}:{bot.seed}:{listing.symbol}")
        if is_looking(BotKind(bot.kind), step_ms=STEP_MS, rng=rng):
            looked_at.append((listing, rng))
    return looked_at


def _bot_step(
    bot: Bot,
    position: int,
    market: _Market,
    looked_at: Sequence[tuple[Listing, Random]],
    balances: Balances,
    orders: Iterable[GateOrder],
) -> int:
    """Let one bot act in the listings it looks at."""
    if balances.cash is None:  # granted nothing in this game: joined the flock later
        return 0
    kind = BotKind(bot.kind)
    resting = _resting_by_listing(orders)
    targets = endowment(kind, market.base_prices).shares
    count = 0
    cash_part = balances.cash // len(looked_at)
    for listing, rng in looked_at:
        bids, asks = _book(listing, market)
        view = BotView(
            base_price=listing.base_price,
            lower_limit=listing.lower_limit,
            upper_limit=listing.upper_limit,
            last_price=listing.last_price,
            bids=bids,
            asks=asks,
            value=_belief(bot, kind, listing, market).value,
            cash=cash_part,
            shares=balances.shares.get(listing.pk, 0),
            shares_target=targets[listing.symbol],
            position=position,
            resting=resting.get(listing.pk, []),
        )
        count += _submit(bot, listing, market, decide(kind, view, rng))
    return count


def _resting_by_listing(orders: Iterable[GateOrder]) -> dict[int, list[RestingOrder]]:
    """Return what rests of the bot's orders in each listing, oldest first."""
    found: dict[int, list[RestingOrder]] = {}
    for order in sorted(orders, key=lambda order: int(order.order_id.rpartition("-")[2])):
        left = order.quantity - order.filled
        if left > 0:
            resting = RestingOrder(order.order_id, Side(order.side), order.price, left)
            found.setdefault(order.listing_id, []).append(resting)
    return found


def _book(listing: Listing, market: _Market) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return the levels others see, read once a step; levels are (price, quantity)."""
    if listing.pk not in market.books:
        book = book_get(listing, BOOK_DEPTH)
        market.books[listing.pk] = (_levels(book["bids"]), _levels(book["asks"]))
    return market.books[listing.pk]


def _levels(levels: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
    return [(level[0], level[1]) for level in levels]


def _belief(bot: Bot, kind: BotKind, listing: Listing, market: _Market) -> Belief:
    return market.perception.belief(
        bot_seed=bot.seed,
        kind=kind,
        symbol=listing.symbol,
        base_price=listing.base_price,
        pieces=market.pieces.get(listing.company_id, []),
        now_ms=market.now_ms - market.game.trading_at,
    )


def _submit(bot: Bot, listing: Listing, market: _Market, actions: Sequence[BotAction]) -> int:
    """Send the actions to the gate; a refusal is part of the game and is passed over."""
    accepted = 0
    for index, action in enumerate(actions):
        try:
            _send(bot, listing, market, index, action)
            accepted += 1
        except ApplicationError as refusal:
            if refusal.code in _CODES_THAT_END_A_STEP:
                raise _StepOverError from refusal
            logger.debug("Bot %s was refused: %s", bot.user_id, refusal.code)
    return accepted


def _send(bot: Bot, listing: Listing, market: _Market, index: int, action: BotAction) -> None:
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
