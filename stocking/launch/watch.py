"""Noticing in the supervisor's answers that a program has crashed."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from stocking.launch.control import ProgramState

TAIL_LINES = 20
TAIL_BYTES = 16_384


@dataclass(slots=True)
class CrashWatch:
    """Compares each answer with the one before. A program's first start is no crash."""

    crashes: Counter[str] = field(default_factory=Counter)
    _pids: dict[str, int] = field(default_factory=dict)
    _given_up: set[str] = field(default_factory=set)

    def observe(self, states: dict[str, ProgramState]) -> list[ProgramState]:
        """Return the programs that have ended by themselves since the last call."""
        crashed = []
        for name, state in states.items():
            known = self._pids.get(name, 0)
            new_crash = (known and state.pid != known) or (state.gave_up and name not in self._given_up)
            if new_crash:
                self.crashes[name] += 1
                crashed.append(state)
            self._pids[name] = state.pid
            if state.gave_up:
                self._given_up.add(name)
            else:
                self._given_up.discard(name)
        return crashed


def log_tail(path: Path) -> str:
    """Return the last lines of a log, indented, or a note that there are none."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        text = ""
    lines = text.strip().splitlines()[-TAIL_LINES:]
    return "\n".join(f"    {line}" for line in lines) or "    (the log is empty)"
