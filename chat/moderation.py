"""What staff may do about messages and players; each deed is logged with who, why and when, in its transaction."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import user_ban, user_unban
from chat.models import Message, Moderation, Report, Silence
from chat.services import messages_hide, notice_send
from chat.standings import standing_publish
from stocking.base.errors import ApplicationError
from stocking.base.units import now_ms

RECENT_MS = 24 * 3_600_000
SILENCE_MS_MAX = 365 * 24 * 3_600_000
RECENT_MESSAGES_MAX = 1_000

Kind = Moderation.Kind


def may_moderate(staff: User, player: User) -> bool:
    """Return whether this member of staff may do something to this player: not to themselves, nor to their like.

    Only superusers moderate staff; nobody moderates superusers.
    """
    if staff == player or player.is_superuser or player.is_bot:
        return False
    return staff.is_superuser or not player.is_staff


def _require_may(staff: User, player: User) -> None:
    if not may_moderate(staff, player):
        raise ApplicationError("forbidden")


def _log(
    kind: Kind,
    staff: User,
    reason: str,
    *,
    user: User | None,
    message: Message | None = None,
    until: int | None = None,
) -> Moderation:
    return Moderation(
        kind=kind, by=staff, reason=reason, user=user, message=message, until=until, at=now_ms()
    )


@transaction.atomic
def messages_moderate(*, messages: Iterable[Message], hidden: bool, reason: str, staff: User) -> int:
    """Hide messages from everybody, or show them again; return how many were not so before.

    Reports of what is hidden are settled with it.
    """
    keys = [message.pk for message in messages]
    changing = list(
        Message.objects.filter(pk__in=keys).exclude(is_hidden=hidden).select_related("author").order_by("pk")
    )
    kind = Kind.HIDE if hidden else Kind.SHOW
    Moderation.objects.bulk_create(
        _log(kind, staff, reason, user=message.author, message=message) for message in changing
    )
    if hidden:
        Report.objects.filter(message_id__in=keys, status=Report.Status.OPEN).update(
            status=Report.Status.UPHELD
        )
    return messages_hide(messages=changing, hidden=hidden)


@transaction.atomic
def player_silence(
    *, player: User, duration_ms: int, reason: str, staff: User, with_messages: bool = False
) -> int:
    """Keep a player from speaking for so long from now, and tell them; return until when.

    A time-out that is under way is replaced. `with_messages` hides what they said in the last 24 hours.
    """
    _require_may(staff, player)
    if not 0 < duration_ms <= SILENCE_MS_MAX:
        raise ApplicationError("invalid_request", parameter="duration_ms")
    until = now_ms() + duration_ms
    Silence.objects.update_or_create(user=player, defaults={"until": until, "reason": reason})
    _log(Kind.SILENCE, staff, reason, user=player, until=until).save()
    text = _("%(until)s까지 채팅을 쓸 수 없어요. 사유: %(reason)s")
    notice_send(
        user_id=player.pk, text=text % {"until": moment_text(until), "reason": reason}, level="warning"
    )
    standing_publish(user_id=player.pk)
    _settle(player, staff, reason, with_messages)
    return until


@transaction.atomic
def silence_lift(*, player: User, reason: str, staff: User) -> bool:
    """Let a player speak again, and tell them; False if they may already."""
    _require_may(staff, player)
    if not Silence.objects.filter(user=player, until__gt=now_ms()).exists():
        return False
    Silence.objects.filter(user=player).delete()
    _log(Kind.LIFT, staff, reason, user=player).save()
    notice_send(user_id=player.pk, text=_("채팅 제한이 풀렸어요. 다시 이야기할 수 있어요."))
    standing_publish(user_id=player.pk)
    return True


@transaction.atomic
def player_ban(*, player: User, reason: str, staff: User, with_messages: bool = False) -> bool:
    """Keep a player out for good: no login, every session ends; False if they are out already."""
    _require_may(staff, player)
    is_new = User.objects.filter(pk=player.pk, is_active=True).exists()
    if is_new:
        user_ban(user=player)
        _log(Kind.BAN, staff, reason, user=player).save()
    _settle(player, staff, reason, with_messages)
    return is_new


@transaction.atomic
def player_unban(*, player: User, reason: str, staff: User) -> bool:
    """Let a banned player log in again; False if they were not banned, or have left for good."""
    _require_may(staff, player)
    if User.objects.filter(pk=player.pk, is_active=True).exists():
        return False
    user_unban(user=player)
    if not User.objects.filter(pk=player.pk, is_active=True).exists():
        return False
    _log(Kind.UNBAN, staff, reason, user=player).save()
    return True


@transaction.atomic
def reports_dismiss(*, reports: Iterable[Report], reason: str, staff: User) -> int:
    """Close reports of messages that may stay; all open ones of the same messages with them. Return of how many."""
    message_ids = {report.message_id for report in reports}
    waiting = Report.objects.filter(message_id__in=message_ids, status=Report.Status.OPEN)
    settled = list(
        Message.objects.filter(pk__in=waiting.values("message")).select_related("author").order_by("pk")
    )
    waiting.update(status=Report.Status.DISMISSED)
    Moderation.objects.bulk_create(
        _log(Kind.DISMISS, staff, reason, user=message.author, message=message) for message in settled
    )
    return len(settled)


def _settle(player: User, staff: User, reason: str, with_messages: bool) -> None:
    """Settle the open reports of the player's messages; hide those of the last day where that was asked for."""
    said = Message.objects.filter(author=player, kind=Message.Kind.PLAYER)
    Report.objects.filter(message__in=said, status=Report.Status.OPEN).update(status=Report.Status.UPHELD)
    if with_messages:
        recent = said.filter(sent_at__gte=now_ms() - RECENT_MS).order_by("-pk")[:RECENT_MESSAGES_MAX]
        messages_moderate(messages=recent, hidden=True, reason=reason, staff=staff)


def moment_text(time_ms: int) -> str:
    """Return a moment as players read it: month, day, hour and minute in Korea."""
    at = timezone.localtime(datetime.fromtimestamp(time_ms / 1_000, tz=UTC))
    return _("%(month)s월 %(day)s일 %(time)s") % {"month": at.month, "day": at.day, "time": f"{at:%H:%M}"}
