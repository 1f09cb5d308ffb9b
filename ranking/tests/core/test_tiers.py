"""Tiers by thresholds, and the buffer on the way down."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranking.core.tiers import DEMOTION_BUFFER, THRESHOLDS, Tier, tier_after, tier_reached


@pytest.mark.parametrize(
    ("mmr", "tier"),
    [
        (0, "bronze"),
        (1_000, "bronze"),
        (1_149, "bronze"),
        (1_150, "silver"),
        (1_349, "silver"),
        (1_350, "gold"),
        (1_599, "gold"),
        (1_600, "platinum"),
        (1_899, "platinum"),
        (1_900, "diamond"),
        (9_999, "diamond"),
    ],
)
def test_a_tier_is_reached_at_its_threshold(mmr: int, tier: str) -> None:
    assert tier_reached(mmr) == tier
    assert tier_after(mmr, "bronze") == tier


@pytest.mark.parametrize(
    ("previous", "mmr", "tier"),
    [
        ("silver", 1_100, "silver"),
        ("silver", 1_099, "bronze"),
        ("gold", 1_300, "gold"),
        ("gold", 1_299, "silver"),
        ("gold", 1_100, "silver"),  # the buffer also holds the tier one falls through to
        ("gold", 1_099, "bronze"),
        ("diamond", 1_850, "diamond"),
        ("diamond", 1_849, "platinum"),
        ("diamond", 900, "bronze"),
        ("silver", 1_900, "diamond"),  # upwards several at once
        ("silver", 1_320, "silver"),  # no buffer upwards
        ("bronze", 1_100, "bronze"),
    ],
)
def test_the_buffer_holds_a_tier_on_the_way_down_only(previous: str, mmr: int, tier: str) -> None:
    assert tier_after(mmr, previous) == tier


def test_an_unknown_tier_is_refused() -> None:
    with pytest.raises(ValueError, match="wood"):
        tier_after(1_000, "wood")


@given(st.integers(0, 3_000), st.sampled_from(Tier))
def test_never_below_the_tier_reached_and_never_above_both(mmr: int, previous: Tier) -> None:
    order = list(Tier)
    after = order.index(tier_after(mmr, previous))
    reached = order.index(tier_reached(mmr))
    assert reached <= after <= max(reached, order.index(previous))
    assert tier_after(mmr, order[after]) == order[after], "a second look changes nothing"


def test_the_buffer_is_narrower_than_any_tier() -> None:
    steps = [threshold for _, threshold in THRESHOLDS]
    assert steps == sorted(steps, reverse=True)
    assert all(upper - lower > DEMOTION_BUFFER for upper, lower in pairwise(steps))
