"""What is said: by players, by the system, as news, and to one player alone."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Message(models.Model):
    """One line of the chat. `recipient` makes it a private notice; `key` makes it happen once."""

    class Kind(models.TextChoices):
        """Who speaks."""

        PLAYER = "player", _("플레이어")
        SYSTEM = "system", _("시스템")
        NEWS = "news", _("뉴스")
        RESULT = "result", _("결과")
        NOTICE = "notice", _("개인 알림")

    kind = models.CharField(_("종류"), max_length=8, choices=Kind.choices)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("작성자"),
    )
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("받는 사람"),
    )
    text = models.CharField(_("내용"), max_length=300)
    level = models.CharField(_("성격"), max_length=8, blank=True, help_text=_("good, bad, info, warning"))
    symbol = models.CharField(
        _("종목"), max_length=12, blank=True, help_text=_("소식이 다루는 종목의 코드예요.")
    )
    key = models.CharField(max_length=64, unique=True, null=True, blank=True, editable=False)
    sent_at = models.BigIntegerField(_("보낸 때(ms)"))
    is_hidden = models.BooleanField(_("숨김"), default=False)

    class Meta:
        verbose_name = _("메시지")
        verbose_name_plural = _("메시지")
        indexes = [models.Index(fields=["recipient", "-id"], name="chat_recipient")]

    def __str__(self) -> str:
        return self.text[:40]


class Word(models.Model):
    """A word that staff forbid in messages and nicknames, or allow although a kept list or another one forbids it."""

    text = models.CharField(
        _("낱말"),
        max_length=40,
        unique=True,
        help_text=_("앞에 ^를 붙이면 낱말이 시작하는 곳에서만, =를 붙이면 그 낱말 하나일 때만 찾아요."),
    )
    is_allowed = models.BooleanField(
        _("허용"), default=False, help_text=_("금지한 말이 들어 있어도 괜찮은 낱말이면 켜세요.")
    )
    note = models.CharField(_("메모"), max_length=200, blank=True)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("더한 사람"),
    )
    added_at = models.BigIntegerField(_("더한 때(ms)"), editable=False)

    class Meta:
        verbose_name = _("금지어")
        verbose_name_plural = _("금지어")

    def __str__(self) -> str:
        return self.text


class Mute(models.Model):
    """One player who does not want to see what another says."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("차단한 사람")
    )
    muted = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("차단된 사람")
    )
    at = models.BigIntegerField(_("차단한 때(ms)"))

    class Meta:
        verbose_name = _("차단")
        verbose_name_plural = _("차단")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "muted"], name="chat_muted_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} → {self.muted_id}"


class Report(models.Model):
    """One player's complaint about a message, once; staff decide."""

    class Reason(models.TextChoices):
        """What is wrong with the message."""

        ABUSE = "abuse", _("욕설·비방·혐오")
        SEXUAL = "sexual", _("음란한 말")
        SPAM = "spam", _("도배·광고·사기")
        PRIVACY = "privacy", _("개인정보 노출")
        NICKNAME = "nickname", _("부적절한 닉네임")
        OTHER = "other", _("그 밖의 이유")

    class Status(models.TextChoices):
        """What has become of it."""

        OPEN = "open", _("확인 전")
        UPHELD = "upheld", _("조치함")
        DISMISSED = "dismissed", _("문제 없음")

    message = models.ForeignKey(
        Message, models.PROTECT, related_name="reports", verbose_name=_("신고된 메시지")
    )
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("신고한 사람")
    )
    reason = models.CharField(_("신고 이유"), max_length=8, choices=Reason.choices)
    note = models.CharField(_("덧붙인 말"), max_length=200, blank=True)
    at = models.BigIntegerField(_("신고한 때(ms)"))
    status = models.CharField(_("상태"), max_length=9, choices=Status.choices, default=Status.OPEN)

    class Meta:
        verbose_name = _("신고")
        verbose_name_plural = _("신고")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["message", "reporter"], name="chat_reported_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["status", "-id"], name="chat_report_queue")
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()}: {self.message_id}"


class Silence(models.Model):
    """Until when a player may not speak, and why; what has been before stands in the log."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        primary_key=True,
        related_name="+",
        verbose_name=_("플레이어"),
    )
    until = models.BigIntegerField(_("끝나는 때(ms)"))
    reason = models.CharField(_("사유"), max_length=200)

    class Meta:
        verbose_name = _("채팅 제한")
        verbose_name_plural = _("채팅 제한")

    def __str__(self) -> str:
        return str(self.user)


class Moderation(models.Model):
    """What staff have done to a message or a player: who, what, why and when. Written with the deed, never changed."""

    class Kind(models.TextChoices):
        """What was done."""

        HIDE = "hide", _("메시지 숨김")
        SHOW = "show", _("메시지 다시 보임")
        SILENCE = "silence", _("채팅 제한")
        LIFT = "lift", _("채팅 제한 해제")
        BAN = "ban", _("이용 정지")
        UNBAN = "unban", _("이용 정지 해제")
        DISMISS = "dismiss", _("신고 기각")

    kind = models.CharField(_("조치"), max_length=8, choices=Kind.choices)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("플레이어"),
    )
    message = models.ForeignKey(
        Message, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("메시지")
    )
    reason = models.CharField(_("사유"), max_length=200)
    until = models.BigIntegerField(_("끝나는 때(ms)"), null=True, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("운영진")
    )
    at = models.BigIntegerField(_("조치 시각(ms)"))

    class Meta:
        verbose_name = _("채팅 조치")
        verbose_name_plural = _("채팅 조치")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="chat_moderation_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.reason}"
