"""What one game does to all who took part: the one way ratings move, at a game's end and when history is rated anew."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ranking.core.meetings import FULL_PERCENT, SmallGame, counted_percents, is_small
from ranking.core.plackett_luce import RandomSource
from ranking.core.rating import INITIAL, MMR_INITIAL, Entrant, Outcome, Rating, mmr_of, rate
from ranking.core.tiers import Tier, tier_after


@dataclass(frozen=True, slots=True)
class RatedPlayer:
    """How a player is rated: the belief, what is shown of it, and after how many games."""

    rating: Rating = INITIAL
    mmr: int = MMR_INITIAL
    tier: str = Tier.BRONZE.value
    games_played: int = 0


NEWCOMER = RatedPlayer()


@dataclass(frozen=True, slots=True)
class Movement:
    """One player's rating before and after a game, and the outcome in between."""

    before: RatedPlayer
    after: RatedPlayer
    outcome: Outcome


def movements_of(
    returns_bps: Sequence[tuple[int, int]],
    players: Mapping[int, RatedPlayer],
    *,
    house_return_bps: int,
    earlier: Callable[[], Iterable[SmallGame]],
    random: RandomSource,
) -> dict[int, Movement]:
    """Return how a game moved everyone, by player. `returns_bps` are the players with their returns.

    `players` are those before the game. `earlier` gives the window's small games, for a small game alone;
    `random` must be seeded by the game.
    """
    counted = _counted(players, earlier)
    entrants = [
        Entrant(player, players[player].rating, value, counted.get(player, FULL_PERCENT))
        for player, value in returns_bps
    ]
    outcomes = rate(entrants, house_return_bps=house_return_bps, random=random)
    return {
        player: Movement(players[player], _after(players[player], outcome), outcome)
        for player, outcome in outcomes.items()
    }


def _counted(
    players: Mapping[int, RatedPlayer], earlier: Callable[[], Iterable[SmallGame]]
) -> dict[int, int]:
    if not is_small(len(players)):
        return {}
    games_played = {player: rated.games_played + 1 for player, rated in players.items()}
    return counted_percents(SmallGame.of(games_played), earlier())


def _after(before: RatedPlayer, outcome: Outcome) -> RatedPlayer:
    mmr = mmr_of(outcome.rating)
    return RatedPlayer(outcome.rating, mmr, tier_after(mmr, before.tier).value, before.games_played + 1)
