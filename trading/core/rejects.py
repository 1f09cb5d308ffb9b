"""Why a command was refused: one enum, in order of precedence."""

from __future__ import annotations

from enum import StrEnum


class RejectCode(StrEnum):
    """Every refusal code of the outside contract; where several apply, the first one here is given.

    The edge (order entry and gate) gives the first block and the last, the trading rules the one between.
    """

    CSRF_FAILED = "csrf_failed"
    INVALID_REQUEST = "invalid_request"
    NOT_AUTHENTICATED = "not_authenticated"
    CLIENT_ORDER_ID_REUSED = "client_order_id_reused"
    RATE_LIMITED = "rate_limited"

    UNKNOWN_SYMBOL = "unknown_symbol"
    ORDER_NOT_FOUND = "order_not_found"
    ORDER_NOT_OPEN = "order_not_open"
    AMEND_PENDING = "amend_pending"
    MARKET_CLOSED = "market_closed"
    MARKET_PAUSED = "market_paused"
    HALTED = "halted"
    INVALID_QUANTITY = "invalid_quantity"
    ORDER_TOO_LARGE = "order_too_large"
    INVALID_TICK = "invalid_tick"
    PRICE_OUT_OF_RANGE = "price_out_of_range"
    TOO_MANY_OPEN_ORDERS = "too_many_open_orders"
    INSUFFICIENT_CASH = "insufficient_cash"
    INSUFFICIENT_SHARES = "insufficient_shares"

    RECOVERING = "recovering"
    OVERLOADED = "overloaded"
    OUTCOME_UNKNOWN = "outcome_unknown"
