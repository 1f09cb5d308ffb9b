"""What the load generator itself has seen: each order's outcome and time, kept apart from the server's books."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the ascending values lie (the nearest rank); 0 for none."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def milliseconds(seconds: Sequence[float], prefix: str = "") -> dict[str, float]:
    """Return mean, median and high percentiles in milliseconds."""
    ordered = sorted(seconds)
    mean = sum(ordered) / len(ordered) if ordered else 0.0
    figures = {"mean": mean} | {
        f"p{round(share * 100)}": percentile(ordered, share) for share in (0.5, 0.95, 0.99)
    }
    return {f"{prefix}{name}_ms": round(value * 1000, 2) for name, value in figures.items()}


@dataclass(slots=True)
class Record:
    """The outcomes of one load. `seconds` has the time of each answered order, refused ones too."""

    accepted: dict[str, tuple[int, str]] = field(default_factory=dict)  # order id: account, client_order_id
    rejected: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    times: dict[str, tuple[float, float]] = field(default_factory=dict)  # order id: sent, answered
    repeated: list[str] = field(default_factory=list)  # order ids that were given twice

    def take(
        self,
        account: int,
        client_order_id: str,
        answer: dict[str, Any],
        times: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Note an accepted order, and when it was sent and answered."""
        order_id = answer["order_id"]
        self.times[order_id] = times
        if order_id in self.accepted:
            self.repeated.append(order_id)
        self.accepted[order_id] = (account, client_order_id)
