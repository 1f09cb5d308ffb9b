"""Who takes part in a game and what they are worth: reads shared by the live board and the results."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Sum

from games.models import Game
from ranking.core.valuation import Window, closing_value, equity, return_bps, window_bounds
from trading.models import Holding, Listing, Market, Order, Portfolio, Trade


@dataclass(frozen=True, slots=True)
class Standing:
    """A participant's cash, and what it and the shares are worth together."""

    user_id: int
    initial_cash: int
    cash: int
    equity: int

    @property
    def return_bps(self) -> int:
        """The gain over the initial cash in basis points, rounded down."""
        return return_bps(self.equity, self.initial_cash)


@dataclass(frozen=True, slots=True)
class ListingClose:
    """A listing at the close, and the trades in the valuation window that made its value."""

    listing: Listing
    window: Window
    value: int


def standings_of(market: Market, values: Mapping[int, int], *, user_id: int | None = None) -> list[Standing]:
    """Return the participants (humans with at least one fill) valued at `values` by listing; two queries.

    Ordered by account; with `user_id` only that one's.
    """
    filled = Order.objects.filter(
        user_id=OuterRef("user_id"), listing_id__in=list(values), filled_quantity__gt=0
    )
    portfolios = Portfolio.objects.filter(Exists(filled), market=market, user__is_bot=False)
    holdings = Holding.objects.filter(listing_id__in=list(values), user__is_bot=False, quantity__gt=0)
    if user_id is not None:
        portfolios, holdings = portfolios.filter(user_id=user_id), holdings.filter(user_id=user_id)
    shares: dict[int, dict[int, int]] = {}
    for owner, listing_id, quantity in holdings.values_list("user_id", "listing_id", "quantity"):
        shares.setdefault(owner, {})[listing_id] = quantity
    return [
        Standing(owner, initial_cash, cash, equity(cash=cash, shares=shares.get(owner, {}), values=values))
        for owner, initial_cash, cash in portfolios.order_by("user_id").values_list(
            "user_id", "initial_cash", "cash"
        )
    ]


def last_prices(market: Market) -> dict[int, int]:
    """Return the last price of each listing: its base price before any trade."""
    return dict(Listing.objects.filter(market=market).values_list("pk", "last_price"))


def fill_counts(market: Market) -> Counter[int]:
    """Return how many fills each account had, as maker or taker; two queries."""
    counts: Counter[int] = Counter()
    for role in ("maker_id", "taker_id"):
        rows = (
            Trade.objects.filter(listing__market=market)
            .values_list(role)
            .annotate(fills=Count("pk"))
            .order_by()
        )
        counts.update(dict(rows))
    return counts


def closes_of(market: Market) -> list[ListingClose]:
    """Return every listing of the market with its closing value, in the companies' order; three queries."""
    listings = list(Listing.objects.filter(market=market).order_by("company_id"))
    pauses = Game.objects.filter(pk=market.pk).values_list("pauses", flat=True).first() or []
    first, last = window_bounds(market.closes_at, pauses)
    windows = {
        row["listing_id"]: Window(row["shares"], row["won"])
        for row in Trade.objects.filter(
            listing_id__in=[listing.pk for listing in listings], traded_at__range=(first, last)
        )
        .values("listing_id")
        .annotate(shares=Sum("quantity"), won=Sum(F("price") * F("quantity")))
        .order_by()
    }
    closes = []
    for listing in listings:
        window = windows.get(listing.pk, Window(0, 0))
        value = closing_value(last_price=listing.last_price, window=window)
        closes.append(ListingClose(listing, window, value))
    return closes
