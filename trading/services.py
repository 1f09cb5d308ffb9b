"""What may be done to a market and to orders. Services write; refusals are `ApplicationError(code)`."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import redis
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.models import User
from chat.services import announce, text_clean
from stocking.base.alarms import alarm
from stocking.base.errors import ApplicationError
from stocking.base.units import now_ms
from trading import feed
from trading.core.ticks import daily_limits
from trading.gate.answers import Accepted, Refused, Who
from trading.gate.client import gate
from trading.models import Company, Holding, Intervention, Listing, Market, Outbox, Portfolio
from trading.recovery import gate_ensure_open, market_load
from trading.wake import listings_wake

logger = logging.getLogger(__name__)

REASON_CHARACTERS_MAX = 120


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

    Returns False when it is not time yet by the gate's clock (unless `early`), while the market is paused, or while
    the gate recovers. Closed early, the market's times say so: what is valued "at the close" looks at the trades
    before that moment.
    """
    if early:
        _closing_time_bring_forward(market)
    if not gate_ensure_open():
        listings_wake(market.listings.all())
        return False
    answer = gate().run("close_market", market.pk, int(early))
    if answer[0] == b"no":
        return False
    listings_wake(market.listings.all())
    return True


def _closing_time_bring_forward(market: Market) -> None:
    """Let a market that has opened end now, or when it was paused, if it was to end later."""
    market.refresh_from_db(fields=["opens_at", "closes_at", "paused_at", "revision"])
    ends_at = now_ms() if market.paused_at is None else market.paused_at
    if market.opens_at < ends_at < market.closes_at:
        market_reschedule(market=market, closes_at=ends_at, paused_at=None)
    elif market.is_paused:
        market_reschedule(market=market, paused_at=None)


def market_reschedule(*, market: Market, **changes: int | None) -> None:
    """Change when a market opens (`opens_at`) and closes (`closes_at`), or whether it is paused (`paused_at`).

    The ledger is changed at once; the gate and the players are told after the commit. Who dies in between is made
    good by `market_enforce`.
    """
    Market.objects.filter(pk=market.pk).update(revision=F("revision") + 1, **changes)
    market.refresh_from_db(fields=["revision", *changes])
    transaction.on_commit(partial(_market_told, market))


def _market_told(market: Market) -> None:
    try:
        market_tell(market=market)
    except redis.RedisError:  # a gate that is away takes nothing
        logger.warning("The gate was not told of market %s's times.", market.pk, exc_info=True)
    _listings_changed(market)


def market_tell(*, market: Market) -> None:
    """Tell the gate of the market's times and pause, as this row has them; a later revision stays."""
    gate().schedule_set(
        market.pk,
        revision=market.revision,
        opens_at=market.opens_at,
        closes_at=market.closes_at,
        is_paused=market.is_paused,
    )


def market_enforce(*, market: Market) -> None:
    """Have the gate know the market's times and pause and its listings' halts: whoever changed them may have died
    before telling. Repeated by the clock.
    """
    market_tell(market=market)
    halts = dict(market.listings.values_list("pk", "is_halted"))
    for listing_id, opening in gate().openings((market.pk, key) for key in halts).items():
        if opening.is_halted != halts[listing_id]:
            gate().halt_set(
                listing_id, Listing.objects.values_list("is_halted", flat=True).get(pk=listing_id)
            )


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


def market_suspend(*, market: Market, reason: str, staff: User | None = None) -> bool:
    """Take no more commands in a market, at once, and tell everybody; True for the one call that stopped it.

    What was accepted is still applied and the market still closes in time, but no results are made of it. Where
    `staff` do it, players are told why and it is logged.
    """
    with transaction.atomic():
        is_first = bool(
            Market.objects.filter(pk=market.pk, suspended_at=None).update(
                suspended_at=now_ms(), suspension_reason=reason[:300]
            )
        )
        if is_first and staff is not None:
            intervention_record(kind=Intervention.Kind.SUSPEND, market=market, staff=staff, reason=reason)
    market.refresh_from_db(fields=["suspended_at", "suspension_reason"])
    try:
        gate().suspension_set(market.pk, True)
    except redis.RedisError:  # a gate that is away takes nothing; it is told again by the next audit
        logger.warning("The gate was not told that market %s is suspended.", market.pk, exc_info=True)
    if is_first:
        alarm("market_suspended", f"Market {market.pk} takes no more orders: {reason}")
        text = _(
            "게임 #%(number)s의 장부를 확인하느라 거래를 멈췄어요. 주문을 받지 않고, 확인이 끝나면 알려 드릴게요."
        ) % {"number": market.pk}
        if staff is not None:
            text = _("%(told)s 이유: %(reason)s") % {"told": text, "reason": reason}
        announce(text=text)
        _listings_changed(market)
    return is_first


def market_resume(*, market: Market, staff: User | None = None, reason: str = "") -> bool:
    """Take commands in a suspended market again; True for the one call that resumed it."""
    with transaction.atomic():
        is_first = bool(
            Market.objects.filter(pk=market.pk, suspended_at__isnull=False).update(
                suspended_at=None, suspension_reason=""
            )
        )
        if is_first and staff is not None:
            intervention_record(kind=Intervention.Kind.REOPEN, market=market, staff=staff, reason=reason)
    market.refresh_from_db(fields=["suspended_at", "suspension_reason"])
    gate().suspension_set(market.pk, False)
    if is_first:
        logger.warning("Market %s is resumed.", market.pk)
        text = _("게임 #%(number)s의 장부를 확인했어요. 거래를 다시 시작해요.")
        if market.closes_at <= now_ms():
            text = _("게임 #%(number)s의 장부를 확인했어요. 곧 결과가 나와요.")
        text %= {"number": market.pk}
        if staff is not None:
            text = _("%(told)s 이유: %(reason)s") % {"told": text, "reason": reason}
        announce(text=text)
        _listings_changed(market)
    return is_first


def listing_halt(
    *,
    listing: Listing,
    reason: str,
    by: Listing.HaltedBy = Listing.HaltedBy.STAFF,
    staff: User | None = None,
) -> None:
    """Refuse new orders and amends in a listing; cancels pass, what was accepted is still applied.

    A halt by staff stays until staff lift it, also where the engine had halted the listing before. With `staff` it
    is logged and everybody is told why.
    """
    with transaction.atomic():
        Listing.objects.filter(pk=listing.pk).update(is_halted=True, halt_reason=reason[:200], halted_by=by)
        if staff is not None:
            text = _("%(name)s(%(symbol)s) 거래를 정지했어요. 취소는 할 수 있어요. 이유: %(reason)s")
            _listing_intervention(listing, Intervention.Kind.HALT, staff, reason, text)
    gate().halt_set(listing.pk, True)
    _listing_changed(listing)


def listing_resume(*, listing: Listing, reason: str = "", staff: User | None = None) -> None:
    """Accept orders in a halted listing again. With `staff` it is logged and everybody is told why."""
    with transaction.atomic():
        Listing.objects.filter(pk=listing.pk).update(is_halted=False, halt_reason="", halted_by="")
        if staff is not None:
            text = _("%(name)s(%(symbol)s) 거래를 다시 시작해요. 이유: %(reason)s")
            _listing_intervention(listing, Intervention.Kind.LIFT, staff, reason, text)
    gate().halt_set(listing.pk, False)
    _listing_changed(listing)


def _listing_intervention(
    listing: Listing, kind: Intervention.Kind, staff: User, reason: str, text: str
) -> None:
    intervention_record(kind=kind, market=listing.market, listing=listing, staff=staff, reason=reason)
    announce(
        text=text % {"name": listing.company.name, "symbol": listing.symbol, "reason": reason},
        level="warning",
    )


def intervention_record(
    *,
    kind: Intervention.Kind,
    market: Market,
    staff: User | None,
    reason: str,
    listing: Listing | None = None,
    change: Mapping[str, Any] | None = None,
) -> Intervention:
    """Write down what staff have done and why. A deed without a reason is refused (`invalid_request`)."""
    reason = text_clean(reason)[:REASON_CHARACTERS_MAX]
    if not reason:
        raise ApplicationError("invalid_request", parameter="reason")
    return Intervention.objects.create(
        kind=kind,
        market=market,
        listing=listing,
        reason=reason,
        by=staff,
        at=now_ms(),
        change=dict(change or {}),
    )


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


def orders_cancel_of_deleted(account: int) -> None:
    """Cancel what is open of a deleted account; what cannot be canceled now, the close of the game cancels."""
    try:
        orders_cancel_all(account=account, is_limited=False)
    except ApplicationError as error:
        logger.info("The orders of a deleted account stay until the close: %s.", error.code)
