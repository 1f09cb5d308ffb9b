"""What the gate answers, and how its requests are put as script arguments."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

_ORDER_ID = re.compile(r"([1-9]\d{0,11})-([1-9]\d{0,8})-([1-9]\d{0,9})", re.ASCII)
_LARGEST = 10**15  # beyond every limit of the rules, and exact as a Lua number


@dataclass(frozen=True, slots=True)
class Accepted:
    """The gate took the command: it is in the log and will be applied once or end with a recorded reason.

    `wake` lists the listings whose engine has to be woken.
    """

    order_id: str
    duplicate: bool = False
    wake: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The gate refused the command; nothing was written. `retry_after_ms` goes with `rate_limited`."""

    code: str
    retry_after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Balances:
    """What an account has available in one market. `cash` is None before its first order there."""

    cash: int | None
    shares: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GateOrder:
    """An open order as the gate knows it: as far as its fills have been published."""

    order_id: str
    listing_id: int
    side: str
    price: int
    quantity: int
    filled: int


@dataclass(frozen=True, slots=True)
class HeldOrder:
    """What the gate recorded when it accepted an order: enough to give its hold back."""

    account: int
    epoch: int
    side: str
    type: str
    price: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Opening:
    """What decides whether a listing takes orders: its market's times, and what has stopped it.

    `is_closed`: the market was closed or suspended; `is_paused`: it stands still; `is_halted`: this listing alone.
    """

    opens_at: int
    closes_at: int
    is_closed: bool
    is_paused: bool
    is_halted: bool

    def status(self, time_ms: int) -> str:
        """Return `halted`, `paused`, `preparing`, `trading` or `closed`: what the listing is at `time_ms`."""
        if self.is_halted:
            return "halted"
        if self.is_paused and not self.is_closed:
            return "paused"
        if time_ms < self.opens_at:
            return "preparing"
        return "closed" if self.is_closed or time_ms >= self.closes_at else "trading"


@dataclass(frozen=True, slots=True)
class Who:
    """Whose command it is: a session (a player at the door) or an account (bots, forms, tests).

    Bots have limits of their own; `is_limited=False` lifts that of the rate.
    """

    session: str = ""
    account: int | None = None
    is_limited: bool = True
    is_bot: bool = False

    def arguments(self) -> list[str]:
        """Return the script's first two arguments."""
        return [self.session, "" if self.account is None else str(self.account)]

    def rate(self) -> list[int]:
        """Return tokens a second and burst; a burst of 0 means no limit."""
        if not self.is_limited:
            return [0, 0]
        if self.is_bot:
            return [settings.BOT_ORDER_RATE_PER_SECOND, settings.BOT_ORDER_RATE_BURST]
        return [settings.ORDER_RATE_PER_SECOND, settings.ORDER_RATE_BURST]

    def open_orders_max(self) -> int:
        """Return how many open orders the account may have."""
        return int(settings.BOT_MAX_OPEN_ORDERS if self.is_bot else settings.MAX_OPEN_ORDERS)


def bounded(number: int) -> int:
    """Return a number that Lua holds exactly; what is cut here is refused by the rules all the same."""
    return max(-_LARGEST, min(_LARGEST, number))


def order_id_parts(order_id: str) -> tuple[str, str, str] | None:
    """Return listing, epoch and sequence of an order id, or None when it cannot be one."""
    match = _ORDER_ID.fullmatch(order_id)
    return (match[1], match[2], match[3]) if match else None


def submit_arguments(
    who: Who, client_order_id: str, symbol: str, side: str, order_type: str, price: int | None, quantity: int
) -> list[Any]:
    """Return the arguments of the submit script; the fingerprint tells another body under the same id."""
    body = f"{symbol} {side} {order_type} {'' if price is None else price} {quantity}"
    fingerprint = hashlib.blake2b(body.encode(), digest_size=8).hexdigest()
    return [
        *who.arguments(), symbol, side, order_type, "" if price is None else bounded(price), bounded(quantity),
        client_order_id, fingerprint, *who.rate(), who.open_orders_max(), settings.STREAM_LIMIT,
    ]  # fmt: skip


def amend_arguments(
    who: Who, parts: tuple[str, str, str], price: int | None, quantity: int | None
) -> list[Any]:
    """Return the arguments of the amend script."""
    terms = ["" if value is None else bounded(value) for value in (price, quantity)]
    return [*who.arguments(), *parts, *terms, *who.rate(), settings.STREAM_LIMIT]


def cancel_arguments(who: Who, parts: tuple[str, str, str]) -> list[Any]:
    """Return the arguments of the cancel script."""
    return [*who.arguments(), *parts, *who.rate(), settings.STREAM_LIMIT]


def cancel_all_arguments(who: Who, symbol: str | None) -> list[Any]:
    """Return the arguments of the cancel-all script."""
    return [*who.arguments(), symbol or "", *who.rate(), settings.STREAM_LIMIT]


def parse(answer: list[Any]) -> Accepted | Refused:
    """Read a script's answer."""
    if answer[0] == b"no":
        extra = answer[2]
        return Refused(answer[1].decode(), int(extra) if extra != b"" else None)
    _, order_id, duplicate, listing, wake, *more = answer
    pairs = [(listing, wake), *zip(more[::2], more[1::2], strict=True)]
    woken = tuple(int(listing) for listing, wake in pairs if wake)
    return Accepted(order_id.decode(), bool(duplicate), woken)
