"""Every refusal of the trading rules, which comes first, and what is held."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from trading.core.events import Accepted, Amended, Canceled, CancelReason, Closed, Event, Rejected, Traded
from trading.core.exchange import Exchange
from trading.core.invariants import InvariantError
from trading.core.limits import MAX_QUANTITY, MAX_VALUE
from trading.core.orders import OrderType, Side
from trading.core.rejects import RejectCode

BUY, SELL = Side.BUY, Side.SELL
LIMIT, MARKET = OrderType.LIMIT, OrderType.MARKET


@pytest.fixture
def exchange() -> Exchange:
    """AAA trades from 70,000 to 130,000 in ticks of 100; `a` has cash, `b` has shares."""
    exchange = Exchange(open_orders_max=3)
    exchange.open("AAA", 100_000)
    exchange.open("BBB", 1_000)
    exchange.deposit("a", cash=10_000_000)
    exchange.deposit("b", symbol="AAA", shares=100)
    return exchange


def code_of(events: list[Event]) -> RejectCode | None:
    first = events[0]
    if isinstance(first, Rejected):
        assert len(events) == 1
        return first.code
    return None


@dataclass
class Wanted:
    account: str = "a"
    symbol: str = "AAA"
    side: Side = BUY
    type: OrderType = LIMIT
    price: int | None = 100_000
    quantity: int = 1


C = RejectCode

SUBMITS = [
    (Wanted(), None),
    (Wanted(price=70_000), None),
    (Wanted(price=130_000), None),
    (Wanted(quantity=100), None),  # every won
    (Wanted(account="b", side=SELL, quantity=100), None),  # every share
    (Wanted(type=MARKET, price=None, quantity=90), None),  # 110,000 × 90 = 9,900,000
    (Wanted(account="b", side=SELL, type=MARKET, price=None, quantity=100), None),
    (Wanted(symbol="ZZZ"), C.UNKNOWN_SYMBOL),
    (Wanted(quantity=0), C.INVALID_QUANTITY),
    (Wanted(quantity=-5), C.INVALID_QUANTITY),
    (Wanted(quantity=MAX_QUANTITY + 1), C.ORDER_TOO_LARGE),
    (Wanted(quantity=MAX_VALUE // 100_000), C.ORDER_TOO_LARGE),
    (Wanted(quantity=MAX_VALUE // 100_000 - 1), C.INSUFFICIENT_CASH),
    (Wanted(type=MARKET, price=None, quantity=MAX_VALUE // 110_000 + 1), C.ORDER_TOO_LARGE),
    (Wanted(type=MARKET, price=None, quantity=MAX_VALUE // 110_000), C.INSUFFICIENT_CASH),
    (Wanted(price=0), C.INVALID_TICK),
    (Wanted(price=-100), C.INVALID_TICK),
    (Wanted(price=100_050), C.INVALID_TICK),
    (Wanted(price=69_900), C.PRICE_OUT_OF_RANGE),
    (Wanted(price=130_100), C.PRICE_OUT_OF_RANGE),
    (Wanted(quantity=101), C.INSUFFICIENT_CASH),
    (Wanted(account="nobody"), C.INSUFFICIENT_CASH),
    (Wanted(type=MARKET, price=None, quantity=91), C.INSUFFICIENT_CASH),
    (Wanted(account="b", side=SELL, quantity=101), C.INSUFFICIENT_SHARES),
    (Wanted(account="b", symbol="BBB", side=SELL, price=1_000), C.INSUFFICIENT_SHARES),
    (Wanted(account="nobody", side=SELL), C.INSUFFICIENT_SHARES),
    # Of two reasons, the first in the order of precedence.
    (Wanted(symbol="ZZZ", quantity=0), C.UNKNOWN_SYMBOL),
    (Wanted(quantity=0, price=1), C.INVALID_QUANTITY),
    (Wanted(quantity=MAX_QUANTITY + 1, price=-1), C.ORDER_TOO_LARGE),
    (Wanted(quantity=MAX_QUANTITY, price=13_000_050), C.ORDER_TOO_LARGE),
    (Wanted(price=69_950), C.INVALID_TICK),
    (Wanted(price=130_100, quantity=1_000), C.PRICE_OUT_OF_RANGE),
]


@pytest.mark.parametrize(("wanted", "code"), SUBMITS)
def test_submit(exchange: Exchange, wanted: Wanted, code: RejectCode | None) -> None:
    fields = (wanted.account, wanted.symbol, wanted.side, wanted.type, wanted.price, wanted.quantity)
    before = exchange.state()
    assert exchange.check_submit(*fields) is code
    assert exchange.state() == before, "a check changes nothing"
    assert code_of(exchange.submit("1", *fields)) is code
    if code is not None:
        assert exchange.state() == before, "a refusal changes nothing"


class TestPhase:
    def test_nothing_is_accepted_after_the_close(self, exchange: Exchange) -> None:
        exchange.submit("1", "a", "AAA", BUY, LIMIT, 100_000, 1)
        assert exchange.close("AAA") == [
            Canceled("1", "a", BUY, 100_000, 1, CancelReason.CLOSED),
            Closed("AAA"),
        ]
        assert exchange.check_submit("a", "AAA", BUY, LIMIT, 100_000, 0) is C.MARKET_CLOSED
        assert exchange.check_cancel("a", "1") is C.ORDER_NOT_OPEN
        assert exchange.close("AAA") == []
        assert exchange.check_submit("a", "BBB", BUY, LIMIT, 1_000, 1) is None, "the others trade on"
        assert exchange.available_cash("a") == 10_000_000

    def test_a_halt_refuses_submit_and_amend_but_not_cancel(self, exchange: Exchange) -> None:
        exchange.submit("1", "a", "AAA", BUY, LIMIT, 100_000, 1)
        exchange.halt("AAA")
        assert exchange.check_submit("a", "AAA", BUY, LIMIT, 100_000, 0) is C.HALTED
        assert exchange.check_amend("a", "1", None, 0) is C.HALTED
        assert exchange.check_amend("b", "1", None, 0) is C.ORDER_NOT_FOUND
        assert code_of(exchange.cancel("a", "1")) is None
        exchange.resume("AAA")
        assert exchange.check_submit("a", "AAA", BUY, LIMIT, 100_000, 1) is None

    def test_closed_comes_before_halted(self, exchange: Exchange) -> None:
        exchange.halt("AAA")
        exchange.close("AAA")
        assert exchange.check_submit("a", "AAA", BUY, LIMIT, 100_000, 1) is C.MARKET_CLOSED

    def test_a_listing_opens_once(self, exchange: Exchange) -> None:
        with pytest.raises(InvariantError):
            exchange.open("AAA", 5)


class TestOpenOrders:
    def test_too_many(self, exchange: Exchange) -> None:
        for order_id in ("1", "2", "3"):
            assert code_of(exchange.submit(order_id, "a", "AAA", BUY, LIMIT, 100_000, 1)) is None
        assert exchange.open_orders("a") == 3
        assert exchange.check_submit("a", "AAA", BUY, LIMIT, 100_000, 1_000) is C.TOO_MANY_OPEN_ORDERS
        assert exchange.check_submit("a", "BBB", BUY, LIMIT, 1_000, 1) is C.TOO_MANY_OPEN_ORDERS
        assert exchange.check_submit("a", "AAA", BUY, LIMIT, 10, 1) is C.PRICE_OUT_OF_RANGE
        assert exchange.check_amend("a", "1", None, 2) is None, "an amend adds no order"

    @pytest.mark.parametrize("quantity", [1, 5])
    def test_an_order_that_ends_makes_room(self, exchange: Exchange, quantity: int) -> None:
        exchange.submit("1", "a", "AAA", BUY, LIMIT, 100_000, 1)
        exchange.submit("2", "b", "AAA", SELL, MARKET, None, quantity)
        assert exchange.open_orders("a") == exchange.open_orders("b") == 0

    def test_a_partly_filled_order_is_open(self, exchange: Exchange) -> None:
        exchange.submit("1", "a", "AAA", BUY, LIMIT, 100_000, 5)
        exchange.submit("2", "b", "AAA", SELL, LIMIT, 100_000, 1)
        assert (exchange.open_orders("a"), exchange.open_orders("b")) == (1, 0)


class TestAmendRefusals:
    @pytest.fixture(autouse=True)
    def orders(self, exchange: Exchange) -> None:
        """1: a buys 10 at 100,000, 4 of them filled. 2: b's, filled. 3: a's, canceled. 4: b's, a market order."""
        exchange.submit("1", "a", "AAA", BUY, LIMIT, 100_000, 10)
        exchange.submit("2", "b", "AAA", SELL, LIMIT, 100_000, 3)
        exchange.submit("3", "a", "AAA", BUY, LIMIT, 90_000, 1)
        exchange.cancel("a", "3")
        exchange.submit("4", "b", "AAA", SELL, MARKET, None, 1)

    @pytest.mark.parametrize(
        ("account", "order_id", "price", "quantity", "code"),
        [
            ("a", "1", None, 5, None),
            ("a", "1", 100_100, None, None),
            ("a", "9", None, 5, C.ORDER_NOT_FOUND),
            ("b", "1", None, 5, C.ORDER_NOT_FOUND),  # another's
            ("nobody", "1", None, 5, C.ORDER_NOT_FOUND),
            ("a", "3", None, 5, C.ORDER_NOT_OPEN),
            ("b", "2", None, 5, C.ORDER_NOT_OPEN),
            ("b", "4", None, 5, C.ORDER_NOT_OPEN),
            ("a", "1", None, 0, C.INVALID_QUANTITY),
            ("a", "1", None, -1, C.INVALID_QUANTITY),
            ("a", "1", None, 4, C.INVALID_QUANTITY),  # as much as is filled
            ("a", "1", None, MAX_QUANTITY + 1, C.ORDER_TOO_LARGE),
            ("a", "1", None, MAX_VALUE // 100_000, C.ORDER_TOO_LARGE),
            ("a", "1", 0, None, C.INVALID_TICK),
            ("a", "1", 100_001, None, C.INVALID_TICK),
            ("a", "1", 130_100, None, C.PRICE_OUT_OF_RANGE),
            ("a", "1", 69_900, None, C.PRICE_OUT_OF_RANGE),
            ("a", "1", None, 100, None),  # every won
            ("a", "1", None, 101, C.INSUFFICIENT_CASH),
            # Of two reasons, the first.
            ("b", "3", 1, 0, C.ORDER_NOT_FOUND),
            ("a", "3", 1, 0, C.ORDER_NOT_OPEN),
            ("a", "1", 1, 4, C.INVALID_QUANTITY),
            ("a", "1", 1, MAX_QUANTITY + 1, C.ORDER_TOO_LARGE),
            ("a", "1", 69_950, 50_000, C.INVALID_TICK),
            ("a", "1", 130_100, 50_000, C.PRICE_OUT_OF_RANGE),
        ],
    )
    def test_codes(
        self,
        exchange: Exchange,
        account: str,
        order_id: str,
        price: int | None,
        quantity: int | None,
        code: RejectCode | None,
    ) -> None:
        before = exchange.state()
        assert exchange.check_amend(account, order_id, price, quantity) is code
        assert code_of(exchange.amend(account, order_id, price, quantity)) is code
        if code is not None:
            assert exchange.state() == before

    def test_shares(self, exchange: Exchange) -> None:
        exchange.submit("5", "b", "AAA", SELL, LIMIT, 120_000, 90)
        assert exchange.available_shares("b", "AAA") == 6
        assert exchange.check_amend("b", "5", None, 97) is C.INSUFFICIENT_SHARES
        assert exchange.check_amend("b", "5", None, 96) is None

    @pytest.mark.parametrize(
        ("account", "order_id", "code"),
        [
            ("a", "9", C.ORDER_NOT_FOUND),
            ("b", "1", C.ORDER_NOT_FOUND),
            ("a", "3", C.ORDER_NOT_OPEN),
            ("b", "4", C.ORDER_NOT_OPEN),
            ("a", "1", None),
        ],
    )
    def test_cancel_codes(
        self, exchange: Exchange, account: str, order_id: str, code: RejectCode | None
    ) -> None:
        assert exchange.check_cancel(account, order_id) is code
        assert code_of(exchange.cancel(account, order_id)) is code


class TestOrderIds:
    def test_an_accepted_id_is_never_used_again(self, exchange: Exchange) -> None:
        exchange.submit("1", "a", "AAA", BUY, LIMIT, 100_000, 1)
        exchange.cancel("a", "1")
        again = exchange.submit("1", "b", "ZZZ", BUY, LIMIT, 1, 0)
        assert again == [Rejected("1", "b", C.CLIENT_ORDER_ID_REUSED)]

    def test_a_refused_id_is_free(self, exchange: Exchange) -> None:
        exchange.submit("1", "a", "AAA", BUY, LIMIT, 100_000, 0)
        assert exchange.check_cancel("a", "1") is C.ORDER_NOT_FOUND
        assert code_of(exchange.submit("1", "a", "AAA", BUY, LIMIT, 100_000, 1)) is None


class TestHolds:
    def test_limit_orders(self, exchange: Exchange) -> None:
        exchange.submit("1", "a", "AAA", BUY, LIMIT, 90_000, 10)
        exchange.submit("2", "b", "AAA", SELL, LIMIT, 110_000, 30)
        assert exchange.balance("a").cash == 10_000_000
        assert exchange.available_cash("a") == 9_100_000
        assert exchange.shares("b", "AAA") == 100
        assert exchange.available_shares("b", "AAA") == 70
        exchange.cancel_all("a")
        exchange.cancel_all("b", "BBB")
        assert exchange.available_cash("a") == 10_000_000
        assert exchange.available_shares("b", "AAA") == 70
        exchange.cancel_all("b", "AAA")
        assert exchange.available_shares("b", "AAA") == 100

    def test_a_fill_at_a_better_price_frees_the_difference(self, exchange: Exchange) -> None:
        exchange.submit("1", "b", "AAA", SELL, LIMIT, 99_000, 4)
        exchange.submit("2", "a", "AAA", BUY, LIMIT, 100_000, 10)
        assert exchange.balance("a").cash == 10_000_000 - 4 * 99_000
        assert exchange.available_cash("a") == 10_000_000 - 4 * 99_000 - 6 * 100_000
        assert exchange.available_shares("a", "AAA") == 4
        assert exchange.available_cash("b") == 4 * 99_000

    def test_a_market_buy_holds_its_protection_price(self, exchange: Exchange) -> None:
        events = exchange.submit("1", "a", "AAA", BUY, MARKET, None, 5)
        assert events == [
            Accepted("1", "a", BUY, MARKET, 110_000, 5, 0),
            Canceled("1", "a", BUY, 110_000, 5, CancelReason.MARKET_REMAINDER),
        ]
        assert exchange.available_cash("a") == 10_000_000

    def test_the_protection_price_follows_the_last_trade(self, exchange: Exchange) -> None:
        exchange.submit("1", "b", "AAA", SELL, LIMIT, 120_000, 1)
        exchange.submit("2", "a", "AAA", BUY, LIMIT, 120_000, 1)
        assert exchange.listings["AAA"].last_price == 120_000
        assert exchange.effective_price("AAA", BUY, MARKET, None) == 130_000
        assert exchange.effective_price("AAA", SELL, MARKET, None) == 108_000

    def test_an_amend_moves_the_hold(self, exchange: Exchange) -> None:
        exchange.submit("1", "a", "AAA", BUY, LIMIT, 90_000, 10)
        assert isinstance(exchange.amend("a", "1", price=95_000)[0], Amended)
        assert exchange.available_cash("a") == 10_000_000 - 950_000
        exchange.amend("a", "1", quantity=2)
        assert exchange.available_cash("a") == 10_000_000 - 190_000
        exchange.submit("2", "b", "AAA", SELL, LIMIT, 96_000, 1)
        events = exchange.amend("a", "1", price=100_000, quantity=3)
        assert isinstance(events[1], Traded)
        assert exchange.available_cash("a") == 10_000_000 - 96_000 - 200_000

    def test_a_self_trade_frees_the_rest(self, exchange: Exchange) -> None:
        exchange.deposit("a", symbol="AAA", shares=5)
        exchange.submit("1", "a", "AAA", SELL, LIMIT, 100_000, 5)
        exchange.submit("2", "a", "AAA", BUY, LIMIT, 100_000, 5)
        assert exchange.available_cash("a") == 10_000_000
        assert exchange.available_shares("a", "AAA") == 0
        assert exchange.open_orders("a") == 1
