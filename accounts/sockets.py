"""For whom a socket speaks: told by the session's cookie when it opens, and looked at again while it is open."""

from collections.abc import Sequence
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.http import parse_cookie
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import Session, User
from accounts.sessions import current_user_of, ended_elsewhere, is_anonymous_session
from stocking.base.consumers import CLOSE_LOGGED_IN_ELSEWHERE, CLOSE_SESSION_ENDED
from stocking.base.logins import Login


class SocketLogin:
    """ASGI middleware: adds `user` and `login` of the session's cookie, or `login_ended` with a close code.

    A visitor has none of them. A page that comes with a session which is nobody's any more was opened by a player whose
    login has ended since: it is told so, instead of being left to believe that it hears what is private.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        """Pass the connection on."""
        found: dict[str, Any] = {"user": None, "login": None, "login_ended": None}
        key = session_key_of(scope)
        if key:
            found = await database_sync_to_async(_found)(key)
        return await self._inner({**scope, **found}, receive, send)


def session_key_of(scope: dict[str, Any]) -> str:
    """Return the session key a connection's cookies carry, "" for none."""
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"]
    return parse_cookie("; ".join(lines)).get(settings.SESSION_COOKIE_NAME, "")


def _found(session_key: str) -> dict[str, Any]:
    user = current_user_of(session_key)
    if user is not None:
        login = Login(user.pk, session_key, user.session_stamp, user.get_session_auth_hash())
        return {"user": user, "login": login, "login_ended": None}
    code = None
    if not is_anonymous_session(session_key):
        code = CLOSE_LOGGED_IN_ELSEWHERE if ended_elsewhere(session_key) else CLOSE_SESSION_ENDED
    return {"user": None, "login": None, "login_ended": code}


def logins_ended(logins: Sequence[Login]) -> dict[Login, int]:
    """Return which of these logins are over, with the code to close their sockets with; three queries at most."""
    rows = Session.objects.filter(
        pk__in=[login.session_key for login in logins], expire_date__gt=timezone.now()
    )
    alive = dict(rows.values_list("pk", "user_id"))
    users = {
        user.pk: user
        for user in User.objects.filter(pk__in={login.user_id for login in logins}).only(
            "password", "session_stamp", "is_active"
        )
    }
    over = [login for login in logins if not _holds(login, users.get(login.user_id), alive)]
    if not over:
        return {}
    # Whose stamp is another one, and who has a session, has logged in elsewhere. A changed password leaves the stamp.
    again = set(
        Session.objects.filter(user__in={login.user_id for login in over}, expire_date__gt=timezone.now())
        .exclude(pk__in=[login.session_key for login in over])
        .values_list("user_id", flat=True)
    )
    return {
        login: (
            CLOSE_LOGGED_IN_ELSEWHERE
            if login.user_id in again
            and login.user_id in users
            and users[login.user_id].session_stamp != login.stamp
            else CLOSE_SESSION_ENDED
        )
        for login in over
    }


def _holds(login: Login, user: User | None, alive: dict[str, int]) -> bool:
    return (
        user is not None
        and user.is_active
        and alive.get(login.session_key) == login.user_id
        and constant_time_compare(user.get_session_auth_hash(), login.proof)
    )
