"""Making, banning and restoring accounts."""

import secrets

from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.nicknames import GUEST_PREFIX
from accounts.sessions import sessions_end

# Four digits read best; more of them once many guests have played.
_GUEST_DIGITS = (4, 4, 4, 5, 6, 8, 9)


def guest_create() -> User:
    """Create a guest: a free nickname like 체험왕1234, no e-mail and no usable password."""
    for digits in _GUEST_DIGITS:
        number = 10 ** (digits - 1) + secrets.randbelow(9 * 10 ** (digits - 1))
        try:
            with transaction.atomic():
                return User.objects.create_user(None, f"{GUEST_PREFIX}{number}", is_guest=True)
        except IntegrityError:
            continue
    raise RuntimeError("no free guest nickname found")


@transaction.atomic
def user_ban(*, user: User) -> None:
    """Keep a user out: no login any more, and every session of theirs ends."""
    User.objects.filter(pk=user.pk).update(is_active=False)
    user.is_active = False
    sessions_end(user=user)


def user_unban(*, user: User) -> None:
    """Let a banned user log in again."""
    User.objects.filter(pk=user.pk).update(is_active=True)
    user.is_active = True
