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
