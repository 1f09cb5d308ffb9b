"""The pages of records: rankings, my page, and a player's."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from accounts.emails import email_pending
from accounts.models import User, nickname_fold
from chat.selectors import is_muted, player_key
from ranking import selectors as ranking
from ranking.core.periods import Period
from ranking.core.placement import PLACEMENT_GAMES, is_provisional
from stocking.pages.charts import rating_chart
from stocking.pages.presentation import with_names
from stocking.pages.requests import Pages, page_view, pages_of, user_of
from trading import selectors as trading

BOARD_PAGE = 100
HISTORY_PAGE = 20
RECENT_FILLS = 10
BOARD_TABS = {
    "game": _("이번 게임"),
    "last": _("지난 게임"),
    "day": _("오늘"),
    "week": _("이번 주"),
    "all": _("전체"),
    "mmr": "MMR",
}
BOARD_TEXTS = {
    "game": _("이번 게임의 수익률 순위예요. 지금 가격으로 계산해요."),
    "last": _("지난 게임의 수익률 순위예요."),
    "day": _("오늘 끝난 게임의 평균 수익률 순위예요."),
    "week": _("월요일부터 이번 주 게임의 평균 수익률 순위예요."),
    "all": _("지금까지 한 모든 게임의 평균 수익률 순위예요."),
    "mmr": _("모든 게임을 통틀어 실력(MMR)이 높은 순서예요. 2주 넘게 쉬면 잠시 빠져요."),
}


def _board(tab: str, user: User | None, pages: Pages) -> dict[str, Any]:
    """Return the board of a tab of the rankings; one row more than fits the page tells whether more follow."""
    limit, offset = pages.size + 1, pages.offset
    if tab == "game":
        return ranking.leaderboard_game(user, pages.size)
    if tab == "last":
        return ranking.leaderboard_last(user, limit, offset)
    if tab == "mmr":
        return ranking.leaderboard_mmr(user, limit, offset)
    return ranking.leaderboard_period(Period(tab), user, limit, offset)


@require_safe
@ensure_csrf_cookie
@page_view
def rankings(request: HttpRequest) -> HttpResponse:
    """`/rankings/`: by return this game, the last one, today, this week, all time; or by MMR."""
    user = user_of(request)
    asked = request.GET.get("tab", "")
    tab = asked if asked in BOARD_TABS else "game"
    pages = Pages(1, BOARD_PAGE) if tab == "game" else pages_of(request, BOARD_PAGE)
    board = _board(tab, user, pages)
    rows, pages = pages.cut(board["rows"])
    context = {
        "tab": tab,
        "tabs": [{"value": value, "label": label} for value, label in BOARD_TABS.items()],
        "about": BOARD_TEXTS[tab],
        "is_period": tab in list(Period),
        "rows": rows,
        "mine": board["me"],
        "number": board.get("number"),
        "games_min": board.get("games_min"),
        "pages": pages,
        "pages_query": f"tab={tab}&",
    }
    return render(request, "pages/rankings.html", context)


def _history(user: User, pages: Pages) -> tuple[list[dict[str, Any]], Pages]:
    rows = ranking.results_of_user(user, pages.offset + pages.size + 1)
    return pages.cut(rows[pages.offset :])


def _placement(user: User) -> dict[str, int]:
    """Return how many placement games there are, and how many of them the player has left."""
    return {"games": PLACEMENT_GAMES, "left": max(0, PLACEMENT_GAMES - user.games_played)}


@never_cache
@require_safe
@login_required
@ensure_csrf_cookie
@page_view
def me(request: HttpRequest) -> HttpResponse:
    """`/me/`: my assets in this game, my past games, my last fills, my account."""
    user = user_of(request)
    assert user is not None
    current = trading.current_market()
    names = {listing.symbol: listing.company.name for listing in trading.listings_of(current)}
    account = trading.account_get(user, current)
    history, pages = _history(user, pages_of(request, HISTORY_PAGE))
    fills, _more = trading.fills_list(user_id=user.pk, market=current, limit=RECENT_FILLS)
    context = {
        "account": {**account, "holdings": with_names(account["holdings"], names)},
        "games_played": user.games_played,
        "placement": _placement(user),
        "chart": rating_chart(ranking.mmr_history(user)),
        "mmr_rank": ranking.mmr_rank(user),
        "history": history,
        "pages": pages,
        "fills": with_names(fills, names),
        "pending_email": claim.email if (claim := email_pending(user)) else None,
        "has_password": user.has_usable_password(),
    }
    return render(request, "pages/me.html", context)


@require_safe
@ensure_csrf_cookie
@page_view
def player(request: HttpRequest, nickname: str) -> HttpResponse:
    """`/players/{nickname}/`: what everyone may know of a player."""
    found = User.objects.filter(nickname_key=nickname_fold(nickname), is_active=True).first()
    if found is None:
        raise Http404(nickname)
    history, pages = _history(found, pages_of(request, HISTORY_PAGE))
    context = {
        "profile": {
            "nickname": found.nickname,
            "tier": found.tier,
            "mmr": found.mmr,
            "games_played": found.games_played,
            "is_provisional": is_provisional(found.games_played) and not found.is_bot,
            "is_guest": found.is_guest,
            "is_bot": found.is_bot,
            "is_me": found == request.user,
            "key": player_key(found.pk),
            "is_muted": isinstance(request.user, User) and is_muted(request.user, found),
        },
        "placement": _placement(found),
        "chart": rating_chart(ranking.mmr_history(found)),
        "mmr_rank": ranking.mmr_rank(found),
        "history": history,
        "pages": pages,
    }
    return render(request, "pages/player.html", context)
