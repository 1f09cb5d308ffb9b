"""The boards by return of one game (the current one, the last one) and by MMR. Bots are on none of them."""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db.models import F, QuerySet

from accounts.models import User
from ranking.core.placement import INACTIVE_MS, PLACEMENT_GAMES, is_provisional
from ranking.core.rating import ranks_of
from ranking.models import GameSummary, Result
from ranking.selectors.ranks import Row, Viewer, me_in, ranked, shown
from ranking.selectors.standings import last_prices, standings_of
from stocking.base.units import now_ms
from trading.models import Market
from trading.selectors import current_market

BOARD_ROWS_MAX = 200
BOARD_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Board:
    """The current game's board at one moment: its first rows (with `user_id`), and all returns, rising."""

    rows: list[Row]
    returns: list[int]

    def rank_of(self, return_bps: int) -> int:
        """Return the rank this return has among all: one more than those above it."""
        # Counted from the top of the rising list: everything right of the last equal is better.
        better = len(self.returns) - bisect_left(self.returns, return_bps + 1)
        return better + 1


def leaderboard_game(user: Viewer = None, limit: int = 100) -> dict[str, Any]:
    """Return the current game's board `{number, participants, rows, me}` by return; at most a second old.

    While the game runs holdings count at last prices; once its results stand the board shows those. `me` is
    the viewer's row wherever it stands, None for one who takes no part.
    """
    market = current_market()
    if market is None:
        return {"number": None, "participants": 0, "rows": [], "me": None}
    board = _board(market)
    rows = [shown(row, user) for row in board.rows[:limit]]
    return {
        "number": market.pk,
        "participants": len(board.returns),
        "rows": rows,
        "me": me_in(rows) or _my_game_row(user, market, board),
    }


def leaderboard_last(user: Viewer = None, limit: int = 100, offset: int = 0) -> dict[str, Any]:
    """Return the board `{number, participants, rows, me}` of the last game whose results stand."""
    summary = GameSummary.objects.filter(market__game__closed_at__isnull=False).order_by("-pk").first()
    if summary is None:
        return {"number": None, "participants": 0, "rows": [], "me": None}
    results = Result.objects.filter(market_id=summary.pk).order_by("rank", "-equity", "pk")
    rows = [
        shown(_result_row(result), user)
        for result in results.select_related("user")[offset : offset + min(limit, BOARD_ROWS_MAX)]
    ]
    me = me_in(rows)
    if me is None and user is not None and user.pk is not None:
        mine = results.filter(user_id=user.pk).select_related("user").first()
        me = shown(_result_row(mine), user) if mine else None
    return {"number": summary.pk, "participants": summary.participants, "rows": rows, "me": me}


def leaderboard_mmr(user: Viewer = None, limit: int = 100, offset: int = 0) -> dict[str, Any]:
    """Return the board `{games_min, rows, me}` by MMR; equal MMR shares a rank.

    On it are those who have finished their placement games and have played of late (`INACTIVE_MS`). `me` is the
    viewer's row also where that is not so, then without a rank, and `is_inactive` or `is_provisional` says why.
    """
    players = _rated_players()
    fields = ("nickname", "tier", "mmr", "games_played")
    falling = players.order_by("-mmr", "pk").values(*fields, user_id=F("pk"))
    found = list(falling[offset : offset + min(limit, BOARD_ROWS_MAX)])
    rows = [shown(row, user) for row in ranked(found, "mmr", offset, _mmr_rank)]
    return {"games_min": PLACEMENT_GAMES, "rows": rows, "me": _my_mmr_row(user)}


def mmr_rank(user: User) -> int | None:
    """Return the user's rank on the board by MMR, None for one who is not on it."""
    mine = _my_mmr_row(user)
    return mine["rank"] if mine else None


def _rated_players() -> QuerySet[User]:
    return User.objects.filter(
        is_bot=False,
        is_active=True,
        games_played__gte=PLACEMENT_GAMES,
        rated_at__gte=now_ms() - INACTIVE_MS,
    )


def _mmr_rank(mmr: int) -> int:
    return _rated_players().filter(mmr__gt=mmr).count() + 1


def _my_mmr_row(user: Viewer) -> Row | None:
    """Return the viewer's own row, read anew: the session's user may be older than the last game."""
    if user is None or user.pk is None:
        return None
    fields = ("nickname", "tier", "mmr", "games_played", "rated_at")
    mine = User.objects.filter(pk=user.pk, is_bot=False, games_played__gt=0).values(*fields).first()
    if mine is None:
        return None
    is_inactive = (mine.pop("rated_at") or 0) < now_ms() - INACTIVE_MS
    provisional = is_provisional(mine["games_played"])
    rank = None if provisional or is_inactive else _mmr_rank(mine["mmr"])
    return {
        "rank": rank,
        **mine,
        "is_me": True,
        "is_provisional": provisional,
        "is_inactive": is_inactive,
    }


def _board(market: Market) -> Board:
    key = f"ranking:board:{market.pk}"
    board = cache.get(key)
    if not isinstance(board, Board):
        board = _settled_board(market) or _live_board(market)
        cache.set(key, board, timeout=BOARD_SECONDS)
    return board


def _live_board(market: Market) -> Board:
    """Compute the board at last prices; four queries, whatever the number of participants."""
    standings = standings_of(market, last_prices(market))
    ranks = ranks_of([standing.return_bps for standing in standings])
    placed = sorted(zip(ranks, standings, strict=True), key=lambda place: (place[0], -place[1].equity))
    top = placed[:BOARD_ROWS_MAX]
    players = User.objects.only("nickname", "tier", "games_played").in_bulk(
        [standing.user_id for _, standing in top]
    )
    rows = [
        {
            "rank": rank,
            "user_id": standing.user_id,
            "nickname": players[standing.user_id].nickname,
            "tier": str(players[standing.user_id].tier),
            "return_bps": standing.return_bps,
            "games_played": players[standing.user_id].games_played,
        }
        for rank, standing in top
    ]
    return Board(rows, sorted(standing.return_bps for standing in standings))


def _settled_board(market: Market) -> Board | None:
    """Return the board from the game's results, None where there are none (yet)."""
    results = Result.objects.filter(market=market).order_by("rank", "-equity", "pk")
    rows = [_result_row(result) for result in results.select_related("user")[:BOARD_ROWS_MAX]]
    if not rows:
        return None
    return Board(rows, sorted(Result.objects.filter(market=market).values_list("return_bps", flat=True)))


def _result_row(result: Result) -> Row:
    return {
        "rank": result.rank,
        "user_id": result.user_id,
        "nickname": result.user.nickname,
        "tier": str(result.tier_after),
        "return_bps": result.return_bps,
        "games_played": result.games_played,
    }


def _my_game_row(user: Viewer, market: Market, board: Board) -> Row | None:
    """Return the row of a viewer below the board's first rows, valued now and placed among all."""
    if user is None or user.pk is None or user.is_bot:
        return None
    for row in board.rows:
        if row["user_id"] == user.pk:
            return shown(row, user)
    return_bps = Result.objects.filter(market=market, user=user).values_list("return_bps", flat=True).first()
    if return_bps is None:
        standing = next(iter(standings_of(market, last_prices(market), user_id=user.pk)), None)
        if standing is None:
            return None
        return_bps = standing.return_bps
    return {
        "rank": board.rank_of(return_bps),
        "nickname": user.nickname,
        "tier": str(user.tier),
        "return_bps": return_bps,
        "games_played": user.games_played,
        "is_me": True,
        "is_provisional": is_provisional(user.games_played),
    }
