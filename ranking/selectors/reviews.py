"""Looking back on a game: what everybody may see of it, and what a player did in it. Nothing here writes."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.cache import cache

from accounts.models import User
from games.models import Game
from games.selectors import news_published
from ranking.core.curves import CANDLE_MS, Move, curve_bps, drawdown_bps, equity_curve
from ranking.core.profits import Deal, PlayerFill, StockProfit, best_and_worst, stock_review
from ranking.models import Award, GameReview, Result
from ranking.selectors.fills import fills_of_player
from stocking.base.errors import ApplicationError
from stocking.base.units import return_bps
from trading.core.orders import Side
from trading.models import Listing
from trading.selectors import listings_of

NEWS_MAX = 60
NEWS_EFFECT_MS = 30_000
MINE_SECONDS = 600

Row = dict[str, Any]


def review_of(number: int, user: User | None = None) -> Row:
    """Return the review of a game as `GET /api/games/{number}/review` shows it; `not_found` for no such game.

    Until it is made (`is_ready`) everything in it is empty: nothing of a game is revealed that is not over. `me` is
    what `user` did, None for a visitor and for one who took no part.
    """
    reviews = GameReview.objects.select_related("summary__market__game")
    review = reviews.filter(pk=number).first()
    if review is None:
        if not Game.objects.filter(pk=number).exists():
            raise ApplicationError("not_found")
        return {
            "number": number,
            "is_ready": False,
            "grid": [],
            "median_bps": [],
            "curves": 0,
            "listings": [],
            "news": [],
            "awards": [],
            "me": None,
        }
    market = review.summary.market
    listings = listings_of(market)
    return {
        "number": number,
        "is_ready": True,
        "grid": review.grid,
        "median_bps": review.median_bps,
        "curves": review.curves,
        "listings": [_listing_row(listing, review.courses[str(listing.pk)]) for listing in listings],
        "news": _news_rows(market.game, listings, review),
        "awards": _award_rows(number),
        "me": _mine(user, number, listings, review) if user else None,
    }


def _listing_row(listing: Listing, course: Mapping[str, list[int]]) -> Row:
    return {
        "symbol": listing.symbol,
        "name": listing.company.name,
        "base_price": listing.base_price,
        "value": course["prices"][-1],
        "return_bps": return_bps(course["prices"][-1], listing.base_price),
        "prices": course["prices"],
        "hidden": course["hidden"],
    }


def _award_rows(number: int) -> list[Row]:
    rows = Award.objects.filter(review_id=number).select_related("user").order_by("pk")
    return [
        {
            "kind": row.kind,
            "nickname": row.user.nickname,
            "value": row.value,
            "count": row.count,
        }
        for row in rows
    ]


def _news_rows(game: Game, listings: Iterable[Listing], review: GameReview) -> list[Row]:
    """Return the game's news, oldest first, each with the price when it came out and half a minute later."""
    by_company = {listing.company_id: listing for listing in listings}
    rows = []
    for news in reversed(news_published(game=game, limit=NEWS_MAX)):
        listing = by_company.get(news.company_id)
        if listing is None or news.published_at is None:
            continue
        prices = review.courses[str(listing.pk)]["prices"]
        before = _value_at(review.grid, prices, news.published_at)
        after = _value_at(review.grid, prices, news.published_at + NEWS_EFFECT_MS)
        rows.append(
            {
                "symbol": listing.symbol,
                "name": listing.company.name,
                "kind": news.kind,
                "headline": news.text,
                "direction": news.direction,
                "published_at": news.published_at,
                "price": before,
                "price_later": after,
                "effect_bps": return_bps(after, before),
            }
        )
    return rows


def _value_at(grid: Sequence[int], values: Sequence[int], at: int) -> int:
    """Return the value of the last moment of the grid that is not after `at`, or the first one's."""
    return values[max(0, bisect_right(grid, at) - 1)]


# What is mine ---------------------------------------------------------------------------------------


def _mine(user: User, number: int, listings: Sequence[Listing], review: GameReview) -> Row | None:
    """Return what the player did in the game; kept for a while, since it can never change."""
    key = f"ranking:review:{number}:{user.pk}"
    mine: Row | None = cache.get(key)
    if mine is None:
        result = Result.objects.filter(market_id=number, user_id=user.pk).first()
        if result is None:
            return None
        mine = _mine_from(result, listings, review)
        cache.set(key, mine, timeout=MINE_SECONDS)
    return mine


def _mine_from(result: Result, listings: Sequence[Listing], review: GameReview) -> Row:
    """Work out a participant's curve, profits and deals from their own fills; two queries."""
    by_key = {listing.pk: listing for listing in listings}
    fills: dict[int, list[PlayerFill]] = {}
    for fill in fills_of_player(result.user_id, by_key):
        fills.setdefault(fill.listing_id, []).append(fill)
    prices = [review.courses[str(listing.pk)]["prices"] for listing in listings]
    places = {listing.pk: place for place, listing in enumerate(listings)}
    moves = [_move(fill, places) for each in fills.values() for fill in each]
    curve = equity_curve(
        initial_cash=result.initial_cash,
        moves=sorted(moves, key=lambda move: move.at),
        grid=review.grid,
        prices=prices,
    )
    profits: list[StockProfit] = []
    deals: list[Deal] = []
    for key, each in fills.items():
        profit, found = stock_review(key, each, prices[places[key]][-1])
        profits.append(profit)
        deals += found
    best, worst = best_and_worst(deals)
    bps = curve_bps(curve.values, result.initial_cash)
    high, low = bps.index(max(bps)), bps.index(min(bps))
    return {
        "initial_cash": result.initial_cash,
        "equity": result.equity,
        "profit": result.equity - result.initial_cash,
        "curve_bps": bps,
        "high_bps": bps[high],
        "high_at": review.grid[high],
        "low_bps": bps[low],
        "low_at": review.grid[low],
        "drawdown_bps": drawdown_bps(curve.values),
        "stocks": [_profit_row(profit, by_key) for profit in sorted(profits, key=lambda row: -row.profit)],
        "best": _deal_row(best, by_key),
        "worst": _deal_row(worst, by_key),
        "fills": [row for listing in listings for row in _fill_marks(listing, fills.get(listing.pk, []))],
    }


def _move(fill: PlayerFill, places: Mapping[int, int]) -> Move:
    sign = 1 if fill.side is Side.BUY else -1
    return Move(places[fill.listing_id], fill.at, sign * fill.quantity, -sign * fill.price * fill.quantity)


def _profit_row(profit: StockProfit, listings: Mapping[int, Listing]) -> Row:
    listing = listings[profit.listing_id]
    return {
        "symbol": listing.symbol,
        "name": listing.company.name,
        "fills": profit.fills,
        "bought_quantity": profit.bought_quantity,
        "bought_value": profit.bought_value,
        "sold_quantity": profit.sold_quantity,
        "sold_value": profit.sold_value,
        "left_quantity": profit.left_quantity,
        "left_value": profit.left_value,
        "profit": profit.profit,
    }


def _deal_row(deal: Deal | None, listings: Mapping[int, Listing]) -> Row | None:
    if deal is None:
        return None
    listing = listings[deal.listing_id]
    return {
        "symbol": listing.symbol,
        "name": listing.company.name,
        "quantity": deal.quantity,
        "average_cost": deal.cost // deal.quantity,
        "average_price": deal.value // deal.quantity,
        "profit": deal.profit,
        "profit_bps": deal.profit_bps,
        "sold_at": deal.at,
    }


def _fill_marks(listing: Listing, fills: Iterable[PlayerFill]) -> list[Row]:
    """Return a listing's fills as marks on its chart: one for each candle and side, at their average price."""
    sums: dict[tuple[int, Side], list[int]] = {}
    for fill in fills:
        mark = sums.setdefault((fill.at - fill.at % CANDLE_MS, fill.side), [0, 0])
        mark[0] += fill.quantity
        mark[1] += fill.quantity * fill.price
    return [
        {
            "symbol": listing.symbol,
            "start": start,
            "side": side.value,
            "quantity": quantity,
            "price": value // quantity,
        }
        for (start, side), (quantity, value) in sorted(sums.items())
    ]
