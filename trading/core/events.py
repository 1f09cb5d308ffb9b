"""What a book answers. Every change of an order, of money and of shares can be read from these alone."""

from __future__ import annotations

from collections.abc import Hashable
from enum import StrEnum

from trading.core.orders import Account, OrderId, OrderType, Side
from trading.core.records import record
from trading.core.rejects import RejectCode


class CancelReason(StrEnum):
    USER = "user"
    SELF_TRADE = "self_trade"
    MARKET_REMAINDER = "market_remainder"
    CLOSED = "closed"


@record
class Accepted:
    order_id: OrderId
    account: Account
    side: Side
    type: OrderType
    price: int
    quantity: int
    time_ms: int


@record
class Rejected:
    """A refused submit or cancel. It never held anything in the book, so it releases nothing here."""

    order_id: OrderId
    account: Account
    code: RejectCode


@record
class Traded:
    """One fill, at the maker's price. `maker` and `taker` are order ids.

    `taker_price` is the taker's limit or protection price (a buy taker held that much a share).
    The open quantities are those after this fill: at zero the order is filled and has ended.
    """

    maker: OrderId
    taker: OrderId
    maker_account: Account
    taker_account: Account
    taker_side: Side
    price: int
    quantity: int
    taker_price: int
    time_ms: int
    maker_open_quantity: int
    taker_open_quantity: int


@record
class Canceled:
    """`quantity` is the remainder that was canceled, `price` what was held for each share of it."""

    order_id: OrderId
    account: Account
    side: Side
    price: int
    quantity: int
    reason: CancelReason


@record
class Amended:
    """Released: hold of the old price and open quantity + `extra_hold` − hold of the new ones."""

    order_id: OrderId
    account: Account
    side: Side
    old_price: int
    old_open_quantity: int
    price: int
    quantity: int
    open_quantity: int
    extra_hold: int


@record
class AmendRejected:
    """An amend that lost the race against a fill or a cancel; its extra hold is released."""

    order_id: OrderId
    account: Account
    side: Side
    code: RejectCode
    extra_hold: int


@record
class Closed:
    listing: Hashable


Event = Accepted | Rejected | Traded | Canceled | Amended | AmendRejected | Closed
