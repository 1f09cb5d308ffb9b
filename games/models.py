"""Games, their news, the templates the news is made from, and the bots. Times are milliseconds since 1970."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from games.core.news import NewsKind, Piece
from games.core.schedule import GameTimes, GameView, clock_time
from games.core.schedule import Phase as SchedulePhase
from trading.models import Company, Market


class Game(models.Model):
    """One game: its market's number, its times and its phase. Phases change by compare-and-set alone.

    `is_live` is True from preparation to the results and NULL afterwards; being unique, it lets the database
    hold that at most one game is live, whichever worker ticks. A game that cannot be settled in time is held: it
    is settling still, no longer live, and its results come when they can. A canceled game ends without results.

    While `paused_at` is set the game's clock stands and no phase changes; on resuming, what is to come moves on by the
    length of the pause. `pauses` are the ended ones of its trading, [from, to] each. `extensions` counts how often
    staff have made a phase longer: the time left may then be announced again.
    """

    class Phase(models.TextChoices):
        """What the game is doing; the values are those of the schedule."""

        PREPARING = "preparing", _("준비")
        TRADING = "trading", _("거래")
        SETTLING = "settling", _("정산")
        INTERMISSION = "intermission", _("결과")

    market = models.OneToOneField(
        Market, models.PROTECT, primary_key=True, related_name="game", verbose_name=_("번호")
    )
    phase = models.CharField(_("단계"), max_length=12, choices=Phase.choices, default=Phase.PREPARING)
    seed = models.PositiveBigIntegerField(_("시드"))
    created_at = models.BigIntegerField(_("생성(ms)"), default=0)
    trading_at = models.BigIntegerField(_("거래 시작(ms)"))
    closes_at = models.BigIntegerField(_("거래 종료(ms)"))
    next_game_at = models.BigIntegerField(_("다음 게임(ms)"))
    started_at = models.BigIntegerField(_("실제 시작(ms)"), null=True, blank=True)
    closed_at = models.BigIntegerField(_("결과 확정(ms)"), null=True, blank=True)
    settling_at = models.BigIntegerField(_("정산 시작(ms)"), null=True, blank=True)
    held_at = models.BigIntegerField(_("정산 보류(ms)"), null=True, blank=True)
    canceled_at = models.BigIntegerField(_("취소(ms)"), null=True, blank=True)
    paused_at = models.BigIntegerField(_("일시정지(ms)"), null=True, blank=True)
    pause_reason = models.CharField(_("일시정지 사유"), max_length=200, blank=True)
    pauses = models.JSONField(_("지난 일시정지"), default=list, blank=True)
    extensions = models.PositiveIntegerField(_("연장 횟수"), default=0)
    is_registered = models.BooleanField(_("접수 준비 완료"), default=False)
    is_live = models.BooleanField(_("진행 중"), null=True, blank=True, unique=True, editable=False)

    class Meta:
        verbose_name = _("게임")
        verbose_name_plural = _("게임")
        ordering = ["-market_id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(closes_at__gt=F("trading_at")) & Q(next_game_at__gt=F("closes_at")),
                name="game_times_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.number}"

    @property
    def number(self) -> int:
        """The game's number, which is its market's key."""
        return self.market_id

    @property
    def times(self) -> GameTimes:
        """The game's plan."""
        return GameTimes(self.trading_at, self.closes_at, self.next_game_at)

    @property
    def view(self) -> GameView:
        """What the schedule decides on."""
        began = {
            self.Phase.PREPARING: self.created_at,
            self.Phase.TRADING: self.started_at,
            self.Phase.SETTLING: self.settling_at,
            self.Phase.INTERMISSION: self.closed_at,
        }[self.Phase(self.phase)]
        return GameView(
            SchedulePhase(self.phase), self.times, self.settling_at, self.is_held, self.paused_at, began
        )

    @property
    def is_held(self) -> bool:
        """Whether its results are still awaited while later games are played."""
        return self.held_at is not None and self.phase == self.Phase.SETTLING

    @property
    def is_paused(self) -> bool:
        """Whether its clock stands."""
        return self.paused_at is not None

    def clock_time(self, at_ms: int) -> int:
        """Return a moment of its trading by its own clock, which stands while it is paused."""
        until = at_ms if self.paused_at is None else min(at_ms, self.paused_at)
        return clock_time(until, self.pauses)


class Direction(models.TextChoices):
    """Which way a piece of news moves the hidden value."""

    GOOD = "good", _("호재")
    BAD = "bad", _("악재")


class NewsTemplate(models.Model):
    """A headline news is made from; `{company}` stands for the company's name."""

    headline = models.CharField(
        _("제목"),
        max_length=160,
        unique=True,
        validators=[RegexValidator(r"\{company\}", _("회사 이름이 들어갈 자리에 {company}를 넣어 주세요."))],
        help_text=_("{company} 자리에 회사 이름이 들어가요."),
    )
    headline_en = models.CharField(
        _("영문 제목"),
        max_length=160,
        blank=True,
        validators=[RegexValidator(r"\{company\}", _("회사 이름이 들어갈 자리에 {company}를 넣어 주세요."))],
        help_text=_("비워 두면 영어 화면에도 위 제목이 나와요."),
    )
    direction = models.CharField(_("성격"), max_length=4, choices=Direction.choices)
    magnitude_bps = models.PositiveIntegerField(
        _("크기(bp)"),
        validators=[MinValueValidator(1), MaxValueValidator(1_500)],
        help_text=_("숨은 가치를 움직이는 크기예요. 100bp는 1%예요."),
    )
    sector = models.CharField(
        _("업종"), max_length=40, blank=True, help_text=_("비워 두면 모든 업종에 쓰여요.")
    )
    weight = models.PositiveIntegerField(_("가중치"), default=10)
    is_active = models.BooleanField(_("사용"), default=True)

    class Meta:
        verbose_name = _("뉴스 원본")
        verbose_name_plural = _("뉴스 원본")
        ordering = ["sector", "direction", "id"]

    def __str__(self) -> str:
        return self.headline


class News(models.Model):
    """A piece of news of one game, planned with the game; unknown to players until `published_at` is set.

    `number` is its place in the game's plan, `answers` the number of the rumour that it confirms or denies.
    """

    class Kind(models.TextChoices):
        """What it is; the values are those of the news rules."""

        REPORT = "report", _("보도")
        RUMOUR = "rumour", _("소문")
        CONFIRMATION = "confirmation", _("소문 확인")
        DENIAL = "denial", _("소문 부인")

    game = models.ForeignKey(Game, models.PROTECT, related_name="news", verbose_name=_("게임"))
    company = models.ForeignKey(Company, models.PROTECT, related_name="news", verbose_name=_("회사"))
    template = models.ForeignKey(
        NewsTemplate, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("원본")
    )
    number = models.PositiveSmallIntegerField(_("순번"), null=True, blank=True)
    kind = models.CharField(_("종류"), max_length=12, choices=Kind.choices, default=Kind.REPORT)
    answers = models.PositiveSmallIntegerField(_("답하는 소문"), null=True, blank=True)
    direction = models.CharField(_("성격"), max_length=4, choices=Direction.choices)
    magnitude_bps = models.PositiveIntegerField(_("크기(bp)"))
    headline = models.CharField(_("제목"), max_length=250)
    headline_en = models.CharField(_("영문 제목"), max_length=250, blank=True)
    at_ms = models.BigIntegerField(_("예정(ms)"))
    published_at = models.BigIntegerField(_("발표(ms)"), null=True, blank=True)

    class Meta:
        verbose_name = _("뉴스")
        verbose_name_plural = _("뉴스")
        ordering = ["-id"]
        indexes = [models.Index(fields=["company", "published_at"], name="news_by_company")]
        constraints = [models.UniqueConstraint(fields=["game", "number"], name="news_number_once")]

    def __str__(self) -> str:
        return self.headline

    @property
    def text(self) -> str:
        """The headline in the language of the page, or of the site where there is none."""
        is_english = (get_language() or "").startswith("en")
        return self.headline_en if is_english and self.headline_en else self.headline

    def piece(self, at_ms: int) -> Piece:
        """Return how it moves values, being out since `at_ms`."""
        sign = 1 if self.direction == Direction.GOOD else -1
        number = self.pk if self.number is None else self.number
        return Piece(number, NewsKind(self.kind), sign * self.magnitude_bps, at_ms, self.answers)


class Bot(models.Model):
    """An automatic trader: an ordinary account that orders through the same gate as everybody."""

    class Kind(models.TextChoices):
        """How the bot trades; the values are those of the bots' rules."""

        MAKER = "maker", _("시장 조성")
        VALUE = "value", _("가치 투자")
        MOMENTUM = "momentum", _("추세 추종")
        NOISE = "noise", _("무작위")

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="bot", verbose_name=_("계좌")
    )
    kind = models.CharField(_("종류"), max_length=8, choices=Kind.choices)
    seed = models.PositiveBigIntegerField(_("시드"))
    is_active = models.BooleanField(_("사용"), default=True)

    class Meta:
        verbose_name = _("봇")
        verbose_name_plural = _("봇")
        ordering = ["id"]

    def __str__(self) -> str:
        return str(self.user)


class DailyAttempt(models.Model):
    """A player's first attempt at the practice game of a day: the one that counts on its board.

    It is stored when it starts and completed once, when that game has ended; an attempt that was never completed was
    lost with its process, and the player may start anew. The day is that of the site's time zone.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="daily_attempts", verbose_name=_("플레이어")
    )
    day = models.DateField(_("날짜"))
    started_at = models.BigIntegerField(_("시작(ms)"))
    finished_at = models.BigIntegerField(_("종료(ms)"), null=True, blank=True)
    return_bps = models.BigIntegerField(_("수익률(bp)"), null=True, blank=True)
    equity = models.BigIntegerField(_("총자산(원)"), null=True, blank=True)
    fills = models.PositiveIntegerField(_("체결 수"), default=0)

    class Meta:
        verbose_name = _("오늘의 시드 기록")
        verbose_name_plural = _("오늘의 시드 기록")
        ordering = ["-day", "-return_bps", "id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "day"], name="one_daily_attempt"),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True, return_bps__isnull=True, equity__isnull=True)
                | Q(finished_at__isnull=False, return_bps__isnull=False, equity__isnull=False),
                name="daily_attempt_complete",
            ),
        ]
        indexes = [models.Index(fields=["day", "-return_bps"], name="daily_board")]

    def __str__(self) -> str:
        return f"{self.day} {self.user_id}"
