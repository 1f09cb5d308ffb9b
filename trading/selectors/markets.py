"""Markets, their listings, and the companies behind them."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from stocking.base.errors import ApplicationError
from stocking.base.units import now_ms, return_bps
from trading.core.ticks import tick_size
from trading.gate.answers import Opening
from trading.models import Company, Listing, Market


def current_market() -> Market | None:
    """Return the market of the current game (the newest one), None before the first game."""
    return Market.objects.order_by("-pk").first()


def market_get(number: int | None = None) -> Market | None:
    """Return the market of game `number`, the current one for None; `not_found` for a game that never was."""
    if number is None:
        return current_market()
    market = Market.objects.filter(pk=number).first()
    if market is None:
        raise ApplicationError("not_found")
    return market


def listings_of(market: Market | None) -> list[Listing]:
    """Return the market's listings with their companies, in the companies' order; none without a market."""
    if market is None:
        return []
    return list(market.listings.select_related("company", "market").order_by("company_id"))


def listing_get(symbol: str, market: Market | None = None) -> Listing:
    """Return the symbol's listing in the market (the current one for None), else `unknown_symbol`."""
    market = market or current_market()
    if market is not None:
        listing = (
            Listing.objects.select_related("company", "market").filter(market=market, symbol=symbol).first()
        )
        if listing is not None:
            return listing
    raise ApplicationError("unknown_symbol")


def listing_among(listings: Iterable[Listing], symbol: str) -> Listing:
    """Return the symbol's listing of those that were read already, else `unknown_symbol`."""
    for listing in listings:
        if listing.symbol == symbol:
            return listing
    raise ApplicationError("unknown_symbol")


def listing_status(listing: Listing, time_ms: int) -> str:
    """Return `halted`, `paused`, `preparing`, `trading` or `closed`: what the listing is at `time_ms`."""
    market = listing.market
    is_closed = listing.is_closed or listing.marker is not None or market.is_suspended
    opening = Opening(market.opens_at, market.closes_at, is_closed, market.is_paused, listing.is_halted)
    return opening.status(time_ms)


def listing_row(listing: Listing, time_ms: int | None = None) -> dict[str, Any]:
    """Return a listing as `GET /api/market` and the topic `market` show it; reads `company` and `market`."""
    return {
        "symbol": listing.symbol,
        "name": listing.company.name,
        "name_en": listing.company.name_en,
        "sector": listing.company.sector,
        "last_price": listing.last_price,
        "base_price": listing.base_price,
        "change_bps": return_bps(listing.last_price, listing.base_price),
        "upper_limit": listing.upper_limit,
        "lower_limit": listing.lower_limit,
        "tick_size": tick_size(listing.last_price),
        "volume": listing.volume,
        "status": listing_status(listing, now_ms() if time_ms is None else time_ms),
    }


def market_rows(market: Market | None = None) -> list[dict[str, Any]]:
    """Return every listing of the market (the current one for None) as `GET /api/market` shows it."""
    time_ms = now_ms()
    return [listing_row(listing, time_ms) for listing in listings_of(market or current_market())]


def company_get(listing: Listing) -> dict[str, Any]:
    """Return what the company does, for its page; reads `listing.company`."""
    company = listing.company
    return {
        "symbol": listing.symbol,
        "name": company.name,
        "name_en": company.name_en,
        "sector": company.sector,
        "description": company.description,
        "base_price": listing.base_price,
    }


def companies_search(text: str) -> set[int]:
    """Return the keys of the companies whose name or symbol contains `text`, ignoring case."""
    matches = Q(name__icontains=text) | Q(name_en__icontains=text) | Q(symbol__icontains=text)
    return set(Company.objects.filter(matches).values_list("pk", flat=True))
