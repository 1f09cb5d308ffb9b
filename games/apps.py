"""Games, news and bots."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GamesConfig(AppConfig):
    """The games application."""

    name = "games"
    verbose_name = _("게임")

    def ready(self) -> None:
        """Register the topic of the games."""
        from games import topics  # noqa: F401
