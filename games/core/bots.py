"""How bots trade: market makers quote both sides, value traders buy cheap and sell dear, momentum traders run
after the price, noise traders do whatever.

A bot decides on one listing at a time from what it sees and the random draws it is given: same view, same
draws, same orders. It never orders more than its available cash and shares cover and never crosses its own
quotes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from games.core.draws import Draws
from trading.core.orders import OrderType, Side
from trading.core.ticks import ceil_to_tick, floor_to_tick, tick_above, tick_below, tick_size

ACTIONS_MAX = 16
BASIS_POINTS = 10_000

# How far back a bot looks to see where the price is going.
TREND_WINDOW_MS = 20_000

MAKER_LEVELS = 6
MAKER_KEEP_BEYOND = 3
MAKER_GRID_TICKS = 2
MAKER_LEVEL_WON = 2_000_000
MAKER_VALUE_PERCENT = 90  # the rest of its fair price is the last price
MAKER_STRIDE_TICKS = 12  # from the last price, at one look
MAKER_SKEW_BPS = 300
MAKER_EASE_WON = 10_000_000  # an inventory of this much leans with half of the skew
MAKER_NEWS_TICKS = 4
MAKER_NEWS_CALM_MS = 8_000

VALUE_THRESHOLD_BPS = 25
VALUE_ORDER_WON = 1_500_000
VALUE_ORDERS_MAX = 4

MOMENTUM_THRESHOLD_BPS = 45
MOMENTUM_ORDER_WON = 1_500_000
MOMENTUM_POSITION_PERCENT = 40  # of what it started with, bought or sold at most

NOISE_ORDER_WON = 3_500_000
NOISE_ORDERS_MAX = 8.0
NOISE_SIZE_SPREAD = 0.9  # of the logarithm
NOISE_WHIM_SHARE = 0.25
NOISE_RESTING_MAX = 3
NOISE_MARKET_SHARE = 0.55


class BotKind(StrEnum):
    """The kinds of bots."""

    MAKER = "maker"
    VALUE = "value"
    MOMENTUM = "momentum"
    NOISE = "noise"


# How often a bot of a kind looks at a listing, on average, at the listing's usual pace.
LOOKS_PER_SECOND = {
    BotKind.MAKER: 2.0, BotKind.VALUE: 0.25, BotKind.MOMENTUM: 0.2, BotKind.NOISE: 0.28,
}  # fmt: skip

# How far a bot's own idea of the value wanders from the hidden one (standard deviation).
MOOD_BPS = {BotKind.MAKER: 12.0, BotKind.VALUE: 45.0, BotKind.MOMENTUM: 0.0, BotKind.NOISE: 0.0}


@dataclass(frozen=True, slots=True)
class RestingOrder:
    """An own order that still rests; `quantity` is what is left of it."""

    order_id: str
    side: Side
    price: int
    quantity: int


@dataclass(frozen=True, slots=True)
class BotView:
    """All a bot knows of one listing. Cash and shares are what is available; `value` is its own idea of the
    worth, `price_before` the last price of `TREND_WINDOW_MS` ago, `news_ms_ago` when it noticed the last news,
    `whim` which way the crowd is inclined, from -1 to 1.

    `shares_target` is the holding at which a maker is at ease; `position` tells makers apart, so that their
    quotes interleave. Levels are (price, quantity), best first.
    """

    base_price: int
    lower_limit: int
    upper_limit: int
    last_price: int
    price_before: int
    news_ms_ago: int | None
    whim: float
    bids: Sequence[tuple[int, int]]
    asks: Sequence[tuple[int, int]]
    value: int
    cash: int
    shares: int
    shares_target: int
    position: int
    resting: Sequence[RestingOrder]

    @property
    def shares_held(self) -> int:
        """Available shares and those in own sell orders."""
        return self.shares + sum(order.quantity for order in self.resting if order.side is Side.SELL)


@dataclass(frozen=True, slots=True)
class BotOrder:
    """A new order; market orders have no price."""

    side: Side
    type: OrderType
    price: int | None
    quantity: int


@dataclass(frozen=True, slots=True)
class BotCancel:
    """The end of an own order."""

    order_id: str


BotAction = BotOrder | BotCancel


def is_looking(kind: BotKind, *, step_ms: int, pace: float, rng: Draws) -> bool:
    """Draw whether a bot looks at a listing in this step: whether its Poisson process has an arrival in it.

    Makers and the patient look at their own rate; the hasty go with the listing's `pace`, 1 being usual.
    """
    rate = LOOKS_PER_SECOND[kind] * (pace if kind in (BotKind.NOISE, BotKind.MOMENTUM) else 1.0)
    return rng.random() < 1 - math.exp(-rate * step_ms / 1_000)


def decide(kind: BotKind, view: BotView, rng: Draws) -> list[BotAction]:
    """Return what the bot does now: cancels first, then orders."""
    match kind:
        case BotKind.MAKER:
            return _quote(view, rng)
        case BotKind.VALUE:
            return _trade_on_value(view, rng)
        case BotKind.MOMENTUM:
            return _trade_on_trend(view, rng)
        case BotKind.NOISE:
            return _trade_at_random(view, rng)


def _others_best(levels: Sequence[tuple[int, int]], own: Iterable[RestingOrder]) -> int | None:
    """Return the best price at which somebody else rests."""
    mine: dict[int, int] = {}
    for order in own:
        mine[order.price] = mine.get(order.price, 0) + order.quantity
    for price, quantity in levels:
        if quantity > mine.get(price, 0):
            return price
    return None


def _maker_center(view: BotView) -> int:
    """Return the price a maker quotes around: between its value and the last price, not too far at once from
    the latter, leaning against its inventory.
    """
    own = MAKER_VALUE_PERCENT
    fair = (view.value * own + view.last_price * (100 - own)) // 100
    excess = (view.shares_held - view.shares_target) * view.last_price / MAKER_EASE_WON
    skew_bps = round(MAKER_SKEW_BPS * excess / (1 + abs(excess)))
    center = fair * (BASIS_POINTS - skew_bps) // BASIS_POINTS
    stride = MAKER_STRIDE_TICKS * tick_size(view.last_price)
    return max(view.last_price - stride, min(view.last_price + stride, center))


def _maker_margin(view: BotView) -> int:
    """Return how far from its center a maker stays away, in won: wide after news, until it calms down."""
    if view.news_ms_ago is None:
        return 0
    ticks = round(MAKER_NEWS_TICKS * math.exp(-view.news_ms_ago / MAKER_NEWS_CALM_MS))
    return ticks * tick_size(view.last_price)


def _is_on_grid(price: int, position: int) -> bool:
    """Makers share the prices out among them: each quotes every second tick."""
    return price // tick_size(price) % MAKER_GRID_TICKS == position % MAKER_GRID_TICKS


@lru_cache(maxsize=16_384)
def _ladder(side: Side, start: int, lower_limit: int, upper_limit: int, position: int) -> tuple[int, ...]:
    """Return the maker's prices from `start` away from the middle, within the daily limits, best first."""
    prices: list[int] = []
    price = floor_to_tick(start) if side is Side.BUY else ceil_to_tick(start)
    levels = MAKER_LEVELS + MAKER_KEEP_BEYOND
    for _ in range(levels * MAKER_GRID_TICKS + 1):
        if not lower_limit <= price <= upper_limit or len(prices) == levels:
            break
        if _is_on_grid(price, position):
            prices.append(price)
        price = tick_below(price) if side is Side.BUY else tick_above(price)
    return tuple(prices)


def _maker_start(side: Side, center: int, view: BotView, own_other_side: Sequence[RestingOrder]) -> int:
    """Return where the ladder of a side begins: beside the center, but never through what others quote."""
    if side is Side.BUY:
        start = min(tick_below(center - _maker_margin(view)), view.upper_limit)
        opposite = _others_best(view.asks, own_other_side)
        return start if opposite is None else min(start, tick_below(opposite))
    start = max(tick_above(center + _maker_margin(view)), view.lower_limit)
    opposite = _others_best(view.bids, own_other_side)
    return start if opposite is None else max(start, tick_above(opposite))


def _level_quantity(level: int, price: int, rng: Draws) -> int:
    """Return the size of a quote: larger further out, with a little variation."""
    won = MAKER_LEVEL_WON * (2 + level) // 2
    return max(1, round(won / price * rng.uniform(0.7, 1.3)))


def _quote(view: BotView, rng: Draws) -> list[BotAction]:
    """Keep quotes on both sides; replace only those that have gone wrong."""
    center = _maker_center(view)
    cancels: list[BotAction] = []
    orders: list[BotAction] = []
    cash, shares = view.cash, view.shares
    sides = {side: [order for order in view.resting if order.side is side] for side in Side}
    wanted = {}
    for side in Side:
        start = _maker_start(side, center, view, sides[side.opposite])
        wanted[side] = _ladder(
            side, start, view.lower_limit, view.upper_limit, view.position % MAKER_GRID_TICKS
        )
    for side in Side:
        ladder = wanted[side]
        depth: dict[int, int] = {}
        for order in sides[side]:
            level = ladder.index(order.price) if order.price in ladder else None
            is_worn = level is None or order.quantity * 3 < MAKER_LEVEL_WON * (2 + level) // 2 // order.price
            if is_worn or order.price in depth:
                cancels.append(BotCancel(order.order_id))
            else:
                depth[order.price] = order.quantity
        for level, price in enumerate(ladder[:MAKER_LEVELS]):
            if price in depth:
                continue
            quantity = _level_quantity(level, price, rng)
            if side is Side.BUY:
                quantity = min(quantity, cash // price)
                cash -= quantity * price
            else:
                quantity = min(quantity, shares)
                shares -= quantity
            if quantity > 0:
                orders.append(BotOrder(side, OrderType.LIMIT, price, quantity))
    return [*cancels, *orders][: ACTIONS_MAX * 2]


def _trade_on_value(view: BotView, rng: Draws) -> list[BotAction]:
    """Take what is cheap and hit what is dear, by limit orders that end short of the value."""
    actions: list[BotAction] = [BotCancel(order.order_id) for order in view.resting[:ACTIONS_MAX]]
    margin = view.value * VALUE_THRESHOLD_BPS // BASIS_POINTS
    best_ask = view.asks[0][0] if view.asks else None
    best_bid = view.bids[0][0] if view.bids else None
    if best_ask is not None and best_ask + margin < view.value:
        side, edge = Side.BUY, view.value - best_ask
        price = min(floor_to_tick(view.value - margin // 2), view.upper_limit)
    elif best_bid is not None and best_bid - margin > view.value:
        side, edge = Side.SELL, best_bid - view.value
        price = max(ceil_to_tick(view.value + margin // 2), view.lower_limit)
    else:
        return actions
    if not view.lower_limit <= price <= view.upper_limit:
        return actions
    size = min(VALUE_ORDERS_MAX, edge / max(1, margin)) * rng.uniform(0.5, 1.5)
    quantity = max(1, round(VALUE_ORDER_WON * size / price))
    quantity = min(quantity, view.cash // price if side is Side.BUY else view.shares)
    if quantity > 0:
        actions.append(BotOrder(side, OrderType.LIMIT, price, quantity))
    return actions


def _trade_on_trend(view: BotView, rng: Draws) -> list[BotAction]:
    """Go with a price that runs, up to a position; when it no longer runs, go back to the start's holding."""
    actions: list[BotAction] = [BotCancel(order.order_id) for order in view.resting[:ACTIONS_MAX]]
    trend_bps = (view.last_price - view.price_before) * BASIS_POINTS // view.price_before
    excess = view.shares_held - view.shares_target
    position_max = view.shares_target * MOMENTUM_POSITION_PERCENT // 100
    if abs(trend_bps) >= MOMENTUM_THRESHOLD_BPS:
        side = Side.BUY if trend_bps > 0 else Side.SELL
        room = position_max - excess if side is Side.BUY else position_max + excess
    elif abs(trend_bps) * 3 < MOMENTUM_THRESHOLD_BPS and excess:
        side, room = (Side.SELL, excess) if excess > 0 else (Side.BUY, -excess)
    else:
        return actions
    facing = view.asks if side is Side.BUY else view.bids
    if not facing:
        return actions
    price = facing[0][0]
    price = tick_above(price) if side is Side.BUY else tick_below(price)
    if not view.lower_limit <= price <= view.upper_limit:
        return actions
    quantity = min(room, max(1, round(MOMENTUM_ORDER_WON * rng.uniform(0.4, 1.6) / price)))
    quantity = min(quantity, view.cash // price if side is Side.BUY else view.shares)
    if quantity > 0:
        actions.append(BotOrder(side, OrderType.LIMIT, price, quantity))
    return actions


def _trade_at_random(view: BotView, rng: Draws) -> list[BotAction]:
    """Buy or sell a little for no reason: at the market, or resting near the best price for a while."""
    excess = view.shares_held - view.shares_target
    lean = max(-0.35, min(0.35, excess / max(1, view.shares_target) * 0.5))
    side = Side.BUY if rng.random() < 0.5 + NOISE_WHIM_SHARE * view.whim - lean else Side.SELL
    size = min(NOISE_ORDERS_MAX, math.exp(rng.gauss(-(NOISE_SIZE_SPREAD**2) / 2, NOISE_SIZE_SPREAD)))
    is_market = rng.random() < NOISE_MARKET_SHARE
    distance = rng.randint(0, 3)

    actions: list[BotAction] = []
    kept = list(view.resting)
    if len(kept) >= NOISE_RESTING_MAX:
        stale = kept[: len(kept) - NOISE_RESTING_MAX + 1][:ACTIONS_MAX]
        actions += [BotCancel(order.order_id) for order in stale]
        kept = kept[len(stale) :]
    facing = view.asks if side is Side.BUY else view.bids
    own_facing = [order.price for order in kept if order.side is not side]
    if is_market:
        # The protection price of a market buy reaches 10 % above the last price; the hold must be covered.
        reach = view.last_price * 11 // 10 if side is Side.BUY else view.last_price
        if not facing or facing[0][0] in own_facing:
            return actions
        price = None
    else:
        price = _near_touch(side, view, distance)
        if price is None or any(price >= own if side is Side.BUY else price <= own for own in own_facing):
            return actions
        reach = price
    quantity = max(1, round(NOISE_ORDER_WON * size / max(1, view.last_price)))
    quantity = min(quantity, view.cash // max(1, reach) if side is Side.BUY else view.shares)
    if quantity > 0:
        actions.append(BotOrder(side, OrderType.LIMIT if price else OrderType.MARKET, price, quantity))
    return actions


def _near_touch(side: Side, view: BotView, distance: int) -> int | None:
    """Return a price `distance` ticks behind the best own-side price, or beside the last price in an empty
    book.
    """
    levels = view.bids if side is Side.BUY else view.asks
    facing = view.asks if side is Side.BUY else view.bids
    if levels:
        price = levels[0][0]
    else:
        price = floor_to_tick(view.last_price) if side is Side.BUY else ceil_to_tick(view.last_price)
    for _ in range(distance):
        price = tick_below(price) if side is Side.BUY else tick_above(price)
    if facing and (price >= facing[0][0] if side is Side.BUY else price <= facing[0][0]):
        return None
    return price if view.lower_limit <= price <= view.upper_limit else None


# How many bots of each kind a listing has, and on how many listings a bot keeps its eyes.
BOTS_A_LISTING = {BotKind.MAKER: 3, BotKind.VALUE: 4, BotKind.MOMENTUM: 2, BotKind.NOISE: 4}
LISTINGS_A_BOT = 3


def flock_sizes(listings: int) -> dict[BotKind, int]:
    """Return how many bots of each kind so many listings need; up to three listings it is the same few."""
    return {
        kind: -(-count * max(listings, LISTINGS_A_BOT) // LISTINGS_A_BOT)
        for kind, count in BOTS_A_LISTING.items()
    }


def beat_of(index: int, symbols: Sequence[str]) -> tuple[str, ...]:
    """Return the listings that a kind's bot of this index (from 0) trades in: the flock goes round them evenly."""
    if len(symbols) <= LISTINGS_A_BOT:
        return tuple(symbols)
    first = index * LISTINGS_A_BOT
    return tuple(symbols[(first + offset) % len(symbols)] for offset in range(LISTINGS_A_BOT))


@dataclass(frozen=True, slots=True)
class Endowment:
    """What a bot starts a game with: cash in won, shares by symbol."""

    cash: int
    shares: dict[str, int]


ENDOWMENT_WON = {
    BotKind.MAKER: 400_000_000, BotKind.VALUE: 150_000_000,
    BotKind.MOMENTUM: 40_000_000, BotKind.NOISE: 80_000_000,
}  # fmt: skip


def endowment(kind: BotKind, base_prices: dict[str, int]) -> Endowment:
    """Return a bot's start: for each listing the same worth in cash and in shares."""
    worth = ENDOWMENT_WON[kind]
    return Endowment(
        cash=worth * len(base_prices),
        shares={symbol: max(1, worth // price) for symbol, price in base_prices.items()},
    )
