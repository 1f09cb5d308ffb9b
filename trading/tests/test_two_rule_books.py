"""The rules exist twice: in the gate's script and in the pure core. Both get the same commands and must give the
same code and take the same hold: once with every command applied at once, as in the core's own exchange, and once
with fills settled at any later point, against a reference gate on top of the core.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trading import engine
from trading.core.events import Rejected
from trading.core.exchange import Exchange as RuleBook
from trading.core.limits import MAX_QUANTITY
from trading.core.orders import OrderType, Side
from trading.engine import listing_drain
from trading.gate.answers import Accepted, Refused
from trading.gate.client import GateClient, gate
from trading.tests.gate_model import GateModel
from trading.tests.market import Exchange, open_exchange

pytestmark = pytest.mark.django_db(transaction=True)

PLAYERS = ("p1", "p2", "p3")
SYMBOLS = ("AAA", "BBB")
CASH = 10_000_000
SHARES = 60
BASE_PRICE = 100_000

prices = st.one_of(
    st.sampled_from([99_000, 99_900, 100_000, 100_100, 101_000, 70_000, 130_000]),
    st.sampled_from([0, -100, 100_050, 69_900, 130_100, 10**13, 10**18, 99_999]),
)
quantities = st.one_of(
    st.integers(1, 40), st.sampled_from([0, -1, 101, MAX_QUANTITY, MAX_QUANTITY + 1, 10**17])
)


@dataclass(frozen=True)
class Step:
    """One command: `order` picks one of the orders accepted so far (of anybody), by remainder."""

    kind: str
    player: str
    symbol: str
    side: str
    price: int | None
    quantity: int | None
    order: int


steps = st.builds(
    Step,
    st.sampled_from(
        ["submit"] * 5 + ["amend"] * 3 + ["cancel"] * 2 + ["cancel_all", "halt"] + ["resume"] * 4
    ),
    st.sampled_from(PLAYERS),
    st.sampled_from((*SYMBOLS, SYMBOLS[0], "ZZZ")),
    st.sampled_from(["buy", "sell"]),
    st.none() | prices,
    st.none() | quantities,
    st.integers(0, 50),
)


class Pair:
    """The real gate with its engines, and the pure rule book, in the same state."""

    def __init__(self) -> None:
        grants = {player: dict.fromkeys(SYMBOLS, SHARES) for player in PLAYERS}
        self.real: Exchange = open_exchange(
            symbols=SYMBOLS, base_price=BASE_PRICE, initial_cash=CASH, shares=grants
        )
        self.rules = RuleBook()
        for symbol in SYMBOLS:
            self.rules.open(symbol, BASE_PRICE)
        for player in PLAYERS:
            self.rules.deposit(player, cash=CASH)
            for symbol in SYMBOLS:
                self.rules.deposit(player, symbol=symbol, shares=SHARES)
        self.orders: list[tuple[str, str]] = []

    def available(self) -> dict[str, tuple[int, dict[str, int]]]:
        """Return what the rule book has available for each player."""
        return {
            player: (
                self.rules.available_cash(player),
                {s: held for s in SYMBOLS if (held := self.rules.available_shares(player, s))},
            )
            for player in PLAYERS
        }

    def run(self, step: Step) -> None:
        """Give both the same command; compare code and hold, and after settlement what is available."""
        if step.kind in ("halt", "resume"):
            self._halt(step)
            return
        commands: dict[str, Callable[[Step], tuple[Accepted | Refused, str | None, int]]] = {
            "submit": self._submit,
            "amend": self._amend,
            "cancel": self._cancel,
            "cancel_all": self._cancel_all,
        }
        before = self.real.available(step.player)
        answer, code, hold = commands[step.kind](step)
        assert (answer.code if isinstance(answer, Refused) else None) == code, step
        after = self.real.available(step.player)
        taken = (before[0] or 0) - (after[0] or 0), sum(before[1].values()) - sum(after[1].values())
        assert sum(taken) == hold and min(taken) == 0, step
        self.real.drain()
        assert {player: self.real.available(player) for player in PLAYERS} == self.available(), step

    def _submit(self, step: Step) -> tuple[Accepted | Refused, str | None, int]:
        quantity = 1 if step.quantity is None else step.quantity
        side, kind = Side(step.side), OrderType.MARKET if step.price is None else OrderType.LIMIT
        hold = 0
        code = self.rules.check_submit(step.player, step.symbol, side, kind, step.price, quantity)
        if code is None:
            price = self.rules.effective_price(step.symbol, side, kind, step.price)
            hold = price * quantity if side is Side.BUY else quantity
        answer = self.real.submit(step.player, step.side, quantity, step.price, symbol=step.symbol)
        name = answer.order_id if isinstance(answer, Accepted) else "refused"
        events = self.rules.submit(name, step.player, step.symbol, side, kind, step.price, quantity)
        if isinstance(answer, Accepted):
            self.orders.append((answer.order_id, step.player))
        return answer, _code(events), hold

    def _picked(self, step: Step) -> tuple[str, str]:
        """Return an order, and who asks: mostly its owner, sometimes somebody else."""
        if not self.orders:
            return "999-1-1", step.player
        order_id, owner = self.orders[step.order % len(self.orders)]
        return order_id, step.player if step.order % 7 == 0 else owner

    def _amend(self, step: Step) -> tuple[Accepted | Refused, str | None, int]:
        if step.price is None and step.quantity is None:
            step = Step(step.kind, step.player, step.symbol, step.side, None, 5, step.order)
        order_id, player = self._picked(step)
        before = self.real.available(player)
        answer = self.real.amend(player, order_id, step.price, step.quantity)
        if player != step.player:  # the hold of another is compared here
            after = self.real.available(player)
            assert isinstance(answer, Accepted) or before == after
        code = _code(self.rules.amend(player, order_id, step.price, step.quantity))
        held = self._taken(step.player, player, before)
        return answer, code, held

    def _taken(self, shown: str, player: str, before: Any) -> int:
        """Return what the command took from the player shown (nothing when it was another's command)."""
        if shown != player:
            return 0
        after = self.real.available(player)
        return (before[0] - after[0]) + sum(before[1].values()) - sum(after[1].values())

    def _cancel(self, step: Step) -> tuple[Accepted | Refused, str | None, int]:
        order_id, player = self._picked(step)
        return self.real.cancel(player, order_id), _code(self.rules.cancel(player, order_id)), 0

    def _cancel_all(self, step: Step) -> tuple[Accepted | Refused, str | None, int]:
        answer = self.real.cancel_all(step.player, None if step.order % 2 else step.symbol)
        if isinstance(answer, Refused):
            assert step.symbol == "ZZZ"
            return answer, answer.code, 0
        for symbol in SYMBOLS if step.order % 2 else (step.symbol,):
            self.rules.cancel_all(step.player, symbol)
        return answer, None, 0

    def _halt(self, step: Step) -> None:
        if step.symbol in SYMBOLS:
            halted = step.kind == "halt"
            self.real.halt(step.symbol, halted)
            (self.rules.halt if halted else self.rules.resume)(step.symbol)


def _code(events: list[Any]) -> str | None:
    return events[0].code.value if events and isinstance(events[0], Rejected) else None


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=5, max_size=25))
def test_the_gate_and_the_core_agree(commands: list[Step]) -> None:
    pair = Pair()
    for step in commands:
        pair.run(step)


# Fills that lie between ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Settle:
    """Up to `count` commands of a listing are settled and released, as one batch."""

    symbol: str
    count: int


near_prices = st.sampled_from([99_000, 99_500, 100_000, 100_500, 101_000])
# Mostly what is accepted: otherwise a run is a row of refusals.
terms = st.tuples(st.none() | near_prices, st.integers(1, 12))
mixed_steps = st.one_of(
    st.builds(
        lambda kind, player, symbol, side, terms, order: Step(kind, player, symbol, side, *terms, order),
        st.sampled_from(
            ["submit"] * 9 + ["amend"] * 9 + ["cancel"] * 3 + ["cancel_all", "halt"] + ["resume"] * 6
        ),
        st.sampled_from(PLAYERS),
        st.sampled_from((SYMBOLS[0],) * 8 + (SYMBOLS[1], "ZZZ")),
        st.sampled_from(["buy", "sell"]),
        st.one_of(terms, terms, terms, terms, st.tuples(st.none() | prices, st.none() | quantities)),
        st.integers(0, 50),
    ),
    st.builds(Settle, st.sampled_from(SYMBOLS[:1] * 3 + SYMBOLS[1:]), st.sampled_from([1, 2, 3, 100])),
)


class LaggingPair:
    """The real gate with its engines, and the reference gate; both settle when told to, and no sooner."""

    def __init__(self) -> None:
        grants = {player: dict.fromkeys(SYMBOLS, SHARES) for player in PLAYERS}
        self.real = open_exchange(symbols=SYMBOLS, base_price=BASE_PRICE, initial_cash=CASH, shares=grants)
        self.model = GateModel(SYMBOLS, PLAYERS, BASE_PRICE, CASH, SHARES)
        self.names: list[str] = []

    def run(self, step: Step | Settle) -> None:
        """Give both the same command, compare the code, and then everything the gate knows."""
        if isinstance(step, Settle):
            self.settle(step.symbol, step.count)
        elif step.kind in ("halt", "resume"):
            if step.symbol in SYMBOLS:
                self.real.halt(step.symbol, step.kind == "halt")
                self.model.listings[step.symbol].terms.is_halted = step.kind == "halt"
        else:
            answer, code = getattr(self, f"_{step.kind}")(step)
            assert (answer.code if isinstance(answer, Refused) else None) == code, step
        self.compare(step)

    def _submit(self, step: Step) -> tuple[Accepted | Refused, str | None]:
        quantity = 1 if step.quantity is None else step.quantity
        answer = self.real.submit(step.player, step.side, quantity, step.price, symbol=step.symbol)
        name = answer.order_id if isinstance(answer, Accepted) else "refused"
        code = self.model.submit(name, step.player, step.symbol, Side(step.side), step.price, quantity)
        if code is None:
            self.names.append(name)
        return answer, code

    def _picked(self, step: Step) -> tuple[str, str]:
        """Return who asks and for which order: a partly filled one or a recent one, mostly its owner."""
        if not self.names:
            return step.player, "999-1-1"
        partly = [order.name for order in self.model.orders.values() if order.is_open and order.filled]
        names = partly if partly and step.order % 2 else self.names[-6:]
        name = names[step.order % len(names)]
        return (step.player if step.order % 7 == 0 else self.model.orders[name].account), name

    def _amend(self, step: Step) -> tuple[Accepted | Refused, str | None]:
        price, quantity = step.price, step.quantity
        if price is None and quantity is None:
            quantity = 5
        player, name = self._picked(step)
        answer = self.real.amend(player, name, price, quantity)
        return answer, self.model.amend(player, name, price, quantity)

    def _cancel(self, step: Step) -> tuple[Accepted | Refused, str | None]:
        player, name = self._picked(step)
        return self.real.cancel(player, name), self.model.cancel(player, name)

    def _cancel_all(self, step: Step) -> tuple[Accepted | Refused, str | None]:
        symbol = None if step.order % 2 else step.symbol
        return self.real.cancel_all(step.player, symbol), self.model.cancel_all(step.player, symbol)

    def settle(self, symbol: str, count: int) -> None:
        """Let the engine read so many entries and no more."""
        real, left = GateClient.entries, count

        def some(client: GateClient, *arguments: Any) -> Any:
            nonlocal left
            found = real(client, *arguments)[:left]
            left -= len(found)
            return found

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(GateClient, "entries", some)
            patch.setattr(engine, "DRAIN_BUDGET_SECONDS", 60.0)
            listing_drain(self.real.listings[symbol].pk)
        self.model.settle(symbol, count)

    def compare(self, step: Any) -> None:
        """Fail unless the gate has what the reference has: money, shares, orders, sequences."""
        for player in PLAYERS:
            cash, shares = self.real.available(player)
            expected = {symbol: held for symbol, held in self.model.shares[player].items() if held}
            assert (cash, shares) == (self.model.cash[player], expected), step
        keys = [listing.pk for listing in self.real.listings.values()]
        given = [sequence for sequence, _ in gate().sequences(keys).values()]
        assert given == [listing.given for listing in self.model.listings.values()], step
        known = {
            order.name: (order.side, order.price, order.quantity, order.filled)
            for order in self.model.orders.values()
            if order.is_open and not order.is_cancelling
        }
        accounts = [self.real.account(player) for player in PLAYERS]
        found = {
            order.order_id: (order.side, order.price, order.quantity, order.filled)
            for orders in gate().open_orders_of(self.real.market.pk, accounts).values()
            for order in orders
        }
        assert found == known, step


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(mixed_steps, min_size=25, max_size=50))
def test_they_agree_with_fills_settled_at_any_later_point(steps: list[Step | Settle]) -> None:
    pair = LaggingPair()
    for step in steps:
        pair.run(step)
    for symbol in SYMBOLS:
        pair.settle(symbol, 1_000)
    pair.compare("the end")
    pair.real.drain()


def _step(kind: str, player: str, side: str, price: int | None, quantity: int | None, order: int = 0) -> Step:
    return Step(kind, player, "AAA", side, price, quantity, order)


FILLED_AND_AMENDED = {
    "the fill is known": [Settle("AAA", 100)],
    "the fill is not known": [],
    "the fill is known, another is not": [Settle("AAA", 100), _step("submit", "p2", "sell", 99_000, 3)],
}


def test_an_amend_of_a_partly_filled_order() -> None:
    """The buy of 10 at 99,000 is filled by 4; then it is amended, whatever of that is known."""
    for between, price, quantity in product(
        FILLED_AND_AMENDED.values(), (None, 98_000, 99_500), (4, 5, 10, 12)
    ):
        pair = LaggingPair()
        for step in (
            _step("submit", "p1", "buy", 99_000, 10),
            _step("submit", "p2", "sell", 99_000, 4),
            *between,
        ):
            pair.run(step)
        name = pair.names[0]
        answer, code = (
            pair.real.amend("p1", name, price, quantity),
            pair.model.amend("p1", name, price, quantity),
        )
        assert (answer.code if isinstance(answer, Refused) else None) == code
        pair.compare((between, price, quantity))
        pair.settle("AAA", 100)
        pair.compare((between, price, quantity))
