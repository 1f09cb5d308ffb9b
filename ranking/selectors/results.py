"""Results of past games, by game and by player."""

from typing import Any

from accounts.models import User
from games.models import Game
from ranking.models import ClosingValue, GameSummary, Result
from stocking.base.errors import ApplicationError

RESULT_ROWS_MAX = 1_000
HISTORY_GAMES = 60

_RESULT_FIELDS = (
    "rank", "return_bps", "equity", "fills", "mmr_before", "mmr_after", "tier_before", "tier_after", "user__nickname",
)  # fmt: skip


def results_of(number: int, limit: int = RESULT_ROWS_MAX, offset: int = 0) -> dict[str, Any]:
    """Return a game and its results by rank as `GET /api/games/{number}` shows them; `not_found` without it.

    Before the results stand the list is empty, and `participants` and `house_return_bps` are None.
    """
    game = Game.objects.filter(pk=number).first()
    if game is None:
        raise ApplicationError("not_found")
    summary = GameSummary.objects.filter(pk=number).first()
    return {
        "number": game.pk,
        "phase": str(game.phase),
        "canceled": game.canceled_at is not None,
        "started_at": game.started_at,
        "closed_at": game.closed_at,
        "participants": summary.participants if summary else None,
        "house_return_bps": summary.house_return_bps if summary else None,
        "listings": _closing_rows(number) if summary else [],
        "results": _result_rows(number, min(limit, RESULT_ROWS_MAX), offset) if summary else [],
    }


def _result_rows(number: int, limit: int, offset: int) -> list[dict[str, Any]]:
    rows = Result.objects.filter(market_id=number).order_by("rank", "-equity", "pk").values(*_RESULT_FIELDS)
    return [_result_row(row) for row in rows[offset : offset + limit]]


def _result_row(row: dict[str, Any]) -> dict[str, Any]:
    return {"rank": row.pop("rank"), "nickname": row.pop("user__nickname"), **row}


def result_row_of(number: int, user: User) -> dict[str, Any] | None:
    """Return one player's row of a game's results, None for one who took no part or before they stand."""
    row = Result.objects.filter(market_id=number, user_id=user.pk).values(*_RESULT_FIELDS).first()
    return _result_row(row) if row else None


def _closing_rows(number: int) -> list[dict[str, Any]]:
    rows = ClosingValue.objects.filter(summary_id=number).select_related("listing__company")
    return [
        {
            "symbol": row.listing.symbol,
            "name": row.listing.company.name,
            "base_price": row.listing.base_price,
            "value": row.value,
            "return_bps": row.return_bps,
        }
        for row in rows.order_by("listing__company_id")
    ]


def result_of(number: int, user: User) -> Result | None:
    """Return one player's result of a game, None for one who took no part or before the results stand."""
    return Result.objects.filter(market_id=number, user_id=user.pk).first()


def results_of_user(user: User, limit: int = 50) -> list[dict[str, Any]]:
    """Return the player's last games, newest first: the history of the rating."""
    rows = (
        Result.objects.filter(user_id=user.pk)
        .select_related("market__summary", "market__game")
        .order_by("-market_id")[: min(limit, RESULT_ROWS_MAX)]
    )
    return [
        {
            "number": row.market_id,
            "closed_at": row.market.closes_at,
            "rank": row.rank,
            "participants": row.market.summary.participants,
            "return_bps": row.return_bps,
            "fills": row.fills,
            "mmr_before": row.mmr_before,
            "mmr_after": row.mmr_after,
            "tier_before": row.tier_before,
            "tier_after": row.tier_after,
        }
        for row in rows
    ]


def mmr_history(user: User, limit: int = HISTORY_GAMES) -> list[int]:
    """Return the player's MMR after each of the last games, oldest first, led by the one before them."""
    rows = Result.objects.filter(user_id=user.pk).order_by("-market_id")
    found = list(rows.values_list("mmr_before", "mmr_after")[:limit])
    return [found[-1][0], *(after for _, after in reversed(found))] if found else []
