"""What a nickname may be: its form, the words nobody may take, and the names of guests."""

import unicodedata
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User, nickname_fold, nickname_validator

GUEST_PREFIX = "체험왕"
BOT_PREFIX = "봇_"
MAX_RAW_CHARACTERS = 64
# Names that would let a player pass for the house.
_RESERVED = ("운영자", "운영진", "관리자", "시스템", "스톡킹", "stocking", "admin", "system", "moderator")

NicknameRule = Callable[[str], Any]
_rules: list[NicknameRule] = []


def nickname_rule(rule: NicknameRule) -> NicknameRule:
    """Have `rule(nickname)` asked of every nickname a player chooses; what it returns, if not None, is what is wrong.

    Applications above this one register theirs; registering twice has no effect.
    """
    if rule not in _rules:
        _rules.append(rule)
    return rule


def nickname_clean(raw: str, *, owner_id: int | None = None, reserved_allowed: bool = False) -> str:
    """Return the nickname as it will be stored, or raise a `ValidationError` that says what is wrong with it.

    Decomposed Hangul (as some phones and Macs send it) and full-width letters become their usual form first.
    `owner_id` is the user who may keep the name; staff may give out reserved words, and what the rules would refuse.
    """
    if len(raw) > MAX_RAW_CHARACTERS:
        raise ValidationError(nickname_validator.message, code="invalid")
    nickname = unicodedata.normalize("NFKC", raw).strip()
    nickname_validator(nickname)
    folded = nickname_fold(nickname)
    prefixes = (GUEST_PREFIX, nickname_fold(BOT_PREFIX))
    reserved = folded.startswith(prefixes) or any(word in folded for word in _RESERVED)
    if reserved and not reserved_allowed:
        raise ValidationError(_("쓸 수 없는 닉네임이에요. 다른 닉네임을 골라 주세요."), code="reserved")
    for rule in () if reserved_allowed else _rules:
        wrong = rule(nickname)
        if wrong is not None:
            raise ValidationError(wrong, code="indecent")
    if nickname_is_taken(nickname, owner_id=owner_id):
        raise ValidationError(_("이미 쓰고 있는 닉네임이에요. 다른 닉네임을 골라 주세요."), code="taken")
    return nickname


def nickname_is_taken(nickname: str, *, owner_id: int | None = None) -> bool:
    """Return whether somebody other than the owner has this nickname, whatever the case of its letters."""
    others = User.objects.exclude(pk=owner_id) if owner_id is not None else User.objects.all()
    return others.filter(nickname_key=nickname_fold(nickname)).exists()
