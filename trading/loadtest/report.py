"""One load test from its preparation to the line of figures at its end."""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from trading.loadtest.comparison import ledger_compare
from trading.loadtest.ears import Ears
from trading.loadtest.flow import Traded, draws, purchases
from trading.loadtest.journey import Journey
from trading.loadtest.observation import LagWatch, ProcessorWatch
from trading.loadtest.orders import Seat, Server, closed_loop, open_loop
from trading.loadtest.players import (
    LoadError,
    listings_chosen,
    market_now,
    offers_place,
    players_create,
    players_endow,
)
from trading.loadtest.record import Record, milliseconds
from trading.models import Market

LISTINGS = 3
ORDERS_PER_SECOND_AT_LEAST = 250  # how long the game must last at least
JOURNEY_SECONDS = 1  # of each user besides the orders, likewise
SETTLE_SECONDS = 120.0
Say = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Options:
    """What `manage.py loadtest` was asked for."""

    users: int
    orders: int
    base_url: str = ""
    seed: str = ""
    rate: float = 0.0
    journey: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be run: gives the seconds it took; then what else there is to say of it."""

    go: Callable[[Record], Awaitable[float]]
    figures: Callable[[Record], dict[str, Any]]


def server_of(base_url: str) -> Server:
    """Return the server named, or that of the instance whose state directory this process uses."""
    return Server.of(base_url or f"http://127.0.0.1:{os.environ.get('PORT') or 8000}")


def run_on_loop(main: Any) -> Any:
    """Run a coroutine on the fastest event loop there is."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


def loadtest_run(options: Options, say: Say) -> dict[str, Any]:
    """Prepare players, place the orders, wait until all is settled, compare; returns the figures."""
    run = options.seed or "L" + secrets.token_hex(3)
    server, total = server_of(options.base_url), options.users * options.orders
    market = market_now(
        30
        + total / (options.rate or ORDERS_PER_SECOND_AT_LEAST)
        + options.journey * JOURNEY_SECONDS * options.users
    )
    listings = listings_chosen(market, LISTINGS)
    say(f"{options.users} players in game {market.pk}, {', '.join(row.symbol for row in listings)} …")
    prepare = _journey if options.journey else _plain
    load = prepare(options, server, market, listings, run)
    record = Record()
    processors = ProcessorWatch(settings.VAR_DIR)
    connection.close()
    say(f"{total} orders …")
    with LagWatch([listing.listing_id for listing in listings]) as watch:
        processors.start()
        seconds = run_on_loop(load.go(record))
        used = processors.used(total)
        caught_up = watch.wait_settled(SETTLE_SECONDS)
    say("comparing with the ledger …")
    more = load.figures(record)
    comparison = ledger_compare(market, record, run)
    return {
        "accepted": len(record.accepted),
        "rejected": record.rejected.total(),
        "errors": record.errors.total(),
        "seconds": round(seconds, 3),
        "accepted_per_second": round(len(record.accepted) / seconds, 1),
        **milliseconds(record.seconds),
        "settled": comparison.settled,
        "settle_lag_ms_max": watch.lag_ms_max,
        "audit_ok": not comparison.audit_faults,
        **more,
        "settled_after_seconds": None if caught_up is None else round(caught_up, 2),
        "missing": len(comparison.missing) + len(record.repeated),
        "doubled": comparison.doubled,
        "audit_faults": comparison.audit_faults,
        "rejected_by_code": dict(record.rejected),
        "errors_by_kind": dict(record.errors),
        "users": options.users,
        "listings": len(listings),
        "unsettled_orders_max": watch.entries_max,
        **used,
        "database": connection.vendor,
        "run": run,
    }


def _plain(options: Options, server: Server, market: Market, listings: Sequence[Traded], run: str) -> Load:
    """Players who are logged in and rich, and place orders on both sides; at a given rate they listen too."""
    players = players_create(run, options.users)
    players_endow(market, listings, players)
    flows = [draws(run, player.number, listings, options.orders) for player in players]
    ears = Ears(server) if options.rate else None

    async def go(record: Record) -> float:
        seats = [Seat(server, player) for player in players]
        await asyncio.gather(*(seat.arrive() for seat in seats))
        if ears is None:
            seconds = await closed_loop(seats, flows, record)
        else:
            await ears.open(players)
            seconds = await open_loop(seats, flows, record, options.rate)
            await ears.close()
        for seat in seats:
            seat.connection.close()
        return seconds

    return Load(go, ears.figures if ears else lambda _: {})


def _journey(options: Options, server: Server, market: Market, listings: Sequence[Traded], run: str) -> Load:
    """Visitors who sign up, log in, buy single shares from somebody who offers plenty, and log out."""
    cost = sum(listing.base_price for listing in listings) * -(-options.orders // len(listings))
    if cost > market.initial_cash:
        raise LoadError(
            f"{options.orders} orders cost up to {cost} won, a new player has {market.initial_cash}"
        )
    [seller] = players_create(f"S{run[1:]}", 1)
    players_endow(market, listings, [seller])
    offers_place(listings, seller, options.users * options.orders)
    journey = Journey(server, run, options.users)
    flows = [purchases(run, number, listings, options.orders) for number in range(options.users)]

    def figures(record: Record) -> dict[str, Any]:
        journey.accounts_fill_in(record)
        return journey.figures()

    return Load(lambda record: journey.go(flows, record), figures)
