"""What must always hold. A failure is a bug: it stops the listing, it is never an answer to a player."""

from __future__ import annotations


class InvariantError(Exception):
    pass


def require(condition: bool, message: str) -> None:
    """Like `assert`, but `python -O` does not remove it."""
    if not condition:
        raise InvariantError(message)
