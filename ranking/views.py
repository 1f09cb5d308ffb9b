"""The JSON calls of the ranking."""

from typing import Any

from django.http import HttpRequest

from accounts.models import User
from ranking import selectors
from ranking.core.periods import Period
from ranking.selectors import BOARD_ROWS_MAX, RESULT_ROWS_MAX
from stocking.base.api import api_view, parameter_choice, parameter_integer

BOARD_ROWS = 100
PAGES_MAX = 1_000


@api_view("GET")
def api_rankings_game(request: HttpRequest) -> dict[str, Any]:
    """`GET /api/rankings/game`: the current game by return."""
    limit = parameter_integer(request.GET, "limit", default=BOARD_ROWS, maximum=BOARD_ROWS_MAX)
    return selectors.leaderboard_game(request.user, limit)


@api_view("GET")
def api_rankings_last(request: HttpRequest) -> dict[str, Any]:
    """`GET /api/rankings/last`: the last game whose results stand, by return, `page` by page."""
    limit = parameter_integer(request.GET, "limit", default=BOARD_ROWS, maximum=BOARD_ROWS_MAX)
    page = parameter_integer(request.GET, "page", default=1, maximum=PAGES_MAX)
    return selectors.leaderboard_last(request.user, limit, (page - 1) * limit)


@api_view("GET")
def api_rankings_returns(request: HttpRequest) -> dict[str, Any]:
    """`GET /api/rankings/returns`: today, this week or all time by mean return, `page` by page."""
    limit = parameter_integer(request.GET, "limit", default=BOARD_ROWS, maximum=BOARD_ROWS_MAX)
    page = parameter_integer(request.GET, "page", default=1, maximum=PAGES_MAX)
    period = parameter_choice(request.GET, "period", list(Period), default=Period.DAY)
    return selectors.leaderboard_period(Period(period), request.user, limit, (page - 1) * limit)


@api_view("GET")
def api_rankings_mmr(request: HttpRequest) -> dict[str, Any]:
    """`GET /api/rankings/mmr`: who has finished placement and plays, by MMR, `page` by page."""
    limit = parameter_integer(request.GET, "limit", default=BOARD_ROWS, maximum=BOARD_ROWS_MAX)
    page = parameter_integer(request.GET, "page", default=1, maximum=PAGES_MAX)
    return selectors.leaderboard_mmr(request.user, limit, (page - 1) * limit)


@api_view("GET")
def api_game_results(request: HttpRequest, number: int) -> dict[str, Any]:
    """`GET /api/games/{number}`: a game and its results by rank, `page` by page; and my own."""
    limit = parameter_integer(request.GET, "limit", default=RESULT_ROWS_MAX, maximum=RESULT_ROWS_MAX)
    page = parameter_integer(request.GET, "page", default=1, maximum=PAGES_MAX)
    user = request.user if isinstance(request.user, User) else None
    results = selectors.results_of(number, limit, (page - 1) * limit)
    return {**results, "me": selectors.result_row_of(number, user) if user else None}


@api_view("GET")
def api_game_review(request: HttpRequest, number: int) -> dict[str, Any]:
    """`GET /api/games/{number}/review`: how the game went, and what I did in it."""
    user = request.user if isinstance(request.user, User) else None
    return selectors.review_of(number, user)
