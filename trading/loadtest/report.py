"""One load test from its preparation to the line of figures at its end."""

import asyncio
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from trading.loadtest.comparison import ledger_compare
from trading.loadtest.ears import Ears
from trading.loadtest.flow import draws
from trading.loadtest.observation import LagWatch, ProcessorWatch
from trading.loadtest.orders import Seat, Server, closed_loop, open_loop
from trading.loadtest.players import (
    listings_chosen,
    market_now,
    players_create,
    players_endow,
)
from trading.loadtest.record import Record, milliseconds

LISTINGS = 3
ORDERS_PER_SECOND_AT_LEAST = 250  # how long the game must last at least
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
    server = server_of(options.base_url)
    total = options.users * options.orders
    market = market_now(30 + total / ORDERS_PER_SECOND_AT_LEAST)
    listings = listings_chosen(market, LISTINGS)
    say(f"{options.users} players in game {market.pk}, {', '.join(row.symbol for row in listings)} …")
    players = players_create(run, options.users)
    players_endow(market, listings, players)
    flows = [draws(run, player.number, listings, options.orders) for player in players]
    record = Record()
    processors = ProcessorWatch(settings.VAR_DIR)
    watch = LagWatch([listing.listing_id for listing in listings])
    connection.close()

    ears = Ears(server) if options.rate else None

    async def load() -> float:
        seats = [Seat(server, player) for player in players]
        if ears is None:
            seconds = await closed_loop(seats, flows, record)
        else:
            await ears.open(players)
            processors.start()
            seconds = await open_loop(seats, flows, record, options.rate)
            await ears.close()
        for seat in seats:
            seat.connection.close()
        return seconds

    say(f"{total} orders …")
    with watch:
        processors.start()
        seconds = run_on_loop(load())
        used = processors.used(total)
        caught_up = watch.wait_settled(SETTLE_SECONDS)
    say("comparing with the ledger …")
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
        **(ears.figures(record) if ears else {}),
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
