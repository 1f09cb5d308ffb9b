"""Who has met whom in the small games that were rated last."""

from ranking.core.meetings import SMALL_FIELD, WINDOW_GAMES, SmallGame
from ranking.models import Result


def small_games_before(sequence: int) -> list[SmallGame]:
    """Return the small games among the last ones rated before `sequence`; one query, of bounded length."""
    rows = Result.objects.filter(
        market__summary__sequence__range=(sequence - WINDOW_GAMES, sequence - 1),
        market__summary__participants__range=(2, SMALL_FIELD),
    )
    players: dict[int, dict[int, int]] = {}
    for number, user_id, games in rows.values_list("market_id", "user_id", "games_played"):
        players.setdefault(number, {})[user_id] = games
    return [SmallGame.of(games) for games in players.values()]
