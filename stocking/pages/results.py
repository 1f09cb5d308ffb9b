"""The page of a game's results: who won, what I did, why my MMR moved, and how the game went."""

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from accounts.models import User
from games.models import Game
from ranking import selectors as ranking
from ranking.award_texts import award_figure, award_purpose
from ranking.models import Award
from ranking.texts import mmr_reason
from stocking.pages.drawing import MINUTE_MS, prices_plot, returns_plot, value_at
from stocking.pages.presentation import tier_change, with_names
from stocking.pages.requests import page_view, pages_of, user_of
from trading import selectors as trading

RESULTS_PAGE = 50
PODIUM_PLACES = 3
FILLS_PAGE = 50
GAME_NUMBER_MAX = 2**31 - 1
CURVES_HEIGHT = 240
COURSE_HEIGHT = 120
LINE_STYLES = 6
TABLE_ROWS_MAX = 12

Row = dict[str, Any]


@require_safe
@ensure_csrf_cookie
@page_view
def game(request: HttpRequest, number: int) -> HttpResponse:
    """`/games/{number}/`: my result and its reason, podium, awards, curves, stocks, news, table, my fills."""
    if number > GAME_NUMBER_MAX:
        raise Http404
    user = user_of(request)
    pages = pages_of(request, RESULTS_PAGE)
    result = ranking.results_of(number, RESULTS_PAGE + 1, pages.offset)
    rows, pages = pages.cut(_result_rows(result.pop("results"), user))
    is_final = result["participants"] is not None
    review = ranking.review_of(number, user)
    fills, following = _fills(user, number, request.GET.get("fills") or None)
    before = Game.objects.filter(pk__lt=number).order_by("-pk").first()
    after = Game.objects.filter(pk__gt=number).order_by("pk").first()
    mine = _my_result(user, number) if is_final else None
    context = {
        "result": {**result, "is_final": is_final},
        "rows": rows,
        "my_row": mine if mine and not any(row["is_me"] for row in rows) else None,
        "podium": rows[:PODIUM_PLACES] if pages.number == 1 else [],
        "pages": pages,
        "mine": mine,
        "closes": result["listings"],
        "review": review,
        "awards": _awards(review, user),
        "curves": _curves(review) if review["is_ready"] else None,
        "stocks": _stocks(review),
        "fills": fills,
        "fills_next": following,
        "previous_game": before.number if before else None,
        "following_game": after.number if after else None,
    }
    return render(request, "pages/game.html", context)


def _result_rows(rows: list[Row], user: User | None) -> list[Row]:
    mine = user.nickname if user else None
    return [{**row, "tier": row["tier_after"], "is_me": row["nickname"] == mine} for row in rows]


def _my_result(user: User | None, number: int) -> Row | None:
    """Return the viewer's own result of a game with its reason, None for one who took no part."""
    result = ranking.result_of(number, user) if user else None
    if result is None or user is None:
        return None
    tiers = tier_change(result.tier_before, result.tier_after)
    return {
        "rank": result.rank,
        "nickname": user.nickname,
        "is_me": True,
        "tier": result.tier_after,
        "return_bps": result.return_bps,
        "equity": result.equity,
        "profit": result.equity - result.initial_cash,
        "fills": result.fills,
        "mmr_before": result.mmr_before,
        "mmr_after": result.mmr_after,
        "tier_before": result.tier_before,
        "tier_after": result.tier_after,
        "is_promoted": tiers > 0,
        "is_demoted": tiers < 0,
        "why": mmr_reason(result),
    }


def _fills(user: User | None, number: int, cursor: str | None) -> tuple[list[Row], str | None]:
    """Return a page of the viewer's fills in the game."""
    if user is None:
        return [], None
    market = trading.market_get(number)
    names = {listing.symbol: listing.company.name for listing in trading.listings_of(market)}
    found, following = trading.fills_list(user_id=user.pk, market=market, limit=FILLS_PAGE, cursor=cursor)
    return with_names(found, names), following


def _awards(review: Row, user: User | None) -> list[Row]:
    """Return the game's awards in words."""
    mine = user.nickname if user else None
    return [
        {
            "kind": award["kind"],
            "title": Award.Kind(award["kind"]).label,
            "purpose": award_purpose(award["kind"]),
            "figure": award_figure(award["kind"], award["value"], award["count"]),
            "nickname": award["nickname"],
            "is_me": award["nickname"] == mine,
        }
        for award in review["awards"]
    ]


def _curves(review: Row) -> Row:
    """Return the chart of returns: each stock, the field's median, and mine on top; and the same as a table."""
    grid = review["grid"]
    lines: list[Row] = []
    for place, listing in enumerate(review["listings"]):
        base = listing["base_price"]
        values = [(price - base) * 10_000 // base for price in listing["prices"]]
        lines.append(
            {
                "key": listing["symbol"],
                "name": listing["name"],
                "style": place % LINE_STYLES + 1,
                "values": values,
            }
        )
    if review["median_bps"]:
        lines.append({"key": "median", "name": "", "style": "median", "values": review["median_bps"]})
    if review["me"]:
        lines.append({"key": "mine", "name": "", "style": "mine", "values": review["me"]["curve_bps"]})
    plot = returns_plot(grid, [line["values"] for line in lines], height=CURVES_HEIGHT)
    return {
        "height": CURVES_HEIGHT,
        "ticks": [{"y": tick.y, "value": tick.value} for tick in plot.ticks()],
        "minutes": [{"x": x, "minute": minute} for x, minute in plot.minutes()],
        "zero": plot.y(0),
        "lines": [{**line, "path": plot.path(line["values"]), "end": line["values"][-1]} for line in lines],
        "table": _table(grid, lines),
    }


def _table(grid: Sequence[int], lines: Sequence[Row]) -> list[Row]:
    """Return the curves' values every few minutes and at the end."""
    length = grid[-1] - grid[0]
    step = MINUTE_MS * max(1, -(-length // (TABLE_ROWS_MAX * MINUTE_MS)))
    moments = [*range(grid[0], grid[-1], step), grid[-1]]
    return [
        {"at": moment, "values": [value_at(grid, line["values"], moment) for line in lines]}
        for moment in moments
    ]


def _stocks(review: Row) -> list[Row]:
    """Return each stock with its course beside its hidden value, my marks and profit on it, and its news."""
    mine = review["me"]
    profits = {row["symbol"]: row for row in mine["stocks"]} if mine else {}
    largest = max((abs(row["profit"]) for row in profits.values()), default=0)
    stocks = []
    for place, listing in enumerate(review["listings"]):
        plot = prices_plot(review["grid"], [listing["prices"], listing["hidden"]], height=COURSE_HEIGHT)
        symbol = listing["symbol"]
        profit = profits.get(symbol)
        stocks.append(
            {
                "symbol": symbol,
                "name": listing["name"],
                "style": place % LINE_STYLES + 1,
                "base_price": listing["base_price"],
                "value": listing["value"],
                "return_bps": listing["return_bps"],
                "hidden_value": listing["hidden"][-1],
                "height": COURSE_HEIGHT,
                "prices": plot.path(listing["prices"]),
                "hidden": plot.path(listing["hidden"]),
                "marks": [
                    {"x": plot.percent(mark["start"]), "y": plot.y(mark["price"]), "side": mark["side"]}
                    for mark in (mine["fills"] if mine else [])
                    if mark["symbol"] == symbol
                ],
                "pins": [
                    {"x": plot.percent(news["published_at"]), **news}
                    for news in review["news"]
                    if news["symbol"] == symbol
                ],
                "profit": profit,
                "share": f"{100 * abs(profit['profit']) / largest:.1f}%" if profit and largest else "0%",
            }
        )
    return stocks
