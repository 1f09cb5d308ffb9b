"""Making, changing, banning and restoring accounts."""

import secrets
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from accounts.emails import confirmation_is_demanded
from accounts.models import User, nickname_fold
from accounts.nicknames import GUEST_PREFIX
from accounts.sessions import sessions_end

# Longer than a link to confirm an e-mail is good for.
UNCONFIRMED_KEPT = timedelta(days=7)
UNCONFIRMED_REMOVED_MAX = 500

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
def player_create(*, email: str, nickname: str, password_hash: str) -> User:
    """Create a player; IntegrityError if the nickname or, unless it has to be confirmed first, the e-mail is taken."""
    later = confirmation_is_demanded()
    user = User(email=None if later else email.lower(), nickname=nickname, password=password_hash)
    user.save()
    EmailAddress.objects.create(user=user, email=email.lower(), primary=not later)
    return user


@transaction.atomic
def guest_upgrade(*, user: User, email: str, nickname: str, password_hash: str) -> bool:
    """Make a guest a player: the same row, so rating, results, orders and holdings stay theirs.

    Where e-mails have to be confirmed the guest plays on under the new name, and becomes a player by the link. False,
    and nothing, for one who is no guest any more. IntegrityError as with `player_create`.
    """
    later = confirmation_is_demanded()
    user.nickname, user.password = nickname, password_hash
    if not later:
        user.email, user.is_guest = email.lower(), False
    changed = User.objects.filter(pk=user.pk, is_guest=True, is_active=True).update(
        nickname=nickname, nickname_key=nickname_fold(nickname), password=password_hash, email=user.email,
        is_guest=user.is_guest,
    )  # fmt: skip
    if changed:
        EmailAddress.objects.filter(user=user).delete()
        EmailAddress.objects.create(user=user, email=email.lower(), primary=not later)
    return bool(changed)


def nickname_change(*, user: User, nickname: str) -> None:
    """Give the user another nickname; IntegrityError if somebody has just taken it."""
    User.objects.filter(pk=user.pk, deleted_at=None).update(
        nickname=nickname, nickname_key=nickname_fold(nickname)
    )
    user.nickname = nickname


def unconfirmed_remove() -> int:
    """Remove sign-ups whose e-mail was never confirmed, so that their nicknames become free; return how many."""
    stale = User.objects.filter(
        last_login=None, email=None, is_guest=False, is_bot=False, is_staff=False, is_active=True, deleted_at=None,
        date_joined__lt=timezone.now() - UNCONFIRMED_KEPT, emailaddress__verified=False,
    )  # fmt: skip
    keys = list(stale.distinct().order_by("pk").values_list("pk", flat=True)[:UNCONFIRMED_REMOVED_MAX])
    return sum(_unconfirmed_remove_one(key) for key in keys)


@transaction.atomic
def _unconfirmed_remove_one(user_id: int) -> bool:
    """Remove a sign-up, unless its link was opened meanwhile or something, such as staff's log, refers to it."""
    user = User.objects.select_for_update().filter(pk=user_id, last_login=None, email=None).first()
    if user is None:
        return False
    try:
        user.delete()
    except ProtectedError:
        return False
    return True


@transaction.atomic
def user_ban(*, user: User) -> None:
    """Keep a user out: no login any more, and every session of theirs ends."""
    User.objects.filter(pk=user.pk).update(is_active=False)
    user.is_active = False
    sessions_end(user=user)


def user_unban(*, user: User) -> None:
    """Let a banned user log in again; who has left stays away."""
    user.is_active = bool(User.objects.filter(pk=user.pk, deleted_at=None).update(is_active=True))
