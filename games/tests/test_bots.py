"""The bots' rules: deterministic, solvent, never against themselves; and the market they make together."""

import math
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import nickname_validator
from accounts.nicknames import BOT_PREFIX
from games.catalogue import BOTS, COMPANIES, further_nicknames
from games.core.bots import (
    BOTS_A_LISTING,
    LOOKS_PER_SECOND,
    BotAction,
    BotCancel,
    BotKind,
    BotOrder,
    BotView,
    RestingOrder,
    beat_of,
    decide,
    endowment,
    flock_sizes,
    is_looking,
)
from trading.core.orders import OrderType, Side
from trading.core.ticks import daily_limits, floor_to_tick, is_on_tick, tick_size

BASE = 50_000
LOWER, UPPER = daily_limits(BASE)


def view_of(**changes: object) -> BotView:
    fields: dict[str, object] = {
        "base_price": BASE,
        "lower_limit": LOWER,
        "upper_limit": UPPER,
        "last_price": BASE,
        "price_before": BASE,
        "news_ms_ago": None,
        "whim": 0.0,
        "bids": [(BASE - 100, 40), (BASE - 200, 60)],
        "asks": [(BASE + 100, 40), (BASE + 200, 60)],
        "value": BASE,
        "cash": 400_000_000,
        "shares": 8_000,
        "shares_target": 8_000,
        "position": 0,
        "resting": [],
    }
    return BotView(**(fields | changes))  # type: ignore[arg-type]


def orders_of(actions: list[BotAction], side: Side | None = None) -> list[BotOrder]:
    return [a for a in actions if isinstance(a, BotOrder) and side in (None, a.side)]


prices = st.integers(LOWER, UPPER).map(floor_to_tick).filter(lambda price: price >= LOWER)
quantities = st.integers(1, 500)
resting_orders = st.lists(
    st.builds(
        RestingOrder,
        order_id=st.uuids().map(str),
        side=st.sampled_from(Side),
        price=prices,
        quantity=quantities,
    ),
    max_size=20,
)


@st.composite
def views(draw: st.DrawFn) -> BotView:
    """Any view: thin or empty books, poor bots, prices at the limits, own orders anywhere."""
    middle = draw(prices)
    bids = sorted({p for p in draw(st.lists(prices, max_size=8)) if p < middle}, reverse=True)
    asks = sorted({p for p in draw(st.lists(prices, max_size=8)) if p > middle})
    # What rests is never crossed with itself, as in a real book.
    resting = [
        o for o in draw(resting_orders) if (o.price < middle) == (o.side is Side.BUY) and o.price != middle
    ]
    return view_of(
        last_price=draw(prices),
        price_before=draw(prices),
        news_ms_ago=draw(st.none() | st.integers(0, 60_000)),
        whim=draw(st.floats(-1, 1)),
        bids=[(p, draw(quantities)) for p in bids],
        asks=[(p, draw(quantities)) for p in asks],
        value=draw(st.integers(1, 2 * BASE)),
        cash=draw(st.integers(0, 500_000_000)),
        shares=draw(st.integers(0, 20_000)),
        shares_target=draw(st.integers(1, 20_000)),
        position=draw(st.integers(0, 9)),
        resting=resting,
    )


@settings(max_examples=200)
@given(kind=st.sampled_from(BotKind), view=views(), seed=st.integers(0, 2**32))
def test_any_decision_is_deterministic_valid_and_covered(kind: BotKind, view: BotView, seed: int) -> None:
    actions = decide(kind, view, Random(seed))
    assert actions == decide(kind, view, Random(seed))
    assert len(actions) <= 32

    cancelled = [action.order_id for action in actions if isinstance(action, BotCancel)]
    assert len(set(cancelled)) == len(cancelled)
    assert set(cancelled) <= {order.order_id for order in view.resting}
    orders = orders_of(actions)
    assert actions == [*[a for a in actions if isinstance(a, BotCancel)], *orders]

    for order in orders:
        assert order.quantity > 0
        if order.type is OrderType.MARKET:
            assert order.price is None
        else:
            assert order.price is not None
            assert is_on_tick(order.price)
            assert LOWER <= order.price <= UPPER
    protection = view.last_price * 11 // 10
    assert sum((o.price or protection) * o.quantity for o in orders if o.side is Side.BUY) <= view.cash
    assert sum(o.quantity for o in orders if o.side is Side.SELL) <= view.shares


@settings(max_examples=200)
@given(kind=st.sampled_from(BotKind), view=views(), seed=st.integers(0, 2**32))
def test_no_bot_crosses_its_own_quotes(kind: BotKind, view: BotView, seed: int) -> None:
    actions = decide(kind, view, Random(seed))
    gone = {action.order_id for action in actions if isinstance(action, BotCancel)}
    kept = [order for order in view.resting if order.order_id not in gone]
    new = orders_of(actions)
    bids = [o.price for o in kept if o.side is Side.BUY] + [
        o.price for o in new if o.side is Side.BUY and o.price is not None
    ]
    asks = [o.price for o in kept if o.side is Side.SELL] + [
        o.price for o in new if o.side is Side.SELL and o.price is not None
    ]
    assert not bids or not asks or max(bids) < min(asks)


def test_makers_quote_five_levels_a_side_and_never_take() -> None:
    actions = decide(BotKind.MAKER, view_of(), Random(1))
    bids, asks = orders_of(actions, Side.BUY), orders_of(actions, Side.SELL)
    assert len({o.price for o in bids}) >= 5
    assert len({o.price for o in asks}) >= 5
    assert max(o.price or 0 for o in bids) < BASE + 100
    assert min(o.price or 0 for o in asks) > BASE - 100


def test_two_makers_fill_each_others_gaps() -> None:
    both = [
        o.price
        for position in (0, 1)
        for o in orders_of(decide(BotKind.MAKER, view_of(position=position), Random(1)), Side.SELL)
    ]
    assert len(set(both)) == len(both)


def test_a_maker_replaces_only_what_has_gone_wrong() -> None:
    first = orders_of(decide(BotKind.MAKER, view_of(bids=[], asks=[]), Random(1)))
    resting = [
        RestingOrder(str(n), order.side, order.price or 0, order.quantity) for n, order in enumerate(first)
    ]
    held = sum(order.quantity for order in resting if order.side is Side.SELL)
    alone = {"bids": [], "asks": [], "shares": 8_000 - held}
    assert decide(BotKind.MAKER, view_of(**alone, resting=resting), Random(2)) == []

    hurt = [*resting[1:], RestingOrder("0", resting[0].side, resting[0].price, 1)]
    again = decide(BotKind.MAKER, view_of(**alone, resting=hurt), Random(3))
    assert again[0] == BotCancel("0")
    assert [(o.side, o.price) for o in orders_of(again)] == [(resting[0].side, resting[0].price)]

    up = view_of(**alone, resting=resting, value=BASE + 6 * tick_size(BASE))
    moved = decide(BotKind.MAKER, up, Random(4))
    assert 0 < len(orders_of(moved)) < len(first)


def test_a_maker_leans_against_its_inventory() -> None:
    def best_bid(shares: int) -> int:
        view = view_of(bids=[], asks=[], shares=shares)
        return max(o.price or 0 for o in orders_of(decide(BotKind.MAKER, view, Random(1)), Side.BUY))

    assert best_bid(12_000) < best_bid(8_000) < best_bid(4_000)


@pytest.mark.parametrize(
    ("value", "side"),
    [(BASE, None), (BASE + 150, None), (BASE + 1_000, Side.BUY), (BASE - 1_000, Side.SELL)],
)
def test_value_traders_take_only_what_is_cheap_or_dear(value: int, side: Side | None) -> None:
    orders = orders_of(decide(BotKind.VALUE, view_of(value=value), Random(1)))
    assert [order.side for order in orders] == ([] if side is None else [side])
    for order in orders:
        assert order.price is not None
        assert (order.price < value) if side is Side.BUY else (order.price > value)


def test_value_traders_withdraw_what_was_left_over() -> None:
    left = RestingOrder("7", Side.BUY, BASE - 500, 3)
    assert decide(BotKind.VALUE, view_of(resting=[left]), Random(1)) == [BotCancel("7")]


def test_noise_traders_do_both_sides_both_ways_and_clean_up() -> None:
    actions = [action for seed in range(300) for action in decide(BotKind.NOISE, view_of(), Random(seed))]
    kinds = {(o.side, o.type) for o in orders_of(actions)}
    assert kinds == {(side, type_) for side in Side for type_ in OrderType}
    resting = [RestingOrder(str(n), Side.BUY, BASE - 100 * n, 1) for n in range(1, 6)]
    cancels = decide(BotKind.NOISE, view_of(resting=resting), Random(1))[:3]
    assert cancels == [BotCancel("1"), BotCancel("2"), BotCancel("3")]


def test_momentum_traders_run_after_the_price_up_to_a_position() -> None:
    def side_of(**changes: object) -> list[Side]:
        return [order.side for order in orders_of(decide(BotKind.MOMENTUM, view_of(**changes), Random(1)))]

    assert side_of(price_before=BASE - 1_000) == [Side.BUY]
    assert side_of(price_before=BASE + 1_000) == [Side.SELL]
    assert side_of() == [], "a price that stands still says nothing"
    assert side_of(price_before=BASE - 1_000, shares=8_000 * 3) == [], "enough is enough"
    assert side_of(shares=9_000) == [Side.SELL], "what it bought it sells again when the run is over"
    assert side_of(shares=7_000) == [Side.BUY]


def test_makers_stand_back_after_news_and_come_back() -> None:
    def spread(news_ms_ago: int | None) -> int:
        actions = decide(BotKind.MAKER, view_of(bids=[], asks=[], news_ms_ago=news_ms_ago), Random(1))
        asks = [order.price or 0 for order in orders_of(actions, Side.SELL)]
        bids = [order.price or 0 for order in orders_of(actions, Side.BUY)]
        assert min(len(asks), len(bids)) >= 5
        return min(asks) - max(bids)

    assert spread(0) > spread(6_000) > spread(None) == spread(60_000)


def test_the_crowd_goes_where_it_is_inclined() -> None:
    def buys(whim: float) -> int:
        decisions = [decide(BotKind.NOISE, view_of(whim=whim), Random(seed)) for seed in range(400)]
        return sum(len(orders_of(actions, Side.BUY)) for actions in decisions)

    assert buys(1.0) > 1.5 * buys(-1.0) > 0


def test_bots_look_as_often_as_their_kind_and_the_pace_say() -> None:
    def looks(kind: BotKind, pace: float) -> int:
        return sum(is_looking(kind, step_ms=500, pace=pace, rng=Random(seed)) for seed in range(4_000))

    rate = -2 * math.log(1 - looks(BotKind.NOISE, 1.0) / 4_000)
    assert rate == pytest.approx(LOOKS_PER_SECOND[BotKind.NOISE], rel=0.1)
    assert looks(BotKind.NOISE, 3.0) > 2 * looks(BotKind.NOISE, 1.0)
    assert looks(BotKind.MAKER, 3.0) == looks(BotKind.MAKER, 1.0), "makers are always at their post"


@pytest.mark.parametrize("listings", range(1, 25))
def test_the_flock_grows_with_the_listings_and_covers_each_alike(listings: int) -> None:
    symbols = [f"S{number:02d}" for number in range(listings)]
    for kind, size in flock_sizes(listings).items():
        beats = [beat_of(index, symbols) for index in range(size)]
        assert all(len(set(beat)) == len(beat) == min(3, listings) for beat in beats)
        covered = Counter(symbol for beat in beats for symbol in beat)
        assert set(covered) == set(symbols)
        assert min(covered.values()) >= BOTS_A_LISTING[kind]
        assert max(covered.values()) <= BOTS_A_LISTING[kind] + 1
    assert sum(flock_sizes(30).values()) == 10 * sum(flock_sizes(3).values())


def test_an_endowment_is_worth_the_same_in_cash_and_in_each_share() -> None:
    start = endowment(BotKind.MAKER, {"AAA": 1_000, "BBB": 333})
    assert start.cash == 800_000_000
    assert start.shares == {"AAA": 400_000, "BBB": 1_201_201}


def test_the_catalogue_has_the_flock_of_its_listings_and_names_for_more() -> None:
    kinds = Counter(bot.kind for bot in BOTS)
    assert kinds == flock_sizes(len(COMPANIES))
    names = [*further_nicknames(), *(bot.nickname for bot in BOTS)]
    assert len(set(names)) == len(names) > 300
    for name in names:
        nickname_validator(name)
        assert name.startswith(BOT_PREFIX)
