"""Saying something: players' messages, announcements to all, notices to one; and hiding messages.

Each is a row first; it is published after the commit. A publication may be lost: the row is what counts.
"""

import logging
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import redis
from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.deletion import on_user_delete
from accounts.models import User
from chat.core.words import BLANK_LETTERS, normalize
from chat.filtering import forbidden_word
from chat.models import Message
from chat.selectors import HISTORY_MESSAGES, message_data, messages_latest, messages_public
from chat.standings import speech_check
from stocking.base import stream
from stocking.base.addresses import address_group
from stocking.base.errors import ApplicationError
from stocking.base.throttles import Allowance, Limit, throttle_take
from stocking.base.units import now_ms

__all__ = [
    "Notice", "announce", "message_post", "messages_hide", "messages_latest", "notice_send", "notices_send",
    "text_clean",
]  # fmt: skip

logger = logging.getLogger(__name__)

MAX_CHARACTERS = 200
MAX_ANNOUNCEMENT_CHARACTERS = 300
NOTICES_A_TRANSACTION = 200
PUBLISHING_MS_MAX = 3_000
LINES_LOOKED_AT = HISTORY_MESSAGES
ACCOUNT_LIMIT = Limit(5, 5)

AnnouncementKind = Literal["system", "news", "result"]


def text_clean(raw: str) -> str:
    """Return the text as it is stored: compatibility-normalised, on one line, without control characters.

    Format characters go too (they reverse or hide text), except the joiner that holds emoji together; letters that
    show nothing are blanks.
    """
    characters = []
    for character in normalize(raw, form=partial(unicodedata.normalize, "NFKC")):
        category = unicodedata.category(character)
        if character.isspace() or category in ("Zl", "Zp") or character in BLANK_LETTERS:
            characters.append(" ")
        elif category not in ("Cc", "Cf", "Cs", "Co", "Cn") or character == "\u200d":
            characters.append(character)
    return " ".join("".join(characters).split())


def message_post(*, author: User, text: Any, address: str | None = None) -> Message:
    """Store and publish a player's message of 1–200 characters, sent from this address.

    Raises `not_authenticated` for a user who may not log in, `rate_limited`, `invalid_request`, `chat_silenced` during
    a time-out, and `message_refused` for one with a word in it that may not be said. What is refused counts as an
    attempt.
    """
    if not author.is_active:
        raise ApplicationError("not_authenticated")
    _attempt_count(author, address)
    # Normalising can lengthen a text: bound it before and after.
    if not isinstance(text, str) or len(text) > 4 * MAX_CHARACTERS:
        raise ApplicationError("invalid_request", parameter="text", maximum=MAX_CHARACTERS)
    cleaned = text_clean(text)
    if not cleaned.replace("\u200d", "").strip() or len(cleaned) > MAX_CHARACTERS:
        raise ApplicationError("invalid_request", parameter="text", maximum=MAX_CHARACTERS)
    speech_check(author)
    if forbidden_word(cleaned) is not None:
        raise ApplicationError("message_refused")
    message = Message(kind=Message.Kind.PLAYER, author=author, text=cleaned, sent_at=now_ms())
    message.save()
    _publish_after_commit(message)
    return message


def _attempt_count(author: User, address: str | None) -> None:
    """Count an attempt to speak for the account, which has five and one more a second, and for its address."""
    allowances = [Allowance(f"chat:account:{author.pk}", ACCOUNT_LIMIT)]
    if address is not None and settings.CHAT_RATE_PER_ADDRESS:
        limit = Limit(settings.CHAT_RATE_PER_ADDRESS, 60)
        allowances.append(Allowance(f"chat:address:{address_group(address)}", limit))
    throttle_take(*allowances)


def announce(
    *, text: str, kind: AnnouncementKind = "system", key: str | None = None, level: str = "", symbol: str = ""
) -> Message | None:
    """Tell everybody something, after the commit. With a `key` it happens once: None is returned ever after.

    `level` is "good" or "bad" for news, `symbol` the stock it is about. A text of more than 300 characters is cut.
    """
    message = Message(
        kind=Message.Kind(kind), text=_cut(text), level=level, symbol=symbol, key=key, sent_at=now_ms()
    )
    return _store_once(message)


def notice_send(*, user_id: int, text: str, level: str = "info", key: str | None = None) -> Message | None:
    """Tell one player alone, on their `me`, after the commit. A `key` makes it happen once."""
    message = Message(
        kind=Message.Kind.NOTICE,
        recipient_id=user_id,
        text=_cut(text),
        level=level,
        key=key,
        sent_at=now_ms(),
    )
    return _store_once(message)


@dataclass(frozen=True, slots=True)
class Notice:
    """What one player is to be told, once by its key."""

    user_id: int
    text: str
    level: str
    key: str


def notices_send(*, notices: Iterable[Notice]) -> int:
    """Tell many players something, each alone and once; returns how many had not been told.

    The number of statements does not grow with the number of notices but by the hundreds. Two at once: one of them
    fails (IntegrityError) and may be repeated.
    """
    count = 0
    waiting = list(notices)
    for start in range(0, len(waiting), NOTICES_A_TRANSACTION):
        count += _notices_store(waiting[start : start + NOTICES_A_TRANSACTION])
    return count


@transaction.atomic
def _notices_store(notices: list[Notice]) -> int:
    keys = [notice.key for notice in notices]
    told = set(Message.objects.filter(key__in=keys).values_list("key", flat=True))
    new = [notice for notice in notices if notice.key not in told]
    now = now_ms()
    Message.objects.bulk_create(
        Message(
            kind=Message.Kind.NOTICE, recipient_id=notice.user_id, text=_cut(notice.text), level=notice.level,
            key=notice.key, sent_at=now,
        )
        for notice in new
    )  # fmt: skip
    stored = list(Message.objects.filter(key__in=[notice.key for notice in new]).order_by("pk"))
    transaction.on_commit(partial(_publish_notices, stored))
    return len(new)


def _publish_notices(stored: list[Message]) -> None:
    messages = [(message.recipient_id or 0, message_data(message)) for message in stored]
    try:
        stream.publish_private("me", messages)
    except redis.RedisError:
        logger.warning("%s notices were stored but not published.", len(stored), exc_info=True)


def messages_hide(*, messages: Iterable[Message], hidden: bool = True) -> int:
    """Take messages out of the history and of everybody's screen (or bring them back); return how many."""
    keys = [message.pk for message in messages]
    count = Message.objects.filter(pk__in=keys).exclude(is_hidden=hidden).update(is_hidden=hidden)
    if count:
        transaction.on_commit(_publish_history)
    return count


def _cut(text: str) -> str:
    if len(text) <= MAX_ANNOUNCEMENT_CHARACTERS:
        return text
    return text[: MAX_ANNOUNCEMENT_CHARACTERS - 1] + "…"


def _store_once(message: Message) -> Message | None:
    """Store and publish a message unless its key is taken; then return None and change nothing."""
    if message.key is None:
        message.save()
    else:
        # Looking first spares the common repeat an error; the unique key decides between two at once.
        if _key_is_taken(message.key):
            return None
        try:
            with transaction.atomic():
                message.save()
        except IntegrityError:
            if not _key_is_taken(message.key):
                raise
            return None
    _publish_after_commit(message)
    return message


def _key_is_taken(key: str) -> bool:
    return Message.objects.filter(key=key).exists()


def _publish_after_commit(message: Message) -> None:
    transaction.on_commit(partial(_publish, message))


def _publish(message: Message) -> None:
    """Publish a message; the stored row stands even if the bus is away."""
    data = message_data(message)
    try:
        if message.kind == Message.Kind.NOTICE:
            stream.publish(f"me:{message.recipient_id}", data)
        else:
            _restore_history(message)
            stream.publish("chat", data)
    except redis.RedisError:
        logger.warning("Message %s was stored but not published.", message.pk, exc_info=True)


def _restore_history(message: Message) -> None:
    """Give a bus that has begun anew what was said before, or this message would seem to be the first."""
    if not stream.is_kept("chat"):
        earlier = messages_public(before_id=message.pk)
        if earlier:
            stream.publish_snapshot("chat", earlier)


def history_restore() -> bool:
    """Replace the chat on every screen if it is not as stored: a line missing, in another order, under an old name.

    That is so when a process has died between storing and publishing, and when a player has another nickname or has
    left. Returns whether it was; looks at the last lines, but for those of the last seconds.
    """
    kept = stream.newest_items("chat", LINES_LOOKED_AT)
    if not kept:  # nobody has heard anything yet: who comes is given the history
        return False
    shown = [message["id"] for message in kept]
    before = now_ms() - PUBLISHING_MS_MAX
    stored = Message.objects.filter(recipient=None, is_hidden=False, sent_at__lte=before, pk__gte=shown[0])
    names = dict(stored.order_by("-pk").values_list("pk", "author__nickname")[:LINES_LOOKED_AT])
    missing = names.keys() - {*shown}
    renamed = [line for line in kept if line["nickname"] != (names.get(line["id"], line["nickname"]) or "")]
    if not missing and not renamed and shown == sorted(shown):
        return False
    if missing:
        logger.warning("The chat is published anew: %s were stored and never heard.", len(missing))
    stream.publish_snapshot("chat", messages_public())
    return True


@on_user_delete
def history_without(user_id: int) -> None:
    """Take the name of a player who has left off every screen."""
    if Message.objects.filter(author_id=user_id).exists():
        _publish_history()


def _publish_history() -> None:
    """Replace the chat on every screen by what the database shows."""
    try:
        stream.publish_snapshot("chat", messages_public())
    except redis.RedisError:
        logger.warning("The chat's history was changed but not published.", exc_info=True)
