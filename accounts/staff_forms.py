"""The admin's forms for users."""

from typing import Any

from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm, UserChangeForm

from accounts.emails import email_validate
from accounts.models import User
from accounts.nicknames import nickname_clean
from accounts.sessions import sessions_end


class _StaffNameFields:
    """Cleaning that both of the admin's user forms share."""

    cleaned_data: dict[str, Any]
    instance: User

    def clean_nickname(self) -> str:
        """Return the nickname in its stored form; staff may use reserved words."""
        raw = self.cleaned_data["nickname"]
        return nickname_clean(raw, owner_id=self.instance.pk, reserved_allowed=True)

    def clean_email(self) -> str | None:
        """Return the e-mail in small letters, as sign-up stores it."""
        email = self.cleaned_data["email"]
        if email:
            email_validate(email)
        return email.lower() if email else None


class StaffUserCreationForm(_StaffNameFields, AdminUserCreationForm):
    """The admin's form for a new user."""

    class Meta:
        model = User
        fields = ("email", "nickname")
        field_classes: dict[str, Any] = {}


class StaffUserChangeForm(_StaffNameFields, UserChangeForm):
    """The admin's form for a user; the password is no part of it."""

    password = None  # type: ignore[assignment]  # leaves out the field of the parent

    class Meta:
        model = User
        fields = "__all__"
        field_classes: dict[str, Any] = {}


class StaffPasswordForm(AdminPasswordChangeForm):
    """A new password set by staff ends every session of that user."""

    def save(self, commit: bool = True) -> User:
        """Store the password, then end the sessions that were opened with the old one."""
        user: User = super().save(commit)
        sessions_end(user=user)
        return user
