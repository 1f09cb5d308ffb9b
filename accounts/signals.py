"""A new password ends the sessions that were opened with the old one, but for the browser it was set in."""

from typing import Any

from allauth.account.signals import password_changed, password_reset, password_set
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User
from accounts.sessions import sessions_end


@receiver([password_changed, password_reset, password_set])
def end_other_sessions(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Call the service; nothing is decided here."""
    sessions_end(user=user, except_key=request.session.session_key)
