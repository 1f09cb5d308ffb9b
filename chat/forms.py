"""The admin's forms for what staff say and forbid."""

from typing import ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from chat.core.words import WordFilter, fold
from chat.models import Message, Word
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
