"""The words that may not be said here: the lists kept in `chat/words/`, and what staff have added in the admin.

Each process keeps them ready to look for; it asks the bus whether staff have changed theirs, and the database when it
must. A process that misses the change (the bus forgot) takes it over within a minute.
"""

import logging
import secrets
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import redis
from django.core.cache import cache as shared_cache
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.nicknames import nickname_rule
from chat.core.words import WordFilter
from chat.models import Word

logger = logging.getLogger(__name__)

LISTS = Path(__file__).parent / "words"
FORBIDDEN_LISTS = ("ko.txt", "en.txt")
ALLOWED_LISTS = ("allowed.txt",)
VERSION_KEY = "chat:words:version"
KEPT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Ready:
    """A filter, which version of staff's words it holds, and when it was made."""

    filter: WordFilter
    version: str | None
    made_at: float


_ready: _Ready | None = None


@cache
def list_words(name: str) -> tuple[str, ...]:
    """Return the entries of one of the kept lists; lines that begin with # are comments."""
    lines = (line.strip() for line in (LISTS / name).read_text(encoding="utf-8").splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def forbidden_word(text: str) -> str | None:
    """Return a word of the text that may not be said here, None when there is none."""
    return _current().find(text)


def words_changed() -> None:
    """Have every process take over staff's words as they are after this transaction."""
    transaction.on_commit(_tell_all)


def _tell_all() -> None:
    global _ready
    _ready = None
    try:
        shared_cache.set(VERSION_KEY, secrets.token_hex(8), timeout=None)
    except redis.RedisError:
        logger.warning("Other processes take over the chat's words within a minute.", exc_info=True)


def _version() -> str | None:
    try:
        version: str | None = shared_cache.get(VERSION_KEY)
    except redis.RedisError:
        return None
    return version


def _current() -> WordFilter:
    global _ready
    # The version first: words changed between the two reads are then read again, not missed.
    ready, version, now = _ready, _version(), time.monotonic()
    if ready is None or ready.version != version or now - ready.made_at > KEPT_SECONDS:
        _ready = ready = _Ready(_made(), version, now)
    return ready.filter


def _made() -> WordFilter:
    forbidden = [word for name in FORBIDDEN_LISTS for word in list_words(name)]
    allowed = [word for name in ALLOWED_LISTS for word in list_words(name)]
    for text, is_allowed in Word.objects.values_list("text", "is_allowed").order_by("pk"):
        (allowed if is_allowed else forbidden).append(text)
    return WordFilter(forbidden, allowed)


@nickname_rule
def nickname_is_decent(nickname: str) -> object | None:
    """Return what is wrong with a nickname that has a forbidden word in it."""
    if forbidden_word(nickname) is None:
        return None
    return _("거친 말이 들어 있는 닉네임이에요. 다른 닉네임을 골라 주세요.")
