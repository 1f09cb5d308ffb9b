"""Everything three times and in any order: requests, wake-ups, outbox rows. It comes out as if each came once."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis.exceptions import ConnectionError as StoreConnectionError

from trading import engine, tasks
from trading.gate.answers import Accepted, Refused
from trading.gate.client import GateClient, gate
from trading.models import Listing, Outbox
from trading.tests.gate_store import dump
from trading.tests.market import Exchange, open_exchange
from trading.tests.replayed import assert_same, entries_of, whole_streams

pytestmark = pytest.mark.django_db(transaction=True)

PLAYERS = ("p1", "p2", "p3", "p4")
SYMBOLS = ("AAA", "BBB")
STEPS = 80
TIMES = 3


@pytest.fixture(autouse=True)
def _whole_streams() -> Iterator[None]:
    with whole_streams():
        yield


class Postman:
    """Sends each player's request at once, and twice more at any later time."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        grants = {player: dict.fromkeys(SYMBOLS, 50) for player in PLAYERS}
        self.exchange: Exchange = open_exchange(symbols=SYMBOLS, shares=grants)
        self.orders: list[tuple[str, str]] = []
        self.again: list[Callable[[], None]] = []
        self.wakes: list[int] = []

    def request(self) -> None:
        """Send something new."""
        draw, player = self.chance.random(), self.chance.choice(PLAYERS)
        if draw < 0.65 or not self.orders:
            self._submit(player)
            return
        order_id, owner = self.chance.choice(self.orders)
        if draw < 0.85:
            self._cancel(owner, order_id)
        else:
            price = self.chance.choice([99_000, 99_500, 100_000, 100_500])
            self._note(self.exchange.amend(owner, order_id, price, self.chance.randint(1, 9)))

    def _note(self, answer: Accepted | Refused) -> bool:
        if isinstance(answer, Accepted):
            self.wakes += list(answer.wake) * TIMES
        return isinstance(answer, Accepted)

    def _submit(self, player: str) -> None:
        side, quantity = self.chance.choice(["buy", "sell"]), self.chance.randint(1, 6)
        price = self.chance.choice([None, 99_000, 99_500, 100_000, 100_500, 101_000])
        symbol, name = (
            self.chance.choice(SYMBOLS),
            f"d{len(self.again)}-{self.chance.random()}"[:30].replace(".", ""),
        )

        def send() -> Accepted | Refused:
            return self.exchange.submit(player, side, quantity, price, symbol=symbol, id=name)

        first = send()
        if not self._note(first):
            return
        assert isinstance(first, Accepted)
        self.orders.append((first.order_id, player))

        def once_more() -> None:
            assert send() == Accepted(first.order_id, duplicate=True)

        self.again += [once_more] * (TIMES - 1)

    def _cancel(self, owner: str, order_id: str) -> None:
        self._note(self.exchange.cancel(owner, order_id))

        def once_more() -> None:
            answer = self.exchange.cancel(owner, order_id)
            assert answer in (Accepted(order_id, duplicate=True), Refused("order_not_open"))

        self.again += [once_more] * (TIMES - 1)

    def deliver(self) -> None:
        """Deliver one of the repeats and one of the wake-ups, whichever; now and then outbox rows."""
        if self.again and self.chance.random() < 0.7:
            before = _streams(self.exchange)
            self.again.pop(self.chance.randrange(len(self.again)))()
            assert _streams(self.exchange) == before
        if self.wakes and self.chance.random() < 0.3:
            _drain(self.wakes.pop(self.chance.randrange(len(self.wakes))))
        if self.chance.random() < 0.1:
            release_in_any_order(self.chance)


def _drain(listing_id: int) -> None:
    """A wake-up; where the store cannot be reached it is over, as in a worker."""
    try:
        tasks.drain(listing_id)
    except StoreConnectionError:
        assert listing_id not in engine._engines


def _streams(exchange: Exchange) -> dict[str, tuple[int, int]]:
    return {
        symbol: (len(entries_of(listing.pk)), gate().sequences([listing.pk])[listing.pk][0])
        for symbol, listing in exchange.listings.items()
    }


def release_in_any_order(chance: random.Random) -> None:
    """Apply every outbox row three times, shuffled: only those that are next have an effect."""
    rows = list(Outbox.objects.values_list("listing_id", "first", "last", "payload")) * TIMES
    chance.shuffle(rows)
    for listing_id, first, last, payload in rows:
        before = gate().sequences([listing_id])[listing_id][1]
        answered = gate().release(listing_id, first, last, "0-0", payload)
        after = gate().sequences([listing_id])[listing_id][1]
        assert answered == before
        assert after == (last if first == before + 1 else before)


@pytest.mark.parametrize("seed", range(2))
def test_requests_wake_ups_and_outbox_rows_three_times_and_shuffled(seed: int) -> None:
    postman = Postman(seed)
    for _ in range(STEPS):
        postman.request()
        postman.deliver()
    while postman.again or postman.wakes:
        postman.deliver()
    postman.exchange.drain()
    assert sum(len(entries_of(listing.pk)) for listing in postman.exchange.listings.values()) > STEPS // 2
    for listing in postman.exchange.listings.values():
        assert_same(listing, entries_of(listing.pk))
    seen = dump()
    release_in_any_order(postman.chance)
    assert dump() == seen


@pytest.mark.parametrize("seed", range(2))
def test_releases_that_got_lost_are_made_good_in_any_order(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A third of all releases fails before or after it was applied; whoever comes finds the rows."""
    postman = Postman(100 + seed)
    real = GateClient.release

    def unreliable(self: GateClient, *arguments: Any) -> int:
        draw = postman.chance.random()
        if draw < 0.17:
            raise StoreConnectionError("never sent")
        answer = real(self, *arguments)
        if draw < 0.34:
            raise StoreConnectionError("reply lost")
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(GateClient, "release", unreliable)
        for _ in range(STEPS):
            postman.request()
            if postman.wakes:
                _drain(postman.wakes.pop(postman.chance.randrange(len(postman.wakes))))
    postman.exchange.audit()
    for _ in range(STEPS):
        release_in_any_order(postman.chance)
        applied = gate().sequences([listing.pk for listing in Listing.objects.all()])
        if all(applied[listing.pk][1] == listing.checkpoint for listing in Listing.objects.all()):
            break
    else:
        pytest.fail("the outbox was not applied")
    postman.exchange.drain()
    for listing in postman.exchange.listings.values():
        assert_same(listing, entries_of(listing.pk))
