"""Who a session key belongs to, and who wants to know when it ends.

Order entry trusts a session key for as long as the gate holds it bound to an account. So whatever ends a
session must tell the gate at once: it registers with `on_session_end`, `accounts.session_store` calls it.
"""

import logging
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, load_backend
from django.db import transaction
from django.utils.crypto import constant_time_compare

if TYPE_CHECKING:
    from accounts.models import User

logger = logging.getLogger(__name__)

SessionEndListener = Callable[[str], None]
_listeners: list[SessionEndListener] = []


def on_session_end(listener: SessionEndListener) -> SessionEndListener:
    """Have `listener(session_key)` called after a session has ended; returns it, so that it can decorate.

    It runs in the process that ended the session, after the commit, and must not take long. Registering twice
    has no effect.
    """
    if listener not in _listeners:
        _listeners.append(listener)
    return listener


def session_ended(session_key: str) -> None:
    """Tell every listener that a session has ended, once the surrounding transaction is committed."""
    transaction.on_commit(partial(_tell_listeners, session_key))


def _tell_listeners(session_key: str) -> None:
    for listener in _listeners:
        try:
            listener(session_key)
        except Exception:
            logger.exception("A listener failed to take note that a session ended.")


def _store(session_key: str | None) -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore(session_key)


def current_user_of(session_key: str | None) -> "User | None":
    """Return the user logged in with this session key, as Django would for a page, or None.

    None for an unknown, expired or anonymous session, after a change of password, and for a user who may no
    longer log in. Reads only: unlike a page view it neither prolongs nor rotates the session.
    """
    if not session_key:
        return None
    session = _store(session_key)
    backend_path = session.get(BACKEND_SESSION_KEY)
    if session.get(SESSION_KEY) is None or backend_path not in settings.AUTHENTICATION_BACKENDS:
        return None
    user: User | None = load_backend(backend_path).get_user(session[SESSION_KEY])
    if user is None:
        return None
    seen = session.get(HASH_SESSION_KEY, "")
    valid = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return user if any(constant_time_compare(seen, value) for value in valid) else None


def sessions_end(*, user: "User", except_key: str | None = None) -> int:
    """End all sessions of a user but `except_key`, and return how many; the listeners hear of each."""
    from accounts.models import Session

    keys = list(Session.objects.filter(user=user).exclude(pk=except_key or "").values_list("pk", flat=True))
    store = _store(None)
    for key in keys:
        store.delete(key)
    return len(keys)
