"""Results, ratings and leaderboards."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RankingConfig(AppConfig):
    """The ranking application."""

    name = "ranking"
    verbose_name = _("랭킹")

    def ready(self) -> None:
        """Have the results made when a game's market is drained, and the review after them."""
        from games.services import on_game_drained
        from ranking.reviews import review_of_game_compute
        from ranking.services import results_of_game_compute

        on_game_drained(results_of_game_compute)
        on_game_drained(review_of_game_compute)
