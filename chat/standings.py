"""How a player stands in the chat: whom they do not want to hear, and until when they may not speak."""

from functools import partial
from typing import Any

import redis
from django.db import transaction

from accounts.models import User
from chat.models import Mute, Silence
from chat.selectors import player_key, standing_of
from stocking.base import stream
from stocking.base.errors import ApplicationError
from stocking.base.throttles import Allowance, Limit, throttle_take
from stocking.base.units import now_ms

MUTES_MAX = 200
MUTE_LIMIT = Limit(30, 60)


@transaction.atomic
def player_mute(*, user: User, muted: User) -> bool:
    """Hide all that `muted` says from `user`, on every page and device; False if it was hidden before."""
    throttle_take(Allowance(f"chat:mute:{user.pk}", MUTE_LIMIT))
    if muted == user or muted.is_bot:
        raise ApplicationError("invalid_request", parameter="player")
    mutes = Mute.objects.filter(user=user)
    if not mutes.filter(muted=muted).exists() and mutes.count() >= MUTES_MAX:
        raise ApplicationError("too_many_mutes", maximum=MUTES_MAX)
    _mute, is_new = Mute.objects.get_or_create(user=user, muted=muted, defaults={"at": now_ms()})
    standing_publish(user_id=user.pk)
    return is_new


@transaction.atomic
def player_unmute(*, user: User, key: str) -> bool:
    """Hear the player with this key again; False if they were heard already."""
    throttle_take(Allowance(f"chat:mute:{user.pk}", MUTE_LIMIT))
    muted_ids = Mute.objects.filter(user=user).values_list("muted_id", flat=True)[:MUTES_MAX]
    found = [muted_id for muted_id in muted_ids if player_key(muted_id) == key]
    count, _ = Mute.objects.filter(user=user, muted_id__in=found).delete()
    standing_publish(user_id=user.pk)
    return bool(count)


def silence_of(user: User) -> Silence | None:
    """Return what keeps a player from speaking now, None when they may."""
    return Silence.objects.filter(user=user, until__gt=now_ms()).first()


def speech_check(user: User) -> None:
    """Raise `chat_silenced` with the end and the reason for a player who may not speak now."""
    silence = silence_of(user)
    if silence is not None:
        raise ApplicationError("chat_silenced", until_ms=silence.until, reason=silence.reason)


def standing_publish(*, user_id: int) -> None:
    """Tell the player's own pages how they stand, after the commit. May be lost: each page begins with it."""
    transaction.on_commit(partial(_publish, user_id))


def _publish(user_id: int) -> None:
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        return
    data: dict[str, Any] = {"kind": "chat", **standing_of(user)}
    try:
        stream.publish(f"me:{user_id}", data)
    except redis.RedisError:
        return  # the next page knows it
