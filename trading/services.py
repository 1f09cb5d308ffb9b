"""What may be done to a market and to orders. Services write; refusals are `ApplicationError(code)`."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction

from stocking.base.errors import ApplicationError
from trading import feed
from trading.core.ticks import daily_limits
from trading.gate.answers import Accepted, Refused, Who
from trading.gate.client import gate
from trading.models import Company, Holding, Listing, Market, Outbox, Portfolio
from trading.recovery import gate_ensure_open, market_load
from trading.wake import listings_wake

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a bot begins a market with: cash in won and shares by symbol."""

    user_id: int
    cash: int
    shares: Mapping[str, int]


def market_create(
    *, companies: Iterable[Company], opens_at: int, closes_at: int, initial_cash: int
) -> Market:
    """Create the ledger's rows of one game's trading session; the gate learns of it by `market_register`."""
    if closes_at <= opens_at:
        raise ValueError("a market closes after it opens")
    with transaction.atomic():
        market = Market.objects.create(opens_at=opens_at, closes_at=closes_at, initial_cash=initial_cash)
        for company in companies:
            lower, upper = daily_limits(company.base_price)
            Listing.objects.create(
                market=market,
                company=company,
                symbol=company.symbol,
                base_price=company.base_price,
                lower_limit=lower,
                upper_limit=upper,
                last_price=company.base_price,
            )
    return market


def market_grant(*, market: Market, grants: Iterable[Grant]) -> None:
    """Give bots their cash and shares before the market is registered; a repeat changes nothing."""
    grants = sorted(grants, key=lambda grant: grant.user_id)
    listings = {listing.symbol: listing for listing in market.listings.all()}
    Portfolio.objects.bulk_create(
        [Portfolio(market=market, user_id=g.user_id, initial_cash=g.cash, cash=g.cash) for g in grants],
        ignore_conflicts=True,
    )
    Holding.objects.bulk_create(
        [
            Holding(
                listing=listings[symbol],
                user_id=grant.user_id,
                granted=quantity,
                quantity=quantity,
                cost=quantity * listings[symbol].base_price,
            )
            for grant in grants
            for symbol, quantity in sorted(grant.shares.items())
        ],
        ignore_conflicts=True,
    )


def market_register(*, market: Market) -> bool:
    """Let the gate serve a market: times, listings, balances. Idempotent; returns whether it serves it now."""
    client = gate()
    if not gate_ensure_open():
        listings_wake(market.listings.all())
        return False
    if client.serves(market.pk):
        return True
    if market_load(market):
        feed.market_began(list(market.listings.select_related("company", "market").order_by("company_id")))
    return client.serves(market.pk)


def market_close(*, market: Market, early: bool = False) -> bool:
    """Write the end marker into every listing's stream; nothing is accepted behind it. Idempotent.

    Returns False when it is not time yet by the gate's clock (unless `early`), or while the gate recovers.
    """
    if not gate_ensure_open():
        listings_wake(market.listings.all())
        return False
    answer = gate().run("close_market", market.pk, int(early))
    if answer[0] == b"no":
        return False
    listings_wake(market.listings.all())
    return True


def market_is_drained(*, market: Market) -> bool:
    """Return whether every listing has applied its end marker and cancelled what rested, and the gate released it."""
    listings = list(market.listings.all())
    if not all(listing.is_closed for listing in listings):
        return False
    sequences = gate().sequences([listing.pk for listing in listings])
    return all(sequences[listing.pk][1] in (listing.checkpoint, -1) for listing in listings)


def market_finish(*, market: Market) -> None:
    """Mark a drained market as settled and drop its outbox, which has been applied; the gate forgets it in time."""
    with transaction.atomic():
        Market.objects.filter(pk=market.pk).update(is_settled=True)
        Outbox.objects.filter(listing__market=market).delete()
        accounts = list(Portfolio.objects.filter(market=market).values_list("user_id", flat=True))
        listings = list(market.listings.values_list("pk", flat=True))
    gate().market_retire(market.pk, listings, accounts)


def listing_halt(*, listing: Listing, reason: str) -> None:
    """Refuse new orders and amends in a listing; cancels pass, what was accepted is still applied."""
    Listing.objects.filter(pk=listing.pk).update(is_halted=True, halt_reason=reason[:200])
    gate().halt_set(listing.pk, True)
    _listing_changed(listing)


def listing_resume(*, listing: Listing, reason: str = "") -> None:
    """Accept orders in a halted listing again."""
    Listing.objects.filter(pk=listing.pk).update(is_halted=False, halt_reason=reason[:200])
    gate().halt_set(listing.pk, False)
    _listing_changed(listing)


def _listing_changed(listing: Listing) -> None:
    feed.market_changed([Listing.objects.select_related("company", "market").get(pk=listing.pk)])


def _told(answer: Accepted | Refused) -> Accepted:
    if isinstance(answer, Refused):
        extra = {} if answer.retry_after_ms is None else {"retry_after_ms": answer.retry_after_ms}
        raise ApplicationError(answer.code, **extra)
    listings_wake(answer.wake)
    return answer


def order_submit(
    *,
    account: int,
    client_order_id: str,
    symbol: str,
    side: str,
    type: str,
    price: int | None,
    quantity: int,
    is_limited: bool = True,
) -> Accepted:
    """Place an order through the gate and wake its engine; `is_limited=False` lifts the rate limit (bots)."""
    return _told(
        gate().submit(
            Who(account=account, is_limited=is_limited),
            client_order_id=client_order_id,
            symbol=symbol,
            side=side,
            type=type,
            price=price,
            quantity=quantity,
        )
    )


def order_amend(
    *,
    account: int,
    order_id: str,
    price: int | None = None,
    quantity: int | None = None,
    is_limited: bool = True,
) -> Accepted:
    """Amend an open order; `quantity` is the new total, the filled part included."""
    who = Who(account=account, is_limited=is_limited)
    return _told(gate().amend(who, order_id=order_id, price=price, quantity=quantity))


def order_cancel(*, account: int, order_id: str, is_limited: bool = True) -> Accepted:
    """Cancel an open order."""
    return _told(gate().cancel(Who(account=account, is_limited=is_limited), order_id=order_id))


def orders_cancel_all(*, account: int, symbol: str | None = None, is_limited: bool = True) -> Accepted:
    """Cancel every open order of the account, or those in one listing."""
    return _told(gate().cancel_all(Who(account=account, is_limited=is_limited), symbol=symbol))
