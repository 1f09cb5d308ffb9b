"""What may be done to a market and to orders. Services write; refusals are `ApplicationError(code)`."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import redis
from django.db import transaction
from django.utils.translation import gettext as _

from chat.services import announce
from stocking.base.alarms import alarm
from stocking.base.errors import ApplicationError
from stocking.base.units import now_ms
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
    accounts = list(Portfolio.objects.filter(market=market).values_list("user_id", flat=True))
    gate().market_retire(market.pk, dict(market.listings.values_list("pk", "checkpoint")), accounts)
    with transaction.atomic():
        Market.objects.filter(pk=market.pk).update(is_settled=True)
        Outbox.objects.filter(listing__market=market).delete()


def market_suspend(*, market: Market, reason: str) -> bool:
    """Take no more commands in a market, at once, and tell everybody; True for the one call that stopped it.

    What was accepted is still applied and the market still closes in time, but no results are made of it.
    """
    is_first = bool(
        Market.objects.filter(pk=market.pk, suspended_at=None).update(
            suspended_at=now_ms(), suspension_reason=reason[:300]
        )
    )
    market.refresh_from_db(fields=["suspended_at", "suspension_reason"])
    try:
        gate().suspension_set(market.pk, True)
    except redis.RedisError:  # a gate that is away takes nothing; it is told again by the next audit
        logger.warning("The gate was not told that market %s is suspended.", market.pk, exc_info=True)
    if is_first:
        alarm("market_suspended", f"Market {market.pk} takes no more orders: {reason}")
        announce(
            text=_(
                "게임 #%(number)s의 장부를 확인하느라 거래를 멈췄어요. 주문을 받지 않고, 확인이 끝나면 알려 드릴게요."
            )
            % {"number": market.pk}
        )
        _listings_changed(market)
    return is_first


def market_resume(*, market: Market) -> bool:
    """Take commands in a suspended market again; True for the one call that resumed it."""
    is_first = bool(
        Market.objects.filter(pk=market.pk, suspended_at__isnull=False).update(
            suspended_at=None, suspension_reason=""
        )
    )
    market.refresh_from_db(fields=["suspended_at", "suspension_reason"])
    gate().suspension_set(market.pk, False)
    if is_first:
        logger.warning("Market %s is resumed.", market.pk)
        text = _("게임 #%(number)s의 장부를 확인했어요. 거래를 다시 시작해요.")
        if market.closes_at <= now_ms():
            text = _("게임 #%(number)s의 장부를 확인했어요. 곧 결과가 나와요.")
        announce(text=text % {"number": market.pk})
        _listings_changed(market)
    return is_first


def listing_halt(*, listing: Listing, reason: str, by: Listing.HaltedBy = Listing.HaltedBy.STAFF) -> None:
    """Refuse new orders and amends in a listing; cancels pass, what was accepted is still applied.

    A halt by staff stays until staff lift it, also where the engine had halted the listing before.
    """
    Listing.objects.filter(pk=listing.pk).update(is_halted=True, halt_reason=reason[:200], halted_by=by)
    gate().halt_set(listing.pk, True)
    _listing_changed(listing)


def listing_resume(*, listing: Listing, reason: str = "") -> None:
    """Accept orders in a halted listing again."""
    Listing.objects.filter(pk=listing.pk).update(is_halted=False, halt_reason=reason[:200], halted_by="")
    gate().halt_set(listing.pk, False)
    _listing_changed(listing)


def _listings_changed(market: Market) -> None:
    try:
        feed.market_changed(market.listings.select_related("company", "market"))
    except redis.RedisError:
        logger.warning("The listings' status could not be published.", exc_info=True)


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
    is_bot: bool = False,
) -> Accepted:
    """Place an order through the gate and wake its engine. A bot has limits of its own."""
    return _told(
        gate().submit(
            Who(account=account, is_limited=is_limited, is_bot=is_bot),
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


def order_cancel(*, account: int, order_id: str, is_limited: bool = True, is_bot: bool = False) -> Accepted:
    """Cancel an open order."""
    who = Who(account=account, is_limited=is_limited, is_bot=is_bot)
    return _told(gate().cancel(who, order_id=order_id))


def orders_cancel_all(*, account: int, symbol: str | None = None, is_limited: bool = True) -> Accepted:
    """Cancel every open order of the account, or those in one listing."""
    return _told(gate().cancel_all(Who(account=account, is_limited=is_limited), symbol=symbol))
