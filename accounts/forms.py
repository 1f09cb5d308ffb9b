"""Sign-up and login, in the player's words."""

from typing import Any

from allauth.account import forms as account_forms
from django import forms
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm, UserChangeForm
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.nicknames import nickname_clean, nickname_is_taken
from accounts.sessions import sessions_end


def _label(field: forms.Field, label: Any, placeholder: Any = "", **attributes: Any) -> None:
    field.label = label
    field.widget.attrs.update({"placeholder": placeholder, **attributes})


class DuplicateAccountError(Exception):
    """Somebody else took the nickname or e-mail between the check and the insert; the form says so."""


class SignupForm(account_forms.SignupForm):
    """E-mail, nickname, and the password twice."""

    nickname = forms.CharField(
        label=_("닉네임"),
        help_text=_("한글, 영문, 숫자, 밑줄로 2~12자. 게임에서 이 이름으로 불려요."),
        widget=forms.TextInput(
            attrs={"autocomplete": "nickname", "maxlength": "12", "placeholder": _("예: 새벽개미")}
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _label(self.fields["email"], _("이메일"), "you@example.com", inputmode="email")
        _label(self.fields["password1"], _("비밀번호"))
        self.fields["password1"].help_text = _("8자 이상으로, 글자를 섞어 정해 주세요.")
        _label(self.fields["password2"], _("비밀번호 확인"))
        self.fields["email"].error_messages["invalid"] = _("이메일 주소를 확인해 주세요.")
        for field in self.fields.values():
            field.error_messages["required"] = _("꼭 입력해 주세요.")

    def clean_nickname(self) -> str:
        """Return the nickname in its stored form."""
        return nickname_clean(self.cleaned_data["nickname"])

    def clean(self) -> dict[str, Any]:
        """Check the two passwords; a difference is told in our words."""
        cleaned: dict[str, Any] = super().clean()
        if (
            "password2" in self.errors
            and "password1" in cleaned
            and self.data.get(self.add_prefix("password2"))
        ):
            self.errors["password2"] = self.error_class([_("두 비밀번호가 서로 달라요. 다시 입력해 주세요.")])
        return cleaned

    def try_save(self, request: HttpRequest) -> Any:
        """Store all of the account or nothing; a taken name found only now is an error of the form.

        The password is hashed before: that takes a tenth of a second, in which a transaction on SQLite would keep
        everybody else from writing, the engine too.
        """
        self.password_hash = make_password(self.cleaned_data.pop("password1"))
        try:
            with transaction.atomic():
                return super().try_save(request)
        except IntegrityError as error:
            self._refuse_duplicate()
            raise DuplicateAccountError from error

    def _refuse_duplicate(self) -> None:
        """Say which of the two unique fields somebody else took between the check and the insert."""
        if nickname_is_taken(self.cleaned_data["nickname"]):
            self.add_error(
                "nickname", _("방금 다른 분이 쓰기 시작한 닉네임이에요. 다른 닉네임을 골라 주세요.")
            )
        else:
            self.add_error("email", _("이미 가입한 이메일이에요. 로그인해 주세요."))


class LoginForm(account_forms.LoginForm):
    """E-mail and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _label(self.fields["login"], _("이메일"), "you@example.com", inputmode="email")
        _label(self.fields["password"], _("비밀번호"))
        self.fields["password"].help_text = ""
        for field in self.fields.values():
            field.error_messages["required"] = _("꼭 입력해 주세요.")
        self.fields["login"].error_messages["invalid"] = _("이메일 주소를 확인해 주세요.")


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
