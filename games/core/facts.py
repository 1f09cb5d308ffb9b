"""The stylised facts of a market: what is measured of simulated games, and within which bounds it must lie.

Prices are mid prices, sampled once a second; returns are in basis points. The first seconds, in which the book
is built, are left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean, median
from zlib import crc32

from games.core.news import NewsKind
from games.core.simulated import SimulatedGame
from trading.core.ticks import tick_size

WARM_UP_SECONDS = 10
NEWS_WINDOW_SECONDS = 30
LAGS_MAX = 30
FREE_LAGS = 2
CLUSTER_LAGS = 10
LONG_HORIZON_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Told:
    """A piece of news in a path: when, which way, and whether it was only a rumour."""

    second: int
    sign: int
    is_rumour: bool = False


@dataclass(slots=True)
class Path:
    """One listing of one game, second by second from the opening; `mids` is None while a side is empty."""

    symbol: str
    mids: list[float | None] = field(default_factory=list)
    spreads: list[int | None] = field(default_factory=list)  # ticks
    levels: list[int] = field(default_factory=list)  # of the thinner side, ten at most
    values: list[int] = field(default_factory=list)  # the hidden value, in won
    volumes: list[int] = field(default_factory=list)
    crossed: int = 0
    news: list[Told] = field(default_factory=list)


@dataclass(slots=True)
class GameRecord:
    """What is kept of one simulated game."""

    seed: int
    seconds: int
    paths: list[Path]
    fills: int
    accepted: int
    rejects: int
    is_conserved: bool
    tape_digest: int


def record(game: SimulatedGame) -> GameRecord:
    """Play a game that stands at its opening to its end and return what is kept of it."""
    before = totals(game)
    paths = {company.symbol: Path(company.symbol) for company in game.companies}
    fills_seen = 0
    seconds = game.trading_ms // 1_000
    for second in range(seconds):
        game.advance(second * 1_000 + 1)
        game.advance(second * 1_000 + 999)
        for path in paths.values():
            _sample(game, path)
        for fill in game.tape[fills_seen:]:
            paths[fill.symbol].volumes[second] += fill.quantity
        fills_seen = len(game.tape)
    game.advance(game.trading_ms)
    for news in game.news:
        path = paths[game.companies[news.company_id].symbol]
        is_rumour = news.kind is NewsKind.RUMOUR
        path.news.append(Told(news.at_ms // 1_000, 1 if news.is_good else -1, is_rumour))
    return GameRecord(
        seed=game.seed,
        seconds=seconds,
        paths=list(paths.values()),
        fills=len(game.tape),
        accepted=game.accepted,
        rejects=game.rejects,
        is_conserved=totals(game) == before,
        tape_digest=crc32(
            repr([(fill.at_ms, fill.symbol, fill.price, fill.quantity) for fill in game.tape]).encode()
        ),
    )


def totals(game: SimulatedGame) -> dict[str, int]:
    """Return all the cash and all the shares of each listing in a game."""
    exchange = game.exchange
    shares = {
        symbol: sum(position.quantity for position in positions.values())
        for symbol, positions in exchange.positions.items()
    }
    return {"": sum(balance.cash for balance in exchange.balances.values()), **shares}


def _sample(game: SimulatedGame, path: Path) -> None:
    bids, asks = game.book(path.symbol)
    mid = spread = None
    if bids and asks:
        bid, ask = bids[0][0], asks[0][0]
        mid = (bid + ask) / 2
        spread = (ask - bid) // tick_size(bid)
        path.crossed += bid >= ask
    path.mids.append(mid)
    path.spreads.append(spread)
    path.levels.append(min(len(bids), len(asks)))
    path.values.append(game.fundamental(path.symbol))
    path.volumes.append(0)


# Measures -------------------------------------------------------------------------------------------


def returns(path: Path, seconds: int = 1) -> list[float]:
    """Return the mid price's log returns over periods of so many seconds that follow one another, in bps."""
    mids = [mid for mid in path.mids[WARM_UP_SECONDS::seconds] if mid is not None]
    return [10_000 * math.log(after / before) for before, after in pairwise(mids)]


def autocorrelation(series: Iterable[Sequence[float]], lag: int) -> float:
    """Return the autocorrelation at a lag over many series, each around its own mean; 0 for still ones."""
    covariance = variance = 0.0
    for values in series:
        if len(values) <= lag:
            continue
        mean = fmean(values)
        deviations = [value - mean for value in values]
        variance += sum(value * value for value in deviations)
        covariance += sum(before * after for before, after in zip(deviations, deviations[lag:], strict=False))
    return covariance / variance if variance else 0.0


def excess_kurtosis(values: Sequence[float]) -> float:
    """Return how much fatter the tails are than those of a normal distribution; 0 for still values."""
    mean = fmean(values)
    second = fmean((value - mean) ** 2 for value in values)
    fourth = fmean((value - mean) ** 4 for value in values)
    return fourth / second**2 - 3 if second else 0.0


def news_moves(paths: Iterable[Path]) -> list[float]:
    """Return, for each piece of news, how far the price went its way within half a minute, in bps."""
    return [course[-1] for course in news_courses(paths, before=1, after=NEWS_WINDOW_SECONDS)]


def news_courses(
    paths: Iterable[Path], *, before: int, after: int, is_rumour: bool | None = None
) -> list[list[float]]:
    """Return the price's course around each piece of news, in bps its way since the second before it.

    Each goes from `before` seconds before to `after` seconds after; pieces without a price all that time are
    left out. `is_rumour` picks rumours alone, or all but them.
    """
    courses = []
    for path in paths:
        for told in path.news:
            first, last = told.second - before, told.second + after
            if is_rumour not in (None, told.is_rumour) or first < 0 or last >= len(path.mids):
                continue
            mids = [mid for mid in path.mids[first : last + 1] if mid is not None]
            if len(mids) == last + 1 - first:
                start = mids[before - 1]
                courses.append([told.sign * 10_000 * math.log(mid / start) for mid in mids])
    return courses


# The facts ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fact:
    """One measured fact and whether it is as demanded."""

    name: str
    demand: str
    value: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Measures:
    """All figures of a set of games."""

    two_sided_share: float
    crossed: int
    spread_median: float
    levels_median: float
    five_levels_share: float
    autocorrelations: tuple[float, ...]  # from lag 1
    clustering: tuple[float, ...]  # from lag 1
    kurtosis_short: float
    kurtosis_long: float
    news_moves: tuple[float, ...]
    volatility_bps: float  # of 1-second returns
    range_bps: float  # of a listing in a game, on average
    value_gap_bps: float  # between price and hidden value, on average
    fills_a_second: float
    orders_a_second: float
    refused_share: float
    are_conserved: bool

    @property
    def news_share(self) -> float:
        """How much of the news was followed by a move its way."""
        return fmean(move > 0 for move in self.news_moves) if self.news_moves else math.nan


def measures(games: Sequence[GameRecord]) -> Measures:
    """Measure a set of games together."""
    paths = [path for game in games for path in game.paths]
    short = [returns(path) for path in paths]
    long = [value for path in paths for value in returns(path, LONG_HORIZON_SECONDS)]
    sizes = [[abs(value) for value in series] for series in short]
    pooled = [value for series in short for value in series]
    mids = [mid for path in paths for mid in path.mids[WARM_UP_SECONDS:]]
    levels = [count for path in paths for count in path.levels[WARM_UP_SECONDS:]]
    spreads = [spread for path in paths for spread in path.spreads[WARM_UP_SECONDS:] if spread is not None]
    seconds = sum(game.seconds for game in games)
    accepted, rejects = sum(game.accepted for game in games), sum(game.rejects for game in games)
    return Measures(
        two_sided_share=fmean(mid is not None for mid in mids),
        crossed=sum(path.crossed for path in paths),
        spread_median=median(spreads),
        levels_median=median(levels),
        five_levels_share=fmean(count >= 5 for count in levels),
        autocorrelations=tuple(autocorrelation(short, lag) for lag in range(1, LAGS_MAX + 1)),
        clustering=tuple(autocorrelation(sizes, lag) for lag in range(1, LAGS_MAX + 1)),
        kurtosis_short=excess_kurtosis(pooled),
        kurtosis_long=excess_kurtosis(long),
        news_moves=tuple(news_moves(paths)),
        volatility_bps=math.sqrt(fmean(value * value for value in pooled)),
        range_bps=fmean(_range_bps(path) for path in paths),
        value_gap_bps=fmean(gap for path in paths for gap in _gaps_bps(path)),
        fills_a_second=sum(game.fills for game in games) / seconds,
        orders_a_second=accepted / seconds,
        refused_share=rejects / max(1, accepted + rejects),
        are_conserved=all(game.is_conserved for game in games),
    )


def _range_bps(path: Path) -> float:
    mids = [mid for mid in path.mids if mid is not None]
    return 10_000 * (max(mids) - min(mids)) / mids[0]


def _gaps_bps(path: Path) -> list[float]:
    pairs = zip(path.mids[WARM_UP_SECONDS:], path.values[WARM_UP_SECONDS:], strict=True)
    return [abs(10_000 * math.log(mid / value)) for mid, value in pairs if mid is not None]


def facts(found: Measures) -> list[Fact]:
    """Return what is demanded of the market, what was found, and whether it holds."""
    tail = found.autocorrelations[FREE_LAGS:]
    strongest = max(tail, key=abs)
    weakest = min(found.clustering[:CLUSTER_LAGS])
    in_percent: Callable[[float], str] = "{:.2%}".format
    return [
        Fact("book with two sides", ">= 99 %", in_percent(found.two_sided_share), found.two_sided_share >= 0.99),
        Fact("samples crossed", "0", str(found.crossed), found.crossed == 0),
        Fact(
            "at least five levels a side", ">= 95 %",
            in_percent(found.five_levels_share), found.five_levels_share >= 0.95,
        ),
        Fact("median spread, ticks", "1 to 3", f"{found.spread_median:g}", 1 <= found.spread_median <= 3),
        Fact(
            "strongest autocorrelation of 1-s returns, lags 3-30", "within 0.1",
            f"{strongest:+.3f}", abs(strongest) < 0.1,
        ),
        Fact("excess kurtosis, 1 s", "> 1", f"{found.kurtosis_short:.2f}", found.kurtosis_short > 1),
        Fact(
            "excess kurtosis, 30 s", "below that of 1 s",
            f"{found.kurtosis_long:.2f}", found.kurtosis_long < found.kurtosis_short,
        ),
        Fact("weakest autocorrelation of |1-s returns|, lags 1-10", "> 0", f"{weakest:+.3f}", weakest > 0),
        Fact(
            "news that moves the price its way within 30 s", "65 to 85 %",
            in_percent(found.news_share), 0.65 <= found.news_share <= 0.85,
        ),
        Fact("cash and shares conserved", "in every game", str(found.are_conserved), found.are_conserved),
    ]  # fmt: skip
