"""What an audit finds: faults, each with a subject by which it is known again."""

from collections.abc import Iterable
from dataclasses import dataclass

DETAILS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Fault:
    """One broken invariant. `subject` stays the same as long as it is the same thing that is wrong; `text` says what.

    Amounts belong to the text alone: while a market trades they change between two looks.
    """

    check: str
    subject: str
    text: str

    @property
    def key(self) -> str:
        """What two audits compare."""
        return f"{self.check}:{self.subject}"


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant: its name, whether it holds, and what breaks it."""

    name: str
    ok: bool
    detail: str


def checks_of(names: Iterable[str], faults: Iterable[Fault]) -> list[Check]:
    """Return a line for each invariant that was looked at."""
    found: dict[str, list[str]] = {name: [] for name in names}
    for fault in faults:
        found.setdefault(fault.check, []).append(fault.text)
    return [Check(name, not texts, shown(texts)) for name, texts in found.items()]


def shown(texts: list[str]) -> str:
    """Return the first few of many texts, and how many more there are."""
    more = len(texts) - DETAILS_SHOWN
    return "; ".join(texts[:DETAILS_SHOWN]) + (f"; and {more} more" if more > 0 else "")
