"""What begins and ends sessions, by whatever way it came about; the services decide, here they are only called."""

from typing import Any

from allauth.account.signals import password_changed, password_reset, password_set
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User
from accounts.sessions import session_begin, session_stamp_renew, sessions_end
from accounts.throttling import browser_remember


@receiver(user_logged_in)
def begin_only_session(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Password, guest, social login, sign-up and the admin's login all end here: one session a user."""
    session_begin(user=user, session=request.session)


@receiver(user_logged_out)
def end_session(sender: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    """Make the session worthless; Django deletes it next."""
    if user is not None:
        session_stamp_renew(user=user)


@receiver([password_changed, password_set])
def end_other_sessions(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """A new password ends the sessions that were opened with the old one, but for the browser it was set in."""
    is_mine = request.user.is_authenticated and request.user.pk == user.pk
    sessions_end(user=user, except_key=request.session.session_key if is_mine else None)


@receiver(password_reset)
def end_all_sessions(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """A reset, by whoever has the mailbox, ends all: the gate must not go by a session that pages take no more."""
    if request.user.is_authenticated and request.user.pk == user.pk:
        logout(request)
    sessions_end(user=user)


@receiver([user_logged_in, password_reset])
def remember_browser(sender: Any, user: User, request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Have the browser known: its owner gets in from it whoever else tries the password."""
    if request is not None:
        browser_remember(request, user.email)
