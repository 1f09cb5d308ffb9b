"""Ask for every page and every read again and again, in this process, and say how long each takes."""

import time
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.test import Client

from stocking.pages.benchmark.addresses import player_addresses, staff_addresses
from stocking.pages.benchmark.world import PagesWorld


def pages_measure(*, requests: int, listings: int, players: int, orders: int, games: int) -> dict[str, Any]:
    """Return p50 and p95 in ms by address. Needs `throwaway()` around it.

    All of Django is in it, from the middleware to the rendered answer; not the server around it. What is cached for
    a second is as warm as it would be under so many requests.
    """
    world = PagesWorld.begin()
    world.grow(listings=listings, players=players, orders=orders, games=games)
    cache.clear()
    found: dict[str, Any] = {}
    for user, addresses in ((world.me, player_addresses(world)), (world.staff, staff_addresses())):
        client = Client(raise_request_exception=True)
        client.force_login(user)
        for address in addresses:
            found[address] = _percentiles([_seconds(client, address) for _ in range(requests)])
    return {
        "requests": requests,
        "listings": listings,
        "players": players,
        "orders": orders,
        "games": games,
        "database": connection.vendor,
        "p95_ms_max": max(figures["p95_ms"] for figures in found.values()),
        "paths": found,
    }


def _seconds(client: Client, address: str) -> float:
    began = time.perf_counter()
    answer = client.get(address)
    seconds = time.perf_counter() - began
    if answer.status_code != 200:
        raise RuntimeError(f"{address}: {answer.status_code}")
    return seconds


def _percentiles(seconds: list[float]) -> dict[str, float]:
    ranked = sorted(seconds)
    return {
        f"p{share}_ms": round(ranked[min(len(ranked) - 1, len(ranked) * share // 100)] * 1_000, 1)
        for share in (50, 95)
    }
