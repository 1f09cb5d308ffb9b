"""The bots' rules: deterministic, solvent, never against themselves; and the market they make together."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games.catalogue import BOTS
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


def test_bots_look_as_often_as_their_kind_says() -> None:
    looks = sum(is_looking(BotKind.MAKER, step_ms=500, rng=Random(seed)) for seed in range(2_000))
    assert 700 < looks < 900


def test_an_endowment_is_worth_the_same_in_cash_and_in_each_share() -> None:
    start = endowment(BotKind.MAKER, {"AAA": 1_000, "BBB": 333})
    assert start.cash == 800_000_000
    assert start.shares == {"AAA": 400_000, "BBB": 1_201_201}


def test_every_kind_is_in_the_catalogue() -> None:
    kinds = [bot.kind for bot in BOTS]
    assert kinds.count(BotKind.MAKER) >= 2
    assert kinds.count(BotKind.VALUE) >= 2
    assert kinds.count(BotKind.NOISE) >= 3
