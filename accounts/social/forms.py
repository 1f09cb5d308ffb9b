"""The one question a provider cannot answer: which nickname."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.nicknames import nickname_clean


class NicknameForm(forms.Form):
    """A nickname for a new player, or for the guest who becomes one."""

    nickname = forms.CharField(
        label=_("닉네임"),
        help_text=_("한글, 영문, 숫자, 밑줄로 2~12자. 게임에서 이 이름으로 불려요."),
        error_messages={"required": _("꼭 입력해 주세요.")},
        widget=forms.TextInput(
            attrs={"autocomplete": "nickname", "maxlength": "12", "placeholder": _("예: 새벽개미")}
        ),
    )

    def __init__(self, *args: Any, guest: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._owner_id = guest.pk if guest else None

    def clean_nickname(self) -> str:
        """Return the nickname in its stored form."""
        return nickname_clean(self.cleaned_data["nickname"], owner_id=self._owner_id)
