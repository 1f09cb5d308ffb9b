"""The gate alone: what it refuses and in which order, and that a refusal writes nothing.

What it accepts, and the hold it takes, is compared with the core in test_two_rule_books.py.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from trading.core.limits import MAX_QUANTITY
from trading.gate.answers import Accepted, Refused, Who
from trading.gate.client import gate
from trading.recovery import market_load
from trading.services import market_close, market_is_drained
from trading.tests.gate_store import dump
from trading.tests.market import Exchange, open_exchange

pytestmark = pytest.mark.django_db(transaction=True)

SESSION = "a-session-of-the-buyer"
FAR = 10**14  # milliseconds: later than any clock here
Send = Callable[[], Accepted | Refused]


@pytest.fixture
def exchange() -> Exchange:
    return open_exchange(shares={"seller": {"AAA": 10}})


def _store(key: str, **fields: Any) -> None:
    """Set fields of a hash in the gate store."""
    gate().redis.hset(key, mapping=fields)


class Situation:
    """Everything is wrong at once with the commands of one player; `right` puts one thing after the other right."""

    def __init__(self, exchange: Exchange, settings: Any) -> None:
        self.exchange, self.settings = exchange, settings
        self.account = exchange.account("buyer")
        self.session, self.is_limited = "nobody", True
        self.market, self.listing = (
            f"market:{exchange.market.pk}",
            f"listing:{exchange.listings['AAA'].pk}",
        )
        self.opens_at = gate().redis.hget(self.market, "opens_at")
        self.run_id = gate().state()["run_id"]
        # The last price is not tampered with, nor any balance: the audit at the end of the test would see it.
        self.terms: dict[str, Any] = {"price": 100_050, "quantity": 0}
        gate().session_bind(SESSION, self.account)
        _store("gate", run_id="another")
        gate().redis.set(f"rate:{self.account}", FAR * 1_000)  # full again in a far future
        _store(self.market, opens_at=FAR)
        _store(self.listing, halted=1)
        settings.STREAM_LIMIT = 0

    @property
    def who(self) -> Who:
        """Who asks."""
        return Who(session=self.session, is_limited=self.is_limited)

    def right(self, code: str) -> None:
        """Put right what is refused with this code."""
        causes: dict[str, Callable[[], None]] = {
            "recovering": lambda: _store("gate", run_id=self.run_id),
            "session_unknown": lambda: setattr(self, "session", SESSION),
            "rate_limited": lambda: setattr(self, "is_limited", False),
            "market_closed": lambda: _store(self.market, opens_at=self.opens_at),
            "halted": lambda: _store(self.listing, halted=0),
            "invalid_quantity": lambda: self.terms.update(quantity=MAX_QUANTITY + 1),
            "order_too_large": lambda: self.terms.update(quantity=200),
            "invalid_tick": lambda: self.terms.update(price=130_100),
            "price_out_of_range": lambda: self.terms.update(price=100_000),
            "insufficient_cash": lambda: self.terms.update(quantity=3),
            "overloaded": lambda: setattr(self.settings, "STREAM_LIMIT", 100),
        }
        causes[code]()

    def refuses_in_order(
        self, codes: list[str], send: Send, causes: dict[str, Callable[[], Any]] | None = None
    ) -> None:
        """Send a command again and again; each refusal writes nothing, and then its cause is put right."""
        for code in codes:
            before = dump()
            answer = send()
            assert isinstance(answer, Refused) and answer.code == code
            assert dump() == before, code
            if causes and code in causes:
                causes[code]()
            else:
                self.right(code)
        assert isinstance(send(), Accepted)


def test_submit_refuses_in_this_order(exchange: Exchange, settings: Any) -> None:
    exchange.submit("buyer", "buy", 1, 90_000, id="used")
    situation = Situation(exchange, settings)
    situation.terms |= {"client_order_id": "used", "symbol": "ZZZ"}
    settings.MAX_OPEN_ORDERS = 1
    situation.refuses_in_order(
        [
            "recovering", "session_unknown", "client_order_id_reused", "rate_limited", "unknown_symbol",
            "market_closed", "halted", "invalid_quantity", "order_too_large", "invalid_tick", "price_out_of_range",
            "too_many_open_orders", "insufficient_cash", "overloaded",
        ],
        lambda: gate().submit(situation.who, side="buy", type="limit", **situation.terms),
        {
            "client_order_id_reused": lambda: situation.terms.update(client_order_id="unused"),
            "unknown_symbol": lambda: situation.terms.update(symbol="AAA"),
            "too_many_open_orders": lambda: setattr(settings, "MAX_OPEN_ORDERS", 2),
        },
    )  # fmt: skip


def test_a_sell_needs_shares(exchange: Exchange) -> None:
    before = dump()
    assert exchange.submit("buyer", "sell", 1, 100_000) == Refused("insufficient_shares")
    assert exchange.submit("seller", "sell", 11, 100_000) == Refused("insufficient_shares")
    assert dump() == before


def test_amend_refuses_in_this_order(exchange: Exchange, settings: Any) -> None:
    order = exchange.submit("buyer", "buy", 2, 90_000)
    other = exchange.submit("seller", "sell", 1, 110_000)
    closed = exchange.submit("buyer", "buy", 1, 80_000)
    exchange.cancel("buyer", closed)
    exchange.drain()
    assert isinstance(order, Accepted) and isinstance(other, Accepted) and isinstance(closed, Accepted)
    key = f"order:{order.order_id.split('-')[0]}:{order.order_id.split('-')[2]}"
    _store(key, amending=1)
    situation = Situation(exchange, settings)
    situation.terms["order_id"] = other.order_id
    situation.refuses_in_order(
        [
            "recovering", "session_unknown", "rate_limited", "order_not_found", "order_not_open", "amend_pending",
            "market_closed", "halted", "invalid_quantity", "order_too_large", "invalid_tick", "price_out_of_range",
            "insufficient_cash", "overloaded",
        ],
        lambda: gate().amend(situation.who, **situation.terms),
        {
            "order_not_found": lambda: situation.terms.update(order_id=closed.order_id),
            "order_not_open": lambda: situation.terms.update(order_id=order.order_id),
            "amend_pending": lambda: gate().redis.hdel(key, "amending"),
        },
    )  # fmt: skip


def test_an_amended_sell_needs_the_shares_it_grows_by(exchange: Exchange) -> None:
    order = exchange.submit("seller", "sell", 8, 110_000)
    before = dump()
    assert exchange.amend("seller", order, quantity=11) == Refused("insufficient_shares")
    assert dump() == before
    assert isinstance(exchange.amend("seller", order, quantity=10), Accepted)


def test_cancel_refuses_in_this_order_and_passes_a_halt(exchange: Exchange, settings: Any) -> None:
    order = exchange.submit("buyer", "buy", 2, 90_000)
    other = exchange.submit("seller", "sell", 1, 110_000)
    closed = exchange.submit("buyer", "buy", 1, 80_000)
    exchange.cancel("buyer", closed)
    exchange.drain()
    assert isinstance(order, Accepted) and isinstance(other, Accepted) and isinstance(closed, Accepted)
    situation = Situation(exchange, settings)
    asked = [other.order_id]
    situation.refuses_in_order(
        [
            "recovering", "session_unknown", "rate_limited", "order_not_found", "order_not_open", "market_closed",
            "overloaded",
        ],
        lambda: gate().cancel(situation.who, order_id=asked[-1]),
        {
            "order_not_found": lambda: asked.append(closed.order_id),
            "order_not_open": lambda: asked.append(order.order_id),
        },
    )  # fmt: skip
    situation.right("halted")


def test_cancel_all_refuses_in_this_order_and_passes_a_halt(exchange: Exchange, settings: Any) -> None:
    exchange.submit("buyer", "buy", 2, 90_000)
    situation = Situation(exchange, settings)
    asked = ["ZZZ"]
    situation.refuses_in_order(
        ["recovering", "session_unknown", "rate_limited", "unknown_symbol", "market_closed", "overloaded"],
        lambda: gate().cancel_all(situation.who, symbol=asked[-1]),
        {"unknown_symbol": lambda: asked.append("AAA")},
    )
    situation.right("halted")


# The rate -------------------------------------------------------------------------------------------


def _limited_submit(exchange: Exchange, name: str, client_order_id: str) -> Accepted | Refused:
    who = Who(account=exchange.account(name))
    return gate().submit(
        who, client_order_id=client_order_id, symbol="AAA", side="buy", type="limit", price=90_000, quantity=1
    )


def test_a_bucket_is_emptied_and_filled_again(exchange: Exchange, settings: Any) -> None:
    settings.ORDER_RATE_PER_SECOND, settings.ORDER_RATE_BURST = 2, 3
    account = exchange.account("buyer")
    for number in range(3):
        assert isinstance(_limited_submit(exchange, "buyer", f"r{number}"), Accepted)
    limited = _limited_submit(exchange, "buyer", "r3")
    assert isinstance(limited, Refused) and limited.code == "rate_limited"
    assert limited.retry_after_ms is not None and 0 < limited.retry_after_ms <= 500
    # A repeat of what was accepted is not counted, another player has a bucket of his own.
    assert _limited_submit(exchange, "buyer", "r0") == Accepted(_first(exchange, "r0"), duplicate=True)
    assert isinstance(_limited_submit(exchange, "other", "r0"), Accepted)
    # Half a second later by the store's clock there is one token more, and only one.
    key = f"rate:{account}"
    gate().redis.set(key, int(gate().redis.get(key)) - 500_000)
    assert isinstance(_limited_submit(exchange, "buyer", "r3"), Accepted)
    assert isinstance(_limited_submit(exchange, "buyer", "r4"), Refused)
    # A long silence fills the bucket to its brim and no further.
    gate().redis.set(key, int(gate().redis.get(key)) - 10**9)
    assert [isinstance(_limited_submit(exchange, "buyer", f"s{n}"), Accepted) for n in range(4)] == [
        True
    ] * 3 + [False]


def _first(exchange: Exchange, client_order_id: str) -> str:
    kept = gate().redis.get(f"request:{exchange.account('buyer')}:{client_order_id}")
    return str(kept.decode().split(" ")[0])


def test_all_commands_draw_from_one_bucket_and_refused_ones_too(exchange: Exchange, settings: Any) -> None:
    settings.ORDER_RATE_PER_SECOND, settings.ORDER_RATE_BURST = 1, 5
    who = Who(account=exchange.account("buyer"))
    order = _limited_submit(exchange, "buyer", "r0")
    assert isinstance(order, Accepted)
    gate().amend(who, order_id=order.order_id, price=91_000, quantity=None)
    gate().cancel(who, order_id=order.order_id)
    gate().cancel_all(who)
    assert gate().amend(who, order_id="9-1-1", price=91_000, quantity=None) == Refused("order_not_found")
    for answer in (
        _limited_submit(exchange, "buyer", "r1"),
        gate().amend(who, order_id=order.order_id, price=91_000, quantity=None),
        gate().cancel(who, order_id=order.order_id),
        gate().cancel_all(who),
    ):
        assert isinstance(answer, Refused) and answer.code == "rate_limited"


def test_a_burst_of_nought_lifts_the_limit(exchange: Exchange, settings: Any) -> None:
    settings.ORDER_RATE_PER_SECOND, settings.ORDER_RATE_BURST = 1, 0
    for number in range(5):
        assert isinstance(_limited_submit(exchange, "buyer", f"r{number}"), Accepted)
    assert not gate().redis.exists(f"rate:{exchange.account('buyer')}")


# Too much in the stream, and the end of it --------------------------------------------------------------


def test_a_full_stream_refuses_all_but_the_end_marker(exchange: Exchange, settings: Any) -> None:
    order = exchange.submit("buyer", "buy", 1, 90_000)
    exchange.submit("seller", "sell", 1, 110_000)
    settings.STREAM_LIMIT = 2
    before, full = dump(), Refused("overloaded")
    assert exchange.submit("buyer", "buy", 1, 90_000) == full
    assert exchange.amend("buyer", order, price=91_000) == full
    assert exchange.cancel("buyer", order) == full
    assert exchange.cancel_all("buyer") == full
    assert dump() == before
    listing_id = exchange.listings["AAA"].pk
    assert market_close(market=exchange.market, early=True)
    assert gate().redis.xlen(f"orders:{listing_id}") == 3
    marked = dump()
    assert market_close(market=exchange.market)
    assert dump() == marked
    exchange.drain()
    assert market_is_drained(market=exchange.market)


def test_cancel_all_is_refused_whole_when_one_of_its_streams_is_full(settings: Any) -> None:
    exchange = open_exchange(symbols=("AAA", "BBB"))
    exchange.submit("buyer", "buy", 1, 90_000)
    for _ in range(2):
        exchange.submit("buyer", "buy", 1, 90_000, symbol="BBB")
    settings.STREAM_LIMIT = 2
    before = dump()
    assert exchange.cancel_all("buyer") == Refused("overloaded")
    assert dump() == before
    assert isinstance(exchange.cancel_all("buyer", "AAA"), Accepted)


# The clock ------------------------------------------------------------------------------------------------


def test_the_market_opens_and_closes_by_the_stores_own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = open_exchange(opens_in_ms=60_000, closes_in_ms=120_000)
    order, market = exchange.submit("buyer", "buy", 1, 90_000), f"market:{exchange.market.pk}"
    assert order == Refused("market_closed")
    seconds, micros = gate().redis.time()
    now = seconds * 1_000 + micros // 1_000
    monkeypatch.setattr("stocking.base.units.now_ms", lambda: now + 10**9)  # ours is wrong by days
    _store(market, opens_at=now)
    order = exchange.submit("buyer", "buy", 1, 90_000)
    assert isinstance(order, Accepted)
    assert market_close(market=exchange.market) is False
    _store(market, closes_at=now + 1)
    before = dump()
    assert exchange.submit("buyer", "buy", 1, 90_000) == Refused("market_closed")
    assert exchange.amend("buyer", order, price=91_000) == Refused("market_closed")
    assert exchange.cancel("buyer", order) == Refused("market_closed")
    assert exchange.cancel_all("buyer") == Refused("market_closed")
    assert dump() == before
    assert market_close(market=exchange.market)
    exchange.drain()
    assert market_is_drained(market=exchange.market)


# Loading --------------------------------------------------------------------------------------------------


def test_what_is_served_is_not_loaded_again(exchange: Exchange) -> None:
    exchange.submit("buyer", "buy", 1, 90_000)
    exchange.drain()
    before = dump()
    assert market_load(exchange.market) is False
    account = exchange.account("buyer")
    payload = msgspec.json.encode(
        {"accounts": [[account, 999, 0, []]], "listings": [], "orders": []}
    ).decode()
    assert gate().run("load", exchange.market.pk, payload) == 0
    assert dump() == before


def test_nothing_is_loaded_into_a_shut_gate_without_an_epoch(exchange: Exchange) -> None:
    """A store that was replaced is loaded by recovery alone, which opens it in an epoch of its own."""
    run_id = gate().state()["run_id"]
    _store("gate", run_id="another")
    try:
        served = {
            "market": exchange.market.pk, "opens_at": 0, "closes_at": 1, "initial_cash": 1, "closed": 0, "listings": [],
        }  # fmt: skip
        before = dump()
        assert gate().run("serve", msgspec.json.encode(served).decode(), "") == 0
        assert dump() == before
    finally:
        _store("gate", run_id=run_id)
