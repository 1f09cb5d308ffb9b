"""Messages in the admin: read, hide, show again, and announce. What was said is never altered or deleted."""

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chat.filtering import words_changed
from chat.forms import AnnouncementForm, WordForm
from chat.models import Message, Word
from chat.services import announce, messages_hide
from stocking.base.units import now_ms


def moment(time_ms: int | None) -> datetime | None:
    """Return milliseconds since 1970 as a local time, which the admin knows how to show."""
    return None if time_ms is None else timezone.localtime(datetime.fromtimestamp(time_ms / 1_000, tz=UTC))


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):
    """Adding a message announces it; hiding takes it off every screen."""

    list_display = ("id", "sent_time", "kind", "author", "recipient", "text", "is_hidden")
    list_display_links = ("id", "text")
    list_filter = ("kind", "is_hidden")
    list_select_related = ("author", "recipient")
    search_fields = ("text", "author__nickname", "author__email")
    ordering = ("-id",)
    list_per_page = 50
    show_full_result_count = False
    actions = ("hide", "show")
    fields = ("sent_time", "kind", "level", "author", "recipient", "text", "is_hidden")

    @admin.display(description=_("보낸 때"), ordering="sent_at")
    def sent_time(self, message: Message) -> datetime | None:
        """Show when it was sent."""
        return moment(message.sent_at)

    @admin.action(description=_("숨기기: 채팅에서 바로 사라져요"), permissions=["change"])
    def hide(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """Hide the chosen messages from everybody."""
        count = messages_hide(messages=queryset)
        messages.success(request, _t("메시지 %(count)d개를 숨겼어요.") % {"count": count})

    @admin.action(description=_("다시 보이기"), permissions=["change"])
    def show(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """Show the chosen messages again."""
        count = messages_hide(messages=queryset, hidden=False)
        messages.success(request, _t("메시지 %(count)d개를 다시 보여요.") % {"count": count})

    def get_fields(self, request: HttpRequest, obj: Message | None = None) -> Any:
        """Return the text alone for an announcement, everything for what was said."""
        return ("text",) if obj is None else self.fields

    def get_form(
        self, request: HttpRequest, obj: Message | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Return the form of an announcement for a new message."""
        if obj is None:
            kwargs["form"] = AnnouncementForm
        return super().get_form(request, obj, change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Message | None = None) -> Any:
        """Return everything but the hiding."""
        return () if obj is None else tuple(name for name in self.fields if name != "is_hidden")

    def has_delete_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        """Return False: hide instead."""
        return False

    def save_model(self, request: HttpRequest, obj: Message, form: Any, change: bool) -> None:
        """Announce a new message, or hide or show an old one."""
        if change:
            messages_hide(messages=[obj], hidden=obj.is_hidden)
            return
        announced = announce(text=obj.text)
        if announced is not None:  # the admin goes on with what was stored
            obj.pk, obj.kind, obj.sent_at = announced.pk, announced.kind, announced.sent_at


@admin.register(Word)
class WordAdmin(admin.ModelAdmin):
    """What staff forbid or allow, besides the kept lists; it holds from the next message on, in every process."""

    form = WordForm
    list_display = ("text", "is_allowed", "note", "added_by", "added_time")
    list_filter = ("is_allowed",)
    list_select_related = ("added_by",)
    search_fields = ("text", "note")
    ordering = ("-id",)
    list_per_page = 100
    show_full_result_count = False

    @admin.display(description=_("더한 때"), ordering="added_at")
    def added_time(self, word: Word) -> datetime | None:
        """Show when it was added."""
        return moment(word.added_at)

    def save_model(self, request: HttpRequest, obj: Word, form: Any, change: bool) -> None:
        """Store the word with who added it."""
        if not change:
            obj.added_by, obj.added_at = (request.user if isinstance(request.user, User) else None), now_ms()
        super().save_model(request, obj, form, change)
        words_changed()

    def delete_model(self, request: HttpRequest, obj: Word) -> None:
        """Take the word off the list."""
        super().delete_model(request, obj)
        words_changed()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Word]) -> None:
        """Take the words off the list."""
        super().delete_queryset(request, queryset)
        words_changed()
