"""What each bot of one game believes a share is worth: the hidden value, late news, doubts and moods.

Times are milliseconds since trading began. Every draw is named after the game's seed, the bot and what it is
about; so it does not matter who asks first, or how often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from games.core.bots import MOOD_BPS, BotKind
from games.core.draws import Draws
from games.core.news import (
    MOOD_WINDOW_MS,
    Impact,
    impact_bps,
    mood_bps,
    news_delay_ms,
    value_at,
    value_walk,
    value_won,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A published piece of news about one company: signed basis points, and when it came out.

    `key` tells the pieces of a game apart.
    """

    key: str
    bps: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Belief:
    """What a bot holds a share to be worth, in won, and how long ago it noticed the last news."""

    value: int
    news_ms_ago: int | None


class Perception:
    """The beliefs of all bots of one game. `draws` makes a seeded source of draws from a text.

    `seconds` is the length of the hidden walk; afterwards it stands still.
    """

    def __init__(self, *, seed: int, seconds: int, draws: Callable[[str], Draws]) -> None:
        self._seed = seed
        self._seconds = seconds
        self._draws = draws
        self._walks: dict[str, tuple[float, ...]] = {}
        self._moods: dict[tuple[int, str, int], float] = {}
        self._delays: dict[tuple[int, str], int] = {}

    def walk(self, symbol: str) -> tuple[float, ...]:
        """Return the mean-reverting part of the hidden value: basis points for each second of trading."""
        if symbol not in self._walks:
            rng = self._draws(f"value:{self._seed}:{symbol}")
            self._walks[symbol] = value_walk(seconds=self._seconds, rng=rng)
        return self._walks[symbol]

    def fundamental(self, symbol: str, base_price: int, pieces: Iterable[Piece], now_ms: int) -> int:
        """Return the hidden value itself, in won, with the news that is out at `now_ms`."""
        impacts = [Impact(piece.bps, piece.at_ms) for piece in pieces]
        return value_won(base_price, value_at(self.walk(symbol), now_ms) + impact_bps(impacts, now_ms))

    def belief(
        self,
        *,
        bot_seed: int,
        kind: BotKind,
        symbol: str,
        base_price: int,
        pieces: Iterable[Piece],
        now_ms: int,
    ) -> Belief:
        """Return what a bot believes now: the hidden walk, the news it has noticed, its own mood."""
        impacts = [Impact(piece.bps, piece.at_ms + self._delay(bot_seed, piece.key)) for piece in pieces]
        noticed = [impact.at_ms for impact in impacts if impact.at_ms <= now_ms]
        window = now_ms // MOOD_WINDOW_MS
        moods = (
            self._mood(bot_seed, kind, symbol, window),
            self._mood(bot_seed, kind, symbol, window + 1),
        )
        deviation = (
            value_at(self.walk(symbol), now_ms)
            + impact_bps(impacts, now_ms)
            + mood_bps(moods=moods, now_ms=now_ms)
        )
        return Belief(value_won(base_price, deviation), now_ms - max(noticed) if noticed else None)

    def _mood(self, bot_seed: int, kind: BotKind, symbol: str, window: int) -> float:
        key = (bot_seed, symbol, window)
        if key not in self._moods:
            rng = self._draws(f"mood:{self._seed}:{bot_seed}:{symbol}:{window}")
            self._moods[key] = rng.gauss(0.0, MOOD_BPS[kind])
        return self._moods[key]

    def _delay(self, bot_seed: int, piece: str) -> int:
        key = (bot_seed, piece)
        if key not in self._delays:
            self._delays[key] = news_delay_ms(self._draws(f"delay:{self._seed}:{bot_seed}:{piece}"))
        return self._delays[key]
