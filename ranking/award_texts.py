"""The awards in words: what each is for and what it was won with. The page and the chat say the same."""

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ranking.models import Award

KIND = Award.Kind


def award_purpose(kind: str) -> str:
    """Return what an award is given for."""
    return {
        KIND.LIQUIDITY: _("대기 주문으로 거래를 가장 많이 받아 줬어요"),
        KIND.REACTION: _("뉴스가 나오면 가장 먼저 움직였어요"),
        KIND.COMEBACK: _("가장 깊은 곳에서 가장 높이 올라왔어요"),
        KIND.STEADY: _("이익을 내면서 가장 적게 흔들렸어요"),
    }[KIND(kind)]


def award_figure(kind: str, value: int, count: int) -> str:
    """Return the figure an award was won with."""
    match KIND(kind):
        case KIND.LIQUIDITY:
            return _("대기 체결 %(won)s원") % {"won": f"{value:,}"}
        case KIND.REACTION:
            return ngettext(
                "뉴스 %(count)s건에 보통 %(seconds)s초", "뉴스 %(count)s건에 보통 %(seconds)s초", count
            ) % {
                "count": f"{count:,}",
                "seconds": f"{value / 1_000:.1f}",
            }
        case KIND.COMEBACK:
            return _("저점에서 +%(points)s%%p") % {"points": _hundredths(value)}
        case _:
            return _("최대 낙폭 %(points)s%%") % {"points": _hundredths(value)}


def awards_text(number: int, awards: Iterable[Award]) -> str:
    """Return the announcement of a game's awards; `awards` come with their users."""
    named = " · ".join(
        _("%(award)s %(nickname)s (%(figure)s)")
        % {
            "award": KIND(award.kind).label,
            "nickname": award.user.nickname,
            "figure": award_figure(award.kind, award.value, award.count),
        }
        for award in awards
    )
    return _("게임 #%(number)s 시상: %(awards)s") % {"number": number, "awards": named}


def _hundredths(bps: int) -> str:
    return f"{bps // 100:,}.{bps % 100:02d}"
