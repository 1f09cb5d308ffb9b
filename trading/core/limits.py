"""How large an order may be. Keeps every product and balance far below 2**53, which the gate's Lua needs."""

from __future__ import annotations

MAX_QUANTITY = 10**9
MAX_VALUE = 10**13
MAX_OPEN_ORDERS = 1500


def is_too_large(price: int, quantity: int) -> bool:
    """Whether the order is `order_too_large`; `price` of a market order is its protection price."""
    return quantity > MAX_QUANTITY or price * quantity >= MAX_VALUE
