"""A paused market: nothing is taken, nothing closes, what was accepted is settled; whoever dies or comes late."""

from typing import Any

import pytest
import redis

from stocking.base import stream
from stocking.base.units import now_ms
from trading import services
from trading.core.orders import OrderStatus
from trading.gate.answers import Accepted, Opening, Refused
from trading.gate.client import gate
from trading.models import Market, Order, Trade
from trading.recovery import gate_ensure_open, market_load
from trading.services import (
    listing_halt,
    market_close,
    market_enforce,
    market_is_drained,
    market_reschedule,
    market_tell,
)
from trading.tests.market import Exchange, open_exchange

pytestmark = pytest.mark.django_db(transaction=True)

PAUSED = Refused("market_paused")


@pytest.fixture
def exchange() -> Exchange:
    return open_exchange(shares={"seller": {"AAA": 100}})


def pause(exchange: Exchange) -> None:
    market_reschedule(market=exchange.market, paused_at=now_ms())


def resume(exchange: Exchange, *, by_ms: int = 0) -> None:
    market_reschedule(market=exchange.market, paused_at=None, closes_at=exchange.market.closes_at + by_ms)


def statuses() -> list[str]:
    return [row["status"] for row in stream.snapshot_data("market")]


def test_nothing_is_taken_and_what_was_accepted_is_settled(exchange: Exchange) -> None:
    resting = exchange.submit("seller", "sell", 10, 100_000)
    early = exchange.submit("buyer", "buy", 4, 100_000, id="same")
    assert isinstance(early, Accepted)
    pause(exchange)
    assert exchange.submit("buyer", "buy", 1, 100_000) == PAUSED
    assert exchange.amend("seller", resting, quantity=5) == PAUSED
    assert exchange.cancel("seller", resting) == PAUSED
    assert exchange.cancel_all("seller") == PAUSED
    again = exchange.submit("buyer", "buy", 4, 100_000, id="same")
    assert again == Accepted(early.order_id, duplicate=True), "what was accepted is still known"
    exchange.drain()
    assert Trade.objects.get().quantity == 4
    assert statuses() == ["paused"], "also what is settled meanwhile shows it so"
    resume(exchange)
    assert statuses() == ["trading"]
    assert isinstance(exchange.cancel("seller", resting), Accepted)
    exchange.drain()
    assert Order.objects.get(side="sell").status == OrderStatus.CANCELED


def test_a_paused_market_does_not_close_by_itself() -> None:
    exchange = open_exchange(closes_in_ms=-1)
    pause(exchange)
    assert exchange.submit("buyer", "buy", 1, 100_000) == PAUSED, "its end moves on: it is not over"
    assert not market_close(market=exchange.market)
    exchange.drain()
    assert not market_is_drained(market=exchange.market)
    resume(exchange, by_ms=60_000)
    assert isinstance(exchange.submit("buyer", "buy", 1, 100_000), Accepted)
    assert not market_close(market=exchange.market)
    resume(exchange, by_ms=-60_000)
    assert exchange.submit("buyer", "buy", 1, 100_000) == Refused("market_closed")
    assert market_close(market=exchange.market)


def test_a_pause_outlives_the_gate_store(exchange: Exchange) -> None:
    exchange.submit("seller", "sell", 10, 100_000)
    exchange.drain()
    pause(exchange)
    gate().redis.flushall()
    assert gate_ensure_open()
    assert exchange.submit("buyer", "buy", 1, 100_000) == PAUSED
    resume(exchange, by_ms=5_000)
    assert isinstance(exchange.submit("buyer", "buy", 1, 100_000), Accepted)
    exchange.drain()
    [opening] = gate().openings([(exchange.market.pk, exchange.listings["AAA"].pk)]).values()
    assert opening.closes_at == Market.objects.get().closes_at


def test_who_dies_before_telling_the_gate_is_made_good(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise redis.ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(services, "market_tell", away)
        pause(exchange)
        assert isinstance(exchange.submit("buyer", "buy", 1, 100_000), Accepted), "the gate does not know"
    market_enforce(market=Market.objects.get())
    assert exchange.submit("buyer", "buy", 1, 100_000) == PAUSED
    with monkeypatch.context() as patch:
        patch.setattr(gate(), "halt_set", lambda *_: None)
        listing_halt(listing=exchange.listings["AAA"], reason="a test")
    resume(exchange)
    assert isinstance(exchange.submit("buyer", "buy", 1, 100_000), Accepted)
    market_enforce(market=Market.objects.get())
    assert exchange.submit("buyer", "buy", 1, 100_000) == Refused("halted")
    exchange.halt("AAA", halted=False)
    exchange.drain()


def test_an_older_revision_does_not_overtake_a_later_one(exchange: Exchange) -> None:
    stale = Market.objects.get()
    pause(exchange)
    market_tell(market=stale)
    assert exchange.submit("buyer", "buy", 1, 100_000) == PAUSED
    paused = Market.objects.get()
    resume(exchange)
    market_tell(market=paused)
    assert isinstance(exchange.submit("buyer", "buy", 1, 100_000), Accepted)
    exchange.drain()


def test_the_gate_is_loaded_with_the_latest_times(exchange: Exchange) -> None:
    """Whoever loads a market may have read it before it was paused."""
    stale = Market.objects.get()
    pause(exchange)
    gate().redis.delete(f"market:{stale.pk}")
    assert market_load(stale)
    assert exchange.submit("buyer", "buy", 1, 100_000) == PAUSED


@pytest.mark.parametrize("is_paused", [False, True])
def test_a_market_closed_early_says_when(exchange: Exchange, is_paused: bool) -> None:
    planned = exchange.market.closes_at
    if is_paused:
        market_reschedule(market=exchange.market, paused_at=exchange.market.opens_at + 7)
    before = now_ms()
    assert market_close(market=exchange.market, early=True)
    market = Market.objects.get()
    if is_paused:
        assert market.closes_at == market.opens_at + 7, "trading had stopped then"
        assert not market.is_paused
    else:
        assert before <= market.closes_at <= now_ms() < planned
    assert market_close(market=exchange.market, early=True)
    assert Market.objects.get().closes_at == market.closes_at
    assert int(gate().redis.hget(f"market:{market.pk}", "closes_at")) == market.closes_at
    exchange.drain()
    assert market_is_drained(market=market)


def test_a_market_closed_before_it_opens_keeps_its_times() -> None:
    exchange = open_exchange(opens_in_ms=60_000)
    planned = exchange.market.closes_at
    assert market_close(market=exchange.market, early=True)
    assert Market.objects.get().closes_at == planned
    exchange.drain()


@pytest.mark.parametrize(
    ("time", "closed", "paused", "halted", "status"),
    [
        (9, False, False, False, "preparing"),
        (10, False, False, False, "trading"),
        (19, False, False, False, "trading"),
        (20, False, False, False, "closed"),
        (15, True, False, False, "closed"),
        (5, False, True, False, "paused"),
        (15, False, True, False, "paused"),
        (25, False, True, False, "paused"),
        (15, True, True, False, "closed"),
        (15, False, True, True, "halted"),
    ],
)
def test_statuses(time: int, closed: bool, paused: bool, halted: bool, status: str) -> None:
    assert Opening(10, 20, closed, paused, halted).status(time) == status
