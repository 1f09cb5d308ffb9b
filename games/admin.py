"""The games' admin. Games and their news are records of what happened and cannot be edited."""

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from games import services
from games.models import Bot, Game, News, NewsTemplate
from stocking.base.units import now_ms


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
        "number", "phase", "trading_time", "closing_time", "held_time", "canceled_time", "is_registered", "is_live",
    )  # fmt: skip
    exclude = ("seed",)
    list_filter = (
        "phase",
        ("held_at", admin.EmptyFieldListFilter),
        ("canceled_at", admin.EmptyFieldListFilter),
    )
    actions: Any = ("cancel",)

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Who may change games may cancel one, though not touch its row."""
        return request.user.has_perm("games.change_game")

    @admin.action(description=_("고른 게임 취소(결과 없음)"), permissions=["cancel"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Game]) -> None:
        """End the games without results; a game that has ended stays as it is."""
        for game in queryset.select_related("market").order_by("pk"):
            if services.game_cancel(game=game, now_ms=now_ms(), reason=str(request.user)):
                self.message_user(request, gettext("게임 %(game)s을 취소했어요.") % {"game": game})
            else:
                text = gettext("게임 %(game)s은 이미 끝났어요.") % {"game": game}
                self.message_user(request, text, messages.WARNING)

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

    list_display = ("headline", "game", "company", "direction", "magnitude_bps", "publication_time")
    list_filter = ("direction", "company")
    search_fields = ("headline",)
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

    list_display = ("headline", "direction", "magnitude_bps", "sector", "weight", "is_active")
    list_editable = ("weight", "is_active")
    list_filter = ("direction", "sector", "is_active")
    search_fields = ("headline",)


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
