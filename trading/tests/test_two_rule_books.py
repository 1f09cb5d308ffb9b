"""The rules exist twice: in the gate's script and in the pure core. Both get the same commands and must give the
same code and take the same hold.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trading.core.events import Rejected
from trading.core.exchange import Exchange as RuleBook
from trading.core.limits import MAX_QUANTITY
from trading.core.orders import OrderType, Side
from trading.gate.answers import Accepted, Refused
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
    st.sampled_from(["submit"] * 5 + ["amend"] * 3 + ["cancel"] * 2 + ["cancel_all", "halt", "resume"]),
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


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=5, max_size=25))
def test_the_gate_and_the_core_agree(commands: list[Step]) -> None:
    pair = Pair()
    for step in commands:
        pair.run(step)
