"""The account forms of players, in their words; staff's are in `accounts.staff_forms`."""

from typing import Any

from allauth.account import forms as account_forms
from django import forms
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.emails import confirmation_is_demanded, email_owner, email_validate
from accounts.models import User
from accounts.nicknames import nickname_clean, nickname_is_taken
from accounts.services import guest_upgrade, nickname_change, player_create
from accounts.throttling import password_fits

PASSWORD_CHARACTERS_MAX = 128
_LABELS: dict[str, Any] = {
    "email": _("이메일"),
    "login": _("이메일"),
    "password": _("비밀번호"),
    "password1": _("비밀번호"),
    "password2": _("비밀번호 확인"),
    "oldpassword": _("지금 비밀번호"),
}
_NEW_PASSWORD_HELP = _("8자 이상으로 정해 주세요. 숫자만으로는 안 돼요.")
_DIFFERENT_PASSWORDS = _("두 비밀번호가 서로 달라요. 다시 입력해 주세요.")
_NICKNAME_JUST_TAKEN = _("방금 다른 분이 쓰기 시작한 닉네임이에요. 다른 닉네임을 골라 주세요.")


class DuplicateAccountError(Exception):
    """Somebody else took the nickname or e-mail between the check and the insert; the form says so."""


class NoGuestError(Exception):
    """The guest has become a player, or was banned, since the form was shown."""


class Worded:
    """Labels, help and refusals of a form in the game's own voice; passwords have a bound."""

    fields: dict[str, Any]
    data: Any
    errors: Any
    error_class: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.error_messages["required"] = _("꼭 입력해 주세요.")
            if name in _LABELS:
                field.label = _LABELS[name]
                field.widget.attrs["placeholder"] = ""
            if isinstance(field, forms.EmailField):
                field.error_messages["invalid"] = _("이메일 주소를 확인해 주세요.")
                field.widget.attrs.update({"placeholder": "you@example.com", "inputmode": "email"})
            if isinstance(field.widget, forms.PasswordInput):
                field.widget.attrs["maxlength"] = str(PASSWORD_CHARACTERS_MAX)
                field.help_text = _NEW_PASSWORD_HELP if name == "password1" else ""

    def clean(self) -> Any:
        """Refuse passwords beyond the bound, and tell a difference of the two in our words."""
        for name, field in self.fields.items():
            raw = self.data.get(self.add_prefix(name)) or ""  # type: ignore[attr-defined]
            if isinstance(field.widget, forms.PasswordInput) and len(raw) > PASSWORD_CHARACTERS_MAX:
                raise forms.ValidationError(_("비밀번호는 128자까지 쓸 수 있어요."), code="too_long")
        cleaned = super().clean()  # type: ignore[misc]
        given = self.data.get(self.add_prefix("password2"))  # type: ignore[attr-defined]
        if "password2" in self.errors and given and "password1" in (cleaned or {}):
            self.errors["password2"] = self.error_class([_DIFFERENT_PASSWORDS])
        return cleaned


class NicknameField(forms.CharField):
    """A nickname, checked while it is typed (`static/js/account-forms.js`) and again here."""

    def __init__(self) -> None:
        super().__init__(
            label=_("닉네임"),
            help_text=_("한글, 영문, 숫자, 밑줄로 2~12자. 게임에서 이 이름으로 불려요."),
            widget=forms.TextInput(
                attrs={"autocomplete": "nickname", "placeholder": _("예: 새벽개미"), "data-nickname": True}
            ),
        )


class SignupForm(Worded, account_forms.SignupForm):
    """E-mail, nickname, and the password twice."""

    nickname = NicknameField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].validators.append(email_validate)

    def clean_nickname(self) -> str:
        """Return the nickname in its stored form."""
        return nickname_clean(self.cleaned_data["nickname"])

    def validate_unique_email(self, value: str) -> str:
        """Refuse an e-mail somebody has, unless it has to be confirmed: then only the mail tells."""
        return value if confirmation_is_demanded() else super().validate_unique_email(value)

    def try_save(self, request: HttpRequest) -> Any:
        """Store all of the account or nothing; a taken name found only now is an error of the form.

        The password is hashed before: that takes a tenth of a second, in which a transaction on SQLite would keep
        everybody else from writing, the engine too.
        """
        password_hash = make_password(self.cleaned_data.pop("password1"))
        try:
            with transaction.atomic():
                user = self.store(password_hash)
                self.custom_signup(request, user)
        except IntegrityError as error:
            self._refuse_duplicate()
            raise DuplicateAccountError from error
        return user, None

    def store(self, password_hash: str) -> User:
        """Create the player."""
        return player_create(
            email=self.cleaned_data["email"],
            nickname=self.cleaned_data["nickname"],
            password_hash=password_hash,
        )

    def _refuse_duplicate(self) -> None:
        """Say which of the two unique fields somebody else took between the check and the insert."""
        if nickname_is_taken(self.cleaned_data["nickname"]):
            self.add_error("nickname", _NICKNAME_JUST_TAKEN)
        else:
            self.add_error("email", _("이미 가입한 이메일이에요. 로그인해 주세요."))


class UpgradeForm(SignupForm):
    """What a guest gives to become a player."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)

    def clean_nickname(self) -> str:
        """Return the nickname in its stored form; one chosen at an earlier attempt may stay."""
        return nickname_clean(self.cleaned_data["nickname"], owner_id=self.user.pk)

    def store(self, password_hash: str) -> User:
        """Make the guest a player; NoGuestError for one who is none any more."""
        email, nickname = self.cleaned_data["email"], self.cleaned_data["nickname"]
        if not guest_upgrade(user=self.user, email=email, nickname=nickname, password_hash=password_hash):
            raise NoGuestError
        return self.user


class LoginForm(Worded, account_forms.LoginForm):
    """E-mail and password."""

    @property
    def confirmation_is_demanded(self) -> bool:
        """Whether one who cannot log in may only have to open the link in a mail."""
        return confirmation_is_demanded()


class ChangePasswordForm(Worded, account_forms.ChangePasswordForm):
    """The present password, and a new one twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].label = _("새 비밀번호")
        self.fields["password2"].label = _("새 비밀번호 확인")


class SetPasswordForm(Worded, account_forms.SetPasswordForm):
    """A first password for who has logged in with another provider so far."""


class ResetPasswordKeyForm(Worded, account_forms.ResetPasswordKeyForm):
    """A new password, by the link from the mail."""


class ReauthenticateForm(Worded, account_forms.ReauthenticateForm):
    """The password once more."""


class EmailForm(Worded, forms.Form):
    """An e-mail address to send a mail to."""

    email = forms.EmailField(widget=forms.EmailInput(attrs={"autocomplete": "email"}))

    def clean_email(self) -> str:
        """Return the address in small letters, as it is stored."""
        return str(self.cleaned_data["email"]).lower()


class ResetPasswordForm(EmailForm):
    """Where to send the link for a new password."""

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Send one mail, whichever it is: the link, a link to confirm the address first, or that nobody has it."""
        from accounts.mailing import password_reset_send

        email: str = self.cleaned_data["email"]
        password_reset_send(request, email)
        return email


class PasswordAsked(Worded, forms.Form):
    """A form that asks who is logged in for the password, if there is one; each try counts as one at the login."""

    password = forms.CharField(
        strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )

    def __init__(self, *args: Any, user: User, request: HttpRequest, **kwargs: Any) -> None:
        self.user, self.request = user, request
        super().__init__(*args, **kwargs)
        if not user.has_usable_password():
            del self.fields["password"]
        else:
            self.fields["password"].label = _("지금 비밀번호")

    def clean_password(self) -> str:
        """Check the password."""
        password: str = self.cleaned_data["password"]
        if len(password) > PASSWORD_CHARACTERS_MAX or not password_fits(self.request, self.user, password):
            raise forms.ValidationError(
                _("비밀번호가 맞지 않아요. 다시 확인해 주세요."), code="incorrect_password"
            )
        return password


class ChangeEmailForm(PasswordAsked):
    """Another e-mail address."""

    email = forms.EmailField(widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    field_order = ("email", "password")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("새 이메일")
        self.fields["email"].validators.append(email_validate)

    def clean_email(self) -> str:
        """Refuse the present address, and one somebody has unless it has to be confirmed: then only the mail tells."""
        email = str(self.cleaned_data["email"]).lower()
        if email == self.user.email:
            raise forms.ValidationError(_("지금 쓰는 이메일이에요."), code="same_as_current")
        if not confirmation_is_demanded() and email_owner(email) is not None:
            raise forms.ValidationError(_("다른 계정에서 쓰는 이메일이에요."), code="email_taken")
        return email


class NicknameForm(Worded, forms.Form):
    """Another nickname."""

    nickname = NicknameField()

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)
        self.fields["nickname"].label = _("새 닉네임")

    def clean_nickname(self) -> str:
        """Return the nickname in its stored form; other capitals of one's own are another nickname."""
        nickname = nickname_clean(self.cleaned_data["nickname"], owner_id=self.user.pk)
        if nickname == self.user.nickname:
            raise forms.ValidationError(_("지금 쓰는 닉네임이에요."), code="same_as_current")
        return nickname

    def save(self) -> None:
        """Rename the player; DuplicateAccountError if somebody has just taken the name."""
        try:
            with transaction.atomic():
                nickname_change(user=self.user, nickname=self.cleaned_data["nickname"])
        except IntegrityError as error:
            self.add_error("nickname", _NICKNAME_JUST_TAKEN)
            raise DuplicateAccountError from error


class DeleteForm(PasswordAsked):
    """The password again or, for who has none, the nickname typed, before an account is deleted."""

    nickname = forms.CharField(widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "password" in self.fields:
            del self.fields["nickname"]
        else:
            self.fields["nickname"].label = _("확인을 위해 닉네임을 그대로 입력해 주세요")
            self.fields["nickname"].widget.attrs["placeholder"] = self.user.nickname

    def clean_nickname(self) -> str:
        """Compare the nickname that was typed."""
        typed: str = self.cleaned_data["nickname"]
        if typed.strip() != self.user.nickname:
            raise forms.ValidationError(_("닉네임이 달라요. 그대로 입력해 주세요."), code="nickname_mismatch")
        return typed
