"""What each bot of one game believes a share is worth: the hidden value, late news, doubts and moods.

Times are milliseconds since trading began. Every draw is named after the game's seed, the bot and what it is
about; so it does not matter who asks first, or how often.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from games.core.bots import MOOD_BPS, BotKind
from games.core.draws import Draws
from games.core.news import (
    MOOD_WINDOW_MS,
    NEWS_CALM_MS,
    NEWS_EXCITEMENT,
    Impact,
    NewsKind,
    Piece,
    fundamental_impacts,
    impact_bps,
    mood_bps,
    news_delay_ms,
    pace_walk,
    rumour_belief,
    value_at,
    value_walk,
    value_won,
    whim_walk,
)


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
        self._paces: dict[str, tuple[float, ...]] = {}
        self._whims: dict[str, tuple[float, ...]] = {}
        self._walks: dict[str, tuple[float, ...]] = {}
        self._moods: dict[tuple[int, str, int], float] = {}
        self._delays: dict[tuple[int, int], int] = {}
        self._beliefs: dict[tuple[int, int], float] = {}

    def walk(self, symbol: str) -> tuple[float, ...]:
        """Return the mean-reverting part of the hidden value: basis points for each second of trading."""
        if symbol not in self._walks:
            rng = self._draws(f"value:{self._seed}:{symbol}")
            self._walks[symbol] = value_walk(pace=self._pace_walk(symbol), rng=rng)
        return self._walks[symbol]

    def pace(self, symbol: str, pieces: Iterable[Piece], now_ms: int) -> float:
        """Return how lively a listing is now, 1 being usual: its spells, and the stir after news."""
        latest = max((piece.at_ms for piece in pieces), default=None)
        stir = 0.0 if latest is None else NEWS_EXCITEMENT * math.exp((latest - now_ms) / NEWS_CALM_MS)
        return value_at(self._pace_walk(symbol), now_ms) * (1 + stir)

    def whim(self, symbol: str, now_ms: int) -> float:
        """Return which way the crowd is inclined now, from -1 to 1."""
        if symbol not in self._whims:
            rng = self._draws(f"whim:{self._seed}:{symbol}")
            self._whims[symbol] = whim_walk(seconds=self._seconds, rng=rng)
        return value_at(self._whims[symbol], now_ms)

    def _pace_walk(self, symbol: str) -> tuple[float, ...]:
        if symbol not in self._paces:
            rng = self._draws(f"pace:{self._seed}:{symbol}")
            self._paces[symbol] = pace_walk(seconds=self._seconds, rng=rng)
        return self._paces[symbol]

    def fundamental(self, symbol: str, base_price: int, pieces: Iterable[Piece], now_ms: int) -> int:
        """Return the hidden value itself, in won, with the news that is out at `now_ms`."""
        impacts = fundamental_impacts(pieces)
        return value_won(base_price, value_at(self.walk(symbol), now_ms) + impact_bps(impacts, now_ms))

    def belief(
        self,
        *,
        bot_seed: int,
        kind: BotKind,
        symbol: str,
        base_price: int,
        pieces: Sequence[Piece],
        now_ms: int,
    ) -> Belief:
        """Return what a bot believes now: the hidden walk, the news it has noticed, its own mood."""
        noticed_at = {piece.number: piece.at_ms + self._delay(bot_seed, piece.number) for piece in pieces}
        impacts = self._impacts(bot_seed, pieces, noticed_at)
        noticed = [at_ms for at_ms in noticed_at.values() if at_ms <= now_ms]
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

    def _impacts(self, bot_seed: int, pieces: Iterable[Piece], noticed_at: Mapping[int, int]) -> list[Impact]:
        """Return the news as one bot takes it: a rumour in part, and only until it notices the answer."""
        answered = {piece.answers: noticed_at[piece.number] for piece in pieces if piece.answers is not None}
        impacts = [
            Impact(piece.bps, noticed_at[piece.number])
            for piece in pieces
            if piece.kind in (NewsKind.REPORT, NewsKind.CONFIRMATION)
        ]
        for piece in pieces:
            if piece.kind is NewsKind.RUMOUR:
                bps = piece.bps * self._rumour_belief(bot_seed, piece.number)
                impacts.append(Impact(bps, noticed_at[piece.number], answered.get(piece.number)))
        return impacts

    def _delay(self, bot_seed: int, piece: int) -> int:
        key = (bot_seed, piece)
        if key not in self._delays:
            self._delays[key] = news_delay_ms(self._draws(f"delay:{self._seed}:{bot_seed}:{piece}"))
        return self._delays[key]

    def _rumour_belief(self, bot_seed: int, piece: int) -> float:
        key = (bot_seed, piece)
        if key not in self._beliefs:
            self._beliefs[key] = rumour_belief(self._draws(f"rumour:{self._seed}:{bot_seed}:{piece}"))
        return self._beliefs[key]
