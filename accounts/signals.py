"""A new password ends the sessions that were opened with the old one, but for the browser it was set in."""

from typing import Any

from allauth.account.signals import password_changed, password_reset, password_set
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User
from accounts.sessions import sessions_end
from accounts.throttling import browser_remember


@receiver([password_changed, password_reset, password_set])
def end_other_sessions(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Call the service; nothing is decided here."""
    sessions_end(user=user, except_key=request.session.session_key)


@receiver([user_logged_in, password_reset])
def remember_browser(sender: Any, user: User, request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Have the browser known: its owner gets in from it whoever else tries the password."""
    if request is not None:
        browser_remember(request, user.email)
