"""Messages, reports and players in the admin. What was said is never altered or deleted; every deed has a reason."""

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.admin import UserAdmin
from accounts.models import User
from chat import moderation
from chat.deeds import deed_asked, players_moderate, staff_of
from chat.filtering import words_changed
from chat.forms import AnnouncementForm, BanForm, ReasonForm, SilenceForm, WordForm
from chat.models import Message, Moderation, Mute, Report, Silence, Word
from chat.services import announce
from stocking.base.units import now_ms

CHANGE_USER = "accounts.change_user"


def moment(time_ms: int | None) -> datetime | None:
    """Return milliseconds since 1970 as a local time, which the admin knows how to show."""
    return None if time_ms is None else timezone.localtime(datetime.fromtimestamp(time_ms / 1_000, tz=UTC))


def _reports_of(message: OuterRef) -> Subquery:
    """Return the number of reports of a message, counted for the rows of one page alone."""
    reports = Report.objects.filter(message=message).order_by().values("message")
    return Subquery(reports.annotate(count=Count("pk")).values("count"))


class RecordAdmin(admin.ModelAdmin):
    """Rows that only services write: nobody adds, changes or deletes them here."""

    list_per_page = 50
    show_full_result_count = False
    ordering = ("-pk",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes."""
        return False


class PlayerDeeds:
    """What staff may do to players, as actions of a list; `players_of` says whom the chosen rows are about.

    Speaking is taken by those who may change messages, the account by those who may change users.
    """

    def players_of(self, queryset: QuerySet[Any]) -> list[User]:
        """Return the players that the rows are about."""
        raise NotImplementedError

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        """Return whether the viewer may keep players from speaking."""
        return request.user.has_perm("chat.change_message")

    def has_ban_permission(self, request: HttpRequest) -> bool:
        """Return whether the viewer may keep players out."""
        return request.user.has_perm(CHANGE_USER)

    @admin.action(description=_("채팅 제한: 정한 시간 동안 말하지 못해요"), permissions=["moderate"])
    def silence(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Keep the players from speaking for a while."""
        asked = deed_asked(self, request, queryset, "silence", SilenceForm)  # type: ignore[arg-type]
        if isinstance(asked, HttpResponse):
            return asked
        given = {name: asked[name] for name in ("duration_ms", "reason", "with_messages")}
        self._each(
            request,
            queryset,
            lambda player: moderation.player_silence(player=player, staff=staff_of(request), **given),
        )
        return None

    @admin.action(description=_("채팅 제한 풀기"), permissions=["moderate"])
    def lift(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Let the players speak again."""
        asked = deed_asked(self, request, queryset, "lift", ReasonForm)  # type: ignore[arg-type]
        if isinstance(asked, HttpResponse):
            return asked
        reason, staff = asked["reason"], staff_of(request)
        self._each(
            request,
            queryset,
            lambda player: moderation.silence_lift(player=player, reason=reason, staff=staff),
        )
        return None

    @admin.action(description=_("이용 정지: 로그인을 막고 지금 세션을 끝내요"), permissions=["ban"])
    def ban(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Keep the players out."""
        asked = deed_asked(self, request, queryset, "ban", BanForm)  # type: ignore[arg-type]
        if isinstance(asked, HttpResponse):
            return asked
        given = {name: asked[name] for name in ("reason", "with_messages")}
        self._each(
            request,
            queryset,
            lambda player: moderation.player_ban(player=player, staff=staff_of(request), **given),
        )
        return None

    @admin.action(description=_("이용 정지 풀기"), permissions=["ban"])
    def unban(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Let the players in again."""
        asked = deed_asked(self, request, queryset, "unban", ReasonForm)  # type: ignore[arg-type]
        if isinstance(asked, HttpResponse):
            return asked
        reason, staff = asked["reason"], staff_of(request)
        self._each(
            request,
            queryset,
            lambda player: moderation.player_unban(player=player, reason=reason, staff=staff),
        )
        return None

    def _each(self, request: HttpRequest, queryset: QuerySet[Any], deed: Any) -> None:
        players_moderate(self, request, self.players_of(queryset), deed)  # type: ignore[arg-type]


@admin.register(Message)
class MessageAdmin(PlayerDeeds, admin.ModelAdmin):
    """Adding a message announces it; hiding takes it off every screen."""

    list_display = ("id", "sent_time", "kind", "author", "recipient", "text", "report_count", "is_hidden")
    list_display_links = ("id", "text")
    list_filter = ("kind", "is_hidden")
    list_select_related = ("author", "recipient")
    search_fields = ("text", "author__nickname", "author__email")
    ordering = ("-id",)
    list_per_page = 50
    show_full_result_count = False
    actions = ("hide", "show", "silence", "ban")
    fields = ("sent_time", "kind", "level", "author", "recipient", "text", "is_hidden")

    def players_of(self, queryset: QuerySet[Message]) -> list[User]:
        """Return who said the messages."""
        return list(User.objects.filter(pk__in=queryset.values("author")))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        """Count the reports, too."""
        return super().get_queryset(request).annotate(reported=_reports_of(OuterRef("pk")))

    @admin.display(description=_("신고"))
    def report_count(self, message: Any) -> int | None:
        """Show how many have reported it."""
        return message.reported or None

    @admin.display(description=_("보낸 때"), ordering="sent_at")
    def sent_time(self, message: Message) -> datetime | None:
        """Show when it was sent."""
        return moment(message.sent_at)

    @admin.action(description=_("숨기기: 채팅에서 바로 사라져요"), permissions=["moderate"])
    def hide(self, request: HttpRequest, queryset: QuerySet[Message]) -> HttpResponse | None:
        """Hide the chosen messages from everybody."""
        return self._moderate(request, queryset, "hide", hidden=True)

    @admin.action(description=_("다시 보이기"), permissions=["moderate"])
    def show(self, request: HttpRequest, queryset: QuerySet[Message]) -> HttpResponse | None:
        """Show the chosen messages again."""
        return self._moderate(request, queryset, "show", hidden=False)

    def _moderate(
        self, request: HttpRequest, queryset: QuerySet[Message], action: str, *, hidden: bool
    ) -> HttpResponse | None:
        asked = deed_asked(self, request, queryset, action, ReasonForm)
        if isinstance(asked, HttpResponse):
            return asked
        count = moderation.messages_moderate(
            messages=queryset, hidden=hidden, reason=asked["reason"], staff=staff_of(request)
        )
        text = _t("메시지 %(count)d개를 숨겼어요.") if hidden else _t("메시지 %(count)d개를 다시 보여요.")
        self.message_user(request, text % {"count": count})
        return None

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

    def has_change_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        """Nobody changes what was said; it is hidden by the action, with a reason."""
        return obj is None and super().has_change_permission(request, obj)

    def has_view_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        """Who may hide messages may read them."""
        return super().has_view_permission(request, obj) or self.has_moderate_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        """Return False: hide instead."""
        return False

    def save_model(self, request: HttpRequest, obj: Message, form: Any, change: bool) -> None:
        """Announce a new message."""
        announced = announce(text=obj.text)
        if announced is not None:  # the admin goes on with what was stored
            obj.pk, obj.kind, obj.sent_at = announced.pk, announced.kind, announced.sent_at


class OpenFirst(admin.SimpleListFilter):
    """The queue: what nobody has looked at yet, unless something else is asked for."""

    title = _("상태")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the choices besides the queue."""
        return [
            *((str(value), label) for value, label in Report.Status.choices if value != "open"),
            ("all", _("모두")),
        ]

    def choices(self, changelist: Any) -> Any:
        """Name the default."""
        first, *others = super().choices(changelist)
        return [{**first, "display": Report.Status.OPEN.label}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        """Return the reports in that state."""
        if self.value() == "all":
            return queryset
        return queryset.filter(status=self.value() or Report.Status.OPEN)


@admin.register(Report)
class ReportAdmin(PlayerDeeds, RecordAdmin):
    """The queue of reports; settled by hiding the message, by something done to its author, or dismissed."""

    list_display = (
        "id",
        "time",
        "said",
        "author",
        "report_count",
        "reason",
        "note",
        "reporter",
        "status",
        "is_hidden",
    )
    list_filter = (OpenFirst, "reason")
    list_select_related = ("message__author", "reporter")
    search_fields = ("message__text", "message__author__nickname", "reporter__nickname", "note")
    actions = ("hide", "silence", "ban", "dismiss")

    def players_of(self, queryset: QuerySet[Report]) -> list[User]:
        """Return who said what was reported."""
        return list(User.objects.filter(pk__in=queryset.values("message__author")))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        """Count the reports of the same message, too."""
        return super().get_queryset(request).annotate(reported=_reports_of(OuterRef("message")))

    @admin.display(description=_("신고한 때"), ordering="at")
    def time(self, report: Report) -> datetime | None:
        """Show when it was made."""
        return moment(report.at)

    @admin.display(description=_("메시지"))
    def said(self, report: Report) -> str:
        """Show what was said."""
        return report.message.text

    @admin.display(description=_("작성자"))
    def author(self, report: Report) -> User | None:
        """Show who said it."""
        return report.message.author

    @admin.display(description=_("신고 수"), ordering="reported")
    def report_count(self, report: Any) -> int:
        """Show how many have reported the same message."""
        count: int = report.reported
        return count

    @admin.display(description=_("숨김"), boolean=True)
    def is_hidden(self, report: Report) -> bool:
        """Show whether the message is hidden."""
        return report.message.is_hidden

    @admin.action(description=_("메시지 숨기기"), permissions=["moderate"])
    def hide(self, request: HttpRequest, queryset: QuerySet[Report]) -> HttpResponse | None:
        """Hide the reported messages."""
        asked = deed_asked(self, request, queryset, "hide", ReasonForm)
        if isinstance(asked, HttpResponse):
            return asked
        said = Message.objects.filter(pk__in=queryset.values("message"))
        count = moderation.messages_moderate(
            messages=said, hidden=True, reason=asked["reason"], staff=staff_of(request)
        )
        self.message_user(request, _t("메시지 %(count)d개를 숨겼어요.") % {"count": count})
        return None

    @admin.action(description=_("문제 없음"), permissions=["moderate"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[Report]) -> HttpResponse | None:
        """Close the reports; the messages stay."""
        asked = deed_asked(self, request, queryset, "dismiss", ReasonForm)
        if isinstance(asked, HttpResponse):
            return asked
        count = moderation.reports_dismiss(reports=queryset, reason=asked["reason"], staff=staff_of(request))
        self.message_user(request, _t("메시지 %(count)d개의 신고를 닫았어요.") % {"count": count})
        return None


@admin.register(Silence)
class SilenceAdmin(PlayerDeeds, RecordAdmin):
    """Who may not speak, until when and why."""

    list_display = ("user", "end", "reason")
    list_select_related = ("user",)
    search_fields = ("user__nickname", "reason")
    ordering = ("-until",)
    actions = ("lift",)

    def players_of(self, queryset: QuerySet[Silence]) -> list[User]:
        """Return whom the rows are about."""
        return list(User.objects.filter(pk__in=queryset.values("user")))

    @admin.display(description=_("끝나는 때"), ordering="until")
    def end(self, silence: Silence) -> datetime | None:
        """Show until when."""
        return moment(silence.until)


@admin.register(Moderation)
class ModerationAdmin(RecordAdmin):
    """What staff have done to messages and players: who, what, why and when."""

    list_display = ("id", "time", "kind", "user", "message", "end", "reason", "by")
    list_filter = ("kind",)
    list_select_related = ("user", "message", "by")
    search_fields = ("reason", "user__nickname", "by__nickname", "message__text")

    @admin.display(description=_("조치 시각"), ordering="at")
    def time(self, row: Moderation) -> datetime | None:
        """Show when it was done."""
        return moment(row.at)

    @admin.display(description=_("끝나는 때"), ordering="until")
    def end(self, row: Moderation) -> datetime | None:
        """Show until when it holds."""
        return moment(row.until)


@admin.register(Mute)
class MuteAdmin(RecordAdmin):
    """Who does not want to hear whom; many who mute one are a sign."""

    list_display = ("id", "time", "user", "muted")
    list_select_related = ("user", "muted")
    search_fields = ("user__nickname", "muted__nickname")

    @admin.display(description=_("차단한 때"), ordering="at")
    def time(self, mute: Mute) -> datetime | None:
        """Show since when."""
        return moment(mute.at)


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
            obj.added_by, obj.added_at = staff_of(request), now_ms()
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


admin.site.unregister(User)


@admin.register(User)
class PlayerAdmin(PlayerDeeds, UserAdmin):
    """Users, with what the chat's staff may do to them; who is banned is banned with a reason, by the action."""

    actions = ("silence", "lift", "ban", "unban")

    def players_of(self, queryset: QuerySet[User]) -> list[User]:
        """Return the chosen users."""
        return list(queryset)
