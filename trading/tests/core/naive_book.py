"""The book as one would explain it: one list of orders, searched for the best each time. Slow and obvious."""

from __future__ import annotations

from dataclasses import dataclass

from trading.core.commands import Amend, Cancel, CancelAll, Close, Command, Submit
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
from trading.core.orders import Account, OrderId, OrderType, Side
from trading.core.rejects import RejectCode


@dataclass(eq=False)
class NaiveOrder:
    order_id: OrderId
    account: Account
    side: Side
    type: OrderType
    price: int
    quantity: int
    priority: int
    filled: int = 0
    filled_value: int = 0

    @property
    def open_quantity(self) -> int:
        return self.quantity - self.filled


class NaiveBook:
    def __init__(self, listing: str) -> None:
        self.listing = listing
        self.resting: list[NaiveOrder] = []

    def apply(self, command: Command) -> list[Event]:
        match command:
            case Submit():
                order = NaiveOrder(
                    command.order_id,
                    command.account,
                    command.side,
                    command.type,
                    command.price,
                    command.quantity,
                    command.sequence,
                )
                accepted = Accepted(
                    order.order_id,
                    order.account,
                    order.side,
                    order.type,
                    order.price,
                    order.quantity,
                    command.time_ms,
                )
                return [accepted, *self.place(order, command.time_ms)]
            case Amend():
                return self.amend(command)
            case Cancel():
                order = self.find(command.order_id, command.account)
                if order is None:
                    return [Rejected(command.order_id, command.account, RejectCode.ORDER_NOT_OPEN)]
                return [self.cancel(order, CancelReason.USER)]
            case CancelAll():
                own = [order for order in self.by_priority() if order.account == command.account]
                return [self.cancel(order, CancelReason.USER) for order in own]
            case Close():
                canceled = [self.cancel(order, CancelReason.CLOSED) for order in self.by_priority()]
                return [*canceled, Closed(self.listing)]

    def by_priority(self) -> list[NaiveOrder]:
        return sorted(self.resting, key=lambda order: order.priority)

    def find(self, order_id: OrderId, account: Account) -> NaiveOrder | None:
        for order in self.resting:
            if order.order_id == order_id and order.account == account:
                return order
        return None

    def cancel(self, order: NaiveOrder, reason: CancelReason) -> Canceled:
        if order in self.resting:
            self.resting.remove(order)
        return Canceled(order.order_id, order.account, order.side, order.price, order.open_quantity, reason)

    def amend(self, command: Amend) -> list[Event]:
        order = self.find(command.order_id, command.account)
        price = command.price or (order.price if order else 0)
        quantity = command.quantity if command.quantity is not None else (order.quantity if order else 0)
        if order is None or quantity <= order.filled:
            code = RejectCode.ORDER_NOT_OPEN if order is None else RejectCode.INVALID_QUANTITY
            return [AmendRejected(command.order_id, command.account, command.side, code, command.extra_hold)]
        amended = Amended(
            order.order_id,
            order.account,
            order.side,
            order.price,
            order.open_quantity,
            price,
            quantity,
            quantity - order.filled,
            command.extra_hold,
        )
        loses_its_place = price != order.price or quantity > order.quantity
        order.price, order.quantity = price, quantity
        if not loses_its_place:
            return [amended]
        order.priority = command.sequence
        self.resting.remove(order)
        return [amended, *self.place(order, command.time_ms)]

    def best_against(self, order: NaiveOrder) -> NaiveOrder | None:
        side, limit = order.side, order.price
        if side is Side.BUY:
            others = [other for other in self.resting if other.side is not side and other.price <= limit]
            return min(others, key=lambda other: (other.price, other.priority), default=None)
        others = [other for other in self.resting if other.side is not side and other.price >= limit]
        return min(others, key=lambda other: (-other.price, other.priority), default=None)

    def place(self, order: NaiveOrder, time_ms: int) -> list[Event]:
        events: list[Event] = []
        while order.open_quantity > 0:
            best = self.best_against(order)
            if best is None:
                if order.type is OrderType.MARKET:
                    return [*events, self.cancel(order, CancelReason.MARKET_REMAINDER)]
                self.resting.append(order)
                return events
            if best.account == order.account:
                return [*events, self.cancel(order, CancelReason.SELF_TRADE)]
            quantity = min(best.open_quantity, order.open_quantity)
            for party in (best, order):
                party.filled += quantity
                party.filled_value += best.price * quantity
            events.append(
                Traded(
                    maker=best.order_id,
                    taker=order.order_id,
                    maker_account=best.account,
                    taker_account=order.account,
                    taker_side=order.side,
                    price=best.price,
                    quantity=quantity,
                    taker_price=order.price,
                    time_ms=time_ms,
                    maker_open_quantity=best.open_quantity,
                    taker_open_quantity=order.open_quantity,
                )
            )
            if best.open_quantity == 0:
                self.resting.remove(best)
        return events

    def depth(self, side: Side) -> list[tuple[int, int, int]]:
        orders = [order for order in self.resting if order.side is side]
        prices = sorted({order.price for order in orders}, reverse=side is Side.BUY)
        levels = []
        for price in prices:
            quantities = [order.open_quantity for order in orders if order.price == price]
            levels.append((price, sum(quantities), len(quantities)))
        return levels
