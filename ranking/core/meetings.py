"""How much of a game counts: less when the same few have met again and again, so that ratings cannot be farmed.

Of each rival a player counts as fresh what is left after their meetings: all of somebody never met, 10/(10 + 3 m)
after m meetings. A game counts in full with `RIVALS_ENOUGH` fresh rivals, or with as many as there are rivals; below
that in proportion. Many are not few, however often they meet: of a game with n rivals at least the part
(n / `SMALL_FIELD`)² counts, which from `SMALL_FIELD` rivals on is all of it. The part that counts is applied to the
whole movement, up and down, of mean and deviation: an honest evening among four friends moves everybody less, and
nobody astray.

Meetings are those in small games among the last `WINDOW_GAMES` that were rated. New accounts cost nothing, so rivals
in their first `NEWCOMER_GAMES` games count as one and the same rival for those who have played more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

WINDOW_GAMES = 120
SMALL_FIELD = 20
RIVALS_ENOUGH = 5
NEWCOMER_GAMES = 3
FULL_PERCENT = 100


@dataclass(frozen=True, slots=True)
class SmallGame:
    """Who took part in a rated game of at most `SMALL_FIELD` players, and which of them were newcomers."""

    players: frozenset[int]
    newcomers: frozenset[int]

    @classmethod
    def of(cls, games_played: Mapping[int, int]) -> "SmallGame":
        """Return the game of these players, given how many games each has played, this one included."""
        newcomers = (player for player, games in games_played.items() if games <= NEWCOMER_GAMES)
        return cls(frozenset(games_played), frozenset(newcomers))


def is_small(participants: int) -> bool:
    """Return whether meetings in a game of so many are counted, and its gains perhaps damped."""
    return 1 < participants <= SMALL_FIELD


def counted_percents(game: SmallGame, earlier: Iterable[SmallGame]) -> dict[int, int]:
    """Return what part of the game counts for each player, in percent; `earlier` are the window's small games."""
    before = list(earlier)
    return {player: _percent(player, game, before) for player in game.players}


def _percent(player: int, game: SmallGame, earlier: Sequence[SmallGame]) -> int:
    mine = [each for each in earlier if player in each.players]
    rivals = game.players - {player}
    fresh = sum(sorted(_freshness(_meetings(player, rival, game, mine)) for rival in rivals))
    if not rivals:
        return FULL_PERCENT
    part = max(fresh / min(len(rivals), RIVALS_ENOUGH), (len(rivals) / SMALL_FIELD) ** 2)
    return min(FULL_PERCENT, int(FULL_PERCENT * part))


def _freshness(meetings: int) -> float:
    return 10 / (10 + 3 * meetings)


def _meetings(player: int, rival: int, game: SmallGame, mine: Sequence[SmallGame]) -> int:
    """Return in how many of the player's games this rival was, or any newcomer where the rival is one."""
    if rival not in game.newcomers or player in game.newcomers:
        return sum(rival in each.players for each in mine)
    return sum(rival in each.players or bool(each.newcomers - {player}) for each in mine)
