"""What the rules need of a seeded source of random draws, such as a `random.Random`; they never make one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Draws(Protocol):
    """The methods of `random.Random` that the news and the bots use."""

    def random(self) -> float:
        """Draw from [0, 1)."""
        ...

    def uniform(self, a: float, b: float, /) -> float:
        """Draw evenly between two numbers."""
        ...

    def gauss(self, mu: float, sigma: float, /) -> float:
        """Draw from a normal distribution."""
        ...

    def expovariate(self, lambd: float, /) -> float:
        """Draw from an exponential distribution of mean 1 / lambd."""
        ...

    def randint(self, a: int, b: int, /) -> int:
        """Draw an integer, both ends included."""
        ...

    def sample(self, population: Sequence[T], k: int) -> list[T]:
        """Draw k different members in random order."""
        ...

    def choices(self, population: Sequence[T], weights: Sequence[float] | None = None) -> list[T]:
        """Draw one member by weight, as a list of one."""
        ...
