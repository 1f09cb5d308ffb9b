"""What the tests of security share: the whole application behind a real server, and the market they trade on."""

from collections.abc import Callable, Iterator

import pytest

from tests.player import Player
from tests.served import served
from trading.tests.market import Exchange, open_exchange


@pytest.fixture
def exchange() -> Exchange:
    """Return a market that trades: AAA and BBB at 100,000 won. Its test is marked `django_db(transaction=True)`."""
    return open_exchange(symbols=("AAA", "BBB"))


@pytest.fixture(scope="session")
def application_server() -> Iterator[str]:
    """Serve the whole application; return its address."""
    from stocking.asgi import application

    with served(application) as address:
        yield address


@pytest.fixture
def site(application_server: str, exchange: Exchange) -> str:
    """Return the address of a site on which a market trades, with every order's engine at the test's demand."""
    return application_server


@pytest.fixture
def guest(site: str) -> Iterator[Callable[[], Player]]:
    """Return a way to have one more player, each in a browser of their own."""
    players: list[Player] = []

    def come() -> Player:
        player = Player(site)
        players.append(player)
        player.play_as_guest()
        return player

    yield come
    for player in players:
        player.http.close()
