"""What the ranking says in the chat: the podium to all, and to each participant their own result."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Tier
from ranking.models import Result

PODIUM_PLACES = 3


def percent(bps: int) -> str:
    """Return basis points as a signed percentage with two decimals: 123 gives +1.23%."""
    sign = "-" if bps < 0 else "+"
    return f"{sign}{abs(bps) // 100:,}.{abs(bps) % 100:02d}%"


def podium_text(number: int, leaders: Sequence[Result], participants: int) -> str:
    """Return the announcement of a game's first places; `leaders` come by rank, with their users."""
    if not leaders:
        return _("게임 #%(number)s가 끝났어요. 이번에는 순위에 오른 참가자가 없어요.") % {"number": number}
    places = " · ".join(
        _("%(rank)s위 %(nickname)s %(gain)s")
        % {"rank": result.rank, "nickname": result.user.nickname, "gain": percent(result.return_bps)}
        for result in leaders[:PODIUM_PLACES]
    )
    return _("게임 #%(number)s 결과가 나왔어요! %(places)s (%(participants)s명 참가)") % {
        "number": number,
        "places": places,
        "participants": f"{participants:,}",
    }


def result_text(result: Result, participants: int) -> str:
    """Return a participant's private notice: rank, return, MMR before and after, and a change of tier."""
    text = ngettext(
        "게임 #%(number)s 결과: %(participants)s명 중 %(rank)s위, 수익률 %(gain)s. "
        "MMR %(before)s → %(after)s (%(change)s)",
        "게임 #%(number)s 결과: %(participants)s명 중 %(rank)s위, 수익률 %(gain)s. "
        "MMR %(before)s → %(after)s (%(change)s)",
        participants,
    ) % {
        "number": result.market_id,
        "participants": f"{participants:,}",
        "rank": f"{result.rank:,}",
        "gain": percent(result.return_bps),
        "before": f"{result.mmr_before:,}",
        "after": f"{result.mmr_after:,}",
        "change": f"{result.mmr_change:+,}",
    }
    return f"{text}{_tier_text(result)}"


def result_level(result: Result) -> str:
    """Return the notice's level: good for a rise, bad for a fall of the MMR."""
    if result.mmr_change == 0:
        return "info"
    return "good" if result.mmr_change > 0 else "bad"


def _tier_text(result: Result) -> str:
    if result.tier_before == result.tier_after:
        return ""
    order = list(Tier.values)
    label = Tier(result.tier_after).label
    if order.index(result.tier_after) > order.index(result.tier_before):
        return _(" · %(tier)s 티어로 올라갔어요!") % {"tier": label}
    return _(" · %(tier)s 티어로 내려갔어요. 다음 게임에서 되찾아 보세요.") % {"tier": label}
