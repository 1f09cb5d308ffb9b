"""Template filters for figures: won and shares with separators, basis points as percent, sides, Korean times.

They accept what a template may hold (None, "" or a number as text) and then show a dash rather than fail.
The same formats exist for the browser in `static/js/format.js`.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from django import template
from django.core.exceptions import ValidationError

from accounts.models import nickname_validator

register = template.Library()

KST = ZoneInfo("Asia/Seoul")
DASH = "–"
MINUS = "−"


def _integer(value: object) -> int | None:
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError):
        return None


@register.filter
def won(value: object) -> str:
    """Return an integer with thousands separators: 128400 becomes 128,400."""
    number = _integer(value)
    if number is None:
        return DASH
    return f"{number:,}".replace("-", MINUS)


@register.filter
def has_page(nickname: object) -> bool:
    """Return whether a player of this name has a page: not one who has left, whose name is no nickname."""
    try:
        nickname_validator(nickname or "")
    except ValidationError:
        return False
    return True


@register.filter
def signed(value: object) -> str:
    """Return an integer with its sign and separators: +8,400, −200, 0."""
    number = _integer(value)
    if number is None:
        return DASH
    return ("+" if number > 0 else "") + won(number)


@register.filter
def percent(value: object) -> str:
    """Return basis points as a signed percentage with two digits: 700 becomes +7.00%."""
    number = _integer(value)
    if number is None:
        return DASH
    sign = "+" if number > 0 else MINUS if number < 0 else ""
    return f"{sign}{abs(number) // 100:,}.{abs(number) % 100:02d}%"


@register.filter
def part(value: object) -> str:
    """Return basis points as a part of a whole, without a sign: 700 becomes 7.00%."""
    number = _integer(value)
    return DASH if number is None else percent(number).lstrip("+")


@register.filter
def direction(value: object) -> str:
    """Return the class of a change: up, down or flat."""
    number = _integer(value) or 0
    return "up" if number > 0 else "down" if number < 0 else "flat"


@register.filter
def arrow(value: object) -> str:
    """Return the sign that stands beside a change's colour: ▲, ▼ or nothing."""
    number = _integer(value) or 0
    return "▲" if number > 0 else "▼" if number < 0 else ""


@register.filter
def minus(value: object, other: object) -> int | str:
    """Return value − other for integers, "" when either is missing."""
    left, right = _integer(value), _integer(other)
    return "" if left is None or right is None else left - right


@register.filter
def times(value: object, other: object) -> int | str:
    """Return value × other for integers, "" when either is missing."""
    left, right = _integer(value), _integer(other)
    return "" if left is None or right is None else left * right


@register.filter
def time_kst(value: object) -> str:
    """Return milliseconds since 1970 as a Korean time of day, 14:03:22."""
    number = _integer(value)
    return DASH if number is None else f"{datetime.fromtimestamp(number / 1000, KST):%H:%M:%S}"


@register.filter
def datetime_kst(value: object) -> str:
    """Return milliseconds since 1970 as a Korean date and time, 7. 29. 14:03."""
    number = _integer(value)
    if number is None:
        return DASH
    moment = datetime.fromtimestamp(number / 1000, KST)
    return f"{moment.month}. {moment.day}. {moment:%H:%M}"
