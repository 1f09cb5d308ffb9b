"""How django-allauth creates and names our users, and what it tells them."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.emails import email_confirm, email_is_confirmed_by_another
from accounts.models import User
from accounts.throttling import FAILURES_OF_KNOWN_BROWSER, ThrottledLogin
from stocking.base.throttles import Allowance, throttle_give_back, throttle_take


def user_display(user: User) -> str:
    """Return the name shown for a user: the nickname, never the e-mail."""
    return user.nickname


class AccountAdapter(ThrottledLogin):
    """Sign-up with a nickname, and refusals that say what to do next."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": _("이용이 정지된 계정이에요."),
        "email_password_mismatch": _("이메일이나 비밀번호가 맞지 않아요. 다시 확인해 주세요."),
        "email_taken": _("이미 가입한 이메일이에요. 로그인해 주세요."),
        "enter_current_password": _("지금 쓰는 비밀번호를 입력해 주세요."),
        "incorrect_password": _("비밀번호가 맞지 않아요. 다시 확인해 주세요."),
        "invalid_password_reset": _("비밀번호를 바꾸는 링크가 올바르지 않아요. 다시 요청해 주세요."),
        "too_many_login_attempts": _("로그인을 너무 여러 번 시도했어요. 잠시 뒤에 다시 시도해 주세요."),
        "rate_limited": _("요청이 너무 잦아요. 잠시 뒤에 다시 시도해 주세요."),
    }

    def format_email_subject(self, subject: str) -> str:
        """Put the game's name before the subject."""
        return f"[{_('스톡킹')}] {subject}"

    def reauthenticate(self, user: User, password: str) -> bool:
        """Return whether it is the user's password; also of a guest who has no confirmed e-mail to log in by yet."""
        if user.email:
            return bool(super().reauthenticate(user, password))
        failures = [Allowance(f"login:failed:user:{user.pk}", FAILURES_OF_KNOWN_BROWSER)]
        throttle_take(*failures)
        if not user.check_password(password):
            return False
        throttle_give_back(*failures)
        return True

    def set_password(self, user: User, password: str) -> None:
        """Store the password alone: the rest of the profile may be older than a ban or a change of name."""
        user.set_password(password)
        user.save(update_fields=["password"])

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Go back to my page."""
        return reverse("me")

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Make a claim of an address come true, and say so."""
        before = User.objects.filter(pk=email_address.user_id).values_list("email", flat=True).first()
        confirmed = email_confirm(address=email_address)
        outcome = "confirmed" if confirmed else "confirmation_failed"
        self.add_message(
            request,
            messages.SUCCESS if confirmed else messages.ERROR,
            f"account/messages/email_{outcome}.txt",
            {"email": email_address.email},
        )
        if confirmed and before and before != email_address.email:
            self.send_email_changed(email_address.user, before, email_address.email)
        return confirmed

    def send_email_changed(self, user: User, before: str, after: str) -> None:
        """Tell the old address, as its owner may not be the one who changed it."""
        context = {"from_email": before, "to_email": after}
        self.send_notification_mail("account/email/email_changed", user, context, email=before)

    def send_confirmation_mail(self, request: HttpRequest, emailconfirmation: Any, signup: bool) -> None:
        """Send the link; to an address that somebody else has confirmed, a word that there is an account already."""
        address = emailconfirmation.email_address
        if email_is_confirmed_by_another(address):
            self.send_account_already_exists_mail(address.email)
        else:
            super().send_confirmation_mail(request, emailconfirmation, signup)
