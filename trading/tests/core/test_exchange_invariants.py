"""Whatever players do, money and shares are conserved and holds are exact."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from trading.core.events import Event, Rejected, Traded
from trading.core.exchange import Exchange
from trading.core.ledger import order_hold
from trading.core.orders import OrderType, Side

ACCOUNTS = ("a", "b", "c", "d")
SYMBOLS = ("AAA", "BBB")
CASH, SHARES = 300_000, 60

accounts = st.sampled_from(ACCOUNTS)
symbols = st.sampled_from(SYMBOLS)
sides = st.sampled_from(list(Side))
types = st.sampled_from([OrderType.LIMIT, OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET])
prices = st.one_of(st.integers(980, 1_020), st.sampled_from([0, 699, 700, 1_300, 1_301]))
quantities = st.one_of(st.integers(1, 30), st.sampled_from([-1, 0, 400, 10**9, 10**10]))


def new_exchange() -> Exchange:
    exchange = Exchange(open_orders_max=6)
    for symbol in SYMBOLS:
        exchange.open(symbol, 1_000)
    for account in ACCOUNTS:
        exchange.deposit(account, cash=CASH)
        for symbol in SYMBOLS:
            exchange.deposit(account, symbol=symbol, shares=SHARES)
    return exchange


def assert_sound(exchange: Exchange) -> None:
    """The invariants, computed from the books and not from the ledger."""
    held_cash: Counter[object] = Counter()
    held_shares: Counter[tuple[object, str]] = Counter()
    open_orders: Counter[object] = Counter()
    for symbol, listing in exchange.listings.items():
        for order in listing.book.orders.values():
            hold = order_hold(order.side, order.price, order.open_quantity)
            open_orders[order.account] += 1
            if order.side is Side.BUY:
                held_cash[order.account] += hold
            else:
                held_shares[order.account, symbol] += hold
        bid, ask = listing.book.best_bid, listing.book.best_ask
        assert bid is None or ask is None or bid < ask, "never crossed"

    assert sum(balance.cash for balance in exchange.balances.values()) == CASH * len(ACCOUNTS)
    for account, balance in exchange.balances.items():
        assert balance.available_cash == balance.cash - held_cash[account] >= 0
        assert balance.open_orders == open_orders[account] <= exchange.open_orders_max
    for symbol in SYMBOLS:
        assert sum(exchange.shares(account, symbol) for account in ACCOUNTS) == SHARES * len(ACCOUNTS)
        for account in ACCOUNTS:
            shares = exchange.shares(account, symbol)
            assert exchange.available_shares(account, symbol) == shares - held_shares[account, symbol] >= 0
        for position in exchange.positions[symbol].values():
            assert position.cost >= 0


class Players(RuleBasedStateMachine):
    """Players do as they like; each answer is either one refusal that changes nothing, or events."""

    exchange: Exchange

    @initialize()
    def start(self) -> None:
        self.exchange = new_exchange()
        self.count = 0

    @rule(account=accounts, symbol=symbols, side=sides, type_=types, price=prices, quantity=quantities)
    def submit(
        self, account: str, symbol: str, side: Side, type_: OrderType, price: int, quantity: int
    ) -> None:
        limit = price if type_ is OrderType.LIMIT else None
        code = self.exchange.check_submit(account, symbol, side, type_, limit, quantity)
        self.count += 1
        events = self.exchange.submit(str(self.count), account, symbol, side, type_, limit, quantity)
        self.assert_answer(events, code)

    @rule(
        account=accounts,
        number=st.integers(0, 12),
        price=st.one_of(st.none(), prices),
        quantity=st.one_of(st.none(), quantities),
    )
    def amend(self, account: str, number: int, price: int | None, quantity: int | None) -> None:
        order_id = str(self.count - number)
        code = self.exchange.check_amend(account, order_id, price, quantity)
        self.assert_answer(self.exchange.amend(account, order_id, price, quantity), code)

    @rule(number=st.integers(0, 12), price=st.integers(980, 1_020), quantity=st.integers(1, 40))
    def amend_own(self, number: int, price: int, quantity: int) -> None:
        for listing in self.exchange.listings.values():
            order = listing.book.orders.get(str(self.count - number))
            if order is not None:
                account, order_id = str(order.account), str(order.order_id)
                code = self.exchange.check_amend(account, order_id, price, quantity)
                self.assert_answer(self.exchange.amend(account, order_id, price, quantity), code)

    @rule(account=accounts, number=st.integers(0, 12))
    def cancel(self, account: str, number: int) -> None:
        order_id = str(self.count - number)
        code = self.exchange.check_cancel(account, order_id)
        self.assert_answer(self.exchange.cancel(account, order_id), code)

    @rule(account=accounts, symbol=st.one_of(st.none(), symbols))
    def cancel_all(self, account: str, symbol: str | None) -> None:
        self.exchange.cancel_all(account, symbol)
        assert not [
            order
            for listing in self.exchange.listings.values()
            for order in listing.book.orders.values()
            if order.account == account and symbol in (None, listing.symbol)
        ]

    @invariant()
    def is_sound(self) -> None:
        assert_sound(self.exchange)

    def assert_answer(self, events: list[Event], code: object) -> None:
        rejects = [event for event in events if isinstance(event, Rejected)]
        assert [event.code for event in rejects] == ([code] if code else [])
        assert len(events) == 1 or not rejects
        for event in events:
            if isinstance(event, Traded):
                assert event.maker_account != event.taker_account
                assert event.quantity > 0

    def teardown(self) -> None:
        for symbol in SYMBOLS:
            self.exchange.close(symbol)
        assert_sound(self.exchange)
        for balance in self.exchange.balances.values():
            assert balance.available_cash == balance.cash, "after the close nothing is held"


Players.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestPlayers = Players.TestCase


def test_a_long_seeded_session() -> None:
    seed = 7
    random = Random(seed)
    exchange = new_exchange()
    trades = 0
    for number in range(20_000):
        account, symbol = random.choice(ACCOUNTS), random.choice(SYMBOLS)
        price, quantity = random.randrange(990, 1_011), random.randrange(1, 30)
        draw = random.random()
        if draw < 0.6:
            type_ = OrderType.LIMIT if draw < 0.5 else OrderType.MARKET
            limit = price if type_ is OrderType.LIMIT else None
            side = random.choice(list(Side))
            events = exchange.submit(str(number), account, symbol, side, type_, limit, quantity)
        else:
            resting = list(exchange.listings[symbol].book.orders.values())
            if not resting:
                continue
            order = random.choice(resting)
            if draw < 0.9:
                events = exchange.amend(order.account, order.order_id, price, quantity)
            else:
                events = exchange.cancel(order.account, order.order_id)
        trades += sum(isinstance(event, Traded) for event in events)
        if number % 50 == 0:
            assert_sound(exchange)
    assert trades > 3_000, f"seed {seed} trades too little to say anything"
    assert_sound(exchange)
