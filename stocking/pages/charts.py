"""Small charts as figures for a template: drawn on the server, as text a strict content policy lets pass."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import ngettext

from accounts.models import Tier
from ranking.core.tiers import THRESHOLDS

WIDTH = 320
HEIGHT = 120
MARGIN = 8
SPAN_MIN = 100
POINTS_MIN = 2


def rating_chart(history: Sequence[int]) -> dict[str, Any] | None:
    """Return a line of MMR with the tiers' thresholds in its range; None for less than one game.

    `history` is the MMR before the first game and after each.
    """
    if len(history) < POINTS_MIN:
        return None
    lowest, highest = min(history), max(history)
    lacking = max(0, SPAN_MIN - (highest - lowest))
    low, high = lowest - lacking // 2, highest + lacking - lacking // 2

    def y_of(mmr: int) -> int:
        return round(HEIGHT - MARGIN - (mmr - low) * (HEIGHT - 2 * MARGIN) / (high - low))

    step = (WIDTH - 2 * MARGIN) / (len(history) - 1)
    points = [(round(MARGIN + step * index), y_of(mmr)) for index, mmr in enumerate(history)]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "points": " ".join(f"{x},{y}" for x, y in points),
        "last_x": points[-1][0],
        "last_y": points[-1][1],
        "tiers": [
            {"label": Tier(tier).label, "mmr": mmr, "y": y_of(mmr), "label_y": max(9, y_of(mmr) - 3)}
            for tier, mmr in THRESHOLDS
            if low <= mmr <= high
        ],
        "summary": _summary(history, lowest, highest),
    }


def _summary(history: Sequence[int], lowest: int, highest: int) -> str:
    text = ngettext(
        "최근 %(games)s게임의 MMR: %(first)s → %(last)s (최저 %(lowest)s, 최고 %(highest)s).",
        "최근 %(games)s게임의 MMR: %(first)s → %(last)s (최저 %(lowest)s, 최고 %(highest)s).",
        len(history) - 1,
    )
    return text % {
        "games": f"{len(history) - 1:,}",
        "first": f"{history[0]:,}",
        "last": f"{history[-1]:,}",
        "lowest": f"{lowest:,}",
        "highest": f"{highest:,}",
    }
