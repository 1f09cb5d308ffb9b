"""Accounts that log in with a provider: made, connected and disconnected, each in one transaction."""

import logging

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError, transaction

from accounts.emails import email_owner
from accounts.locks import user_lock
from accounts.models import User, nickname_fold
from accounts.nicknames import nickname_is_taken
from accounts.social.providers import configured

logger = logging.getLogger(__name__)


class NicknameTakenError(Exception):
    """Somebody else took the nickname between the check and the insert."""


class EmailTakenError(Exception):
    """The e-mail address belongs to another account."""


class SocialAccountTakenError(Exception):
    """The provider's account belongs to a player already."""


class AnotherConnectedError(Exception):
    """The player has connected another account of this provider."""


class LastWayError(Exception):
    """Without this provider the player could not log in any more."""


def has_password_way(user: User) -> bool:
    """Return whether the user can log in by e-mail and password."""
    return bool(user.email) and user.has_usable_password()


def social_signup(
    *, account: SocialAccount, email: str | None, nickname: str, guest: User | None = None
) -> User:
    """Make a player of who has proved to own a provider's account, or turn the guest into one, and return the player.

    A guest keeps the row of the table and with it rating, results and the running game. The address must be one
    that the provider has verified. Raises `NicknameTakenError`, `EmailTakenError` or `SocialAccountTakenError`, with
    nothing changed; the last also for a guest who is none any more.
    """
    try:
        with transaction.atomic():
            user = (
                User.objects.create_user(email, nickname)
                if guest is None
                else _guest_promote(guest, email=email, nickname=nickname)
            )
            account.user = user
            account.save(force_insert=True)
            EmailAddress.objects.filter(user=user).delete()
            if email:
                EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    except IntegrityError as error:
        if SocialAccount.objects.filter(provider=account.provider, uid=account.uid).exists():
            raise SocialAccountTakenError from error
        if nickname_is_taken(nickname, owner_id=guest.pk if guest else None):
            raise NicknameTakenError from error
        if email and email_owner(email):
            raise EmailTakenError from error
        raise
    logger.info("User %s signed up with %s.", user.pk, account.provider)
    return user


def _guest_promote(guest: User, *, email: str | None, nickname: str) -> User:
    """Turn the guest into a full player, unless that has happened or the guest was banned in the meantime."""
    promoted = User.objects.filter(pk=guest.pk, is_guest=True, is_active=True).update(
        email=email, nickname=nickname, nickname_key=nickname_fold(nickname), is_guest=False
    )
    if not promoted:
        raise SocialAccountTakenError
    return User.objects.get(pk=guest.pk)


def social_connect(*, user: User, account: SocialAccount) -> bool:
    """Let the player log in with the provider's account too; return False where it was so already.

    Raises `SocialAccountTakenError` if it belongs to somebody else, `AnotherConnectedError` if the player has another
    one of this provider.
    """
    try:
        with transaction.atomic():
            locked = user_lock(user.pk)
            if locked.deleted_at is not None:
                raise SocialAccountTakenError
            own = SocialAccount.objects.filter(user=locked, provider=account.provider).first()
            if own is not None:
                if own.uid == account.uid:
                    return False
                raise AnotherConnectedError
            account.user = locked
            account.save(force_insert=True)
    except IntegrityError as error:
        raise SocialAccountTakenError from error
    logger.info("User %s connected %s.", user.pk, account.provider)
    return True


def social_disconnect(*, user: User, provider: str) -> bool:
    """Take a provider's account off the player; return False where there was none.

    Raises `LastWayError` if no other way to log in would be left. Two at once are decided one after the other.
    """
    with transaction.atomic():
        locked = user_lock(user.pk)
        others = SocialAccount.objects.filter(user=locked, provider__in=configured()).exclude(
            provider=provider
        )
        if not has_password_way(locked) and not others.exists():
            raise LastWayError
        removed, _rows = SocialAccount.objects.filter(user=locked, provider=provider).delete()
    if removed:
        logger.info("User %s disconnected %s.", user.pk, provider)
    return bool(removed)
