"""Placement: the first games of an account, in which its rating is still provisional."""

PLACEMENT_GAMES = 10


def is_provisional(games_played: int) -> bool:
    """Return whether a rating after so many games is still provisional and stands on no board."""
    return games_played < PLACEMENT_GAMES
