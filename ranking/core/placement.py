"""Placement: the first games of an account, in which its rating is still provisional. And when one is away."""

PLACEMENT_GAMES = 10
# Who has not played for two weeks is not on the board by MMR; the rating stays, the next game brings it back.
INACTIVE_MS = 14 * 24 * 3_600_000


def is_provisional(games_played: int) -> bool:
    """Return whether a rating after so many games is still provisional and stands on no board."""
    return games_played < PLACEMENT_GAMES
