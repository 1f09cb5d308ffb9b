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

BUY, SELL = Side.BUY, Side.SELL
MARKET = OrderType.MARKET


class Book:
    """`orders` holds the open resting orders in time priority, by order id."""

    def __init__(self, listing: Hashable) -> None:
        self.listing = listing
        self.orders: dict[OrderId, Order] = {}
        self._bids = Ladder(BUY)
        self._asks = Ladder(SELL)
        self._by_account: dict[Account, dict[OrderId, Order]] = {}
        self._last_priority = -1

    # Commands

    def apply(self, command: Command) -> list[Event]:
        kind = type(command)
        if kind is Submit:
            return self.submit(command)  # type: ignore[arg-type]
        if kind is Cancel:
            return self.cancel(command)  # type: ignore[arg-type]
        if kind is Amend:
            return self.amend(command)  # type: ignore[arg-type]
        if kind is CancelAll:
            return self.cancel_all(command)  # type: ignore[arg-type]
        if kind is Close:
            return self.close(command)  # type: ignore[arg-type]
        raise InvariantError(f"not a command: {command!r}")

    def submit(self, command: Submit) -> list[Event]:
        """Accept, trade what crosses, then rest the remainder (or cancel it, for a market order)."""
        order_id, account, side = command.order_id, command.account, command.side
        price, quantity = command.price, command.quantity
        if order_id in self.orders or quantity <= 0 or price <= 0:
            raise InvariantError(f"cannot be accepted: {command!r}")
        events: list[Event] = [
            Accepted(
                order_id, account, side, command.type, price, quantity, command.time_ms
            )
        ]
        order = Order(
            order_id,
            account,
            side,
            command.type,
            price,
            quantity,
            0,
            0,
            command.sequence,
        )
        self._place(order, command.time_ms, events)
        return events

    def amend(self, command: Amend) -> list[Event]:
        """A lower quantity keeps the place in time; a new price or a higher quantity takes a new one."""
        order = self.orders.get(command.order_id)
        if order is None or order.account != command.account:
            return [self._refuse_amend(command, RejectCode.ORDER_NOT_OPEN)]
        old_price, old_open_quantity = order.price, order.quantity - order.filled
        price = old_price if command.price is None else command.price
        quantity = order.quantity if command.quantity is None else command.quantity
        if quantity <= order.filled:
            return [self._refuse_amend(command, RejectCode.INVALID_QUANTITY)]
        require(price > 0, "an amended price is positive")
        events: list[Event] = [
            Amended(
                order_id=order.order_id,
                account=order.account,
                side=order.side,
                old_price=old_price,
                old_open_quantity=old_open_quantity,
                price=price,
                quantity=quantity,
                open_quantity=quantity - order.filled,
                extra_hold=command.extra_hold,
            )
        ]
        if price == old_price and quantity <= order.quantity:
            assert order.level is not None
            order.level.quantity -= order.quantity - quantity
            order.quantity = quantity
        else:
            self._remove(order)
            order.price, order.quantity, order.priority = (
                price,
                quantity,
                command.sequence,
            )
            self._place(order, command.time_ms, events)
        return events

    def cancel(self, command: Cancel) -> list[Event]:
        order = self.orders.get(command.order_id)
        if order is None or order.account != command.account:
            return [
                Rejected(command.order_id, command.account, RejectCode.ORDER_NOT_OPEN)
            ]
        return [self._cancel(order, CancelReason.USER)]

    def cancel_all(self, command: CancelAll) -> list[Event]:
        """Cancel every open order of the account, in time priority."""
        orders = self._by_account.get(command.account, {})
        return [
            self._cancel(order, CancelReason.USER) for order in list(orders.values())
        ]

    def close(self, command: Close) -> list[Event]:
        """Cancel all that rests, in time priority, and close."""
        return [*self.close_chunk(len(self.orders)), Closed(self.listing)]

    def close_chunk(self, limit: int) -> list[Canceled]:
        """Cancel up to `limit` resting orders, in time priority; nothing left means ready to close."""
        orders = list(islice(self.orders.values(), limit))
        return [self._cancel(order, CancelReason.CLOSED) for order in orders]

    def restore(self, orders: Iterable[Order]) -> None:
        """Rest the open orders of an earlier book in this empty one, without trading."""
        require(not self.orders, "only an empty book is restored")
        for order in sorted(orders, key=lambda order: order.priority):
            require(
                order.filled < order.quantity and order.filled >= 0,
                f"not open: {order!r}",
            )
            require(
                order.price > 0 and order.type is not MARKET, f"cannot rest: {order!r}"
            )
            require(order.order_id not in self.orders, f"twice in the book: {order!r}")
            self._rest(order)
        bid, ask = self.best_bid, self.best_ask
        require(
            bid is None or ask is None or bid < ask,
            f"crossed book: bid {bid}, ask {ask}",
        )

    # Views

    @property
    def best_bid(self) -> int | None:
        level = self._bids.best()
        return None if level is None else level.price

    @property
    def best_ask(self) -> int | None:
        level = self._asks.best()
        return None if level is None else level.price

    def depth(self, side: Side, levels: int) -> list[Level]:
        """(price, quantity, order count) of the best levels, best first."""
        return (self._bids if side is BUY else self._asks).depth(levels)

    def digest(self) -> int:
        """One number for all that rests; two books with the same orders have the same, in any order."""
        return sum(map(order_digest, self.orders.values())) % DIGEST_MODULUS

    # Matching

    def _place(self, order: Order, time_ms: int, events: list[Event]) -> None:
        """Trade what crosses, then rest or cancel the remainder."""
        met_own_order = self._trade(order, time_ms, events)
        remainder = order.quantity - order.filled
        if remainder == 0:
            return
        if met_own_order:
            reason = CancelReason.SELF_TRADE
        elif order.type is MARKET:
            reason = CancelReason.MARKET_REMAINDER
        else:
            self._rest(order)
            return
        events.append(
            Canceled(
                order.order_id,
                order.account,
                order.side,
                order.price,
                remainder,
                reason,
            )
        )

    def _trade(self, taker: Order, time_ms: int, events: list[Event]) -> bool:
        """Fill the taker as far as prices cross. True when an order of the taker's own stopped it."""
        ladder = self._asks if taker.side is BUY else self._bids
        level = ladder.best()
        limit_key = ladder.sign * taker.price
        if level is None or level.key < limit_key:
            return False
        open_quantity = taker.quantity - taker.filled
        while level is not None and level.key >= limit_key and open_quantity:
            maker = level.first
            assert maker is not None
            if maker.account == taker.account:
                return True
            maker_open = maker.quantity - maker.filled
            quantity = min(open_quantity, maker_open)
            price = maker.price
            maker_open -= quantity
            open_quantity -= quantity
            value = price * quantity
            events.append(
                Traded(
                    maker.order_id,
                    taker.order_id,
                    maker.account,
                    taker.account,
                    taker.side,
                    price,
                    quantity,
                    taker.price,
                    time_ms,
                    maker_open,
                    open_quantity,
                )
            )
            taker.filled += quantity
            taker.filled_value += value
            if maker_open == 0:
                self._remove(maker)
            else:
                level.quantity -= quantity
            maker.filled += quantity
            maker.filled_value += value
            level = ladder.best()
        return False

    def _rest(self, order: Order) -> None:
        if order.priority <= self._last_priority:
            raise InvariantError(f"priority does not rise: {order!r}")
        self._last_priority = order.priority
        self.orders[order.order_id] = order
        try:
            self._by_account[order.account][order.order_id] = order
        except KeyError:
            self._by_account[order.account] = {order.order_id: order}
        (self._bids if order.side is BUY else self._asks).append(order)

    def _remove(self, order: Order) -> None:
        del self.orders[order.order_id]
        del self._by_account[order.account][order.order_id]
        (self._bids if order.side is BUY else self._asks).remove(order)

    def _cancel(self, order: Order, reason: CancelReason) -> Canceled:
        self._remove(order)
        remainder = order.quantity - order.filled
        return Canceled(
            order.order_id, order.account, order.side, order.price, remainder, reason
        )

    @staticmethod
    def _refuse_amend(command: Amend, code: RejectCode) -> AmendRejected:
        return AmendRejected(
            command.order_id, command.account, command.side, code, command.extra_hold
        )


DIGEST_MODULUS = 2**63


def order_digest(order: Order) -> int:
    """The order's share of its book's digest."""
    open_quantity = order.quantity - order.filled
    return crc32(
        f"{order.order_id}:{order.price}:{open_quantity}:{order.priority}".encode()
    )
