"""The exchange in the admin: companies may be edited, the ledger can only be looked at, listings can be halted."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stocking.base.errors import ApplicationError
from trading import services
from trading.audit.faults import shown
from trading.audit.watch import market_report
from trading.core.ticks import floor_to_tick, is_on_tick
from trading.models import (
    SEQUENCE_BITS,
    AuditReport,
    Candle,
    Company,
    GateRecord,
    Holding,
    Intervention,
    Listing,
    Market,
    Order,
    Outbox,
    Portfolio,
    Trade,
)
from trading.reasons import reason_asked, staff_of


def moment(time_ms: int | None) -> datetime | None:
    """Return milliseconds since 1970 as a local time, which the admin knows how to show."""
    if time_ms is None:
        return None
    return timezone.localtime(datetime.fromtimestamp(time_ms / 1000, timezone.get_default_timezone()))


class LedgerAdmin(admin.ModelAdmin):
    """Rows that settlement alone writes: nobody adds, changes or deletes them here."""

    show_full_result_count = False
    list_per_page = 50
    actions: Any = None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes."""
        return False


class CompanyForm(forms.ModelForm):
    """A base price has to be one at which can be traded."""

    class Meta:
        model = Company
        fields = ("symbol", "name", "name_en", "sector", "description", "base_price", "is_listed")

    def clean_base_price(self) -> int:
        """Refuse a price off the tick, naming the nearest one below."""
        price: int = self.cleaned_data["base_price"]
        if not is_on_tick(price):
            text = _("호가단위에 맞지 않아요. 가까운 가격은 %(price)s원이에요.") % {
                "price": f"{floor_to_tick(price):,}"
            }
            raise forms.ValidationError(text)
        return price


@admin.register(Company)
class CompanyAdmin(admin.ModelAdmin):
    """Companies; a change counts from the next game on. The symbol stays once it was traded."""

    form = CompanyForm
    list_display = ("symbol", "name", "sector", "base_price", "is_listed")
    list_filter = ("is_listed", "sector")
    search_fields = ("symbol", "name", "name_en")

    def get_readonly_fields(self, request: HttpRequest, obj: Company | None = None) -> tuple[str, ...]:
        """Keep the symbol of a company that has been traded: the history and the queues know it by that."""
        return ("symbol",) if obj is not None and obj.listings.exists() else ()

    def has_delete_permission(self, request: HttpRequest, obj: Company | None = None) -> bool:
        """Only a company that was never traded can be deleted; others are taken off the list of the listed."""
        if obj is None or obj.listings.exists():
            return False
        return super().has_delete_permission(request, obj)


class ListingInline(admin.TabularInline):
    """The stocks of a market."""

    model = Listing
    fields = (
        "symbol",
        "base_price",
        "last_price",
        "volume",
        "trade_count",
        "checkpoint",
        "is_halted",
        "is_closed",
    )
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes."""
        return False


@admin.register(Market)
class MarketAdmin(LedgerAdmin):
    """One game's trading session; it can be audited, suspended, and resumed when an audit finds nothing wrong."""

    list_display = ("id", "opens", "closes", "initial_cash", "is_settled", "suspended", "suspension_reason")
    list_filter = ("is_settled", ("suspended_at", admin.EmptyFieldListFilter))
    search_fields = ("=id",)
    ordering = ("-id",)
    inlines = (ListingInline,)
    actions = ("audit", "suspend", "resume")

    def has_suspend_permission(self, request: HttpRequest) -> bool:
        """Who may change markets may stop them, though not touch their rows."""
        return request.user.has_perm("trading.change_market")

    @admin.action(description=gettext_lazy("고른 장 감사"), permissions=["suspend"])
    def audit(self, request: HttpRequest, queryset: QuerySet[Market]) -> None:
        """Audit all of the market now and say what was found; changes nothing else."""
        for market in queryset.order_by("pk"):
            self._audited(request, market)

    @admin.action(description=gettext_lazy("고른 장 거래 중단"), permissions=["suspend"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[Market]) -> HttpResponse | None:
        """Take no more commands; results wait."""
        reason = reason_asked(self, request, queryset, "suspend")
        if not isinstance(reason, str):
            return reason
        for market in queryset.filter(is_settled=False).order_by("pk"):
            services.market_suspend(market=market, reason=reason, staff=staff_of(request))
            self.log_change(request, market, _("거래 중단: %(reason)s") % {"reason": reason})
            self.message_user(request, _("장 %(id)s의 거래를 멈췄어요.") % {"id": market.pk})
        return None

    @admin.action(description=gettext_lazy("감사하고 이상이 없으면 거래 재개"), permissions=["suspend"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Market]) -> HttpResponse | None:
        """Take commands again, or let the results be made, if an audit finds nothing wrong."""
        reason = reason_asked(self, request, queryset, "resume")
        if not isinstance(reason, str):
            return reason
        for market in queryset.filter(suspended_at__isnull=False).order_by("pk"):
            if self._audited(request, market):
                services.market_resume(market=market, staff=staff_of(request), reason=reason)
                self.log_change(request, market, _("거래 재개: %(reason)s") % {"reason": reason})
                self.message_user(request, _("장 %(id)s의 거래를 다시 시작했어요.") % {"id": market.pk})
        return None

    def _audited(self, request: HttpRequest, market: Market) -> bool:
        report = market_report(market=market, by=str(request.user))
        if report is None:
            self.message_user(request, _("관문이나 데이터베이스를 읽지 못했어요."), messages.ERROR)
        elif report.status == AuditReport.Status.OK:
            self.message_user(request, _("장 %(id)s: 감사에서 이상이 없었어요.") % {"id": market.pk})
        else:
            text = _("장 %(id)s: %(faults)s") % {"id": market.pk, "faults": shown(report.fault_texts)}
            self.message_user(request, text, messages.ERROR)
        return report is not None and report.status == AuditReport.Status.OK

    @admin.display(description=gettext_lazy("거래 중단"), ordering="suspended_at")
    def suspended(self, obj: Market) -> datetime | None:
        """Since when no command is taken."""
        return moment(obj.suspended_at)

    @admin.display(description=gettext_lazy("개장"), ordering="opens_at")
    def opens(self, obj: Market) -> datetime | None:
        """When trading begins."""
        return moment(obj.opens_at)

    @admin.display(description=gettext_lazy("폐장"), ordering="closes_at")
    def closes(self, obj: Market) -> datetime | None:
        """When trading ends."""
        return moment(obj.closes_at)


@admin.register(Listing)
class ListingAdmin(LedgerAdmin):
    """Listings and their checkpoints; trading in them can be halted and resumed."""

    list_display = (
        "id", "market_id", "symbol", "last_price", "base_price", "volume", "trade_count", "checkpoint", "is_halted",
        "halted_by", "halt_reason", "failures", "retry", "is_closed",
    )  # fmt: skip
    list_filter = ("is_halted", "halted_by", "is_closed", "symbol")
    search_fields = ("symbol", "company__name", "=market__id")
    ordering = ("-market_id", "company_id")
    actions = ("halt", "resume")

    @admin.display(description=gettext_lazy("다음 시도"), ordering="retry_at")
    def retry(self, obj: Listing) -> datetime | None:
        """When the batch that failed is tried again."""
        return moment(obj.retry_at)

    def has_halt_permission(self, request: HttpRequest) -> bool:
        """Who may change listings may halt them, though not touch their rows."""
        return request.user.has_perm("trading.change_listing")

    @admin.action(description=gettext_lazy("고른 종목 거래정지"), permissions=["halt"])
    def halt(self, request: HttpRequest, queryset: QuerySet[Listing]) -> HttpResponse | None:
        """Refuse new orders and amends; cancels pass."""
        return self._each(request, queryset, "halt", services.listing_halt)

    @admin.action(description=gettext_lazy("고른 종목 거래재개"), permissions=["halt"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Listing]) -> HttpResponse | None:
        """Accept orders again."""
        return self._each(request, queryset, "resume", services.listing_resume)

    def _each(
        self, request: HttpRequest, queryset: QuerySet[Listing], action: str, act: Callable[..., None]
    ) -> HttpResponse | None:
        reason = reason_asked(self, request, queryset, action)
        if not isinstance(reason, str):
            return reason
        wanted = queryset.filter(is_closed=False)
        if action == "resume":
            wanted = wanted.filter(is_halted=True)
        else:  # what the engine has halted staff may take over
            wanted = wanted.exclude(is_halted=True, halted_by=Listing.HaltedBy.STAFF)
        listings = list(wanted.select_related("company", "market").order_by("pk"))
        try:
            for listing in listings:
                act(listing=listing, reason=reason, staff=staff_of(request))
                self.log_change(request, listing, f"{action}: {reason}")
        except ApplicationError as error:
            self.message_user(request, error.as_dict()["message"], messages.ERROR)
            return None
        done = _("%(count)s개 종목에 적용했어요. 끝난 게임의 종목은 그대로예요.") % {"count": len(listings)}
        self.message_user(request, done)
        return None


@admin.register(Portfolio)
class PortfolioAdmin(LedgerAdmin):
    """Cash by account and market."""

    list_display = ("id", "market_id", "user", "initial_cash", "cash")
    list_select_related = ("user",)
    search_fields = ("user__nickname", "=market__id")
    ordering = ("-id",)


@admin.register(Holding)
class HoldingAdmin(LedgerAdmin):
    """Shares by account and listing."""

    list_display = ("id", "listing", "user", "granted", "quantity", "cost")
    list_select_related = ("listing", "user")
    list_filter = ("listing__symbol",)
    search_fields = ("user__nickname", "=listing__market__id")
    ordering = ("-id",)


@admin.register(Order)
class OrderAdmin(LedgerAdmin):
    """Accepted orders; the public id can be searched for."""

    list_display = (
        "public_id", "listing", "user", "side", "type", "price", "quantity", "filled_quantity", "status", "reason",
        "created",
    )  # fmt: skip
    list_select_related = ("listing", "user")
    list_filter = ("status", "side", "type", "listing__symbol")
    search_fields = ("user__nickname", "=client_order_id", "=listing__market__id")
    ordering = ("-id",)

    @admin.display(description=gettext_lazy("접수"), ordering="created_at")
    def created(self, obj: Order) -> datetime | None:
        """When the gate accepted it."""
        return moment(obj.created_at)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        """Find an order by its public id, anything else by the search fields."""
        listing_id, _epoch, sequence = [*search_term.strip().split("-"), "", ""][:3]
        if listing_id.isdecimal() and sequence.isdecimal() and int(listing_id) < 1 << 31:
            return queryset.filter(pk=int(listing_id) << SEQUENCE_BITS | int(sequence)), False
        return super().get_search_results(request, queryset, search_term)


@admin.register(Trade)
class TradeAdmin(LedgerAdmin):
    """Fills."""

    list_display = ("id", "listing", "price", "quantity", "taker_side", "maker", "taker", "traded")
    list_select_related = ("listing", "maker", "taker")
    list_filter = ("taker_side", "listing__symbol")
    search_fields = ("maker__nickname", "taker__nickname", "=listing__market__id")
    ordering = ("-id",)

    @admin.display(description=gettext_lazy("체결"), ordering="traded_at")
    def traded(self, obj: Trade) -> datetime | None:
        """The taker's time at the gate."""
        return moment(obj.traded_at)


@admin.register(Candle)
class CandleAdmin(LedgerAdmin):
    """Five-second candles."""

    list_display = ("listing", "begins", "open", "high", "low", "close", "volume")
    list_select_related = ("listing",)
    list_filter = ("listing__symbol",)
    search_fields = ("=listing__market__id",)
    ordering = ("-id",)

    @admin.display(description=gettext_lazy("시작"), ordering="start")
    def begins(self, obj: Candle) -> datetime | None:
        """The candle's first moment."""
        return moment(obj.start)


@admin.register(Outbox)
class OutboxAdmin(LedgerAdmin):
    """What the gate still has to release after settled batches."""

    list_display = ("id", "listing", "first", "last")
    list_select_related = ("listing",)
    search_fields = ("=listing__id", "=listing__market__id")
    ordering = ("-id",)


@admin.register(AuditReport)
class AuditReportAdmin(LedgerAdmin):
    """What the live audit has found; runs with the same outcome in a row share a row."""

    list_display = ("id", "market_id", "status", "first", "last", "runs", "duration_ms", "found", "action")
    list_filter = ("status",)
    search_fields = ("=market__id", "faults")
    ordering = ("-id",)
    exclude = ("progress",)

    @admin.display(description=gettext_lazy("처음"), ordering="first_at")
    def first(self, obj: AuditReport) -> datetime | None:
        """When the first of the runs began."""
        return moment(obj.first_at)

    @admin.display(description=gettext_lazy("마지막"), ordering="last_at")
    def last(self, obj: AuditReport) -> datetime | None:
        """When the last of the runs ended."""
        return moment(obj.last_at)

    @admin.display(description=gettext_lazy("어긋난 곳"))
    def found(self, obj: AuditReport) -> str:
        """What is wrong, in words."""
        return shown(obj.fault_texts)


@admin.register(Intervention)
class InterventionAdmin(LedgerAdmin):
    """What staff have done to games and listings: who, why and when."""

    list_display = ("id", "time", "kind", "market_id", "listing", "by", "reason")
    list_select_related = ("listing", "by")
    list_filter = ("kind",)
    search_fields = ("reason", "by__nickname", "=market__id")
    ordering = ("-id",)

    @admin.display(description=gettext_lazy("조치 시각"), ordering="at")
    def time(self, obj: Intervention) -> datetime | None:
        """When it was done."""
        return moment(obj.at)


@admin.register(GateRecord)
class GateRecordAdmin(LedgerAdmin):
    """The gate's epoch as the ledger knows it."""

    list_display = ("id", "epoch", "run_id")
    search_fields = ("=epoch", "run_id")
