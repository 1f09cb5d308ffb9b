"""The picture of a market report: one game's prices, and the stylised facts of all games (needs matplotlib)."""

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from games.core.facts import CLUSTER_LAGS, WARM_UP_SECONDS, GameRecord, Measures, Path, news_courses, returns

PRICE, VALUE, GOOD, BAD, RUMOUR, GROUND = "#E8EAED", "#E7B84B", "#FF6B6B", "#6EA8FE", "#9AA4B2", "#15181E"
COURSE_BEFORE, COURSE_AFTER = 15, 60


def draw(games: Sequence[GameRecord], found: Measures, target: str) -> None:
    """Write the picture as a PNG file."""
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise SystemExit("The picture needs matplotlib: pip install -r requirements-dev.txt") from error
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    plt.style.use("dark_background")
    plt.rcParams.update({"figure.facecolor": GROUND, "axes.facecolor": GROUND, "font.size": 9})
    listings = games[0].paths
    rows = len(listings) + 2
    figure = plt.figure(figsize=(15, 3.4 * rows), layout="constrained")
    grid = figure.add_gridspec(rows, 3)
    for row, path in enumerate(listings):
        _prices(figure.add_subplot(grid[row, :]), path, games[0].seed)
    row = len(listings)
    _memory(figure.add_subplot(grid[row, 0]), found)
    _tails(figure.add_subplot(grid[row, 1]), games)
    _spreads(figure.add_subplot(grid[row, 2]), games)
    _courses(figure.add_subplot(grid[row + 1, 0:2]), games)
    _moves(figure.add_subplot(grid[row + 1, 2]), found)
    figure.savefig(target, dpi=72)
    plt.close(figure)


def _prices(axes: Any, path: Path, seed: int) -> None:
    mids = [math.nan if mid is None else mid for mid in path.mids]
    axes.plot(path.values, color=VALUE, linewidth=1, alpha=0.8, label="hidden value")
    axes.plot(mids, color=PRICE, linewidth=1, label="mid price")
    low, high = axes.get_ylim()
    for told in path.news:
        colour = RUMOUR if told.is_rumour else GOOD if told.sign > 0 else BAD
        axes.axvline(told.second, color=colour, linewidth=1, linestyle=":")
        mark = ("?" if told.is_rumour else "") + ("▲" if told.sign > 0 else "▼")
        axes.text(told.second, high, mark, color=colour, ha="center", va="bottom")
    volumes = axes.twinx()
    volumes.bar(range(len(path.volumes)), path.volumes, color=RUMOUR, alpha=0.35, width=1)
    volumes.set_ylim(0, 5 * max(path.volumes))
    volumes.set_yticks([])
    axes.set_ylim(low, high)
    axes.set_title(f"{path.symbol}, seed {seed}", loc="left", pad=14)
    axes.set_xlabel("seconds of trading")
    axes.legend(loc="upper left", frameon=False)


def _memory(axes: Any, found: Measures) -> None:
    lags = range(1, len(found.autocorrelations) + 1)
    axes.bar(lags, found.autocorrelations, color=GOOD, width=0.4, label="returns")
    axes.bar([lag + 0.4 for lag in lags], found.clustering, color=BAD, width=0.4, label="|returns|")
    for bound in (-0.1, 0.1):
        axes.axhline(bound, color=RUMOUR, linewidth=0.8, linestyle=":")
    axes.axvspan(0.5, CLUSTER_LAGS + 0.8, color=BAD, alpha=0.06)
    axes.set_title("autocorrelation of 1-s returns by lag", loc="left")
    axes.legend(frameon=False)


def _tails(axes: Any, games: Sequence[GameRecord]) -> None:
    for seconds, colour in ((1, GOOD), (30, BAD)):
        values = [value for game in games for path in game.paths for value in returns(path, seconds)]
        deviation = math.sqrt(fmean(value * value for value in values)) or 1.0
        axes.hist(
            [value / deviation for value in values],
            bins=[step / 4 for step in range(-32, 33)],
            density=True,
            histtype="step",
            color=colour,
            label=f"{seconds} s ({deviation:.0f} bp)",
        )
    normal = [step / 10 for step in range(-45, 46)]
    heights = [math.exp(-x * x / 2) / math.sqrt(2 * math.pi) for x in normal]
    axes.plot(normal, heights, color=RUMOUR, linewidth=1, linestyle=":", label="normal")
    axes.set_yscale("log")
    axes.set_title("returns in standard deviations", loc="left")
    axes.legend(frameon=False)


def _spreads(axes: Any, games: Sequence[GameRecord]) -> None:
    spreads = [
        spread
        for game in games
        for path in game.paths
        for spread in path.spreads[WARM_UP_SECONDS:]
        if spread is not None
    ]
    top = 12
    counts = [
        sum(min(spread, top) == ticks for spread in spreads) / len(spreads) for ticks in range(1, top + 1)
    ]
    axes.bar(range(1, top + 1), counts, color=VALUE)
    axes.set_title("spread in ticks, share of the time", loc="left")


def _courses(axes: Any, games: Sequence[GameRecord]) -> None:
    """How prices go around news: the mean of all pieces, each turned to its own way."""
    paths = [path for game in games for path in game.paths]
    times = range(-COURSE_BEFORE, COURSE_AFTER + 1)
    for is_rumour, colour, name in ((False, GOOD, "reports and answers"), (True, RUMOUR, "rumours")):
        courses = news_courses(paths, before=COURSE_BEFORE, after=COURSE_AFTER, is_rumour=is_rumour)
        if courses:
            means = [fmean(course[at] for course in courses) for at in range(len(times))]
            axes.plot(times, means, color=colour, label=f"{name} ({len(courses)})")
    axes.axvline(0, color=RUMOUR, linewidth=0.8, linestyle=":")
    axes.axvspan(1, 20, color=VALUE, alpha=0.06)
    axes.set_title("price around news, its way, in bp (shaded: when the bots notice)", loc="left")
    axes.legend(frameon=False)


def _moves(axes: Any, found: Measures) -> None:
    axes.hist(found.news_moves, bins=40, color=GOOD)
    axes.axvline(0, color=PRICE, linewidth=1)
    axes.set_title(f"30 s after news: {found.news_share:.0%} its way", loc="left")
