"""The two boards: the current game by return, and everybody by MMR. Bots are on neither."""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db.models import QuerySet

from accounts.models import User
from ranking.core.rating import ranks_of
from ranking.models import Result
from ranking.selectors.standings import last_prices, standings_of
from trading.models import Market
from trading.selectors import current_market

BOARD_ROWS_MAX = 200
BOARD_SECONDS = 1

Viewer = User | AnonymousUser | None
Row = dict[str, Any]


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
    rows = [_shown(row, user) for row in board.rows[:limit]]
    return {
        "number": market.pk,
        "participants": len(board.returns),
        "rows": rows,
        "me": _me_in(rows) or _my_game_row(user, market, board),
    }


def leaderboard_mmr(user: Viewer = None, limit: int = 100, offset: int = 0) -> dict[str, Any]:
    """Return the board `{rows, me}` by MMR of everybody who has finished a game; equal MMR shares a rank."""
    players = _rated_players()
    fields = ("pk", "nickname", "tier", "mmr", "games_played")
    found = list(players.order_by("-mmr", "pk").values(*fields)[offset : offset + min(limit, BOARD_ROWS_MAX)])
    rows: list[Row] = []
    for position, player in enumerate(found, start=offset + 1):
        if not rows:
            rank = _mmr_rank(player["mmr"])
        elif player["mmr"] != rows[-1]["mmr"]:
            rank = position
        else:
            rank = rows[-1]["rank"]
        rows.append(_shown({"rank": rank, "user_id": player.pop("pk"), **player}, user))
    return {"rows": rows, "me": _me_in(rows) or _my_mmr_row(user)}


def _rated_players() -> QuerySet[User]:
    return User.objects.filter(is_bot=False, is_active=True, games_played__gt=0)


def _mmr_rank(mmr: int) -> int:
    return _rated_players().filter(mmr__gt=mmr).count() + 1


def _my_mmr_row(user: Viewer) -> Row | None:
    """Return the viewer's own row, read anew: the session's user may be older than the last game."""
    if user is None or user.pk is None:
        return None
    fields = ("nickname", "tier", "mmr", "games_played")
    mine = _rated_players().filter(pk=user.pk).values(*fields).first()
    if mine is None:
        return None
    return {"rank": _mmr_rank(mine["mmr"]), **mine, "is_me": True}


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
    players = User.objects.only("nickname", "tier").in_bulk([standing.user_id for _, standing in top])
    rows = [
        {
            "rank": rank,
            "user_id": standing.user_id,
            "nickname": players[standing.user_id].nickname,
            "tier": str(players[standing.user_id].tier),
            "return_bps": standing.return_bps,
        }
        for rank, standing in top
    ]
    return Board(rows, sorted(standing.return_bps for standing in standings))


def _settled_board(market: Market) -> Board | None:
    """Return the board from the game's results, None where there are none (yet)."""
    results = Result.objects.filter(market=market).order_by("rank", "-equity", "pk")
    rows = [
        {
            "rank": result.rank,
            "user_id": result.user_id,
            "nickname": result.user.nickname,
            "tier": str(result.tier_after),
            "return_bps": result.return_bps,
        }
        for result in results.select_related("user")[:BOARD_ROWS_MAX]
    ]
    if not rows:
        return None
    return Board(rows, sorted(Result.objects.filter(market=market).values_list("return_bps", flat=True)))


def _my_game_row(user: Viewer, market: Market, board: Board) -> Row | None:
    """Return the row of a viewer below the board's first rows, valued now and placed among all."""
    if user is None or user.pk is None or user.is_bot:
        return None
    for row in board.rows:
        if row["user_id"] == user.pk:
            return _shown(row, user)
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
        "is_me": True,
    }


def _shown(row: Row, user: Viewer) -> Row:
    """Return a row as it is given out: whose it is only says `is_me`."""
    shown = {name: value for name, value in row.items() if name != "user_id"}
    shown["is_me"] = user is not None and user.pk is not None and row["user_id"] == user.pk
    return shown


def _me_in(rows: list[Row]) -> Row | None:
    return next((row for row in rows if row["is_me"]), None)
