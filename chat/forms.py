"""The admin's form for an announcement."""

from typing import ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from chat.models import Message
from chat.services import MAX_ANNOUNCEMENT_CHARACTERS, text_clean


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
