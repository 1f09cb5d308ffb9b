"""Holds, and what the events of a book do to money and shares.

A hold is taken when an order is accepted: won for a buy, shares for a sell. So *available* cash and shares
are the balance less the holds. Settlement turns events into differences (never new balances), which is what
lets the listings of one account be settled independently.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from trading.core.events import Amended, AmendRejected, Canceled, Event, Traded
from trading.core.invariants import require
from trading.core.orders import Account, Side

BUY = Side.BUY


def order_hold(side: Side, price: int, open_quantity: int) -> int:
    """Won held by an open buy, shares held by an open sell. `price` is the limit or protection price."""
    return price * open_quantity if side is BUY else open_quantity


def amend_extra_hold(
    side: Side,
    price: int,
    quantity: int,
    filled: int,
    new_price: int,
    new_quantity: int,
) -> int:
    """What an amend must hold on top, whatever fills happen before it is applied.

    `filled` may lag behind the book: the hold is enough for every later value of it, because what is needed
    on top changes in one direction with each fill, and both ends (`filled`, all of `quantity`) are covered.
    """
    if side is not BUY:
        return max(0, new_quantity - quantity)
    now = new_price * (new_quantity - filled) - price * (quantity - filled)
    when_filled = new_price * (new_quantity - quantity)
    return max(0, now, when_filled)


@dataclass(slots=True)
class Position:
    """Shares of one account in one listing, and what was paid for them (moving average)."""

    quantity: int = 0
    cost: int = 0

    def buy(self, quantity: int, value: int) -> None:
        self.quantity += quantity
        self.cost += value

    def sell(self, quantity: int) -> int:
        """Take shares away; return their part of the cost, rounded down."""
        require(quantity <= self.quantity, f"sells {quantity} of {self.quantity} shares")
        cost = self.cost * quantity // self.quantity
        self.quantity -= quantity
        self.cost -= cost
        return cost


@dataclass(slots=True)
class AccountDelta:
    """Differences for one account in one listing. `open_orders` only falls: the gate counts acceptances."""

    cash: int = 0
    shares: int = 0
    cost: int = 0
    available_cash: int = 0
    available_shares: int = 0
    open_orders: int = 0


class Settlement:
    """Adds up the events of one batch of one listing.

    `positions` is the listing's state from before the batch and is brought up to date; an account without
    one gets it. After a failed batch both are thrown away.
    """

    def __init__(self, positions: dict[Account, Position]) -> None:
        self.positions = positions
        self.deltas: dict[Account, AccountDelta] = {}

    def add_all(self, events: Iterable[Event]) -> None:
        for event in events:
            self.add(event)

    def add(self, event: Event) -> None:
        kind = type(event)
        if kind is Traded:
            self._trade(event)  # type: ignore[arg-type]
        elif kind is Canceled:
            self._cancel(event)  # type: ignore[arg-type]
        elif kind is Amended:
            self._amend(event)  # type: ignore[arg-type]
        elif kind is AmendRejected:
            self._release(event.account, event.side, event.extra_hold)  # type: ignore[union-attr]

    def reject(self, account: Account, side: Side, price: int, quantity: int) -> None:
        """Give back the hold of an order that was accepted and could not be applied: it ends without an event."""
        self._release(account, side, order_hold(side, price, quantity))
        self.delta(account).open_orders -= 1

    def delta(self, account: Account) -> AccountDelta:
        delta = self.deltas.get(account)
        if delta is None:
            delta = self.deltas[account] = AccountDelta()
        return delta

    def _trade(self, event: Traded) -> None:
        quantity, value = event.quantity, event.price * event.quantity
        maker, taker = self.delta(event.maker_account), self.delta(event.taker_account)
        if event.taker_side is BUY:
            buyer, seller = taker, maker
            buyer_account, seller_account = event.taker_account, event.maker_account
            buyer.available_cash += (event.taker_price - event.price) * quantity
        else:
            buyer, seller = maker, taker
            buyer_account, seller_account = event.maker_account, event.taker_account

        buyer.cash -= value
        buyer.shares += quantity
        buyer.available_shares += quantity
        buyer.cost += value
        seller.cash += value
        seller.available_cash += value
        seller.shares -= quantity
        seller.cost -= self._position(seller_account).sell(quantity)
        self._position(buyer_account).buy(quantity, value)

        if event.maker_open_quantity == 0:
            maker.open_orders -= 1
        if event.taker_open_quantity == 0:
            taker.open_orders -= 1

    def _cancel(self, event: Canceled) -> None:
        self._release(
            event.account,
            event.side,
            order_hold(event.side, event.price, event.quantity),
        )
        self.delta(event.account).open_orders -= 1

    def _amend(self, event: Amended) -> None:
        old_hold = order_hold(event.side, event.old_price, event.old_open_quantity)
        new_hold = order_hold(event.side, event.price, event.open_quantity)
        released = old_hold + event.extra_hold - new_hold
        require(released >= 0, f"the hold of an amend is too small: {event!r}")
        self._release(event.account, event.side, released)

    def _release(self, account: Account, side: Side, hold: int) -> None:
        if side is BUY:
            self.delta(account).available_cash += hold
        else:
            self.delta(account).available_shares += hold

    def _position(self, account: Account) -> Position:
        position = self.positions.get(account)
        if position is None:
            position = self.positions[account] = Position()
        return position
