"""Forms: what players report; what staff say, forbid, and do to messages and players."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from chat.core.words import WordFilter, fold
from chat.models import Message, Report, Word
from chat.moderation import SILENCE_MS_MAX
from chat.reporting import NOTE_CHARACTERS_MAX
from chat.services import MAX_ANNOUNCEMENT_CHARACTERS, text_clean

WORD_CHARACTERS_MIN = 2


class AnnouncementForm(forms.ModelForm):
    """What staff may say to everybody, as the system."""

    class Meta:
        model = Message
        fields: ClassVar[list[str]] = ["text"]
        widgets: ClassVar[dict[str, forms.Widget]] = {"text": forms.Textarea(attrs={"rows": 3})}
        help_texts: ClassVar[dict[str, object]] = {"text": _("시스템 공지로 모두의 채팅에 바로 나가요.")}

    def clean_text(self) -> str:
        """Return the text on one line, without control characters."""
        text = text_clean(self.cleaned_data["text"])
        if not text or len(text) > MAX_ANNOUNCEMENT_CHARACTERS:
            raise forms.ValidationError(_("1자에서 300자까지 쓸 수 있어요."))
        return text


class WordForm(forms.ModelForm):
    """A word that can be found, and that does not forbid half of the language."""

    class Meta:
        model = Word
        fields: ClassVar[list[str]] = ["text", "is_allowed", "note"]

    def clean_text(self) -> str:
        """Refuse what would match nothing, or too much: a single letter."""
        text = text_clean(self.cleaned_data["text"])
        letters = fold(text.lstrip("^=")).strip()
        if len(letters) < WORD_CHARACTERS_MIN and not text.startswith("="):
            raise forms.ValidationError(_("두 글자보다 짧은 말은 =를 붙여 낱말 하나일 때만 막을 수 있어요."))
        if WordFilter([text]).find(letters) is None:
            raise forms.ValidationError(_("찾을 수 있는 글자를 넣어 주세요."))
        return text


class ReportForm(forms.Form):
    """What is wrong with a message, in the player's words if they like."""

    reason = forms.ChoiceField(
        label=_("무엇이 문제인가요?"), choices=Report.Reason.choices, widget=forms.RadioSelect
    )
    note = forms.CharField(
        label=_("덧붙일 말 (선택)"),
        required=False,
        max_length=NOTE_CHARACTERS_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class ReasonForm(forms.Form):
    """Why staff do something: on one line; it stands in the log."""

    reason = forms.CharField(
        label=_("사유"),
        max_length=200,
        help_text=_("조치 기록에 남아요."),
        widget=forms.TextInput(attrs={"size": 80, "autofocus": True}),
    )

    def clean_reason(self) -> str:
        """Refuse what is empty once invisible characters are gone."""
        reason = text_clean(self.cleaned_data["reason"])
        if not reason:
            raise forms.ValidationError(_("사유를 입력해 주세요."))
        return reason


class BanForm(ReasonForm):
    """Keeping somebody out, and perhaps what they have said."""

    with_messages = forms.BooleanField(
        label=_("메시지도 숨기기"), required=False, help_text=_("최근 24시간 동안 한 말을 모두 숨겨요.")
    )


class SilenceForm(BanForm):
    """A time-out: for how long, and why; the player reads both."""

    amount = forms.IntegerField(label=_("기간"), min_value=1, max_value=525_600, initial=10)
    unit = forms.TypedChoiceField(
        label=_("단위"),
        coerce=int,
        initial=60_000,
        choices=[(60_000, _("분")), (3_600_000, _("시간")), (86_400_000, _("일"))],
    )
    field_order = ("amount", "unit", "reason", "with_messages")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = _("플레이어에게 알리고, 조치 기록에 남아요.")

    def clean(self) -> dict[str, Any]:
        """Work out `duration_ms`; a year at most."""
        cleaned: dict[str, Any] = super().clean() or {}
        duration_ms = cleaned.get("amount", 0) * cleaned.get("unit", 0)
        if duration_ms > SILENCE_MS_MAX:
            self.add_error("amount", _("1년까지 정할 수 있어요. 더 길게는 이용을 정지해 주세요."))
        return cleaned | {"duration_ms": duration_ms}
