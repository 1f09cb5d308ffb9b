"""Who a session key belongs to, that a user has one session at most, and who wants to know when one ends.

A session counts as long as it was opened under the stamp that its user carries now, which is part of what Django
compares on every request (`User.get_session_auth_hash`). Each login and each logout gives the user another stamp, by
one statement on one row: of two logins at the same moment the later one stays, and whatever a cache still holds of any
other session is worth nothing. Deleting the rows of ended sessions is tidying up.

Order entry trusts a session key for as long as the gate holds it bound to an account. So whatever ends sessions tells
the gate before it is committed (`before_sessions_end`), and again by key when a session is gone (`on_session_end`).
"""

import logging
import re
import secrets
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, load_backend
from django.contrib.sessions.backends.base import UpdateError
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from stocking.base import logins

if TYPE_CHECKING:
    from accounts.models import User

logger = logging.getLogger(__name__)

# As Django makes them. A spelling that only the database takes for the same would escape its logout.
KEY_FORM = re.compile(r"[a-z0-9]{8,64}")
ELSEWHERE_SECONDS = 86_400
EXPIRED_REMOVED_MAX = 5_000

SessionEndListener = Callable[[str], None]
SessionsEndListener = Callable[[int, str], None]
_listeners: list[SessionEndListener] = []
_fences: list[SessionsEndListener] = []


def on_session_end(listener: SessionEndListener) -> SessionEndListener:
    """Have `listener(session_key)` called after a session has ended; returns it, so that it can decorate.

    It runs in the process that ended the session, after the commit, and must not take long. Registering twice
    has no effect.
    """
    if listener not in _listeners:
        _listeners.append(listener)
    return listener


def before_sessions_end(listener: SessionsEndListener) -> SessionsEndListener:
    """Have `listener(user_id, spared_key)` called before all sessions of a user but one (or "") end.

    It runs inside the transaction that ends them, with the user's row locked, so that of two logins at the same moment
    the one that is committed last is told last. If the commit fails, nothing has ended: what the listener refuses then
    must pass by itself.
    """
    if listener not in _fences:
        _fences.append(listener)
    return listener


def session_ended(session_key: str, user_id: int | None) -> None:
    """Tell every listener and every socket that a session has ended, once the transaction is committed."""
    transaction.on_commit(partial(_tell_listeners, session_key))
    if user_id is not None:
        transaction.on_commit(partial(logins.tell_changed, user_id))


def _tell_listeners(session_key: str) -> None:
    for listener in _listeners:
        try:
            listener(session_key)
        except Exception:
            logger.exception("A listener failed to take note that a session ended.")


def _raise_fences(user_id: int, spared_key: str) -> None:
    for listener in _fences:
        try:
            listener(user_id, spared_key)
        except Exception:
            logger.exception("A listener failed to take note that sessions end.")


def _store(session_key: str | None) -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore(session_key)


def _user_in(session: Any) -> "User | None":
    """Return the user whom a session is valid for."""
    backend_path = session.get(BACKEND_SESSION_KEY)
    if session.get(SESSION_KEY) is None or backend_path not in settings.AUTHENTICATION_BACKENDS:
        return None
    user: User | None = load_backend(backend_path).get_user(session[SESSION_KEY])
    if user is None:
        return None
    seen = session.get(HASH_SESSION_KEY, "")
    valid = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return user if any(constant_time_compare(seen, value) for value in valid) else None


def current_user_of(session_key: str | None) -> "User | None":
    """Return the user logged in with this session key, as Django would for a page, or None.

    None for an unknown, expired or anonymous session, after a login elsewhere or a change of password, and for a user
    who may no longer log in. Reads only: unlike a page view it neither prolongs nor rotates the session.
    """
    if not session_key or not KEY_FORM.fullmatch(session_key):
        return None
    return _user_in(_store(session_key))


def is_anonymous_session(session_key: str) -> bool:
    """Return whether this is the session of a visitor, who has never logged in with it."""
    if not KEY_FORM.fullmatch(session_key):
        return False
    session = _store(session_key)
    return session.exists(session_key) and session.get(SESSION_KEY) is None


def fresh_stamp() -> str:
    """Return a stamp that no session was opened under."""
    return secrets.token_urlsafe(16)


@transaction.atomic
def session_begin(*, user: "User", session: Any) -> int:
    """Make the session in which a user has just logged in the user's only one; returns how many others ended.

    The session is stored at once, so that the gate and the sockets find it.
    """
    from accounts.models import User

    user.session_stamp = fresh_stamp()
    User.objects.filter(pk=user.pk).update(session_stamp=user.session_stamp)  # locks the row until the commit
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    try:
        session.save()
    except UpdateError:  # another login has just ended the session that was to go on
        session.create()
    _raise_fences(user.pk, session.session_key)
    keys = _keys_of(user, except_key=session.session_key)
    transaction.on_commit(partial(_remember_elsewhere, keys))
    return _delete(user, keys)


@transaction.atomic
def sessions_end(*, user: "User", except_key: str | None = None) -> int:
    """End all sessions of a user but `except_key`, and return how many; the listeners hear of each.

    With `except_key` the others must have become invalid by themselves, as by a new password.
    """
    session_stamp_renew(user=user, except_key=except_key)
    return _delete(user, _keys_of(user, except_key=except_key))


@transaction.atomic
def session_stamp_renew(*, user: "User", except_key: str | None = None) -> None:
    """Make every session of a user worthless from the commit on, whatever a cache holds, but `except_key`."""
    from accounts.models import User

    if except_key is None:
        user.session_stamp = fresh_stamp()
        User.objects.filter(pk=user.pk).update(session_stamp=user.session_stamp)
    _raise_fences(user.pk, except_key or "")
    transaction.on_commit(partial(logins.tell_changed, user.pk))


def _keys_of(user: "User", *, except_key: str | None) -> list[str]:
    from accounts.models import Session

    mine = Session.objects.filter(user=user).exclude(pk=except_key or "")
    return list(mine.values_list("pk", flat=True))


def _delete(user: "User", keys: list[str]) -> int:
    store = _store(None)
    for key in keys:
        store.delete(key)
    transaction.on_commit(partial(logins.tell_changed, user.pk))
    return len(keys)


def sessions_expired_remove() -> int:
    """Remove rows of sessions that have run out, which nothing counts any more; return how many."""
    from accounts.models import Session

    expired = Session.objects.filter(expire_date__lt=timezone.now()).order_by("expire_date")
    keys = list(expired.values_list("pk", flat=True)[:EXPIRED_REMOVED_MAX])
    for first in range(0, len(keys), 500):
        Session.objects.filter(pk__in=keys[first : first + 500]).delete()
    return len(keys)


def _remember_elsewhere(keys: list[str]) -> None:
    """Note why these sessions ended, for who was away and comes back with one of them; the note may be lost."""
    try:
        cache.set_many({f"elsewhere.{key}": 1 for key in keys}, ELSEWHERE_SECONDS)
    except Exception:
        logger.exception("It is not noted that sessions ended by a login elsewhere.")


def ended_elsewhere(session_key: str) -> bool:
    """Return whether a session is known to have ended by a login elsewhere."""
    return KEY_FORM.fullmatch(session_key) is not None and bool(cache.get(f"elsewhere.{session_key}"))
