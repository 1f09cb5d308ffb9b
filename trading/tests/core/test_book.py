"""The rules of matching, a table or a short story each."""

from __future__ import annotations

from itertools import count

import pytest

from trading.core.book import Book, order_digest
from trading.core.commands import Amend, Cancel, CancelAll, Close, Submit
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
from trading.core.orders import Order, OrderType, Side
from trading.core.rejects import RejectCode

BUY, SELL = Side.BUY, Side.SELL


class Desk:
    """A book and short ways to command it; order ids are chosen, sequences count by themselves."""

    def __init__(self) -> None:
        self.book = Book("AAA")
        self.sequence = count(1)

    def submit(
        self,
        order_id: str,
        account: str,
        side: Side,
        price: int,
        quantity: int,
        type_: OrderType = OrderType.LIMIT,
    ) -> list[Event]:
        return self.book.apply(
            Submit(next(self.sequence), order_id, account, side, type_, price, quantity, time_ms=7)
        )

    def amend(
        self, order_id: str, account: str, price: int | None = None, quantity: int | None = None
    ) -> list[Event]:
        order = self.book.orders.get(order_id)
        side = BUY if order is None else order.side
        return self.book.apply(
            Amend(next(self.sequence), order_id, account, side, price, quantity, extra_hold=3, time_ms=8)
        )

    def cancel(self, order_id: str, account: str) -> list[Event]:
        return self.book.apply(Cancel(next(self.sequence), order_id, account, time_ms=9))

    def makers(self) -> list[object]:
        """Who trades, in order, with a buyer of everything."""
        events = self.submit("sweep", "sweeper", BUY, 10**6, 10**6, OrderType.MARKET)
        return [event.maker for event in events if isinstance(event, Traded)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def fills(events: list[Event]) -> list[tuple[object, int, int]]:
    return [(event.maker, event.price, event.quantity) for event in events if isinstance(event, Traded)]


def test_an_order_that_crosses_nothing_rests(desk: Desk) -> None:
    assert desk.submit("1", "a", BUY, 100, 5) == [Accepted("1", "a", BUY, OrderType.LIMIT, 100, 5, 7)]
    assert desk.submit("2", "b", SELL, 101, 6) == [Accepted("2", "b", SELL, OrderType.LIMIT, 101, 6, 7)]
    assert (desk.book.best_bid, desk.book.best_ask) == (100, 101)
    assert desk.book.depth(BUY, 10) == [(100, 5, 1)]
    assert desk.book.depth(SELL, 10) == [(101, 6, 1)]


def test_a_trade_tells_all(desk: Desk) -> None:
    desk.submit("1", "a", SELL, 100, 5)
    assert desk.submit("2", "b", BUY, 103, 8)[1:] == [
        Traded(
            maker="1",
            taker="2",
            maker_account="a",
            taker_account="b",
            taker_side=BUY,
            price=100,
            quantity=5,
            taker_price=103,
            time_ms=7,
            maker_open_quantity=0,
            taker_open_quantity=3,
        )
    ]
    rest = desk.book.orders["2"]
    assert (rest.filled, rest.filled_value, rest.open_quantity, rest.priority) == (5, 500, 3, 2)
    assert list(desk.book.orders) == ["2"]


@pytest.mark.parametrize(
    ("side", "resting", "limit", "expected"),
    [
        (BUY, [100, 101, 102], 101, [("0", 100, 1), ("1", 101, 1)]),
        (BUY, [102, 101, 100], 102, [("2", 100, 1), ("1", 101, 1), ("0", 102, 1)]),
        (BUY, [100, 100, 100], 100, [("0", 100, 1), ("1", 100, 1), ("2", 100, 1)]),
        (BUY, [101, 102], 100, []),
        (SELL, [100, 101, 102], 101, [("2", 102, 1), ("1", 101, 1)]),
        (SELL, [101, 102, 101], 101, [("1", 102, 1), ("0", 101, 1), ("2", 101, 1)]),
        (SELL, [99, 98], 100, []),
    ],
)
def test_price_then_time_at_the_resting_price(
    desk: Desk, side: Side, resting: list[int], limit: int, expected: list[tuple[str, int, int]]
) -> None:
    for number, price in enumerate(resting):
        desk.submit(str(number), "maker", side.opposite, price, 1)
    assert fills(desk.submit("t", "taker", side, limit, 10)) == expected


def test_a_partly_filled_order_keeps_its_place(desk: Desk) -> None:
    desk.submit("1", "a", SELL, 100, 5)
    desk.submit("2", "b", SELL, 100, 5)
    assert fills(desk.submit("3", "c", BUY, 100, 3)) == [("1", 100, 3)]
    assert desk.book.depth(SELL, 1) == [(100, 7, 2)]
    assert fills(desk.submit("4", "c", BUY, 100, 4)) == [("1", 100, 2), ("2", 100, 2)]


class TestMarketOrders:
    def test_the_remainder_is_canceled(self, desk: Desk) -> None:
        desk.submit("1", "a", SELL, 100, 5)
        events = desk.submit("2", "b", BUY, 110, 8, OrderType.MARKET)
        assert fills(events) == [("1", 100, 5)]
        assert events[-1] == Canceled("2", "b", BUY, 110, 3, CancelReason.MARKET_REMAINDER)
        assert not desk.book.orders

    def test_nothing_beyond_the_protection_price_is_taken(self, desk: Desk) -> None:
        desk.submit("1", "a", BUY, 90, 5)
        desk.submit("2", "a", BUY, 89, 5)
        events = desk.submit("3", "b", SELL, 90, 8, OrderType.MARKET)
        assert fills(events) == [("1", 90, 5)]
        assert events[-1] == Canceled("3", "b", SELL, 90, 3, CancelReason.MARKET_REMAINDER)

    def test_in_an_empty_book_all_of_it_is_canceled(self, desk: Desk) -> None:
        events = desk.submit("1", "a", BUY, 110, 8, OrderType.MARKET)
        assert events[1:] == [Canceled("1", "a", BUY, 110, 8, CancelReason.MARKET_REMAINDER)]

    def test_filled_whole_it_leaves_nothing(self, desk: Desk) -> None:
        desk.submit("1", "a", SELL, 100, 8)
        assert len(desk.submit("2", "b", BUY, 110, 8, OrderType.MARKET)) == 2
        assert not desk.book.orders


class TestSelfTrade:
    def test_the_incoming_rest_is_canceled_and_the_resting_order_stays(self, desk: Desk) -> None:
        desk.submit("1", "a", SELL, 100, 5)
        events = desk.submit("2", "a", BUY, 100, 3)
        assert events[1:] == [Canceled("2", "a", BUY, 100, 3, CancelReason.SELF_TRADE)]
        assert desk.book.depth(SELL, 1) == [(100, 5, 1)]

    def test_fills_made_before_stand(self, desk: Desk) -> None:
        desk.submit("1", "b", SELL, 99, 2)
        desk.submit("2", "a", SELL, 100, 5)
        desk.submit("3", "b", SELL, 101, 5)
        events = desk.submit("4", "a", BUY, 101, 10)
        assert fills(events) == [("1", 99, 2)]
        assert events[-1] == Canceled("4", "a", BUY, 101, 8, CancelReason.SELF_TRADE)

    def test_an_own_order_behind_the_last_fill_does_not_matter(self, desk: Desk) -> None:
        desk.submit("1", "b", SELL, 100, 2)
        desk.submit("2", "a", SELL, 100, 5)
        assert [type(event) for event in desk.submit("3", "a", BUY, 100, 2)] == [Accepted, Traded]

    def test_an_own_order_beyond_the_limit_does_not_matter(self, desk: Desk) -> None:
        desk.submit("1", "a", SELL, 101, 5)
        assert [type(event) for event in desk.submit("2", "a", BUY, 100, 2)] == [Accepted]

    def test_it_comes_before_the_market_remainder(self, desk: Desk) -> None:
        desk.submit("1", "a", SELL, 100, 5)
        events = desk.submit("2", "a", BUY, 110, 3, OrderType.MARKET)
        assert events[-1] == Canceled("2", "a", BUY, 110, 3, CancelReason.SELF_TRADE)

    def test_an_amended_order_that_meets_its_owner_is_canceled(self, desk: Desk) -> None:
        desk.submit("1", "a", SELL, 100, 5)
        desk.submit("2", "a", BUY, 99, 4)
        events = desk.amend("2", "a", price=100)
        assert events[-1] == Canceled("2", "a", BUY, 100, 4, CancelReason.SELF_TRADE)
        assert list(desk.book.orders) == ["1"]


class TestAmend:
    @pytest.mark.parametrize(
        ("price", "quantity", "makers"),
        [
            (None, 3, ["1", "2"]),  # less: keeps its place
            (None, 5, ["1", "2"]),  # the same: keeps its place
            (100, 4, ["1", "2"]),  # its own price is not a new one
            (None, 6, ["2", "1"]),  # more: goes last
            (100, 6, ["2", "1"]),
            (99, None, ["1", "2"]),  # a better price, and first at it
            (101, None, ["2", "1"]),
        ],
    )
    def test_place_in_time(
        self, desk: Desk, price: int | None, quantity: int | None, makers: list[str]
    ) -> None:
        desk.submit("1", "a", SELL, 100, 5)
        desk.submit("2", "b", SELL, 100, 5)
        desk.amend("1", "a", price=price, quantity=quantity)
        assert desk.makers() == makers

    def test_a_price_changed_there_and_back_goes_last(self, desk: Desk) -> None:
        desk.submit("1", "a", SELL, 100, 5)
        desk.submit("2", "b", SELL, 100, 5)
        desk.amend("1", "a", price=101)
        desk.amend("1", "a", price=100)
        assert desk.makers() == ["2", "1"]

    def test_the_event_has_both_states(self, desk: Desk) -> None:
        desk.submit("1", "a", BUY, 100, 10)
        desk.submit("2", "b", SELL, 100, 4)
        assert desk.amend("1", "a", price=99, quantity=12) == [
            Amended(
                order_id="1",
                account="a",
                side=BUY,
                old_price=100,
                old_open_quantity=6,
                price=99,
                quantity=12,
                open_quantity=8,
                extra_hold=3,
            )
        ]
        assert desk.book.depth(BUY, 9) == [(99, 8, 1)]

    def test_less_quantity_shrinks_the_level(self, desk: Desk) -> None:
        desk.submit("1", "a", BUY, 100, 10)
        desk.submit("2", "b", SELL, 100, 4)
        desk.amend("1", "a", quantity=5)
        assert desk.book.depth(BUY, 9) == [(100, 1, 1)]

    def test_it_may_match_at_once(self, desk: Desk) -> None:
        desk.submit("1", "a", SELL, 102, 4)
        desk.submit("2", "b", BUY, 100, 10)
        events = desk.amend("2", "b", price=103)
        assert fills(events) == [("1", 102, 4)]
        assert isinstance(events[0], Amended)
        assert isinstance(events[1], Traded)
        assert events[1].taker_price == 103
        order = desk.book.orders["2"]
        assert (order.price, order.filled, order.filled_value, order.priority) == (103, 4, 408, 3)

    def test_filled_whole_by_its_amend(self, desk: Desk) -> None:
        desk.submit("1", "a", SELL, 102, 10)
        desk.submit("2", "b", BUY, 100, 10)
        events = desk.amend("2", "b", price=102)
        assert isinstance(events[-1], Traded)
        assert events[-1].taker_open_quantity == 0
        assert not desk.book.orders

    @pytest.mark.parametrize(
        ("order_id", "account", "quantity", "code"),
        [
            ("9", "a", 5, RejectCode.ORDER_NOT_OPEN),  # filled, canceled or never here: all the same
            ("1", "b", 5, RejectCode.ORDER_NOT_OPEN),
            ("1", "a", 4, RejectCode.INVALID_QUANTITY),  # as much as is filled
            ("1", "a", 3, RejectCode.INVALID_QUANTITY),
        ],
    )
    def test_too_late(self, desk: Desk, order_id: str, account: str, quantity: int, code: RejectCode) -> None:
        desk.submit("1", "a", BUY, 100, 10)
        desk.submit("2", "b", SELL, 100, 4)
        digest = desk.book.digest()
        assert desk.amend(order_id, account, quantity=quantity) == [
            AmendRejected(order_id, account, BUY, code, extra_hold=3)
        ]
        assert desk.book.digest() == digest

    def test_a_late_refusal_knows_the_side(self, desk: Desk) -> None:
        late = Amend(1, "gone", "a", SELL, 100, None, extra_hold=5, time_ms=0)
        assert desk.book.apply(late) == [
            AmendRejected("gone", "a", SELL, RejectCode.ORDER_NOT_OPEN, extra_hold=5)
        ]


class TestCancel:
    def test_the_remainder_is_canceled(self, desk: Desk) -> None:
        desk.submit("1", "a", BUY, 100, 10)
        desk.submit("2", "b", SELL, 100, 4)
        assert desk.cancel("1", "a") == [Canceled("1", "a", BUY, 100, 6, CancelReason.USER)]
        assert desk.book.best_bid is None

    @pytest.mark.parametrize(("order_id", "account"), [("1", "b"), ("2", "b"), ("9", "a")])
    def test_not_open(self, desk: Desk, order_id: str, account: str) -> None:
        desk.submit("1", "a", BUY, 100, 10)
        desk.submit("2", "b", SELL, 100, 4)
        assert desk.cancel(order_id, account) == [Rejected(order_id, account, RejectCode.ORDER_NOT_OPEN)]

    def test_twice(self, desk: Desk) -> None:
        desk.submit("1", "a", BUY, 100, 10)
        desk.cancel("1", "a")
        assert desk.cancel("1", "a") == [Rejected("1", "a", RejectCode.ORDER_NOT_OPEN)]

    @pytest.mark.parametrize("gone", ["1", "2", "3"])
    def test_the_others_keep_their_order(self, desk: Desk, gone: str) -> None:
        for order_id in ("1", "2", "3"):
            desk.submit(order_id, "a", SELL, 100, 1)
        desk.cancel(gone, "a")
        assert desk.makers() == [order_id for order_id in ("1", "2", "3") if order_id != gone]

    def test_cancel_all_of_one_account_in_time_priority(self, desk: Desk) -> None:
        desk.submit("1", "a", BUY, 90, 1)
        desk.submit("2", "b", BUY, 91, 1)
        desk.submit("3", "a", SELL, 110, 1)
        desk.amend("1", "a", price=92)
        events = desk.book.apply(CancelAll(9, "a", time_ms=0))
        assert events == [
            Canceled("3", "a", SELL, 110, 1, CancelReason.USER),
            Canceled("1", "a", BUY, 92, 1, CancelReason.USER),
        ]
        assert list(desk.book.orders) == ["2"]
        assert desk.book.apply(CancelAll(10, "a", time_ms=0)) == []
        assert desk.book.apply(CancelAll(11, "nobody", time_ms=0)) == []


class TestClose:
    def test_everything_is_canceled_in_time_priority(self, desk: Desk) -> None:
        desk.submit("1", "a", BUY, 90, 1)
        desk.submit("2", "b", SELL, 110, 2)
        desk.submit("3", "a", BUY, 91, 3)
        desk.amend("1", "a", quantity=5)  # now the last in time
        assert desk.book.apply(Close(9, time_ms=0)) == [
            Canceled("2", "b", SELL, 110, 2, CancelReason.CLOSED),
            Canceled("3", "a", BUY, 91, 3, CancelReason.CLOSED),
            Canceled("1", "a", BUY, 90, 5, CancelReason.CLOSED),
            Closed("AAA"),
        ]

    def test_in_chunks(self, desk: Desk) -> None:
        for number in range(5):
            desk.submit(str(number), "a", BUY, 90 - number, 1)
        chunks = [[event.order_id for event in desk.book.close_chunk(2)] for _ in range(4)]
        assert chunks == [["0", "1"], ["2", "3"], ["4"], []]


class TestRestore:
    def orders(self) -> list[Order]:
        return [
            Order("3", "a", SELL, OrderType.LIMIT, 102, 10, 4, 408, priority=9),
            Order("2", "b", SELL, OrderType.LIMIT, 102, 5, priority=4),
            Order("1", "a", BUY, OrderType.LIMIT, 100, 5, priority=1),
        ]

    def test_in_time_priority(self, desk: Desk) -> None:
        desk.book.restore(self.orders())
        assert list(desk.book.orders) == ["1", "2", "3"]
        assert desk.book.depth(SELL, 9) == [(102, 11, 2)]
        assert (desk.book.best_bid, desk.book.best_ask) == (100, 102)
        assert desk.makers() == ["2", "3"]

    @pytest.mark.parametrize(
        "bad",
        [
            Order("4", "a", BUY, OrderType.LIMIT, 102, 5, priority=20),  # crosses
            Order("4", "a", BUY, OrderType.LIMIT, 90, 5, filled=5, priority=20),  # nothing open
            Order("4", "a", BUY, OrderType.LIMIT, 90, 5, filled=-1, priority=20),
            Order("4", "a", BUY, OrderType.MARKET, 90, 5, priority=20),  # never rests
            Order("4", "a", BUY, OrderType.LIMIT, 0, 5, priority=20),
            Order("3", "a", BUY, OrderType.LIMIT, 90, 5, priority=20),  # an id twice
            Order("4", "a", BUY, OrderType.LIMIT, 90, 5, priority=9),  # a priority twice
        ],
    )
    def test_what_cannot_rest_is_a_bug(self, desk: Desk, bad: Order) -> None:
        with pytest.raises(InvariantError):
            desk.book.restore([*self.orders(), bad])

    def test_only_an_empty_book(self, desk: Desk) -> None:
        desk.submit("1", "a", BUY, 100, 5)
        with pytest.raises(InvariantError):
            desk.book.restore(self.orders())


class TestInvariants:
    @pytest.mark.parametrize(
        "command",
        [
            Submit(5, "1", "a", BUY, OrderType.LIMIT, 100, 5, 0),  # an open order's id
            Submit(5, "2", "a", BUY, OrderType.LIMIT, 100, 0, 0),
            Submit(5, "2", "a", BUY, OrderType.LIMIT, 0, 5, 0),
            Submit(1, "2", "a", BUY, OrderType.LIMIT, 100, 5, 0),  # a sequence that does not rise
            Amend(5, "1", "a", BUY, 0, None, 0, 0),
        ],
    )
    def test_what_the_gate_can_never_send_is_a_bug(self, desk: Desk, command: Submit | Amend) -> None:
        desk.submit("1", "a", BUY, 100, 5)
        with pytest.raises(InvariantError):
            desk.book.apply(command)


class TestDigest:
    def test_it_depends_on_what_rests_alone(self, desk: Desk) -> None:
        assert desk.book.digest() == 0
        desk.submit("1", "a", BUY, 100, 5)
        one = desk.book.digest()
        desk.submit("2", "a", BUY, 101, 5)
        assert desk.book.digest() == one + order_digest(desk.book.orders["2"])
        desk.cancel("2", "a")
        assert desk.book.digest() == one

    @pytest.mark.parametrize(
        "other",
        [
            Order(2, 1, BUY, OrderType.LIMIT, 100, 5, 0, 0, 1),
            Order(1, 1, BUY, OrderType.LIMIT, 101, 5, 0, 0, 1),
            Order(1, 1, BUY, OrderType.LIMIT, 100, 6, 0, 0, 1),
            Order(1, 2, BUY, OrderType.LIMIT, 100, 5, 0, 0, 1),
            Order(1, 1, SELL, OrderType.LIMIT, 100, 5, 0, 0, 1),
            Order(1, 1, BUY, OrderType.LIMIT, 100, 6, 1, 100, 1),
            Order(1, 1, BUY, OrderType.LIMIT, 100, 5, 1, 100, 1),
            Order(1, 1, BUY, OrderType.LIMIT, 100, 5, 0, 1, 1),
            Order(1, 1, BUY, OrderType.LIMIT, 100, 5, 0, 0, 2),
        ],
    )
    def test_every_part_counts(self, other: Order) -> None:
        assert order_digest(other) != order_digest(Order(1, 1, BUY, OrderType.LIMIT, 100, 5, 0, 0, 1))

    def test_it_is_the_same_for_ever(self) -> None:
        """The digest is stored: another release must still compute the same."""
        assert order_digest(Order(1, 1, BUY, OrderType.LIMIT, 100, 5, 0, 0, 1)) == 797087739
