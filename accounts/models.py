"""Who plays. Ratings and tiers stand here as columns; only the ranking application writes them."""

import unicodedata
from collections.abc import Iterator
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

INITIAL_MMR = 1_000
# What results and messages show in place of a player who has left. No nickname may contain a space.
DELETED_NICKNAME = "탈퇴한 플레이어"
# Written by the ranking alone.
RATING_FIELDS = frozenset({"mmr", "tier", "rating_mean", "rating_deviation", "games_played", "rated_at"})
# Written by `accounts.sessions` alone.
SESSION_FIELDS = frozenset({"session_stamp"})

nickname_validator = RegexValidator(
    r"^[0-9A-Za-z가-힣_]{2,12}\Z", _("닉네임은 한글, 영문, 숫자, 밑줄로 2~12자까지 쓸 수 있어요.")
)


def nickname_fold(nickname: str) -> str:
    """Return the form under which a nickname is unique: compatibility-normalised and without case."""
    return unicodedata.normalize("NFKC", nickname).casefold()


def deleted_key(user_id: int) -> str:
    """Return what stands where the folded nickname was, once its owner has left; no nickname folds to it."""
    return f"#{user_id}"


class Tier(models.TextChoices):
    """The five tiers, lowest first."""

    BRONZE = "bronze", _("브론즈")
    SILVER = "silver", _("실버")
    GOLD = "gold", _("골드")
    PLATINUM = "platinum", _("플래티넘")
    DIAMOND = "diamond", _("다이아몬드")


class UserManager(BaseUserManager["User"]):
    """Creates users; the e-mail's domain is lower-cased, an absent e-mail is stored as NULL."""

    use_in_migrations = True

    def create_user(
        self, email: str | None, nickname: str, password: str | None = None, **extra: Any
    ) -> "User":
        """Create and store a user; without a password nobody can log in with one."""
        user = self.model(email=self.normalize_email(email).lower() or None, nickname=nickname, **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, email: str, nickname: str, password: str | None = None, **extra: Any
    ) -> "User":
        """Create a member of staff who may do everything in the admin; the e-mail needs no confirmation."""
        from accounts.emails import email_vouch

        user = self.create_user(email, nickname, password, is_staff=True, is_superuser=True, **extra)
        email_vouch(user=user)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A player, a guest, a bot or a member of staff. Logs in by e-mail, is known by the nickname."""

    email = models.EmailField(_("이메일"), unique=True, null=True, blank=True)
    nickname = models.CharField(_("닉네임"), max_length=12, validators=[nickname_validator])
    nickname_key = models.CharField(max_length=40, unique=True, editable=False)
    is_guest = models.BooleanField(_("체험 계정"), default=False)
    is_bot = models.BooleanField(_("봇"), default=False, db_index=True)
    is_staff = models.BooleanField(_("운영진"), default=False)
    is_active = models.BooleanField(_("활성"), default=True)
    mmr = models.IntegerField("MMR", default=INITIAL_MMR, db_index=True)
    tier = models.CharField(_("티어"), max_length=8, choices=Tier.choices, default=Tier.BRONZE)
    rating_mean = models.FloatField(null=True, editable=False)
    rating_deviation = models.FloatField(null=True, editable=False)
    games_played = models.PositiveIntegerField(_("참가한 게임"), default=0)
    rated_at = models.BigIntegerField(_("마지막 게임(ms)"), null=True, editable=False)
    session_stamp = models.CharField(max_length=32, default="", editable=False)
    date_joined = models.DateTimeField(_("가입한 때"), default=timezone.now)
    deleted_at = models.DateTimeField(_("탈퇴한 때"), null=True, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["nickname"]

    class Meta:
        verbose_name = _("사용자")
        verbose_name_plural = _("사용자")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="accounts_deleted_cannot_log_in",
                condition=models.Q(deleted_at=None) | models.Q(is_active=False, email=None),
            ),
        ]

    def __str__(self) -> str:
        return self.nickname

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the user together with the folded nickname that the uniqueness rests on.

        A stored user's rating and session stamp are left alone unless they are named: whoever saves a profile may have
        read them before the last game's results, or before a login that ended all other sessions.
        """
        self.nickname_key = deleted_key(self.pk) if self.deleted_at else nickname_fold(self.nickname)
        update_fields = kwargs.get("update_fields")
        if update_fields is None and not self._state.adding and not args:
            names = {field.name for field in self._meta.concrete_fields if not field.primary_key}
            kwargs["update_fields"] = names - RATING_FIELDS - SESSION_FIELDS
        elif update_fields is not None and "nickname" in update_fields:
            kwargs["update_fields"] = {*update_fields, "nickname_key"}
        super().save(*args, **kwargs)

    def get_session_auth_hash(self) -> str:
        """Return what a session must have been opened with to be valid: this password, under this stamp."""
        return self._session_auth_hash_by(None)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """Return the same by each former secret key."""
        for secret in settings.SECRET_KEY_FALLBACKS:
            yield self._session_auth_hash_by(secret)

    def _session_auth_hash_by(self, secret: str | bytes | None) -> str:
        value = f"{self.session_stamp}\n{self.password}"
        return salted_hmac("accounts.session", value, secret=secret, algorithm="sha256").hexdigest()


class Session(AbstractBaseSession):
    """One login of one browser; knows its user, so that all of a user's sessions can be ended at once."""

    user = models.ForeignKey(User, models.CASCADE, null=True, db_constraint=False, related_name="+")

    class Meta:
        verbose_name = _("세션")
        verbose_name_plural = _("세션")
