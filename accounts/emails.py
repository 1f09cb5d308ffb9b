"""Whose an e-mail address is.

`User.email` is what one logs in with, and unique. Where confirmation is demanded (`EMAIL_VERIFICATION=mandatory`), it
is set only by the link in the mail; until then the address is a claim: an unverified `EmailAddress`, of which there may
be any number for one address, so nobody can keep another from signing up with theirs. Which mail a claim causes is
the only difference between an address that somebody has and one that nobody has, and only its owner sees that.
"""

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User


def confirmation_is_demanded() -> bool:
    """Return whether an e-mail counts only once the link sent to it was opened."""
    return bool(settings.ACCOUNT_EMAIL_VERIFICATION == "mandatory")


def email_validate(email: str) -> None:
    """Refuse an address with other letters than ASCII's; a domain of others has a form in these (`xn--…`).

    To MariaDB's usual collations `é` is an `e`, and a domain with it is somebody else's.
    """
    if not email.isascii():
        raise ValidationError(_("이메일 주소는 영문, 숫자, 기호로만 적어 주세요."), code="not_ascii")


def email_owner(email: str) -> User | None:
    """Return the user who logs in with exactly this e-mail, whatever the database takes for equal."""
    email = email.lower()
    found = User.objects.filter(email=email).first()
    return found if found is not None and found.email == email else None


def email_is_confirmed_by_another(address: EmailAddress) -> bool:
    """Return whether somebody else has confirmed this address, so that the claim can never be."""
    others = EmailAddress.objects.filter(email=address.email, verified=True)
    return others.exclude(user_id=address.user_id).exists()


def email_pending(user: User) -> EmailAddress | None:
    """Return the address that the user has claimed and not confirmed, if it is not the one in use already."""
    claims = EmailAddress.objects.filter(user=user, verified=False).exclude(email=user.email or "")
    return claims.order_by("-pk").first()


def email_claim_of(email: str, *, preferred_id: int | None = None) -> EmailAddress | None:
    """Return the unconfirmed claim of an address by somebody who may log in: the preferred user's, else the newest.

    Else only of those who have no other way to log in: who confirms an address by a link that they were not waiting
    for must not get an account that somebody else keeps a key of.
    """
    email = email.lower()
    claims = EmailAddress.objects.filter(email=email, verified=False, user__is_active=True)
    claims = claims.select_related("user").order_by("-pk")
    own = claims.filter(user_id=preferred_id).first() if preferred_id is not None else None
    no_other_way = Q(user__email=None, user__socialaccount=None) | Q(user__email=email)
    found = own or claims.filter(no_other_way).first()
    return found if found is not None and found.email == email else None


@transaction.atomic
def email_claim(*, user: User, email: str) -> EmailAddress:
    """Note that the user says the address is theirs; an earlier claim of theirs is forgotten."""
    email = email.lower()
    EmailAddress.objects.filter(user=user, verified=False).exclude(email=email).delete()
    address, _ = EmailAddress.objects.get_or_create(user=user, email=email)
    return address


@transaction.atomic
def email_set(*, user: User, email: str) -> None:
    """Make the address the user's without asking for proof; IntegrityError if somebody has it."""
    email = email.lower()
    User.objects.filter(pk=user.pk, deleted_at=None).update(email=email)
    EmailAddress.objects.filter(user=user).exclude(email=email).delete()
    EmailAddress.objects.get_or_create(user=user, email=email, defaults={"primary": True})
    user.email = email


def email_vouch(*, user: User) -> None:
    """Count the user's e-mail as confirmed, as staff or the operator has entered it."""
    with transaction.atomic():
        EmailAddress.objects.filter(user=user).exclude(email=user.email or "").delete()
        if user.email:
            EmailAddress.objects.update_or_create(
                user=user, email=user.email, defaults={"primary": True, "verified": True}
            )


def email_confirm(*, address: EmailAddress) -> bool:
    """Make a claim come true: its user has opened the link. A guest becomes a player with it.

    False when the claim is gone (opened before, replaced, its user has left) or somebody else has confirmed the
    address meanwhile. An address that stands at another account without ever having been confirmed goes to who
    proves it.
    """
    confirmed = EmailAddress.objects.filter(email=address.email, verified=True).values("user_id")
    try:
        with transaction.atomic():
            unproven = User.objects.filter(email=address.email).exclude(pk=address.user_id)
            unproven.exclude(pk__in=confirmed).update(email=None)
            EmailAddress.objects.filter(user_id=address.user_id).exclude(pk=address.pk).delete()
            taken = EmailAddress.objects.filter(pk=address.pk, verified=False).update(
                verified=True, primary=True
            )
            changed = User.objects.filter(pk=address.user_id, deleted_at=None).update(
                email=address.email, is_guest=False
            )
            if not (taken and changed):
                raise IntegrityError("the claim is gone")
    except IntegrityError:
        return False
    address.verified = address.primary = True
    return True
