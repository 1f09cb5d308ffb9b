"""How django-allauth creates and names our users, and what it tells them."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.throttling import ThrottledLogin


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

    def save_user(self, request: Any, user: User, form: Any, commit: bool = True) -> User:
        """Take nickname and hashed password from the form before the user is stored."""
        user.nickname = form.cleaned_data["nickname"]
        saved: User = super().save_user(request, user, form, commit=False)
        password_hash = getattr(form, "password_hash", None)
        if password_hash is not None:
            saved.password = password_hash
        if commit:
            saved.save()
        return saved
