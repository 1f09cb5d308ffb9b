"""What an account owns, what of it is free, and what it is worth."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings
from django.db.models import F, Sum

from accounts.models import User
from stocking.base.units import return_bps
from trading.gate.answers import Balances
from trading.gate.client import gate
from trading.models import Holding, Listing, Market, Order, Portfolio
from trading.selectors.markets import current_market

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ledger:
    """An account in one market: `cash` it owns, `available_cash` it can still order with, shares alike."""

    initial_cash: int
    cash: int
    available_cash: int
    shares: dict[int, tuple[int, int]]  # by listing: quantity, cost
    available_shares: dict[int, int]


def _balances(market: Market, user_ids: Iterable[int]) -> Mapping[int, Balances]:
    """Return what the gate says of each account; nothing while its store cannot be reached."""
    try:
        return gate().balances_of(market.pk, list(user_ids))
    except (redis.RedisError, OSError):
        logger.warning(
            "The gate does not answer; available balances are taken from the ledger.", exc_info=True
        )
        return {}


def _available_by_ledger(
    user_id: int, market: Market, cash: int, shares: Mapping[int, int]
) -> tuple[int, dict[int, int]]:
    free = dict(shares)
    rows = (
        Order.objects.filter(user_id=user_id, listing__market=market, status__in=Order.OPEN_STATUSES)
        .values("listing_id", "side")
        .annotate(
            held=Sum(F("quantity") - F("filled_quantity")),
            value=Sum((F("quantity") - F("filled_quantity")) * F("price")),
        )
        .order_by()
    )
    for row in rows:
        if row["side"] == "buy":
            cash -= row["value"]
        else:
            free[row["listing_id"]] = free.get(row["listing_id"], 0) - row["held"]
    return max(0, cash), {listing_id: max(0, quantity) for listing_id, quantity in free.items()}


def ledgers_get(*, user_ids: Iterable[int], market: Market) -> dict[int, Ledger]:
    """Return each account's cash and shares in the market; one that never ordered has the initial cash.

    While the gate store cannot be reached nobody can order; then what open orders do not hold is available.
    """
    users = list(user_ids)
    portfolios = {row.user_id: row for row in Portfolio.objects.filter(market=market, user__in=users)}
    shares: dict[int, dict[int, tuple[int, int]]] = {user_id: {} for user_id in users}
    rows = Holding.objects.filter(user__in=users, listing__market=market, quantity__gt=0)
    for row in rows.order_by("listing_id"):
        shares[row.user_id][row.listing_id] = (row.quantity, row.cost)
    balances = _balances(market, users)
    found = {}
    for user_id in users:
        portfolio = portfolios.get(user_id)
        initial_cash = portfolio.initial_cash if portfolio else market.initial_cash
        cash = portfolio.cash if portfolio else market.initial_cash
        quantities = {listing_id: quantity for listing_id, (quantity, _) in shares[user_id].items()}
        known = balances.get(user_id)
        if known is None:
            free = _available_by_ledger(user_id, market, cash, quantities)
        elif known.cash is None:
            free = cash, quantities
        else:
            free = known.cash, {listing_id: known.shares.get(listing_id, 0) for listing_id in quantities}
        found[user_id] = Ledger(initial_cash, cash, free[0], shares[user_id], free[1])
    return found


def holdings_list(ledger: Ledger, listings: Mapping[int, Listing]) -> list[dict[str, Any]]:
    """Return the account's holdings as `GET /api/account` shows them, in the listings' order."""
    rows = []
    for listing_id, listing in listings.items():
        if listing_id not in ledger.shares:
            continue
        quantity, cost = ledger.shares[listing_id]
        value = quantity * listing.last_price
        rows.append(
            {
                "symbol": listing.symbol,
                "quantity": quantity,
                "available_quantity": min(quantity, ledger.available_shares.get(listing_id, 0)),
                "average_price": cost // quantity,
                "last_price": listing.last_price,
                "value": value,
                "profit": value - cost,
                "return_bps": return_bps(value, cost),
            }
        )
    return rows


def account_get(user: User, market: Market | None = None) -> dict[str, Any]:
    """Return the user's account as `GET /api/account` shows it, in the market (the current one for None)."""
    return accounts_get([user], market)[0][1]


def accounts_get(users: Iterable[User], market: Market | None = None) -> list[tuple[User, dict[str, Any]]]:
    """Return each user's account as `account_get` does, by as many queries for many as for one."""
    users = list(users)
    market = market or current_market()
    if market is None:
        cash = settings.INITIAL_CASH_WON
        nothing = Ledger(cash, cash, cash, {}, {})
        return [(user, _account(user, nothing, {})) for user in users]
    ledgers = ledgers_get(user_ids=[user.pk for user in users], market=market)
    listings = {row.pk: row for row in Listing.objects.filter(market=market).order_by("company_id")}
    return [(user, _account(user, ledgers[user.pk], listings)) for user in users]


def _account(user: User, ledger: Ledger, listings: Mapping[int, Listing]) -> dict[str, Any]:
    holdings = holdings_list(ledger, listings)
    equity = ledger.cash + sum(row["value"] for row in holdings)
    return {
        "nickname": user.nickname,
        "cash": ledger.cash,
        "available_cash": min(ledger.cash, ledger.available_cash),
        "initial_cash": ledger.initial_cash,
        "equity": equity,
        "return_bps": return_bps(equity, ledger.initial_cash),
        "mmr": user.mmr,
        "tier": user.tier,
        "holdings": holdings,
    }
