"""What the ranking says: the podium to all, to each participant their own result, and why the MMR moved."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Tier
from ranking.core.explanation import Explanation, explanation_of
from ranking.core.placement import PLACEMENT_GAMES
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


def mmr_reason(result: Result) -> list[str]:
    """Return why the game moved the player's MMR as it did, as short sentences in the order to be shown."""
    why = explanation_of(result)
    if why is None:
        return [_("함께 거래한 참가자들과 시장 수익률을 상대로 계산했어요.")]
    sentences = [_room_text(why), _house_text(why), _parts_text(why)]
    if why.is_damped:
        sentences.append(
            _("최근에 같은 상대와 자주 겨뤄서 변동의 %(percent)s%%만 반영했어요.")
            % {"percent": why.counted_percent}
        )
    if why.placement_game is not None:
        sentences.append(_placement_text(why.placement_game))
    return sentences


def _room_text(why: Explanation) -> str:
    expected = f"{why.expected_rank_tenths / 10:.1f}"
    if why.rivals == 0:
        return _(
            "혼자 참가해서 시장과 둘이 겨뤘어요. 둘 중 %(rank)s위, 기대 순위는 %(expected)s위였어요."
        ) % {
            "rank": why.room_rank,
            "expected": expected,
        }
    text = ngettext(
        "실력이 비슷한 상대 %(rivals)s명, 시장과 겨뤄 %(size)s자리 중 %(rank)s위, 기대 순위는 %(expected)s위였어요.",
        "실력이 비슷한 상대 %(rivals)s명, 시장과 겨뤄 %(size)s자리 중 %(rank)s위, 기대 순위는 %(expected)s위였어요.",
        why.rivals,
    )
    return text % {
        "rivals": why.rivals,
        "size": why.room_size,
        "rank": why.room_rank,
        "expected": expected,
    }


def _house_text(why: Explanation) -> str:
    house = {"house": percent(why.house_return_bps)}
    if why.house_margin_bps > 0:
        return _("모든 종목을 똑같이 산 시장의 수익률 %(house)s를 이겼어요.") % house
    if why.house_margin_bps < 0:
        return _("모든 종목을 똑같이 산 시장의 수익률 %(house)s에는 미치지 못했어요.") % house
    return _("모든 종목을 똑같이 산 시장의 수익률 %(house)s와 같았어요.") % house


def _parts_text(why: Explanation) -> str:
    parts = {
        "performance": f"{why.performance:+,}",
        "certainty": f"{why.certainty:+,}",
        "change": f"{why.change:+,}",
    }
    if why.certainty == 0:
        return _("성적으로 MMR %(change)s.") % parts
    return _("성적으로 %(performance)s, 실력을 더 잘 알게 되어 %(certainty)s, 모두 %(change)s.") % parts


def _placement_text(game: int) -> str:
    games = {"game": game, "games": PLACEMENT_GAMES}
    if game == PLACEMENT_GAMES:
        return _("배치 게임 %(games)s판을 모두 마쳤어요. 이제 MMR 순위에 올라요.") % games
    return _("배치 게임 %(game)s/%(games)s판째라 MMR이 크게 움직이고, 아직 잠정이에요.") % games
