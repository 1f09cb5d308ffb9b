"""Leaving for good: what goes, what stays, and who else has something to do about it.

The row stays, as the ledger, results and messages refer to it; who it was does not. Other applications register with
`on_user_delete`: trading cancels the open orders, the chat takes the name from every screen.
"""

import logging
from collections.abc import Callable
from functools import partial

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from accounts.models import DELETED_NICKNAME, User, deleted_key
from accounts.sessions import sessions_end

logger = logging.getLogger(__name__)

UserDeleteListener = Callable[[int], None]
_listeners: list[UserDeleteListener] = []


def on_user_delete(listener: UserDeleteListener) -> UserDeleteListener:
    """Have `listener(user_id)` called after an account was deleted; returns it, so that it can decorate.

    It runs in the process that deleted it, after the commit and after every session has ended. What it does must be
    harmless to miss: the process may die in between. Registering twice has no effect.
    """
    if listener not in _listeners:
        _listeners.append(listener)
    return listener


@transaction.atomic
def user_delete(*, user: User) -> bool:
    """Delete an account; False if it was deleted before.

    E-mail, nickname and links to other providers become free, no password fits any more, every session ends. Results,
    trades and messages stay, under `DELETED_NICKNAME`.
    """
    deleted = User.objects.filter(pk=user.pk, deleted_at=None).update(
        email=None, nickname=DELETED_NICKNAME, nickname_key=deleted_key(user.pk), password=make_password(None),
        is_active=False, is_staff=False, is_superuser=False, deleted_at=timezone.now(),
    )  # fmt: skip
    if not deleted:
        return False
    EmailAddress.objects.filter(user=user).delete()
    SocialAccount.objects.filter(user=user).delete()
    user.groups.clear()
    user.user_permissions.clear()
    sessions_end(user=user)
    transaction.on_commit(partial(_tell_listeners, user.pk))
    return True


def _tell_listeners(user_id: int) -> None:
    for listener in _listeners:
        try:
            listener(user_id)
        except Exception:
            logger.exception("A listener failed to take note that an account was deleted.")
