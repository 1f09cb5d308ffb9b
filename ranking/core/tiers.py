"""Tiers: crowns from bronze to diamond, worn by MMR.

A tier is reached the moment its threshold is, and lost only when the MMR falls `DEMOTION_BUFFER` below
the threshold, so that one narrow defeat does not take back what one narrow victory gave.
"""

from enum import StrEnum

DEMOTION_BUFFER = 50


class Tier(StrEnum):
    """The five tiers, lowest first."""

    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"
    PLATINUM = "platinum"
    DIAMOND = "diamond"


# The lowest MMR at which a tier is reached, highest tier first. Bronze has no floor.
THRESHOLDS: tuple[tuple[Tier, int], ...] = (
    (Tier.DIAMOND, 1_900),
    (Tier.PLATINUM, 1_600),
    (Tier.GOLD, 1_350),
    (Tier.SILVER, 1_150),
)


def tier_reached(mmr: int) -> Tier:
    """Return the tier this MMR reaches by the thresholds alone."""
    for tier, threshold in THRESHOLDS:
        if mmr >= threshold:
            return tier
    return Tier.BRONZE


def tier_after(mmr: int, previous: str) -> Tier:
    """Return the tier worn at this MMR by one who wore `previous` before.

    Upwards the thresholds count as they are; downwards, from `previous`, each is lowered by the buffer.
    Raises ValueError for an unknown tier.
    """
    ranks = list(Tier)
    worn = ranks.index(Tier(previous))
    for tier, threshold in THRESHOLDS:
        rank = ranks.index(tier)
        held = rank <= worn and mmr >= threshold - DEMOTION_BUFFER
        if held or mmr >= threshold:
            return tier
    return Tier.BRONZE
