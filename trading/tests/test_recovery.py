"""The gate store is restarted, put back to an older state, lost or replaced: from the middle of everything.

Until it is rebuilt the gate refuses; then it trades on in a new epoch, and no sequence is given twice. What was
accepted is there to the last won when the store's log is; otherwise what was settled.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings as configured

from trading import engine, recovery, tasks
from trading.engine import listing_drain
from trading.gate.answers import Accepted, Refused
from trading.gate.client import GateClient, gate
from trading.models import GateRecord, Listing, Order, Outbox, Trade
from trading.recovery import gate_ensure_open
from trading.services import market_close, market_is_drained
from trading.settlement import FencedError, batch_settle
from trading.tests.gate_store import GateStore, dump, own_gate_store
from trading.tests.market import Exchange, open_exchange

pytestmark = pytest.mark.django_db(transaction=True)

SWEEPS_MAX = 10


class Killed(BaseException):
    """What a dying process does to the code it was in."""


@pytest.fixture
def store(tmp_path: Path, settings: Any) -> Iterator[GateStore]:
    with own_gate_store(tmp_path / "gate", settings) as started:
        yield started


_prefixes = itertools.count(1)


@dataclass
class Session:
    """An exchange in the middle of everything, and what its players were told."""

    exchange: Exchange
    prefix: str = field(default_factory=lambda: f"s{next(_prefixes)}-")
    told: dict[str, tuple[str, Any, str]] = field(default_factory=dict)

    def place(self, name: str, side: str, quantity: int, price: int, symbol: str = "AAA") -> str:
        """Place an order under an id that can be asked for again; returns its order id."""
        client_order_id = f"c{len(self.told) + 1}"
        terms = (name, side, quantity, price)
        answer = self.exchange.submit(*terms, symbol=symbol, id=self.prefix + client_order_id)
        assert isinstance(answer, Accepted) and not answer.duplicate
        self.told[client_order_id] = (answer.order_id, terms, symbol)
        return answer.order_id

    def ask_again(self, client_order_id: str) -> Accepted | Refused:
        """Send the same request once more."""
        _, terms, symbol = self.told[client_order_id]
        return self.exchange.submit(*terms, symbol=symbol, id=self.prefix + client_order_id)

    def in_ledger(self, client_order_id: str) -> bool:
        """Return whether the order of a request is settled."""
        listings = self.exchange.listings.values()
        return Order.objects.filter(
            listing__in=listings, client_order_id=self.prefix + client_order_id
        ).exists()

    def state(self, symbol: str = "") -> Any:
        """Return what players see, of one listing or of all: orders, trades and what is available."""
        listings = [listing for listing in self.exchange.listings.values() if symbol in ("", listing.symbol)]
        orders = Order.objects.filter(listing__in=listings).order_by("listing_id", "id")
        columns = ("listing__symbol", "user__nickname", "client_order_id", "price", "quantity", "filled_quantity",
                   "status", "reason")  # fmt: skip
        rows = [
            (*row[:2], row[2].removeprefix(self.prefix), *row[3:]) for row in orders.values_list(*columns)
        ]
        trades = Trade.objects.filter(listing__in=listings).order_by("listing_id", "id")
        names = ("seller", "buyer", "other", "newcomer")
        available = {} if symbol else {name: self.exchange.available(name) for name in names}
        return rows, list(trades.values_list("listing__symbol", "price", "quantity")), available


def _settled() -> Session:
    """Orders that are settled: one partly filled, two that rest, one canceled."""
    grants = {"seller": {"AAA": 20, "BBB": 20}}
    session = Session(open_exchange(symbols=("AAA", "BBB"), shares=grants))
    session.place("seller", "sell", 10, 99_000)
    session.place("buyer", "buy", 4, 99_000)
    session.place("buyer", "buy", 5, 95_000)
    session.place("other", "buy", 3, 94_000, "BBB")
    gone = session.place("other", "buy", 1, 90_000)
    session.exchange.cancel("other", gone)
    session.exchange.drain()
    return session


def _waiting(session: Session) -> None:
    """Commands the engine has not seen: an amend, a cancel, a trade, a newcomer's first order."""
    ids = {name: order_id for name, (order_id, *_) in session.told.items()}
    assert isinstance(session.exchange.amend("buyer", ids["c3"], price=96_000, quantity=6), Accepted)
    assert isinstance(session.exchange.cancel("other", ids["c4"]), Accepted)
    session.place("other", "buy", 2, 99_000)
    session.place("newcomer", "buy", 1, 93_000, "BBB")


def _unreleased(session: Session) -> None:
    """Everything is settled; the release of one listing's batch never reached the gate."""
    _waiting(session)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GateClient, "release", _dying(GateClient.release, 1))
        with pytest.raises(Killed):
            listing_drain(session.exchange.listings["AAA"].pk)
    listing_drain(session.exchange.listings["BBB"].pk)


def _closing(session: Session) -> None:
    """In the middle of the close: one listing has cancelled a part of what rests, the other has not begun."""
    _waiting(session)
    market_close(market=session.exchange.market, early=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "CLOSE_CHUNK", 1)
        patch.setattr(engine, "DRAIN_BUDGET_SECONDS", 60.0)
        patch.setattr(GateClient, "release", _dying(GateClient.release, 2))
        with pytest.raises(Killed):
            listing_drain(session.exchange.listings["AAA"].pk)
    row = Listing.objects.get(pk=session.exchange.listings["AAA"].pk)
    assert row.marker is not None and not row.is_closed


def _dying(real: Callable[..., Any], at_call: int) -> Callable[..., Any]:
    """Return `real`, dying instead of its n-th call."""
    calls = 0

    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at_call:
            raise Killed
        return real(*args, **kwargs)

    return call


STATES: dict[str, Callable[[Session], None]] = {
    "settled": lambda session: None,
    "waiting": _waiting,
    "unreleased": _unreleased,
    "closing": _closing,
}


def _recover(exchange: Exchange) -> None:
    """Do what the clock and the engines do until the gate is open; a bounded number of times."""
    engine._engines.clear()
    for _ in range(SWEEPS_MAX):
        tasks.sweep()
        if gate().is_open():
            return
        for listing in exchange.listings.values():
            listing_drain(listing.pk)
    raise AssertionError("the gate did not open")


def _finish(session: Session, *, close: bool) -> None:
    """Apply all that waits; where the close had begun, end it."""
    if close:
        market_close(market=session.exchange.market, early=True)
    session.exchange.drain()
    assert market_is_drained(market=session.exchange.market) is close


def _undisturbed(state: str, symbol: str = "") -> Any:
    """Return what players see after the same commands when nothing happens to the store."""
    session = _settled()
    STATES[state](session)
    engine._engines.clear()
    _finish(session, close=state == "closing")
    return session.state(symbol)


def _require_refusing(session: Session) -> None:
    """Nothing is accepted, not even a repeat, and nothing is written."""
    exchange, before = session.exchange, dump()
    order_id, refused = session.told["c3"][0], Refused("recovering")
    assert exchange.submit("buyer", "buy", 1, 90_000) == refused
    assert session.ask_again("c1") == refused
    assert exchange.amend("buyer", order_id, quantity=9) == refused
    assert exchange.cancel("buyer", order_id) == refused
    assert exchange.cancel_all("buyer") == refused
    assert dump() == before


def _require_repeats_answered(session: Session) -> None:
    """What is in the ledger gives its first answer again, and places nothing."""
    for client_order_id, (order_id, *_) in session.told.items():
        if session.in_ledger(client_order_id):
            answer = session.ask_again(client_order_id)
            assert isinstance(answer, Accepted)
            assert (answer.order_id, answer.duplicate) == (order_id, True)


def _require_new_ids(session: Session) -> None:
    """What is accepted now has an id that was never given, in a later epoch."""
    given = {order_id for order_id, *_ in session.told.values()}
    epochs = {int(order_id.split("-")[1]) for order_id in given}
    for symbol in ("AAA", "BBB"):
        answer = session.exchange.submit("buyer", "buy", 1, 80_000, symbol=symbol)
        assert isinstance(answer, Accepted) and answer.order_id not in given
        assert int(answer.order_id.split("-")[1]) > max(epochs)
    session.exchange.drain()


@pytest.mark.parametrize("state", STATES)
def test_a_store_restarted_with_its_log_loses_nothing(store: GateStore, state: str) -> None:
    expected = _undisturbed(state)
    session = _settled()
    STATES[state](session)
    store.restart()
    _require_refusing(session)
    _recover(session.exchange)
    session.exchange.audit()
    _finish(session, close=state == "closing")
    assert session.state() == expected
    assert all(session.in_ledger(client_order_id) for client_order_id in session.told)
    _require_repeats_answered(session)
    if state != "closing":
        _require_new_ids(session)


def _old_copy(store: GateStore, copy: Path) -> None:
    store.put_back(copy)


def _empty(store: GateStore, copy: Path) -> None:
    store.wipe()


@pytest.mark.parametrize("damage", [_old_copy, _empty])
@pytest.mark.parametrize("state", STATES)
def test_a_store_that_lost_its_tail_or_all_has_what_was_settled(
    store: GateStore, tmp_path: Path, state: str, damage: Callable[[GateStore, Path], None]
) -> None:
    expected = _undisturbed("settled" if state == "waiting" else state, "AAA" if state == "closing" else "")
    session = _settled()
    store.copy_log(tmp_path / "copy")
    STATES[state](session)
    damage(store, tmp_path / "copy")
    _require_refusing(session)
    _recover(session.exchange)
    session.exchange.audit()
    _finish(session, close=state == "closing")
    if state == "closing":  # the listing that had not begun has lost what waited in its stream
        assert session.state("AAA") == expected
        assert [session.in_ledger(name) for name in session.told] == [True] * 6 + [False]
        assert set(Order.objects.filter(status="open")) == set()
    else:
        assert session.state() == expected
    _require_repeats_answered(session)
    if state != "closing":
        _require_new_ids(session)
        lost = [name for name in session.told if not session.in_ledger(name)]
        assert len(lost) == (2 if state == "waiting" else 0)
        for client_order_id in lost:  # asked again, it is accepted anew
            answer = session.ask_again(client_order_id)
            assert isinstance(answer, Accepted) and not answer.duplicate
        session.exchange.drain()


@pytest.mark.parametrize("state", STATES)
def test_a_wiped_bus_loses_nothing(store: GateStore, state: str) -> None:
    expected = _undisturbed(state)
    session = _settled()
    STATES[state](session)
    with redis.Redis.from_url(configured.BUS_REDIS_URL) as bus:
        bus.flushall()
    assert gate().is_open()
    engine._engines.clear()
    lagging = {listing.symbol for listing in tasks.listings_lagging()}
    assert lagging == ({"AAA", "BBB"} if state in ("waiting", "closing") else set())
    _finish(session, close=state == "closing")
    assert session.state() == expected


@pytest.mark.parametrize("at_call", range(1, 6))
def test_a_recovery_that_dies_on_its_way_is_taken_up_by_the_next(store: GateStore, at_call: int) -> None:
    expected = _undisturbed("settled")
    session = _settled()
    store.wipe()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GateClient, "run", _dying(GateClient.run, at_call))
        with pytest.raises(Killed):
            gate_ensure_open()
    _require_refusing(session)
    _recover(session.exchange)
    _finish(session, close=False)
    assert session.state() == expected
    _require_repeats_answered(session)
    _require_new_ids(session)


def test_a_batch_of_the_lost_store_is_fenced(store: GateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker has read entries and matched them; before it settles, the store is lost and rebuilt."""
    expected = _undisturbed("settled")
    session = _settled()
    _waiting(session)
    fenced = []

    def late(batch: Any) -> None:
        monkeypatch.setattr(engine, "batch_settle", batch_settle)
        store.wipe()
        _recover(session.exchange)
        fenced.append(batch)
        batch_settle(batch)

    monkeypatch.setattr(engine, "batch_settle", late)
    assert listing_drain(session.exchange.listings["AAA"].pk) is False
    assert fenced
    with pytest.raises(FencedError):
        batch_settle(fenced[0])
    _finish(session, close=False)
    assert session.state() == expected


def test_a_release_of_the_lost_store_is_not_applied_to_the_new_one(store: GateStore) -> None:
    """What is loaded has every settled release in it; the one that never reached the lost store comes late."""
    session = _settled()
    _unreleased(session)
    store.wipe()
    _recover(session.exchange)
    seen, columns = dump(), ("first", "last", "payload")
    for listing in session.exchange.listings.values():
        engine.outbox_apply(listing.pk)
        for first, last, payload in Outbox.objects.filter(listing=listing).values_list(*columns):
            gate().release(listing.pk, first, last, "0-0", payload)
    assert dump() == seen
    session.exchange.audit()


def test_a_store_that_comes_back_after_another_has_served_knows_its_requests(
    store: GateStore, tmp_path: Path
) -> None:
    """Its sequences are as high as those given since, but they stand for other orders."""
    session = _settled()
    listing_id = session.exchange.listings["AAA"].pk
    for _ in range(2):
        session.exchange.submit("other", "buy", 1, 90_000)
    store.copy_log(tmp_path / "copy")
    store.wipe()
    _recover(session.exchange)
    session.place("buyer", "buy", 1, 85_000)
    session.exchange.drain()
    store.put_back(tmp_path / "copy")
    assert gate().sequences([listing_id])[listing_id][0] == Listing.objects.get(pk=listing_id).checkpoint
    _recover(session.exchange)
    session.exchange.drain()
    _require_repeats_answered(session)


def test_only_what_the_store_does_not_know_is_loaded(store: GateStore, tmp_path: Path) -> None:
    """Requests outlive a restart; to load them all again would take as long as the game is old."""
    session = _settled()
    store.copy_log(tmp_path / "copy")
    session.place("other", "buy", 2, 92_000)
    session.exchange.drain()

    def requests_loaded() -> int:
        loaded = []
        real = GateClient.run
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(GateClient, "run", lambda self, *args: (loaded.append(args), real(self, *args))[1])
            _recover(session.exchange)
        return sum(
            text.count(session.prefix) for _, *words in loaded for text in words if isinstance(text, str)
        )

    store.restart()
    assert requests_loaded() == 0
    store.put_back(tmp_path / "copy")
    assert requests_loaded() == 1
    store.wipe()
    assert requests_loaded() == len(session.told)
    _require_repeats_answered(session)


def test_the_epoch_outlives_the_store(store: GateStore) -> None:
    session = _settled()
    for _ in range(3):
        store.wipe()
        _recover(session.exchange)
    assert GateRecord.objects.get().epoch == 4
    assert gate().state()["epoch"] == "4"
    _require_new_ids(session)


def test_a_recovery_that_was_overtaken_does_not_open_the_gate_in_its_old_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It stood still with an epoch in hand. Another opened the gate, orders came, and the store is gone again."""
    exchange = open_exchange()
    real = recovery._epoch_begin

    def overtaken(market: Any) -> int | None:
        monkeypatch.setattr(recovery, "_epoch_begin", real)
        epoch = real(market)
        assert gate_ensure_open()
        exchange.submit("buyer", "buy", 1, 99_000)
        exchange.drain()
        gate().redis.hset("gate", "run_id", "of another run")
        return epoch

    monkeypatch.setattr(recovery, "_epoch_begin", overtaken)
    gate().redis.hset("gate", "run_id", "of another run")
    assert not gate_ensure_open()
    assert gate_ensure_open()
    assert gate().state()["epoch"] == "4"
    exchange.drain()


def test_a_store_replaced_while_the_market_is_loaded_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was loaded went into the store of before: the one that answers now has no accounts."""
    exchange = open_exchange()
    exchange.submit("buyer", "buy", 1, 99_000)
    exchange.drain()
    gate().redis.hset("gate", "run_id", "of another run")
    with monkeypatch.context() as patch:
        patch.setattr(GateClient, "store_run_id", lambda _: "of the store that was loaded")
        assert not gate_ensure_open()
    assert exchange.submit("buyer", "buy", 1, 99_000) == Refused("recovering")
    assert gate_ensure_open()
    exchange.drain()
