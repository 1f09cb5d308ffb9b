"""No page and no read asks the database more often because there is more in it."""

from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from stocking.pages.benchmark.addresses import player_addresses, staff_addresses
from stocking.pages.benchmark.world import PagesWorld

pytestmark = pytest.mark.django_db

QUERIES_MAX = 25


@pytest.fixture
def world() -> PagesWorld:
    world = PagesWorld.begin()
    world.grow(listings=3, players=5, orders=8, games=1)
    return world


def get(client: Client, address: str) -> None:
    """Ask for a page as the first one to do so: nothing is in the cache."""
    cache.clear()
    assert client.get(address).status_code == 200, address


def counts(client: Client, addresses: list[str]) -> dict[str, int]:
    found = {}
    for address in addresses:
        get(client, address)  # what a process remembers for ever (content types, say) it remembers now
        with CaptureQueriesContext(
            connection,
        ) as queries:
            get(client, address)
        found[address] = len(queries)
    return found


@pytest.mark.parametrize("who", ["player", "visitor", "staff"])
def test_as_many_queries_with_many_rows_as_with_few(
    world: PagesWorld, client: Client, who: str, django_assert_num_queries: Any
) -> None:
    addresses = staff_addresses() if who == "staff" else player_addresses(world)
    if who == "visitor":
        addresses = [
            address
            for address in addresses
            if not address.startswith(("/orders/", "/me/", "/api/", "/accounts/", "/chat/"))
        ]
    else:
        client.force_login(world.staff if who == "staff" else world.me)
    assert len(addresses) > 8
    few = counts(client, addresses)
    world.grow(listings=9, players=95, orders=192, games=21)
    for address in addresses:
        with django_assert_num_queries(few[address], info=address):
            get(client, address)
    assert max(few.values()) <= QUERIES_MAX
