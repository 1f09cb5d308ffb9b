"""Korean days and weeks."""

from datetime import UTC, datetime

import pytest

from ranking.core.periods import Period, period_start


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


@pytest.mark.parametrize(
    ("at", "day", "week"),
    [
        ("2026-11-23T14:59:59.999", "2026-11-22T15:00", "2026-11-22T15:00"),  # a Monday in Seoul
        ("2026-11-23T15:00", "2026-11-23T15:00", "2026-11-22T15:00"),
        ("2026-11-22T14:59", "2026-11-21T15:00", "2026-11-15T15:00"),  # the Sunday before
        ("1970-01-01T00:00", "1969-12-31T15:00", "1969-12-28T15:00"),
    ],
)
def test_periods_begin_at_midnight_in_seoul_and_weeks_on_monday(at: str, day: str, week: str) -> None:
    assert period_start(Period.DAY, ms(at)) == ms(day)
    assert period_start(Period.WEEK, ms(at)) == ms(week)
    assert period_start(Period.ALL, ms(at)) == 0
