from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.events import (
    Accepted,
    Amended,
    AmendRejected,
    Canceled,
    CancelReason,
    Closed,
    Event,
    Rejected,
    Traded,
)
from trading.core.invariants import InvariantError
from trading.core.ledger import AccountDelta, Position, Settlement, amend_extra_hold, order_hold
from trading.core.orders import OrderType, Side
from trading.core.rejects import RejectCode

BUY, SELL = Side.BUY, Side.SELL


def traded(
    taker_side: Side, price: int, quantity: int, taker_price: int, maker_open: int = 1, taker_open: int = 1
) -> Traded:
    return Traded(
        "m", "t", "maker", "taker", taker_side, price, quantity, taker_price, 0, maker_open, taker_open
    )


def settle(positions: dict[object, Position], *events: Event) -> dict[object, AccountDelta]:
    settlement = Settlement(positions)
    settlement.add_all(events)
    return settlement.deltas


def test_order_hold() -> None:
    assert order_hold(BUY, 100, 7) == 700
    assert order_hold(SELL, 100, 7) == 7


@pytest.mark.parametrize(
    ("side", "before", "after", "extra"),
    [
        # before: price, quantity, filled; after: price, quantity
        (BUY, (100, 10, 0), (110, 10), 100),  # a higher price
        (BUY, (100, 10, 0), (90, 10), 0),  # a lower one frees, it does not hold
        (BUY, (100, 10, 0), (100, 15), 500),  # more of it
        (BUY, (100, 10, 0), (100, 5), 0),
        (BUY, (100, 10, 4), (110, 10), 60),  # only what is open is held
        (BUY, (100, 10, 0), (60, 15), 300),  # now cheaper (900 < 1000), but 5 × 60 once the ten are filled
        (BUY, (100, 10, 6), (60, 15), 300),  # 540 − 400 = 140 now, 300 once filled
        (BUY, (100, 10, 0), (200, 8), 600),  # 1600 − 1000 now; nothing would be left once filled
        (SELL, (100, 10, 0), (110, 10), 0),
        (SELL, (100, 10, 4), (100, 15), 5),
        (SELL, (100, 10, 4), (100, 7), 0),
    ],
)
def test_amend_extra_hold(
    side: Side, before: tuple[int, int, int], after: tuple[int, int], extra: int
) -> None:
    assert amend_extra_hold(side, *before, *after) == extra


@given(
    st.sampled_from([BUY, SELL]),
    st.integers(1, 500),
    st.integers(1, 500),
    st.integers(1, 500),
    st.integers(1, 500),
    st.data(),
)
def test_the_extra_hold_is_enough_however_much_is_filled_meanwhile(
    side: Side, price: int, quantity: int, new_price: int, new_quantity: int, data: st.DataObject
) -> None:
    known = data.draw(st.integers(0, quantity - 1), label="filled as the gate knows it")
    filled = data.draw(st.integers(known, quantity - 1), label="filled when the amend is applied")
    extra = amend_extra_hold(side, price, quantity, known, new_price, new_quantity)
    if new_quantity > filled:
        old_hold = order_hold(side, price, quantity - filled)
        assert old_hold + extra >= order_hold(side, new_price, new_quantity - filled)


class TestPosition:
    def test_moving_average(self) -> None:
        position = Position()
        position.buy(10, 1_000)
        position.buy(10, 1_201)
        assert position.sell(3) == 330  # 2201 × 3 // 20
        assert position == Position(17, 1_871)
        assert position.sell(17) == 1_871
        assert position == Position(0, 0)

    @pytest.mark.parametrize("held", [0, 4])
    def test_no_more_than_it_has(self, held: int) -> None:
        with pytest.raises(InvariantError):
            Position(held, 100).sell(5)

    @given(st.lists(st.tuples(st.integers(1, 20), st.integers(1, 10_000)), min_size=1, max_size=5), st.data())
    def test_the_cost_is_gone_with_the_last_share(
        self, bought: list[tuple[int, int]], data: st.DataObject
    ) -> None:
        position = Position()
        for quantity, price in bought:
            position.buy(quantity, quantity * price)
        paid = position.cost
        sold = 0
        while position.quantity:
            sold += position.sell(data.draw(st.integers(1, position.quantity)))
            assert position.cost >= 0
        assert sold == paid


class TestSettlement:
    def test_a_buy_taker_gets_back_what_it_held_too_much(self) -> None:
        positions: dict[object, Position] = {"maker": Position(10, 500)}
        deltas = settle(positions, traded(BUY, price=100, quantity=4, taker_price=110))
        assert deltas["taker"] == AccountDelta(
            cash=-400, shares=4, cost=400, available_cash=40, available_shares=4
        )
        assert deltas["maker"] == AccountDelta(cash=400, shares=-4, cost=-200, available_cash=400)
        assert positions == {"maker": Position(6, 300), "taker": Position(4, 400)}

    def test_a_sell_taker_hits_a_bid(self) -> None:
        positions: dict[object, Position] = {"taker": Position(4, 200)}
        deltas = settle(positions, traded(SELL, price=100, quantity=4, taker_price=90))
        assert deltas["maker"] == AccountDelta(cash=-400, shares=4, cost=400, available_shares=4)
        assert deltas["taker"] == AccountDelta(cash=400, shares=-4, cost=-200, available_cash=400)
        assert positions == {"maker": Position(4, 400), "taker": Position(0, 0)}

    @pytest.mark.parametrize(("open_quantity", "ended"), [(0, -1), (1, 0)])
    def test_an_order_that_is_filled_has_ended(self, open_quantity: int, ended: int) -> None:
        for event in (
            traded(BUY, 100, 1, 100, maker_open=open_quantity),
            traded(BUY, 100, 1, 100, taker_open=open_quantity),
        ):
            deltas = settle({"maker": Position(10, 0)}, event)
            assert deltas["maker"].open_orders + deltas["taker"].open_orders == ended

    @pytest.mark.parametrize(
        ("event", "expected"),
        [
            (
                Canceled("1", "a", BUY, 110, 3, CancelReason.MARKET_REMAINDER),
                AccountDelta(available_cash=330, open_orders=-1),
            ),
            (
                Canceled("1", "a", SELL, 110, 3, CancelReason.USER),
                AccountDelta(available_shares=3, open_orders=-1),
            ),
            (Amended("1", "a", BUY, 100, 10, 110, 10, 10, 100), AccountDelta()),
            (Amended("1", "a", BUY, 100, 6, 110, 10, 6, 100), AccountDelta(available_cash=40)),
            (Amended("1", "a", BUY, 100, 10, 100, 4, 4, 0), AccountDelta(available_cash=600)),
            (Amended("1", "a", SELL, 100, 10, 110, 15, 15, 5), AccountDelta()),
            (Amended("1", "a", SELL, 100, 10, 100, 4, 4, 0), AccountDelta(available_shares=6)),
            (
                AmendRejected("1", "a", BUY, RejectCode.ORDER_NOT_OPEN, 70),
                AccountDelta(available_cash=70),
            ),
            (
                AmendRejected("1", "a", SELL, RejectCode.INVALID_QUANTITY, 7),
                AccountDelta(available_shares=7),
            ),
        ],
    )
    def test_releases(self, event: Event, expected: AccountDelta) -> None:
        assert settle({}, event) == {"a": expected}

    @pytest.mark.parametrize(
        "event",
        [
            Accepted("1", "a", BUY, OrderType.LIMIT, 100, 5, 0),
            Rejected("1", "a", RejectCode.ORDER_NOT_OPEN),
            Closed("AAA"),
        ],
    )
    def test_what_moves_nothing(self, event: Event) -> None:
        assert settle({}, event) == {}

    def test_an_amend_that_held_too_little_is_a_bug(self) -> None:
        with pytest.raises(InvariantError):
            settle({}, Amended("1", "a", BUY, 100, 10, 110, 10, 10, 99))

    def test_selling_what_is_not_there_is_a_bug(self) -> None:
        with pytest.raises(InvariantError):
            settle({}, traded(BUY, 100, 1, 100))

    def test_a_batch_adds_up(self) -> None:
        deltas = settle(
            {"maker": Position(10, 100)},
            traded(BUY, 100, 4, 110),
            traded(BUY, 101, 2, 110, maker_open=0),
            Canceled("t", "taker", BUY, 110, 1, CancelReason.USER),
        )
        assert deltas["taker"] == AccountDelta(-602, 6, 602, 40 + 18 + 110, 6, -1)
        assert deltas["maker"] == AccountDelta(602, -6, -60, 602, 0, -1)
