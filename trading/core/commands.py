"""What a listing's stream tells its book to do. `sequence` rises by one with each command of a listing."""

from __future__ import annotations

from trading.core.orders import Account, OrderId, OrderType, Side
from trading.core.records import record


@record
class Submit:
    """A new order. `sequence` is its time priority; `price` of a market order is its protection price."""

    sequence: int
    order_id: OrderId
    account: Account
    side: Side
    type: OrderType
    price: int
    quantity: int
    time_ms: int


@record
class Amend:
    """Change price, total quantity (filled part included) or both; None leaves as is.

    `side` is the order's side: a late refusal must release `extra_hold` (won for a buy, shares for a sell)
    even when the order is no longer in the book.
    """

    sequence: int
    order_id: OrderId
    account: Account
    side: Side
    price: int | None
    quantity: int | None
    extra_hold: int
    time_ms: int


@record
class Cancel:
    sequence: int
    order_id: OrderId
    account: Account
    time_ms: int


@record
class CancelAll:
    """Cancel every open order of the account in this listing."""

    sequence: int
    account: Account
    time_ms: int


@record
class Close:
    """The end marker: nothing follows it in a listing's stream."""

    sequence: int
    time_ms: int


Command = Submit | Amend | Cancel | CancelAll | Close
