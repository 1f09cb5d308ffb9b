"""Results in the admin: to be read, never to be changed."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from ranking.models import Award, ClosingValue, GameSummary, Result


class ReadOnly:
    """Nobody adds, changes or deletes these rows by hand: ratings follow from them."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No."""
        return False


class ClosingValueInline(ReadOnly, admin.TabularInline):
    """The closing values of a game."""

    model = ClosingValue
    extra = 0
    fields = ("listing", "value", "return_bps", "window_quantity", "window_value")


@admin.register(GameSummary)
class GameSummaryAdmin(ReadOnly, admin.ModelAdmin):
    """How games closed."""

    list_display = ("market_id", "participants", "house_return_bps", "computed_at")
    ordering = ("-market_id",)
    inlines = (ClosingValueInline,)


@admin.register(Result)
class ResultAdmin(ReadOnly, admin.ModelAdmin):
    """Participants' results."""

    list_display = (
        "market_id",
        "rank",
        "user",
        "return_bps",
        "equity",
        "fills",
        "mmr_before",
        "mmr_after",
        "tier_before",
        "tier_after",
    )
    list_filter = ("tier_after",)
    list_select_related = ("user",)
    search_fields = ("=market__id", "user__nickname")
    search_help_text = "게임 번호나 닉네임"
    ordering = ("-market_id", "rank")
    show_full_result_count = False


@admin.register(Award)
class AwardAdmin(ReadOnly, admin.ModelAdmin):
    """The awards of past games."""

    list_display = ("review_id", "kind", "user", "value", "count")
    list_filter = ("kind",)
    list_select_related = ("user",)
    search_fields = ("=review__pk", "user__nickname")
    search_help_text = "게임 번호나 닉네임"
    ordering = ("-review_id", "pk")
    show_full_result_count = False
