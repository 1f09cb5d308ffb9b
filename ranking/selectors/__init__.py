"""Reads of the ranking: plain data for the API, the pages and the services. Nothing here writes."""

from ranking.selectors.leaderboards import (
    BOARD_ROWS_MAX,
    leaderboard_game,
    leaderboard_last,
    leaderboard_mmr,
    mmr_rank,
)
from ranking.selectors.meetings import small_games_before
from ranking.selectors.periods import leaderboard_period
from ranking.selectors.results import (
    RESULT_ROWS_MAX,
    mmr_history,
    result_of,
    result_row_of,
    results_of,
    results_of_user,
)
from ranking.selectors.reviews import review_of
from ranking.selectors.standings import (
    ListingClose,
    Standing,
    closes_of,
    fill_counts,
    last_prices,
    standings_of,
)

__all__ = [
    "BOARD_ROWS_MAX",
    "RESULT_ROWS_MAX",
    "ListingClose",
    "Standing",
    "closes_of",
    "fill_counts",
    "last_prices",
    "leaderboard_game",
    "leaderboard_last",
    "leaderboard_mmr",
    "leaderboard_period",
    "mmr_history",
    "mmr_rank",
    "result_of",
    "result_row_of",
    "results_of",
    "results_of_user",
    "review_of",
    "small_games_before",
    "standings_of",
]
