"""Why a game moved a player's MMR as it did: the figures behind the sentence on the results page."""

from dataclasses import dataclass
from typing import Protocol

from ranking.core.meetings import FULL_PERCENT
from ranking.core.placement import PLACEMENT_GAMES
from ranking.core.rating import MMR_PER_SKILL


class RatedResult(Protocol):
    """What is read of a stored result."""

    mmr_before: int
    mmr_after: int
    mean_before: float
    mean_after: float
    return_bps: int
    games_played: int
    room_size: int | None
    room_rank: int | None
    expected_rank_tenths: int | None
    house_margin_bps: int | None
    counted_percent: int | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The parts of one movement of the MMR.

    `performance` is what the place was worth, in MMR; `certainty` is what knowing the player better was worth; they
    add up to the movement. Room and places include the house. `placement_game` is the number of the placement game
    this was, None afterwards. `counted_percent` is below 100 where the same few have met too often.
    """

    change: int
    performance: int
    certainty: int
    rivals: int
    room_size: int
    room_rank: int
    expected_rank_tenths: int
    house_return_bps: int
    house_margin_bps: int
    counted_percent: int
    placement_game: int | None

    @property
    def is_damped(self) -> bool:
        """Whether only a part of the game counted."""
        return self.counted_percent < FULL_PERCENT


def explanation_of(result: RatedResult) -> Explanation | None:
    """Return the explanation of a result, None for one from before explanations were kept."""
    if (
        result.room_size is None
        or result.room_rank is None
        or result.expected_rank_tenths is None
        or result.house_margin_bps is None
        or result.counted_percent is None
    ):
        return None
    change = result.mmr_after - result.mmr_before
    performance = round(MMR_PER_SKILL * (result.mean_after - result.mean_before))
    return Explanation(
        change=change,
        performance=performance,
        certainty=change - performance,
        rivals=result.room_size - 2,
        room_size=result.room_size,
        room_rank=result.room_rank,
        expected_rank_tenths=result.expected_rank_tenths,
        house_return_bps=result.return_bps - result.house_margin_bps,
        house_margin_bps=result.house_margin_bps,
        counted_percent=result.counted_percent,
        placement_game=result.games_played if result.games_played <= PLACEMENT_GAMES else None,
    )
