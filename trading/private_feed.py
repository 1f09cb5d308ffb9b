"""What only one player is told: orders, fills, late refusals, and how the account stands.

Orders and fills are never held back. The account is sent to whoever is looking, at once and then at most four
times a second: it says how things stand, so what lies between is worth nothing.
"""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import Any

import redis

from accounts.models import User
from stocking.base import stream
from trading.models import SEQUENCE_BITS, Order
from trading.projection import LateRefusal, OrderRow, TradeRow
from trading.selectors.accounts import accounts_get
from trading.selectors.orders import order_as_dict

logger = logging.getLogger(__name__)

ACCOUNT_INTERVAL_SECONDS = 0.25
USERS_A_STEP = 500
Message = tuple[int, dict[str, Any]]


def order_messages(orders: Iterable[OrderRow], symbol: str) -> list[Message]:
    """Return for each order what its owner is told of it."""
    return [(row.user_id, {"kind": "order", **order_as_dict(row, symbol)}) for row in orders]  # type: ignore[arg-type]


def fill_messages(trades: Iterable[TradeRow], symbol: str, bots: frozenset[int]) -> Iterator[Message]:
    """Return for each trade what its two sides are told; bots are told nothing."""
    for trade in trades:
        for order, role in ((trade.maker, "maker"), (trade.taker, "taker")):
            if order.user_id not in bots:
                yield (
                    order.user_id,
                    {
                        "kind": "fill",
                        "trade_id": trade.id,
                        "order_id": order.public_id,
                        "symbol": symbol,
                        "side": order.side,
                        "price": trade.price,
                        "quantity": trade.quantity,
                        "role": role,
                        "traded_at": trade.traded_at,
                    },
                )


def refusal_messages(refusals: Iterable[LateRefusal], listing_id: int, symbol: str) -> Iterator[Message]:
    """Return what is told of cancels and amends that came too late, with the order as the ledger has it."""
    late = {listing_id << SEQUENCE_BITS | refusal.sequence: refusal for refusal in refusals}
    for order in Order.objects.filter(pk__in=late) if late else ():
        refusal = late[order.pk]
        yield refusal.user_id, {"kind": "order", **order_as_dict(order, symbol), "code": refusal.code}


class AccountFeed:
    """Collects whose account has changed, and tells those of them who are looking."""

    def __init__(self) -> None:
        self._changed: set[int] = set()
        self._sent_at = 0.0

    def add(self, users: Iterable[int]) -> None:
        """Note that these accounts have changed."""
        self._changed.update(users)

    def wait_seconds(self) -> float | None:
        """Return how long until `send` is due; None while nothing has changed."""
        if not self._changed:
            return None
        return max(0.0, self._sent_at + ACCOUNT_INTERVAL_SECONDS - time.monotonic())

    def send(self) -> None:
        """Tell everyone whose account has changed and who has a socket open."""
        users, self._changed = sorted(self._changed), set()
        self._sent_at = time.monotonic()
        for start in range(0, len(users), USERS_A_STEP):
            self._send(users[start : start + USERS_A_STEP])

    @staticmethod
    def _send(users: list[int]) -> None:
        try:
            counts = stream.subscriber_counts(f"me:{user_id}" for user_id in users)
            watching = [int(topic.split(":")[1]) for topic, count in counts.items() if count]
            if watching:
                accounts = accounts_get(User.objects.filter(pk__in=watching))
                messages = [(user.pk, {"kind": "account", **account}) for user, account in accounts]
                stream.publish_private("me", messages)
        except (redis.RedisError, OSError) as error:
            logger.warning("The bus did not take accounts: %s", error)
