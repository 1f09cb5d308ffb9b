"""The games' only row lock: one process at a time ends a game."""

from games.models import Game


def game_lock(number: int) -> Game | None:
    """Lock a game until the transaction ends; None if there is none of that number."""
    return Game.objects.select_for_update().filter(pk=number).first()
