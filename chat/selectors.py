"""What was said, as clients see it."""

from functools import lru_cache
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.utils.crypto import salted_hmac

from accounts.models import User
from chat.models import Message, Mute, Report, Silence
from stocking.base.units import now_ms

HISTORY_MESSAGES = 100
KEY_CHARACTERS = 16


@lru_cache(maxsize=4_096)
def player_key(user_id: int) -> str:
    """Return what tells a player apart in the chat for good, whatever their nickname: nobody can count with it."""
    return salted_hmac("chat.player", str(user_id), algorithm="sha256").hexdigest()[:KEY_CHARACTERS]


def message_data(message: Message) -> dict[str, Any]:
    """Return a message in the shape of PROTOCOL: of the topic `chat`, and of `me` when it is a notice."""
    author = message.author
    return {
        "id": message.pk,
        "kind": str(message.kind),
        "author": player_key(author.pk) if author and author.is_active else "",
        "nickname": author.nickname if author else "",
        "tier": str(author.tier) if author else "",
        "is_bot": author.is_bot if author else False,
        "text": message.text,
        "level": message.level,
        "symbol": message.symbol,
        "sent_at": message.sent_at,
    }


def messages_public(*, limit: int = HISTORY_MESSAGES, before_id: int | None = None) -> list[dict[str, Any]]:
    """Return the newest messages that everybody may see (of those before `before_id`), oldest first."""
    everybody = Q(recipient=None)
    return _newest(everybody if before_id is None else everybody & Q(pk__lt=before_id), limit)


def messages_latest(
    *, user: User | AnonymousUser | None = None, limit: int = HISTORY_MESSAGES
) -> list[dict[str, Any]]:
    """Return the newest messages `user` may see, private notices included, oldest first."""
    if user is None or isinstance(user, AnonymousUser):
        return messages_public(limit=limit)
    heard = Q(recipient=None) & ~Q(author__in=Mute.objects.filter(user=user).values("muted"))
    # Each half is a short walk along one index; together they hold the newest `limit`.
    both = _newest(heard, limit) + notices_latest(user=user, limit=limit)
    return sorted(both, key=lambda message: message["id"])[-limit:]


def standing_of(user: User) -> dict[str, Any]:
    """Return how a player stands in the chat: the keys of whom they have muted, and what keeps them from speaking."""
    muted_ids = Mute.objects.filter(user=user).order_by("pk").values_list("muted_id", flat=True)
    silence = Silence.objects.filter(user=user, until__gt=now_ms()).first()
    return {
        "muted": [player_key(muted_id) for muted_id in muted_ids],
        "silenced_until_ms": silence.until if silence else None,
        "reason": silence.reason if silence else "",
        "at": now_ms(),
    }


def panel_context(user: User | None) -> dict[str, Any]:
    """Return what the chat on a page needs: `chat`, the messages, and for a player `chat_standing`."""
    return {
        "chat": messages_latest(user=user),
        "chat_standing": standing_of(user) if user else None,
        "chat_reasons": Report.Reason.choices,
    }


def mutes_list(user: User) -> list[dict[str, Any]]:
    """Return whom a player has muted, the newest first: `player` (their key), `nickname`, `muted_at`."""
    mutes = Mute.objects.filter(user=user).select_related("muted").order_by("-pk")
    return [
        {"player": player_key(mute.muted_id), "nickname": mute.muted.nickname, "muted_at": mute.at}
        for mute in mutes
    ]


def is_muted(user: User, player: User) -> bool:
    """Return whether a player has muted another."""
    return Mute.objects.filter(user=user, muted=player).exists()


def message_author(message_id: int) -> User | None:
    """Return who said what everybody can read under this id."""
    message = _said(message_id)
    return message.author if message else None


def message_reportable(*, message_id: int, reporter: User) -> Message | None:
    """Return another player's message that everybody can read, None when there is none of this id."""
    message = _said(message_id)
    return None if message is None or message.author == reporter else message


def _said(message_id: int) -> Message | None:
    said = Message.objects.filter(kind=Message.Kind.PLAYER, is_hidden=False, author__isnull=False)
    return said.filter(pk=message_id).select_related("author").first()


def notices_latest(*, user: User, limit: int = HISTORY_MESSAGES) -> list[dict[str, Any]]:
    """Return the newest private notices of a user, oldest first."""
    return _newest(Q(recipient=user), limit)


def _newest(condition: Q, limit: int) -> list[dict[str, Any]]:
    found = (
        Message.objects.filter(condition, is_hidden=False).select_related("author").order_by("-id")[:limit]
    )
    return [message_data(message) for message in reversed(found)]
