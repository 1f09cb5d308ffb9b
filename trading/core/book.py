"""The order book of one listing: strict price-time priority, trades at the resting order's price.

The book knows nothing of money: whoever fills it has validated the command and taken the hold. It is
deterministic (same commands, same events), and commands reach it in the order of their sequence.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import islice
from zlib import crc32

from trading.core.commands import Amend, Cancel, CancelAll, Close, Command, Submit
from trading.core.depth import Ladder, Level
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
from trading.core.invariants import InvariantError, require
from trading.core.orders import Account, Order, OrderId, OrderType, Side
from trading.core.rejects import RejectCode

# Looked up once a module, not once an order.
BUY, SELL = Side.BUY, Side.SELL
LIMIT, MARKET = OrderType.LIMIT, OrderType.MARKET
SELF_TRADE, MARKET_REMAINDER = CancelReason.SELF_TRADE, CancelReason.MARKET_REMAINDER

DIGEST_MODULUS = 2**63


class Book:
    """`orders` holds the open resting orders by order id, in time priority."""

    def __init__(self, listing: Hashable) -> None:
        self.listing = listing
        self.orders: dict[OrderId, Order] = {}
        self._bids = Ladder(BUY)
        self._asks = Ladder(SELL)
        self._by_account: dict[Account, dict[OrderId, Order]] = {}
        self._last_priority = -1

    # Commands

    def apply(self, command: Command) -> list[Event]:
        if isinstance(command, Submit):
            return self.submit(command)
        if isinstance(command, Cancel):
            return self.cancel(command)
        if isinstance(command, Amend):
            return self.amend(command)
        if isinstance(command, CancelAll):
            return self.cancel_all(command)
        return self.close(command)

    def submit(self, command: Submit) -> list[Event]:
        """Accept, trade what crosses, then rest the remainder (or cancel it, for a market order)."""
        order_id, account, side, type_ = command.order_id, command.account, command.side, command.type
        price, quantity, time_ms = command.price, command.quantity, command.time_ms
        if quantity <= 0 or price <= 0 or order_id in self.orders:
            raise InvariantError(f"cannot be accepted: {command!r}")
        events: list[Event] = [Accepted(order_id, account, side, type_, price, quantity, time_ms)]
        remainder, value, reason = self._trade(order_id, account, side, price, quantity, time_ms, events)
        if remainder:
            if reason is None and type_ is LIMIT:
                filled = quantity - remainder
                self._rest(
                    Order(order_id, account, side, type_, price, quantity, filled, value, command.sequence)
                )
            else:
                reason = reason or MARKET_REMAINDER
                events.append(Canceled(order_id, account, side, price, remainder, reason))
        return events

    def amend(self, command: Amend) -> list[Event]:
        """A lower quantity keeps the place in time; a new price or a higher quantity takes a new one."""
        order = self.orders.get(command.order_id)
        if order is None or order.account != command.account:
            return [self._refuse(command, RejectCode.ORDER_NOT_OPEN)]
        price = order.price if command.price is None else command.price
        quantity = order.quantity if command.quantity is None else command.quantity
        if quantity <= order.filled:
            return [self._refuse(command, RejectCode.INVALID_QUANTITY)]
        require(price > 0, f"cannot be applied: {command!r}")
        events: list[Event] = [
            Amended(
                order_id=order.order_id,
                account=order.account,
                side=order.side,
                old_price=order.price,
                old_open_quantity=order.open_quantity,
                price=price,
                quantity=quantity,
                open_quantity=quantity - order.filled,
                extra_hold=command.extra_hold,
            )
        ]
        if price == order.price and quantity <= order.quantity:
            order.level.quantity -= order.quantity - quantity
            order.quantity = quantity
        else:
            self._remove(order)
            order.price, order.quantity, order.priority = price, quantity, command.sequence
            self._place_again(order, command.time_ms, events)
        return events

    def cancel(self, command: Cancel) -> list[Event]:
        order = self.orders.get(command.order_id)
        if order is None or order.account != command.account:
            return [Rejected(command.order_id, command.account, RejectCode.ORDER_NOT_OPEN)]
        return [self._cancel(order, CancelReason.USER)]

    def cancel_all(self, command: CancelAll) -> list[Event]:
        """Cancel every open order of the account, in time priority."""
        return [self._cancel(order, CancelReason.USER) for order in self.orders_of(command.account)]

    def close(self, command: Close) -> list[Event]:
        """Cancel all that rests, in time priority, and close."""
        return [*self.close_chunk(len(self.orders)), Closed(self.listing)]

    def close_chunk(self, limit: int) -> list[Canceled]:
        """Cancel up to `limit` resting orders, in time priority; none left to cancel means ready to close."""
        orders = list(islice(self.orders.values(), limit))
        return [self._cancel(order, CancelReason.CLOSED) for order in orders]

    def restore(self, orders: Iterable[Order]) -> None:
        """Rest the open orders of an earlier book in this empty one, without trading."""
        require(not self.orders, "only an empty book is restored")
        for order in sorted(orders, key=lambda order: order.priority):
            require(0 <= order.filled < order.quantity, f"not open: {order!r}")
            require(order.price > 0 and order.type is LIMIT, f"cannot rest: {order!r}")
            require(order.order_id not in self.orders, f"twice in the book: {order!r}")
            self._rest(order)
        bid, ask = self.best_bid, self.best_ask
        require(bid is None or ask is None or bid < ask, f"crossed book: bid {bid}, ask {ask}")

    # Views

    @property
    def best_bid(self) -> int | None:
        return None if self._bids.top is None else self._bids.top.price

    @property
    def best_ask(self) -> int | None:
        return None if self._asks.top is None else self._asks.top.price

    def depth(self, side: Side, levels: int | None = None) -> list[Level]:
        """(price, quantity, order count) of the best levels (or of all), best first."""
        return self._ladder(side).depth(levels)

    def orders_of(self, account: Account) -> list[Order]:
        """The account's open orders, in time priority."""
        return list(self._by_account.get(account, {}).values())

    def digest(self) -> int:
        """One number for all that rests; two books with the same orders have the same, in any order."""
        return sum(map(order_digest, self.orders.values())) % DIGEST_MODULUS

    # Matching

    def _trade(
        self,
        taker: OrderId,
        account: Account,
        side: Side,
        limit: int,
        open_quantity: int,
        time_ms: int,
        events: list[Event],
    ) -> tuple[int, int, CancelReason | None]:
        """Trade a taker as far as prices cross.

        Returns what is still open of it, the value traded, and why that rest must be canceled, if it must.
        """
        ladder = self._asks if side is BUY else self._bids
        limit_key = ladder.sign * limit
        level = ladder.top
        value = 0
        while open_quantity and level is not None and level.key >= limit_key:
            maker = level.first
            assert maker is not None  # the top level is never empty
            if maker.account == account:
                return open_quantity, value, SELF_TRADE
            price = level.price
            maker_open = maker.quantity - maker.filled
            quantity = maker_open if maker_open < open_quantity else open_quantity  # noqa: FURB136 (min is slower)
            maker_open -= quantity
            open_quantity -= quantity
            events.append(
                Traded(
                    maker.order_id,
                    taker,
                    maker.account,
                    account,
                    side,
                    price,
                    quantity,
                    limit,
                    time_ms,
                    maker_open,
                    open_quantity,
                )
            )
            level.quantity -= quantity
            maker.filled += quantity
            maker.filled_value += price * quantity
            value += price * quantity
            if not maker_open:
                self._remove(maker)
                level = ladder.top
        return open_quantity, value, None

    def _place_again(self, order: Order, time_ms: int, events: list[Event]) -> None:
        """Trade what an amended order crosses now, then rest its remainder."""
        remainder, value, reason = self._trade(
            order.order_id, order.account, order.side, order.price, order.open_quantity, time_ms, events
        )
        order.filled = order.quantity - remainder
        order.filled_value += value
        if reason is not None:
            events.append(Canceled(order.order_id, order.account, order.side, order.price, remainder, reason))
        elif remainder:
            self._rest(order)

    def _rest(self, order: Order) -> None:
        if order.priority <= self._last_priority:
            raise InvariantError(f"priority does not rise: {order!r}")
        self._last_priority = order.priority
        self.orders[order.order_id] = order
        own = self._by_account.get(order.account)
        if own is None:
            own = self._by_account[order.account] = {}
        own[order.order_id] = order
        (self._bids if order.side is BUY else self._asks).append(order)

    def _remove(self, order: Order) -> None:
        order_id = order.order_id
        del self.orders[order_id]
        del self._by_account[order.account][order_id]
        (self._bids if order.side is BUY else self._asks).remove(order)

    def _cancel(self, order: Order, reason: CancelReason) -> Canceled:
        self._remove(order)
        return Canceled(order.order_id, order.account, order.side, order.price, order.open_quantity, reason)

    def _ladder(self, side: Side) -> Ladder:
        return self._bids if side is BUY else self._asks

    @staticmethod
    def _refuse(command: Amend, code: RejectCode) -> AmendRejected:
        return AmendRejected(command.order_id, command.account, command.side, code, command.extra_hold)


def order_digest(order: Order) -> int:
    """The order's share of its book's digest."""
    return crc32(
        f"{order.order_id}:{order.account}:{order.side}:{order.price}:{order.quantity}:{order.filled}"
        f":{order.filled_value}:{order.priority}".encode()
    )
