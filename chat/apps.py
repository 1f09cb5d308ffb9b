"""Messages of players and of the system."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChatConfig(AppConfig):
    """The chat application."""

    name = "chat"
    verbose_name = _("채팅")

    def ready(self) -> None:
        """Register the topic and the operation."""
        from chat import filtering, topics  # noqa: F401
