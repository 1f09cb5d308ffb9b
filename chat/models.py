"""What is said: by players, by the system, as news, and to one player alone."""

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
