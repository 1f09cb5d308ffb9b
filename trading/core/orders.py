"""Orders as the book holds them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trading.core.depth import PriceLevel

OrderId = Hashable
Account = Hashable


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    LIMIT = "limit"
    MARKET = "market"


class OrderStatus(StrEnum):
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"


@dataclass(slots=True, eq=False)
class Order:
    """One accepted order. Prices in won, quantities in shares.

    `price` is the limit, or the protection price of a market order. `quantity` is the total, the filled
    part included. `filled_value` is the sum of trade price × traded quantity. `priority` is the sequence
    that gave the order its place in time: its own, or that of the amend which lost the place.
    """

    order_id: OrderId
    account: Account
    side: Side
    type: OrderType
    price: int
    quantity: int
    filled: int = 0
    filled_value: int = 0
    priority: int = 0
    # The order's place in its price level: set by the ladder it rests in, meaningless outside of it.
    level: PriceLevel = field(init=False, repr=False)
    before: Order | None = field(init=False, repr=False)
    after: Order | None = field(init=False, repr=False)

    @property
    def open_quantity(self) -> int:
        return self.quantity - self.filled

    @property
    def status(self) -> OrderStatus:
        """What the fills alone say; an order that was canceled or rejected is no longer in a book."""
        if self.filled == 0:
            return OrderStatus.OPEN
        return OrderStatus.FILLED if self.filled == self.quantity else OrderStatus.PARTIALLY_FILLED
