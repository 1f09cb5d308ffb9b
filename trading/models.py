"""The ledger: companies, one market per game, its listings, and what accounts hold, ordered and traded.

Money and prices are whole won, quantities whole shares, times whole milliseconds since 1970. The database is
the record; the gate store holds what is available. Rows of orders, trades, portfolios and holdings are written
by settlement alone.
"""

from django.conf import settings
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

SEQUENCE_BITS = 32


class Company(models.Model):
    """A fictional company whose shares are traded in every game."""

    symbol = models.CharField(
        _("종목코드"), max_length=8, unique=True, validators=[RegexValidator(r"^[A-Z][A-Z0-9]{1,7}\Z")]
    )
    name = models.CharField(_("이름"), max_length=40)
    name_en = models.CharField(_("영문 이름"), max_length=60)
    sector = models.CharField(_("업종"), max_length=40)
    description = models.TextField(_("소개"))
    base_price = models.PositiveBigIntegerField(_("기준가(원)"), validators=[MinValueValidator(100)])
    is_listed = models.BooleanField(_("상장"), default=True)

    class Meta:
        verbose_name = _("회사")
        verbose_name_plural = _("회사")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.symbol})"


class Market(models.Model):
    """The trading session of one game: when it opens and closes, and the cash each player starts with.

    While it is suspended the gate takes no command and no results are made, until staff have looked at it. While
    it is paused the gate takes no command and does not close; its times move on when it goes on. `revision` counts
    the changes of times and pause, so that the gate never takes an older one for the present one.
    """

    opens_at = models.BigIntegerField(_("개장(ms)"))
    closes_at = models.BigIntegerField(_("폐장(ms)"))
    initial_cash = models.PositiveBigIntegerField(_("시작 자금(원)"))
    is_settled = models.BooleanField(_("정산 완료"), default=False)
    suspended_at = models.BigIntegerField(_("거래 중단(ms)"), null=True, blank=True)
    suspension_reason = models.CharField(_("중단 사유"), max_length=300, blank=True)
    paused_at = models.BigIntegerField(_("일시정지(ms)"), null=True, blank=True)
    revision = models.PositiveIntegerField(_("일정 변경 횟수"), default=0)

    class Meta:
        verbose_name = _("장")
        verbose_name_plural = _("장")

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_suspended(self) -> bool:
        """Whether the audit (or staff) has stopped all trading."""
        return self.suspended_at is not None

    @property
    def is_paused(self) -> bool:
        """Whether staff have stopped the clock."""
        return self.paused_at is not None


class Listing(models.Model):
    """One company in one market, with the checkpoint its single writer compares and sets.

    `checkpoint` is the last sequence applied; `marker` the sequence of the end marker once it was read;
    `book_digest` the digest of the resting orders at the checkpoint. `failures` counts how often in a row the next
    batch could not be settled, `retry_at` says when it is tried again.
    """

    class HaltedBy(models.TextChoices):
        """Who halted the listing: what the engine halts it resumes itself, once the batch is settled."""

        STAFF = "staff", _("운영진")
        ENGINE = "engine", _("엔진")

    market = models.ForeignKey(Market, models.PROTECT, related_name="listings", verbose_name=_("장"))
    company = models.ForeignKey(Company, models.PROTECT, related_name="listings", verbose_name=_("회사"))
    symbol = models.CharField(_("종목코드"), max_length=8)
    base_price = models.PositiveBigIntegerField(_("기준가(원)"))
    lower_limit = models.PositiveBigIntegerField(_("하한가(원)"))
    upper_limit = models.PositiveBigIntegerField(_("상한가(원)"))
    last_price = models.PositiveBigIntegerField(_("현재가(원)"))
    volume = models.PositiveBigIntegerField(_("거래량(주)"), default=0)
    trade_count = models.PositiveBigIntegerField(_("체결 수"), default=0)
    checkpoint = models.PositiveBigIntegerField(_("적용된 순번"), default=0)
    marker = models.PositiveBigIntegerField(_("마감 순번"), null=True, blank=True)
    book_digest = models.PositiveBigIntegerField(default=0, editable=False)
    is_halted = models.BooleanField(_("거래정지"), default=False)
    halt_reason = models.CharField(_("정지 사유"), max_length=200, blank=True)
    halted_by = models.CharField(_("정지 주체"), max_length=8, choices=HaltedBy.choices, blank=True)
    failures = models.PositiveIntegerField(_("연속 처리 실패"), default=0)
    failure = models.CharField(_("마지막 실패"), max_length=200, blank=True)
    retry_at = models.BigIntegerField(_("다음 시도(ms)"), null=True, blank=True)
    is_closed = models.BooleanField(_("마감 완료"), default=False)

    class Meta:
        verbose_name = _("상장종목")
        verbose_name_plural = _("상장종목")
        constraints = [models.UniqueConstraint(fields=["market", "symbol"], name="listing_once_a_market")]

    def __str__(self) -> str:
        return f"{self.symbol}@{self.market_id}"


class Portfolio(models.Model):
    """An account's cash in one market."""

    market = models.ForeignKey(Market, models.PROTECT, related_name="portfolios")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("계좌")
    )
    initial_cash = models.BigIntegerField(_("시작 자금(원)"))
    cash = models.BigIntegerField(_("예수금(원)"))

    class Meta:
        verbose_name = _("포트폴리오")
        verbose_name_plural = _("포트폴리오")
        constraints = [
            models.UniqueConstraint(fields=["market", "user"], name="portfolio_once_a_market"),
            models.CheckConstraint(condition=Q(cash__gte=0), name="portfolio_cash_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}@{self.market_id}"


class Holding(models.Model):
    """An account's shares of one listing. `cost` is their moving-average cost in won, all together."""

    listing = models.ForeignKey(Listing, models.PROTECT, related_name="holdings")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("계좌")
    )
    granted = models.BigIntegerField(_("처음 받은 수량(주)"), default=0)
    quantity = models.BigIntegerField(_("수량(주)"), default=0)
    cost = models.BigIntegerField(_("취득가액(원)"), default=0)

    class Meta:
        verbose_name = _("보유 주식")
        verbose_name_plural = _("보유 주식")
        constraints = [
            models.UniqueConstraint(fields=["listing", "user"], name="holding_once_a_listing"),
            models.CheckConstraint(
                condition=Q(quantity__gte=0) & Q(cost__gte=0), name="holding_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}@{self.listing_id}"


class Order(models.Model):
    """An accepted order. The key carries the listing and the sequence: `listing_id << 32 | sequence`."""

    class Status(models.TextChoices):
        """Where the order stands; `partially_filled` is still open."""

        OPEN = "open", _("미체결")
        PARTIALLY_FILLED = "partially_filled", _("부분 체결")
        FILLED = "filled", _("체결")
        CANCELED = "canceled", _("취소")
        REJECTED = "rejected", _("거부")

    OPEN_STATUSES = (Status.OPEN, Status.PARTIALLY_FILLED)

    id = models.BigIntegerField(primary_key=True)
    listing = models.ForeignKey(Listing, models.PROTECT, related_name="orders", verbose_name=_("종목"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("계좌")
    )
    epoch = models.PositiveIntegerField()
    client_order_id = models.CharField(max_length=36)
    side = models.CharField(_("구분"), max_length=4, choices=[("buy", _("매수")), ("sell", _("매도"))])
    type = models.CharField(
        _("유형"), max_length=6, choices=[("limit", _("지정가")), ("market", _("시장가"))]
    )
    price = models.PositiveBigIntegerField(_("가격(원)"), help_text=_("시장가는 보호 가격"))
    quantity = models.PositiveBigIntegerField(_("수량(주)"))
    filled_quantity = models.PositiveBigIntegerField(_("체결 수량(주)"), default=0)
    filled_value = models.PositiveBigIntegerField(_("체결 금액(원)"), default=0)
    status = models.CharField(_("상태"), max_length=16, choices=Status.choices)
    reason = models.CharField(_("사유"), max_length=24, blank=True)
    priority = models.PositiveBigIntegerField(_("시간 우선순위"))
    created_at = models.BigIntegerField(_("접수(ms)"))

    class Meta:
        verbose_name = _("주문")
        verbose_name_plural = _("주문")
        indexes = [
            models.Index(fields=["user", "listing", "id"], name="order_by_user"),
            models.Index(fields=["listing", "status"], name="order_by_status"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(filled_quantity__lte=F("quantity")), name="order_not_overfilled"
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def sequence(self) -> int:
        """The order's own sequence within its listing."""
        return self.id & ((1 << SEQUENCE_BITS) - 1)

    @property
    def public_id(self) -> str:
        """The order's name outside: listing, epoch and sequence."""
        return f"{self.listing_id}-{self.epoch}-{self.sequence}"


class Trade(models.Model):
    """One fill between a resting order (maker) and an incoming one (taker), at the resting price.

    The key is `listing_id << 32 | number of the trade in its listing`. `traded_at` is the taker's time at the gate.
    """

    id = models.BigIntegerField(primary_key=True)
    listing = models.ForeignKey(Listing, models.PROTECT, related_name="trades", verbose_name=_("종목"))
    sequence = models.PositiveBigIntegerField(_("체결을 일으킨 순번"))
    maker_order = models.ForeignKey(
        Order, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    taker_order = models.ForeignKey(
        Order, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    maker = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("메이커")
    )
    taker = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("테이커")
    )
    taker_side = models.CharField(max_length=4)
    price = models.PositiveBigIntegerField(_("가격(원)"))
    quantity = models.PositiveBigIntegerField(_("수량(주)"))
    traded_at = models.BigIntegerField(_("체결(ms)"))

    class Meta:
        verbose_name = _("체결")
        verbose_name_plural = _("체결")
        indexes = [models.Index(fields=["listing", "traded_at"], name="trade_by_time")]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0) & Q(price__gt=0), name="trade_positive")
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Candle(models.Model):
    """Five seconds of trading; longer intervals are folded from these when read."""

    listing = models.ForeignKey(Listing, models.CASCADE, related_name="candles")
    start = models.BigIntegerField()
    open = models.PositiveBigIntegerField()
    high = models.PositiveBigIntegerField()
    low = models.PositiveBigIntegerField()
    close = models.PositiveBigIntegerField()
    volume = models.PositiveBigIntegerField()

    class Meta:
        verbose_name = _("캔들")
        verbose_name_plural = _("캔들")
        constraints = [models.UniqueConstraint(fields=["listing", "start"], name="candle_once")]

    def __str__(self) -> str:
        return f"{self.listing_id}@{self.start}"


class Outbox(models.Model):
    """What the gate must still release or credit after a settled batch of one listing: applied once, in order.

    Covers the sequences `first` to `last`. The gate keeps the last sequence it has applied for the listing.
    """

    listing = models.ForeignKey(Listing, models.CASCADE, related_name="outbox")
    first = models.PositiveBigIntegerField()
    last = models.PositiveBigIntegerField()
    payload = models.TextField()

    class Meta:
        verbose_name = _("해제 대기")
        verbose_name_plural = _("해제 대기")
        constraints = [models.UniqueConstraint(fields=["listing", "last"], name="outbox_once")]

    def __str__(self) -> str:
        return f"{self.listing_id}: {self.first}-{self.last}"


class Intervention(models.Model):
    """What staff have done to a game or a listing: who, why and when. Written with what was done, never changed.

    `change` has the times and states before and after, as far as the deed has changed them.
    """

    class Kind(models.TextChoices):
        """What was done."""

        START = "start", _("시작")
        PAUSE = "pause", _("일시정지")
        RESUME = "resume", _("재개")
        EXTEND = "extend", _("연장")
        END = "end", _("조기 종료")
        CANCEL = "cancel", _("취소")
        HALT = "halt", _("거래정지")
        LIFT = "lift", _("거래정지 해제")
        SUSPEND = "suspend", _("거래 중단")
        REOPEN = "reopen", _("거래 중단 해제")

    kind = models.CharField(_("조치"), max_length=8, choices=Kind.choices)
    market = models.ForeignKey(Market, models.PROTECT, related_name="interventions", verbose_name=_("게임"))
    listing = models.ForeignKey(
        Listing, models.PROTECT, null=True, blank=True, related_name="interventions", verbose_name=_("종목")
    )
    reason = models.CharField(_("사유"), max_length=200)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("운영진"),
    )
    at = models.BigIntegerField(_("조치 시각(ms)"))
    change = models.JSONField(_("바뀐 값"), default=dict, blank=True)

    class Meta:
        verbose_name = _("운영 조치")
        verbose_name_plural = _("운영 조치")
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="intervention_has_a_reason")]

    def __str__(self) -> str:
        return f"{self.market_id} {self.get_kind_display()}: {self.reason}"


class GateRecord(models.Model):
    """The epoch of the gate, kept in the ledger so that no epoch is used twice even if the gate store is lost."""

    epoch = models.PositiveIntegerField(_("에포크"), default=0)
    run_id = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = _("관문 기록")
        verbose_name_plural = _("관문 기록")

    def __str__(self) -> str:
        return str(self.epoch)


class AuditReport(models.Model):
    """What the live audit found in a market. Runs with the same outcome in a row share a row.

    `faults` are what was found wrong, a line each: `check:subject` (known again by the next run), a tab, the text.
    """

    class Status(models.TextChoices):
        """The outcome: `suspected` becomes `confirmed` when the next run finds the same again."""

        OK = "ok", _("이상 없음")
        SUSPECTED = "suspected", _("의심")
        CONFIRMED = "confirmed", _("확인됨")

    market = models.ForeignKey(Market, models.CASCADE, related_name="audits", verbose_name=_("장"))
    status = models.CharField(_("결과"), max_length=9, choices=Status.choices)
    first_at = models.BigIntegerField(_("처음(ms)"))
    last_at = models.BigIntegerField(_("마지막(ms)"))
    runs = models.PositiveIntegerField(_("횟수"), default=1)
    duration_ms = models.PositiveIntegerField(_("소요(ms)"), default=0)
    faults = models.TextField(_("어긋난 곳"), blank=True)
    action = models.CharField(_("조치"), max_length=200, blank=True)
    progress = models.JSONField(default=dict, editable=False)

    class Meta:
        verbose_name = _("감사 결과")
        verbose_name_plural = _("감사 결과")
        indexes = [models.Index(fields=["market", "id"], name="audit_by_market")]

    def __str__(self) -> str:
        return f"{self.market_id}: {self.status}"

    @property
    def fault_keys(self) -> set[str]:
        """What two runs compare."""
        return {line.partition("\t")[0] for line in self.faults.splitlines()}

    @property
    def fault_texts(self) -> list[str]:
        """What is wrong, in words."""
        return [line.partition("\t")[2] for line in self.faults.splitlines()]
