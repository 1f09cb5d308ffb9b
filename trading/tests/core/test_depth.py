from __future__ import annotations

import pytest

from trading.core.depth import COMPACT_ABOVE, Ladder, cumulative, total_quantity
from trading.core.orders import Order, OrderType, Side


def resting(ladder: Ladder, side: Side, price: int, quantity: int = 1) -> Order:
    order = Order(f"{price}", "a", side, OrderType.LIMIT, price, quantity)
    ladder.append(order)
    return order


@pytest.mark.parametrize(("side", "best_first"), [(Side.BUY, [103, 102, 101]), (Side.SELL, [101, 102, 103])])
def test_levels_stand_best_first(side: Side, best_first: list[int]) -> None:
    ladder = Ladder(side)
    for price in (102, 103, 101):
        resting(ladder, side, price, quantity=price)
    assert ladder.depth() == [(price, price, 1) for price in best_first]
    assert ladder.depth(2) == [(price, price, 1) for price in best_first[:2]]
    assert ladder.depth(0) == []
    assert ladder.top is not None
    assert ladder.top.price == best_first[0]


def test_an_empty_level_is_not_seen_and_can_be_used_again() -> None:
    ladder = Ladder(Side.SELL)
    resting(ladder, Side.SELL, 101)
    order = resting(ladder, Side.SELL, 102)
    resting(ladder, Side.SELL, 103)
    ladder.remove(order)
    assert [level[0] for level in ladder.depth()] == [101, 103]
    resting(ladder, Side.SELL, 102)
    assert [level[0] for level in ladder.depth()] == [101, 102, 103]
    assert ladder.empty == 0


def test_an_empty_top_gives_way_to_the_next_level_that_is_not() -> None:
    ladder = Ladder(Side.BUY)
    orders = {price: resting(ladder, Side.BUY, price) for price in (100, 101, 102)}
    ladder.remove(orders[101])
    ladder.remove(orders[102])
    assert ladder.top is not None
    assert ladder.top.price == 100
    ladder.remove(orders[100])
    assert ladder.top is None
    assert ladder.keys == []
    assert ladder.levels == {}


def test_empty_levels_never_pile_up() -> None:
    ladder = Ladder(Side.BUY)
    resting(ladder, Side.BUY, 10_000)
    for price in range(1, 5_000):
        ladder.remove(resting(ladder, Side.BUY, price))
        assert len(ladder.keys) <= COMPACT_ABOVE + 2
        assert ladder.keys == sorted(ladder.levels)
        assert ladder.empty == len(ladder.keys) - 1
    assert ladder.depth() == [(10_000, 1, 1)]


def test_orders_of_a_level_in_the_order_they_came() -> None:
    ladder = Ladder(Side.BUY)
    orders = [resting(ladder, Side.BUY, 100) for _ in range(5)]
    ladder.remove(orders[2])
    ladder.remove(orders[0])
    ladder.remove(orders[4])
    assert ladder.top is not None
    assert list(ladder.top) == [orders[1], orders[3]]


def test_totals() -> None:
    levels = [(100, 5, 1), (99, 7, 2), (98, 1, 1)]
    assert total_quantity(levels) == 13
    assert cumulative(levels) == [5, 12, 13]
    assert total_quantity([]) == 0
    assert cumulative([]) == []
