"""The games' admin. Games and their news are records of what happened and cannot be edited."""

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from games.control import deeds_possible
from games.forms import DEEDS, state_text
from games.models import Bot, DailyAttempt, Game, News, NewsTemplate
from games.selectors import game_current, game_get
from stocking.base.units import now_ms
from trading.reasons import staff_of


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows rows, changes none."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows are made by the game alone."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are changed by the game alone."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing of a game is deleted."""
        return False


def _local_time(time_ms: int | None) -> datetime | None:
    return None if time_ms is None else timezone.localtime(datetime.fromtimestamp(time_ms / 1_000, tz=UTC))


@admin.register(Game)
class GameAdmin(ReadOnlyAdmin):
    """Games, newest first. The seed stays unseen: it tells the news to come, and staff may be playing."""

    list_display = (
        "number", "phase", "trading_time", "closing_time", "paused_time", "held_time", "canceled_time",
        "is_registered", "is_live",
    )  # fmt: skip
    exclude = ("seed",)
    list_filter = (
        "phase",
        ("held_at", admin.EmptyFieldListFilter),
        ("canceled_at", admin.EmptyFieldListFilter),
    )
    actions: Any = None

    def has_control_permission(self, request: HttpRequest) -> bool:
        """Who may change games may control them, though not touch a row."""
        return request.user.has_perm("games.change_game")

    def get_urls(self) -> list[Any]:
        """Add the pages on which staff say why they do what they do."""
        page = self.admin_site.admin_view(self.control_page)
        own = [path("<int:number>/control/<slug:deed>/", page, name="games_game_control")]
        return own + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show what may be done to the current game."""
        control = self._control(request, game_current())
        shown = {"control": control, "subtitle": control["text"]}
        return super().changelist_view(request, {**(extra_context or {}), **shown})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show what may be done to this game."""
        game = game_get(int(object_id)) if object_id.isdecimal() else None
        control = self._control(request, game) if game else {}
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "control": control}
        )

    def _control(self, request: HttpRequest, game: Game | None) -> dict[str, Any]:
        """Return how the game stands, in words, and what may be done to it, with the addresses."""
        number = 0 if game is None else game.number
        kinds = deeds_possible(game) if self.has_control_permission(request) else []
        deeds = [
            {
                "label": DEEDS[kind].title,
                "url": reverse("admin:games_game_control", args=[number, kind.value]),
            }
            for kind in kinds
        ]
        return {"text": state_text(game, now_ms()), "deeds": deeds}

    def control_page(self, request: HttpRequest, number: int, deed: str) -> HttpResponse:
        """Ask for the reason (and for how long), and do it."""
        game = game_get(number)
        known = {kind.value: kind for kind in DEEDS}
        if deed not in known or (game is None and number):
            raise Http404
        if not self.has_control_permission(request):
            raise PermissionDenied
        kind = known[deed]
        form = DEEDS[kind].form(
            request.POST or None, initial={"revision": 0 if game is None else game.market.revision}
        )
        if request.method == "POST" and form.is_valid():
            done = form.perform(kind, game, staff_of(request), now_ms())
            if done is not None:
                self.log_change(request, done, f"{kind.label}: {form.cleaned_data['reason']}")
                text = gettext("게임 %(game)s: %(deed)s") % {"game": done, "deed": DEEDS[kind].title}
                self.message_user(request, text)
                return HttpResponseRedirect(reverse("admin:games_game_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": DEEDS[kind].title,
            "explanation": DEEDS[kind].explanation,
            "form": form,
            "control": self._control(request, game),
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "admin/games/game/control.html", context)

    @admin.display(description=_("일시정지"), ordering="paused_at")
    def paused_time(self, game: Game) -> datetime | None:
        """Since when its clock stands."""
        return _local_time(game.paused_at)

    @admin.display(description=_("정산 보류"), ordering="held_at")
    def held_time(self, game: Game) -> datetime | None:
        """When the next game stopped waiting for it."""
        return _local_time(game.held_at)

    @admin.display(description=_("취소"), ordering="canceled_at")
    def canceled_time(self, game: Game) -> datetime | None:
        """When it was ended without results."""
        return _local_time(game.canceled_at)

    @admin.display(description=_("거래 시작"), ordering="trading_at")
    def trading_time(self, game: Game) -> datetime | None:
        """When trading begins, by the plan."""
        return _local_time(game.trading_at)

    @admin.display(description=_("거래 종료"), ordering="closes_at")
    def closing_time(self, game: Game) -> datetime | None:
        """When trading ends, by the plan."""
        return _local_time(game.closes_at)


@admin.register(News)
class NewsAdmin(ReadOnlyAdmin):
    """Published news. What is still to come stays unseen: staff may be playing."""

    list_display = ("headline", "kind", "game", "company", "direction", "magnitude_bps", "publication_time")
    list_filter = ("kind", "direction", "company")
    search_fields = ("headline", "headline_en")
    list_select_related = ("game", "company")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Leave out planned news."""
        return super().get_queryset(request).filter(published_at__isnull=False)

    @admin.display(description=_("발표"), ordering="published_at")
    def publication_time(self, news: News) -> datetime | None:
        """When it came out."""
        return _local_time(news.published_at)


@admin.register(NewsTemplate)
class NewsTemplateAdmin(admin.ModelAdmin):
    """Headlines for the news of games to come."""

    list_display = ("headline", "headline_en", "direction", "magnitude_bps", "sector", "weight", "is_active")
    list_editable = ("weight", "is_active")
    list_filter = ("direction", "sector", "is_active")
    search_fields = ("headline", "headline_en")


@admin.register(Bot)
class BotAdmin(admin.ModelAdmin):
    """Bots; one that is switched off stops at once and leaves its orders resting until the game ends."""

    list_display = ("user", "kind", "is_active")
    list_editable = ("is_active",)
    list_filter = ("kind", "is_active")
    list_select_related = ("user",)
    raw_id_fields = ("user",)

    def get_readonly_fields(self, request: HttpRequest, obj: Bot | None = None) -> tuple[str, ...]:
        """A bot keeps its account."""
        return () if obj is None else ("user",)

    def has_delete_permission(self, request: HttpRequest, obj: Bot | None = None) -> bool:
        """A bot that has traded is part of the record; it can be switched off."""
        return False


@admin.register(DailyAttempt)
class DailyAttemptAdmin(ReadOnlyAdmin):
    """First attempts at the seed of the day."""

    list_display = ("day", "user", "return_percent", "fills", "start_time", "finish_time")
    list_filter = (("finished_at", admin.EmptyFieldListFilter),)
    date_hierarchy = "day"
    list_select_related = ("user",)
    search_fields = ("user__nickname",)

    @admin.display(description=_("수익률"), ordering="return_bps")
    def return_percent(self, attempt: DailyAttempt) -> str | None:
        """The gain, once it is complete."""
        return None if attempt.return_bps is None else f"{attempt.return_bps / 100:+.2f}%"

    @admin.display(description=_("시작"), ordering="started_at")
    def start_time(self, attempt: DailyAttempt) -> datetime | None:
        """When it began."""
        return _local_time(attempt.started_at)

    @admin.display(description=_("종료"), ordering="finished_at")
    def finish_time(self, attempt: DailyAttempt) -> datetime | None:
        """When its game was over."""
        return _local_time(attempt.finished_at)
