"""The orders of a load: drawn from a seed, around each listing's base price, so that about half of them cross."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from trading.core.ticks import floor_to_tick, tick_size

PRICE_TICKS = 10
MAX_QUANTITY = 10


@dataclass(frozen=True, slots=True)
class Traded:
    """What the load needs to know of a listing."""

    listing_id: int
    symbol: str
    base_price: int


@dataclass(frozen=True, slots=True)
class Draw:
    """One limit order to be placed."""

    client_order_id: str
    symbol: str
    side: str
    price: int
    quantity: int

    def body(self) -> bytes:
        """Return the JSON that order entry reads."""
        return (
            f'{{"client_order_id":"{self.client_order_id}","symbol":"{self.symbol}","side":"{self.side}",'
            f'"type":"limit","price":{self.price},"quantity":{self.quantity}}}'
        ).encode()


def draws(run: str, player: int, listings: Sequence[Traded], count: int) -> Iterator[Draw]:
    """Yield a player's orders: listing, side, price and size at random, the same ones for the same arguments."""
    rng = random.Random(f"{run}:{player}")
    for number in range(count):
        listing = listings[rng.randrange(len(listings))]
        offset = rng.randint(-PRICE_TICKS, PRICE_TICKS) * tick_size(listing.base_price)
        yield Draw(
            f"{run}-{player}-{number}",
            listing.symbol,
            "buy" if rng.random() < 0.5 else "sell",
            floor_to_tick(listing.base_price + offset),
            rng.randint(1, MAX_QUANTITY),
        )


def purchases(run: str, player: int, listings: Sequence[Traded], count: int) -> Iterator[Draw]:
    """Yield what somebody who has only just signed up can afford: single shares, at the base price."""
    for number in range(count):
        listing = listings[number % len(listings)]
        yield Draw(f"{run}-{player}-{number}", listing.symbol, "buy", listing.base_price, 1)
