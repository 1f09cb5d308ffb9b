"""The chart of a rating: inside its frame whatever the history, with the tiers it crosses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocking.pages.charts import HEIGHT, WIDTH, rating_chart


def test_no_game_no_chart() -> None:
    assert rating_chart([]) is None
    assert rating_chart([1_000]) is None


@given(st.lists(st.integers(0, 4_000), min_size=2, max_size=61))
def test_every_point_lies_in_the_frame(history: list[int]) -> None:
    chart = rating_chart(history)
    assert chart is not None
    points = [tuple(map(int, point.split(","))) for point in chart["points"].split()]
    assert len(points) == len(history)
    assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in points)
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert (chart["last_x"], chart["last_y"]) == points[-1]
    highest = history.index(max(history))
    assert points[highest][1] == min(y for _, y in points), "up is up"


@pytest.mark.parametrize(
    ("history", "tiers"),
    [([1_100, 1_200], [1_150]), ([1_000, 1_010], []), ([900, 2_000], [1_900, 1_600, 1_350, 1_150])],
)
def test_the_tiers_that_were_crossed_are_drawn(history: list[int], tiers: list[int]) -> None:
    chart = rating_chart(history)
    assert chart is not None
    assert [line["mmr"] for line in chart["tiers"]] == tiers
