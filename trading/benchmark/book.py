"""How fast the book alone is, what a resting order weighs, and whether either changes with a million of them."""

import gc
import itertools
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trading.core.book import Book
from trading.core.commands import Cancel, Submit
from trading.core.orders import OrderType, Side
from trading.engine import collector_calm

ACCOUNTS = 100
BASE_PRICE_WON = 100_000
TICK_WON = 100
CROSSING_TICKS = 20  # as bench_engine draws prices
RESTING_LEVELS = 250  # a side: about what the daily limits leave
PARTS = 10
PAGE_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class Result:
    """What one run gave; see `manage.py bench_book`. Rates by part are for each tenth of the resting orders."""

    match_rates: list[float]
    resting: int
    bytes_an_order: float
    rest_rates: list[float]
    cancel_rates: list[float]
    match_rate_full: float

    def as_dict(self) -> dict[str, Any]:
        """Return the figures, rates in orders a second."""
        return {
            "orders_per_second": round(max(self.match_rates)),
            "orders_per_second_runs": [round(rate) for rate in self.match_rates],
            "resting": self.resting,
            "bytes_per_resting_order": round(self.bytes_an_order),
            "rest_per_second_by_tenth": [round(rate) for rate in self.rest_rates],
            "cancel_per_second_by_tenth": [round(rate) for rate in self.cancel_rates],
            "orders_per_second_at_full_book": round(self.match_rate_full),
        }


def book_measure(*, orders: int, resting: int, seed: int, runs: int = 5) -> Result:
    """Match seeded orders some times over, then fill a book with `resting` orders and empty it again."""
    collector_calm()  # as in the engine's process
    match_rates = [_match_rate(Book("B"), _crossing(orders, seed, first=1)) for _ in range(runs)]
    gc.collect()
    commands = _resting(resting, seed)
    book, before = Book("B"), _resident_bytes()
    rest_rates = []
    part = max(1, resting // PARTS)
    for _ in range(PARTS):
        taken = list(itertools.islice(commands, part))
        rest_rates.append(_match_rate(book, taken))
    del taken
    gc.collect()
    weight = (_resident_bytes() - before) / len(book.orders)
    full_rate = _match_rate(book, _crossing(orders, seed, first=resting + 1))
    ids = list(book.orders)
    random.Random(seed).shuffle(ids)
    cancel_rates = []
    sequence = itertools.count(2 * (resting + orders) + 2)
    for start in range(0, part * PARTS, part):
        cancels = [
            Cancel(next(sequence), order_id, book.orders[order_id].account, 0)
            for order_id in ids[start : start + part]
        ]
        cancel_rates.append(_match_rate(book, cancels))
    return Result(match_rates, resting, weight, rest_rates, cancel_rates, full_rate)


def _match_rate(book: Book, commands: list[Any]) -> float:
    """Return how many of the commands the book applies a second."""
    apply = book.apply
    began = time.perf_counter()
    for command in commands:
        apply(command)
    return len(commands) / (time.perf_counter() - began)


def _crossing(orders: int, seed: int, *, first: int) -> list[Submit]:
    """Return orders around one price, most of which trade."""
    draws = random.Random(seed)
    return [
        Submit(
            number,
            number,
            draws.randrange(ACCOUNTS),
            draws.choice((Side.BUY, Side.SELL)),
            OrderType.LIMIT,
            BASE_PRICE_WON + TICK_WON * draws.randint(-CROSSING_TICKS, CROSSING_TICKS),
            draws.randint(1, 20),
            0,
        )
        for number in range(first, first + orders)
    ]


def _resting(orders: int, seed: int) -> Any:
    """Return orders that never trade: bids below, asks above a gap, over many levels."""
    draws = random.Random(seed)
    for number in range(1, orders + 1):
        side = draws.choice((Side.BUY, Side.SELL))
        away = TICK_WON * (CROSSING_TICKS + draws.randint(1, RESTING_LEVELS))
        price = BASE_PRICE_WON - away if side is Side.BUY else BASE_PRICE_WON + away
        yield Submit(number, number, number % ACCOUNTS, side, OrderType.LIMIT, price, draws.randint(1, 20), 0)


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES
