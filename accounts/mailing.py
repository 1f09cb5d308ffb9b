"""Which mail an address gets. Whoever asks sees the same answer, after the same time, whatever was sent."""

from allauth.account.adapter import get_adapter
from allauth.account.forms import default_token_generator
from allauth.account.internal.flows.email_verification import consume_email_verification_rate_limit
from allauth.account.internal.flows.password_reset import request_password_reset
from allauth.account.internal.flows.signup import send_unknown_account_mail
from allauth.account.models import EmailAddress
from django.http import HttpRequest

from accounts.emails import confirmation_is_demanded, email_claim_of, email_owner


def confirmation_send(request: HttpRequest, address: EmailAddress, *, signup: bool = False) -> bool:
    """Send the link that confirms an address; False, and nothing, if one was sent within the last minutes."""
    if not consume_email_verification_rate_limit(request, address.email):
        return False
    address.send_confirmation(request, signup=signup)
    return True


def confirmation_send_again(request: HttpRequest, email: str, *, user_id: int | None = None) -> None:
    """Send the link once more to whoever waits for it; to anybody else a word about what there is.

    `user_id` is who asks, if that is known: another's newer claim of the address must not get its owner's click.
    """
    if not consume_email_verification_rate_limit(request, email):
        return
    owner, claim = email_owner(email), email_claim_of(email, preferred_id=user_id)
    if (
        owner is not None
        and not EmailAddress.objects.filter(user=owner, email=email, verified=False).exists()
    ):
        get_adapter().send_account_already_exists_mail(email)
    elif claim is not None:
        claim.send_confirmation(request, signup=True)
    else:
        send_unknown_account_mail(request, email)


def password_reset_send(request: HttpRequest, email: str) -> None:
    """Send the link for a new password; to an address that was only claimed, the link that confirms it."""
    owner = email_owner(email)
    if owner is not None and owner.is_active:
        request_password_reset(request, email, [owner], default_token_generator)
    elif owner is None and confirmation_is_demanded() and (claim := email_claim_of(email)) is not None:
        claim.send_confirmation(request, signup=True)
    else:
        send_unknown_account_mail(request, email)
