"""A whole exchange in one process: the rules, the holds, a book a listing, and settlement after each command.

This is the rule book in its plainest form. The gate's script enforces the same rules in front of the engines;
tests feed both the same commands and demand the same code and the same hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from trading.core.book import Book
from trading.core.commands import Amend, Cancel, CancelAll, Close, Command, Submit
from trading.core.events import AmendRejected, Event, Rejected, Traded
from trading.core.invariants import InvariantError, require
from trading.core.ledger import Position, Settlement, amend_extra_hold, order_hold
from trading.core.limits import MAX_OPEN_ORDERS, is_too_large
from trading.core.orders import Account, Order, OrderId, OrderType, Side
from trading.core.rejects import RejectCode
from trading.core.ticks import daily_limits, is_on_tick, protection_price

Symbol = str


@dataclass(slots=True)
class Balance:
    """Money and shares of one account. Available = balance − what its open orders hold."""

    cash: int = 0
    available_cash: int = 0
    available_shares: dict[Symbol, int] = field(default_factory=dict)
    open_orders: int = 0


@dataclass(slots=True)
class Listing:
    symbol: Symbol
    base_price: int
    lower_limit: int
    upper_limit: int
    last_price: int
    book: Book
    is_closed: bool = False
    is_halted: bool = False


class Exchange:
    """Every method that changes something returns the events of the change.

    A refusal is one `Rejected` event and changes nothing. Account and order ids are the caller's; an account
    nobody has deposited to has no cash and no shares. `time_ms` is passed through to the events.
    """

    def __init__(self, *, open_orders_max: int = MAX_OPEN_ORDERS) -> None:
        self.open_orders_max = open_orders_max
        self.listings: dict[Symbol, Listing] = {}
        self.balances: dict[Account, Balance] = {}
        self.positions: dict[Symbol, dict[Account, Position]] = {}
        self.sequence = 0
        # Every order ever accepted: an order that has ended is not open, any other is not found.
        self._accepted: dict[OrderId, tuple[Account, Symbol]] = {}

    # Set-up

    def open(self, symbol: Symbol, base_price: int) -> Listing:
        require(symbol not in self.listings, f"{symbol} is already open")
        require(base_price > 0, "a base price is positive")
        lower, upper = daily_limits(base_price)
        listing = Listing(symbol, base_price, lower, upper, base_price, Book(symbol))
        self.listings[symbol] = listing
        return listing

    def deposit(self, account: Account, *, cash: int = 0, symbol: Symbol = "", shares: int = 0) -> None:
        """Give cash, or shares of a listing (at no cost), from outside. The listing may open later."""
        require(cash >= 0 and shares >= 0, "a deposit is not negative")
        balance = self.balance(account)
        balance.cash += cash
        balance.available_cash += cash
        if symbol:
            self._position(account, symbol).quantity += shares
            balance.available_shares[symbol] = balance.available_shares.get(symbol, 0) + shares

    def halt(self, symbol: Symbol) -> None:
        self.listings[symbol].is_halted = True

    def resume(self, symbol: Symbol) -> None:
        self.listings[symbol].is_halted = False

    # Balances

    def balance(self, account: Account) -> Balance:
        return self.balances.setdefault(account, Balance())

    def available_cash(self, account: Account) -> int:
        return self.balances[account].available_cash if account in self.balances else 0

    def available_shares(self, account: Account, symbol: Symbol) -> int:
        return self.balances[account].available_shares.get(symbol, 0) if account in self.balances else 0

    def shares(self, account: Account, symbol: Symbol) -> int:
        position = self.positions.get(symbol, {}).get(account)
        return 0 if position is None else position.quantity

    def open_orders(self, account: Account) -> int:
        return self.balances[account].open_orders if account in self.balances else 0

    def symbol_of(self, order_id: OrderId) -> Symbol | None:
        """The listing of an order that was accepted."""
        accepted = self._accepted.get(order_id)
        return None if accepted is None else accepted[1]

    def state(self) -> dict[str, Any]:
        """Every account and book, as plain values; each account shows each listing."""
        symbols = sorted(self.listings.keys() | self.positions.keys())
        return {
            "accounts": {
                account: {
                    "cash": balance.cash,
                    "available_cash": balance.available_cash,
                    "shares": {symbol: self.shares(account, symbol) for symbol in symbols},
                    "available_shares": {
                        symbol: self.available_shares(account, symbol) for symbol in symbols
                    },
                }
                for account, balance in sorted(self.balances.items(), key=lambda item: str(item[0]))
            },
            "books": {
                symbol: {
                    "bids": [list(level) for level in listing.book.depth(Side.BUY)],
                    "asks": [list(level) for level in listing.book.depth(Side.SELL)],
                }
                for symbol, listing in sorted(self.listings.items())
            },
        }

    # Rules

    def effective_price(self, symbol: Symbol, side: Side, type_: OrderType, price: int | None) -> int:
        """The price an order is held and matched at: its limit, or its protection price."""
        if type_ is OrderType.LIMIT:
            require(price is not None, "a limit order has a price")
            return price or 0
        listing = self.listings[symbol]
        return protection_price(side, listing.last_price, listing.lower_limit, listing.upper_limit)

    def check_submit(
        self,
        account: Account,
        symbol: Symbol,
        side: Side,
        type_: OrderType,
        price: int | None,
        quantity: int,
    ) -> RejectCode | None:
        """Why this order would be refused now, or None."""
        listing = self.listings.get(symbol)
        if listing is None:
            return RejectCode.UNKNOWN_SYMBOL
        if (code := self._check_phase(listing)) is not None:
            return code
        price = self.effective_price(symbol, side, type_, price)
        if (code := check_quantity_and_price(listing, price, quantity)) is not None:
            return code
        if self.open_orders(account) >= self.open_orders_max:
            return RejectCode.TOO_MANY_OPEN_ORDERS
        return self._check_funds(account, symbol, side, order_hold(side, price, quantity))

    def check_amend(
        self, account: Account, order_id: OrderId, price: int | None, quantity: int | None
    ) -> RejectCode | None:
        """Why this amend would be refused now, or None. An amend ends at once here: none is ever pending."""
        order, listing, code = self._find(account, order_id)
        if order is None or listing is None:
            return code
        if (code := self._check_phase(listing)) is not None:
            return code
        new_price, new_quantity = _amended(order, price, quantity)
        if new_quantity <= order.filled:
            return RejectCode.INVALID_QUANTITY
        if (code := check_quantity_and_price(listing, new_price, new_quantity)) is not None:
            return code
        return self._check_funds(account, listing.symbol, order.side, extra_hold(order, price, quantity))

    def check_cancel(self, account: Account, order_id: OrderId) -> RejectCode | None:
        """Why this cancel would be refused now, or None. A halt does not refuse it."""
        _, _, code = self._find(account, order_id)
        return code

    # Commands

    def submit(
        self,
        order_id: OrderId,
        account: Account,
        symbol: Symbol,
        side: Side,
        type_: OrderType,
        price: int | None,
        quantity: int,
        time_ms: int = 0,
    ) -> list[Event]:
        """Refuse, or accept, hold and match. The id of an accepted order is never used again."""
        if order_id in self._accepted:
            return [Rejected(order_id, account, RejectCode.CLIENT_ORDER_ID_REUSED)]
        code = self.check_submit(account, symbol, side, type_, price, quantity)
        if code is not None:
            return [Rejected(order_id, account, code)]
        price = self.effective_price(symbol, side, type_, price)
        self._accepted[order_id] = (account, symbol)
        self._hold(account, symbol, side, order_hold(side, price, quantity))
        self.balance(account).open_orders += 1
        command = Submit(self._next_sequence(), order_id, account, side, type_, price, quantity, time_ms)
        return self._apply(self.listings[symbol], command)

    def amend(
        self,
        account: Account,
        order_id: OrderId,
        price: int | None = None,
        quantity: int | None = None,
        time_ms: int = 0,
    ) -> list[Event]:
        code = self.check_amend(account, order_id, price, quantity)
        if code is not None:
            return [Rejected(order_id, account, code)]
        _, symbol = self._accepted[order_id]
        listing = self.listings[symbol]
        order = listing.book.orders[order_id]
        extra = extra_hold(order, price, quantity)
        self._hold(account, symbol, order.side, extra)
        sequence = self._next_sequence()
        return self._apply(
            listing, Amend(sequence, order_id, account, order.side, price, quantity, extra, time_ms)
        )

    def cancel(self, account: Account, order_id: OrderId, time_ms: int = 0) -> list[Event]:
        code = self.check_cancel(account, order_id)
        if code is not None:
            return [Rejected(order_id, account, code)]
        _, symbol = self._accepted[order_id]
        return self._apply(self.listings[symbol], Cancel(self._next_sequence(), order_id, account, time_ms))

    def cancel_all(self, account: Account, symbol: Symbol | None = None, time_ms: int = 0) -> list[Event]:
        """Cancel the account's open orders in one listing, or in all."""
        events: list[Event] = []
        for listing in self.listings.values():
            if symbol in (None, listing.symbol):
                events += self._apply(listing, CancelAll(self._next_sequence(), account, time_ms))
        return events

    def close(self, symbol: Symbol, time_ms: int = 0) -> list[Event]:
        """End trading in a listing: cancel what rests, accept nothing more. Doing it twice is harmless."""
        listing = self.listings[symbol]
        if listing.is_closed:
            return []
        listing.is_closed = True
        return self._apply(listing, Close(self._next_sequence(), time_ms))

    # Parts of the above

    def _check_phase(self, listing: Listing) -> RejectCode | None:
        if listing.is_closed:
            return RejectCode.MARKET_CLOSED
        return RejectCode.HALTED if listing.is_halted else None

    def _check_funds(self, account: Account, symbol: Symbol, side: Side, hold: int) -> RejectCode | None:
        if side is Side.BUY:
            return RejectCode.INSUFFICIENT_CASH if hold > self.available_cash(account) else None
        available = self.available_shares(account, symbol)
        return RejectCode.INSUFFICIENT_SHARES if hold > available else None

    def _find(
        self, account: Account, order_id: OrderId
    ) -> tuple[Order | None, Listing | None, RejectCode | None]:
        """The open order, or why there is none: another's order is as good as unknown."""
        owner, symbol = self._accepted.get(order_id, (None, ""))
        if order_id not in self._accepted or owner != account:
            return None, None, RejectCode.ORDER_NOT_FOUND
        listing = self.listings[symbol]
        order = listing.book.orders.get(order_id)
        return order, listing, RejectCode.ORDER_NOT_OPEN if order is None else None

    def _hold(self, account: Account, symbol: Symbol, side: Side, hold: int) -> None:
        balance = self.balance(account)
        if side is Side.BUY:
            balance.available_cash -= hold
        elif hold:
            balance.available_shares[symbol] -= hold

    def _next_sequence(self) -> int:
        self.sequence += 1
        return self.sequence

    def _apply(self, listing: Listing, command: Command) -> list[Event]:
        events = listing.book.apply(command)
        self._settle(listing, events)
        return events

    def _settle(self, listing: Listing, events: Sequence[Event]) -> None:
        settlement = Settlement(self.positions.setdefault(listing.symbol, {}))
        for event in events:
            require(not isinstance(event, AmendRejected), "an amend was checked against the book itself")
            if isinstance(event, Traded):
                listing.last_price = event.price
            settlement.add(event)
        for account, delta in settlement.deltas.items():
            balance = self.balance(account)
            shares = balance.available_shares.get(listing.symbol, 0) + delta.available_shares
            balance.cash += delta.cash
            balance.available_cash += delta.available_cash
            balance.available_shares[listing.symbol] = shares
            balance.open_orders += delta.open_orders
            is_sound = (
                0 <= balance.available_cash <= balance.cash
                and 0 <= shares <= self.shares(account, listing.symbol)
                and balance.open_orders >= 0
            )
            if not is_sound:  # the message is made only when it is needed
                raise InvariantError(f"{listing.symbol} of {account}: {balance}")

    def _position(self, account: Account, symbol: Symbol) -> Position:
        return self.positions.setdefault(symbol, {}).setdefault(account, Position())


def check_quantity_and_price(listing: Listing, price: int, quantity: int) -> RejectCode | None:
    """The rules of an order that depend on nothing but itself and its listing."""
    if quantity <= 0:
        return RejectCode.INVALID_QUANTITY
    if is_too_large(price, quantity):
        return RejectCode.ORDER_TOO_LARGE
    if not is_on_tick(price):
        return RejectCode.INVALID_TICK
    if not listing.lower_limit <= price <= listing.upper_limit:
        return RejectCode.PRICE_OUT_OF_RANGE
    return None


def extra_hold(order: Order, price: int | None, quantity: int | None) -> int:
    """What an amend of this open order must hold on top."""
    new_price, new_quantity = _amended(order, price, quantity)
    return amend_extra_hold(order.side, order.price, order.quantity, order.filled, new_price, new_quantity)


def _amended(order: Order, price: int | None, quantity: int | None) -> tuple[int, int]:
    return order.price if price is None else price, order.quantity if quantity is None else quantity
