"""Messages in the admin: read, hide, show again, and announce. What was said is never altered or deleted."""

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from chat.forms import AnnouncementForm
from chat.models import Message
from chat.services import announce, messages_hide


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
    def sent_time(self, message: Message) -> Any:
        """Show when it was sent, in local time."""
        return datetime.fromtimestamp(message.sent_at // 1000, tz=UTC)

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
