"""What a game's end left behind: the market at the close, and each participant's result. Kept for ever."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Tier
from trading.models import Listing, Market


class GameSummary(models.Model):
    """The close of one game. That the row exists means that the results stand, all of them.

    `sequence` is the order in which games were rated: ratings follow from it, not from the games' numbers, since a
    game that was held is rated late.
    """

    market = models.OneToOneField(
        Market, models.PROTECT, primary_key=True, related_name="summary", verbose_name=_("게임")
    )
    participants = models.PositiveIntegerField(_("참가자 수"), default=0)
    house_return_bps = models.BigIntegerField(_("시장 수익률(bp)"), default=0)
    sequence = models.PositiveBigIntegerField(_("평가 순서"), unique=True)
    computed_at = models.BigIntegerField(_("계산(ms)"))

    class Meta:
        verbose_name = _("게임 요약")
        verbose_name_plural = _("게임 요약")

    def __str__(self) -> str:
        return f"#{self.market_id}"


class ClosingValue(models.Model):
    """What one share of a listing was worth at the close, and the trades of the window behind that value."""

    summary = models.ForeignKey(
        GameSummary, models.PROTECT, related_name="closing_values", verbose_name=_("게임")
    )
    listing = models.OneToOneField(
        Listing, models.PROTECT, primary_key=True, related_name="closing_value", verbose_name=_("종목")
    )
    value = models.PositiveBigIntegerField(_("종가(원)"))
    window_quantity = models.PositiveBigIntegerField(_("평가 구간 거래량(주)"))
    window_value = models.PositiveBigIntegerField(_("평가 구간 거래대금(원)"))
    return_bps = models.BigIntegerField(_("등락률(bp)"))

    class Meta:
        verbose_name = _("종가")
        verbose_name_plural = _("종가")

    def __str__(self) -> str:
        return f"{self.listing_id}: {self.value}"


class Result(models.Model):
    """How one participant ended one game, and what that did to the rating.

    `equity` is `cash` plus the shares at their closing values. A rating is a mean and a deviation of skill;
    MMR and tier follow from it. `games_played` counts this game too.

    The last five columns say why the rating moved as it did: the room's size and the place in it (both with the
    house), the place at which the mean would have stayed, the return less the house's, and what part of the game
    counted. They are empty in results older than they are, until `manage.py rerate` fills them.
    """

    # The composite indexes below begin with these two and serve them.
    market = models.ForeignKey(
        Market, models.PROTECT, related_name="results", db_index=False, verbose_name=_("게임")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="results",
        db_index=False,
        verbose_name=_("참가자"),
    )
    rank = models.PositiveIntegerField(_("순위"))
    return_bps = models.BigIntegerField(_("수익률(bp)"))
    initial_cash = models.BigIntegerField(_("시작 자금(원)"))
    cash = models.BigIntegerField(_("예수금(원)"))
    equity = models.BigIntegerField(_("총자산(원)"))
    fills = models.PositiveIntegerField(_("체결 수"))
    mmr_before = models.IntegerField(_("이전 MMR"))
    mmr_after = models.IntegerField(_("이후 MMR"))
    tier_before = models.CharField(_("이전 티어"), max_length=8, choices=Tier.choices)
    tier_after = models.CharField(_("이후 티어"), max_length=8, choices=Tier.choices)
    mean_before = models.FloatField()
    mean_after = models.FloatField()
    deviation_before = models.FloatField()
    deviation_after = models.FloatField()
    games_played = models.PositiveIntegerField(_("참가한 게임"))
    room_size = models.PositiveSmallIntegerField(_("방 인원(시장 포함)"), null=True)
    room_rank = models.PositiveSmallIntegerField(_("방 순위"), null=True)
    expected_rank_tenths = models.PositiveSmallIntegerField(_("기대 순위(0.1위)"), null=True)
    house_margin_bps = models.BigIntegerField(_("시장 대비 수익률(bp)"), null=True)
    counted_percent = models.PositiveSmallIntegerField(_("반영률(%)"), null=True)

    class Meta:
        verbose_name = _("결과")
        verbose_name_plural = _("결과")
        indexes = [
            models.Index(fields=["market", "rank", "id"], name="result_by_rank"),
            models.Index(fields=["user", "-market"], name="result_by_user"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["market", "user"], name="result_once_a_market"),
            models.CheckConstraint(condition=models.Q(rank__gt=0), name="result_rank_positive"),
            models.CheckConstraint(condition=models.Q(fills__gt=0), name="result_has_fills"),
        ]

    def __str__(self) -> str:
        return f"#{self.market_id}: {self.user_id} {self.rank}"

    @property
    def mmr_change(self) -> int:
        """What the game did to the MMR."""
        return self.mmr_after - self.mmr_before


class GameReview(models.Model):
    """How a game went, made once when it is over: the field's curve, each stock's course, the awards.

    `grid` are the moments (ms) at which accounts were valued. `courses` gives for each listing's key its `prices` and
    its `hidden` values at those moments. `median_bps` is the median return of `curves` players' curves, empty when
    nobody took part.
    """

    summary = models.OneToOneField(
        GameSummary, models.PROTECT, primary_key=True, related_name="review", verbose_name=_("게임")
    )
    grid = models.JSONField(editable=False)
    courses = models.JSONField(editable=False)
    median_bps = models.JSONField(editable=False)
    curves = models.PositiveIntegerField(_("곡선 수"))
    computed_at = models.BigIntegerField(_("계산(ms)"))

    class Meta:
        verbose_name = _("게임 돌아보기")
        verbose_name_plural = _("게임 돌아보기")

    def __str__(self) -> str:
        return f"#{self.summary_id}"


class Award(models.Model):
    """An award of a game. `value` is won, milliseconds or basis points by its kind, `count` what it is made of."""

    class Kind(models.TextChoices):
        """What it is for; the values are those of the rules."""

        LIQUIDITY = "liquidity", _("호가 지킴이")
        REACTION = "reaction", _("번개 반응")
        COMEBACK = "comeback", _("대역전")
        STEADY = "steady", _("철벽 방어")

    review = models.ForeignKey(
        GameReview, models.PROTECT, related_name="awards", db_index=False, verbose_name=_("게임")
    )
    kind = models.CharField(_("종류"), max_length=9, choices=Kind.choices)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="awards", verbose_name=_("받은 사람")
    )
    value = models.BigIntegerField(_("기록"))
    count = models.PositiveIntegerField(_("횟수"), default=0)

    class Meta:
        verbose_name = _("상")
        verbose_name_plural = _("상")
        constraints = [models.UniqueConstraint(fields=["review", "kind"], name="award_once_a_game")]

    def __str__(self) -> str:
        return f"#{self.review_id}: {self.kind}"


class Tally(models.Model):
    """What a player's games of one day, one week or all time came to: the boards by return are read from it.

    Derived from the results, by which it can be made anew. `start` is when the period began, 0 for all time;
    `average_bps` is the mean return of a game, rounded down.
    """

    class Period(models.TextChoices):
        """What is covered."""

        DAY = "day", _("오늘")
        WEEK = "week", _("이번 주")
        ALL = "all", _("전체")

    period = models.CharField(max_length=4, choices=Period.choices)
    start = models.BigIntegerField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    games = models.PositiveIntegerField()
    return_bps_sum = models.BigIntegerField()
    average_bps = models.BigIntegerField()
    best_bps = models.BigIntegerField()

    class Meta:
        verbose_name = _("누적 성적")
        verbose_name_plural = _("누적 성적")
        indexes = [models.Index(fields=["period", "start", "-average_bps", "user"], name="tally_by_average")]
        constraints = [
            models.UniqueConstraint(fields=["period", "start", "user"], name="tally_once_a_period"),
            models.CheckConstraint(condition=models.Q(games__gt=0), name="tally_has_games"),
        ]

    def __str__(self) -> str:
        return f"{self.period} {self.start}: {self.user_id}"
