"""How django-allauth creates and names our users."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter

from accounts.models import User


def user_display(user: User) -> str:
    """Return the name shown for a user: the nickname, never the e-mail."""
    return user.nickname


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up with a nickname."""

    def save_user(self, request: Any, user: User, form: Any, commit: bool = True) -> User:
        """Take the nickname from the form before the user is stored."""
        user.nickname = form.cleaned_data["nickname"]
        return super().save_user(request, user, form, commit)
