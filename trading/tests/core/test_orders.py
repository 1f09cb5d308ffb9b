from __future__ import annotations

import pytest

from trading.core.limits import MAX_QUANTITY, MAX_VALUE, is_too_large
from trading.core.orders import Order, OrderStatus, OrderType, Side
from trading.core.rejects import RejectCode


def test_opposite() -> None:
    assert Side.BUY.opposite is Side.SELL
    assert Side.SELL.opposite is Side.BUY


@pytest.mark.parametrize(
    ("filled", "open_quantity", "status"),
    [
        (0, 10, OrderStatus.OPEN),
        (4, 6, OrderStatus.PARTIALLY_FILLED),
        (10, 0, OrderStatus.FILLED),
    ],
)
def test_status_and_open_quantity(filled: int, open_quantity: int, status: OrderStatus) -> None:
    order = Order("1", "a", Side.BUY, OrderType.LIMIT, 100, 10, filled)
    assert order.open_quantity == open_quantity
    assert order.status is status


@pytest.mark.parametrize(
    ("price", "quantity", "too_large"),
    [
        (1, MAX_QUANTITY, False),
        (1, MAX_QUANTITY + 1, True),
        (100, MAX_VALUE // 100 - 1, True),  # more shares than allowed, though of less value
        (100_000, MAX_VALUE // 100_000 - 1, False),
        (100_000, MAX_VALUE // 100_000, True),  # exactly the value that is refused
        (-5, 10, False),  # a wrong price is another refusal's matter
        (-5, MAX_QUANTITY + 1, True),
    ],
)
def test_largest_order(price: int, quantity: int, too_large: bool) -> None:
    assert is_too_large(price, quantity) is too_large


def test_codes_stand_in_order_of_precedence() -> None:
    rules = list(RejectCode)[5:19]
    assert rules == [
        "unknown_symbol",
        "order_not_found",
        "order_not_open",
        "amend_pending",
        "market_closed",
        "market_paused",
        "halted",
        "invalid_quantity",
        "order_too_large",
        "invalid_tick",
        "price_out_of_range",
        "too_many_open_orders",
        "insufficient_cash",
        "insufficient_shares",
    ]
