"""What was said, as clients see it."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from accounts.models import User
from chat.models import Message

HISTORY_MESSAGES = 100


def message_data(message: Message) -> dict[str, Any]:
    """Return a message in the shape of PROTOCOL: of the topic `chat`, and of `me` when it is a notice."""
    author = message.author
    return {
        "id": message.pk,
        "kind": str(message.kind),
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
    # Each half is a short walk along one index; together they hold the newest `limit`.
    both = messages_public(limit=limit) + notices_latest(user=user, limit=limit)
    return sorted(both, key=lambda message: message["id"])[-limit:]


def notices_latest(*, user: User, limit: int = HISTORY_MESSAGES) -> list[dict[str, Any]]:
    """Return the newest private notices of a user, oldest first."""
    return _newest(Q(recipient=user), limit)


def _newest(condition: Q, limit: int) -> list[dict[str, Any]]:
    found = (
        Message.objects.filter(condition, is_hidden=False).select_related("author").order_by("-id")[:limit]
    )
    return [message_data(message) for message in reversed(found)]
