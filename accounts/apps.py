"""Players: the bottom of the applications."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """The accounts application."""

    name = "accounts"
    verbose_name = _("계정")

    def ready(self) -> None:
        """Connect the receivers."""
        from accounts import signals  # noqa: F401
