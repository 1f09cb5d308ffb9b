"""A nickname to start from, for who comes without one: never taken from a name or an address."""

import secrets

from accounts.nicknames import nickname_is_taken

_FIRST = (
    "새벽",
    "금빛",
    "느긋한",
    "재빠른",
    "씩씩한",
    "차분한",
    "용감한",
    "반짝",
    "꾸준한",
    "든든한",
    "날쌘",
    "포근한",
)
_SECOND = (
    "개미",
    "황소",
    "불곰",
    "고래",
    "수달",
    "참새",
    "여우",
    "거북",
    "사자",
    "다람쥐",
    "부엉이",
    "돌고래",
)
_TRIES = 5


def nickname_suggest() -> str:
    """Return a free nickname like 재빠른수달, after some tries one with three digits; empty if all were taken."""
    for attempt in range(_TRIES):
        digits = str(100 + secrets.randbelow(900)) if attempt else ""
        nickname = secrets.choice(_FIRST) + secrets.choice(_SECOND) + digits
        if not nickname_is_taken(nickname):
            return nickname
    return ""
