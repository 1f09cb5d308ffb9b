"""Players: the bottom of the applications."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """The accounts application."""

    name = "accounts"
    verbose_name = _("계정")

    def ready(self) -> None:
        """Connect the receivers, and say which sockets' logins have ended."""
        from accounts import signals  # noqa: F401
        from accounts.sockets import logins_ended
        from stocking.base.logins import register_login_check

        register_login_check(logins_ended)
