"""The live audit: what is broken behind the system's back closes the market within two runs; nothing else does."""

import logging
import random
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from chat.models import Message
from stocking.base import stream
from stocking.base.alarms import alarm_counts
from trading import engine, tasks
from trading.audit import instant, watch
from trading.audit.checks import market_faults
from trading.audit.instant import NoInstantError
from trading.audit.watch import Status, market_certify, market_watch
from trading.engine import listing_drain
from trading.gate.answers import Accepted, Refused
from trading.gate.client import GateClient, gate
from trading.models import AuditReport, Holding, Listing, Market, Order, Outbox, Portfolio, Trade
from trading.recovery import gate_ensure_open
from trading.services import market_resume, market_suspend
from trading.tests.market import Exchange, open_exchange

pytestmark = pytest.mark.django_db(transaction=True)


def trading_exchange() -> Exchange:
    """A market with trades, resting orders, and entries that wait in the stream."""
    exchange = open_exchange(shares={"seller": {"AAA": 100}})
    exchange.submit("seller", "sell", 40, 99_000)
    exchange.submit("buyer", "buy", 3, 99_000)
    exchange.submit("buyer", "buy", 5, 90_000)
    exchange.drain()
    exchange.submit("buyer", "buy", 1, 99_000)
    return exchange


def _cash_moved(exchange: Exchange) -> None:
    Portfolio.objects.filter(user=exchange.players["buyer"]).update(cash=1)


def _shares_made(exchange: Exchange) -> None:
    Holding.objects.filter(user=exchange.players["seller"]).update(quantity=10**6)


def _gate_cash_changed(exchange: Exchange) -> None:
    gate().redis.hincrby(f"account:{exchange.market.pk}:{exchange.account('buyer')}", "cash", 1)


def _gate_cash_nonsense(exchange: Exchange) -> None:
    gate().redis.hset(f"account:{exchange.market.pk}:{exchange.account('buyer')}", "cash", "much")


def _gate_shares_changed(exchange: Exchange) -> None:
    key = f"account:{exchange.market.pk}:{exchange.account('seller')}"
    gate().redis.hincrby(key, f"s{exchange.listings['AAA'].pk}", -1)


def _order_forgotten_by_the_gate(exchange: Exchange) -> None:
    gate().redis.spop(f"open:{exchange.market.pk}:{exchange.account('buyer')}")


def _stream_entry_dropped(exchange: Exchange) -> None:
    key = f"orders:{exchange.listings['AAA'].pk}"
    gate().redis.xdel(key, gate().redis.xrevrange(key, count=1)[0][0])


def _outbox_row_deleted(exchange: Exchange) -> None:
    real = GateClient.release
    GateClient.release = lambda *_: 0  # type: ignore[method-assign]
    try:
        while listing_drain(exchange.listings["AAA"].pk):
            pass
    finally:
        GateClient.release = real  # type: ignore[method-assign]
    Outbox.objects.order_by("-pk")[0].delete()


def _trade_deleted(exchange: Exchange) -> None:
    Trade.objects.all().delete()


def _checkpoint_lost(exchange: Exchange) -> None:
    """What a database whose last transaction is gone looks like."""
    Listing.objects.update(checkpoint=2)


def _order_made_bigger(exchange: Exchange) -> None:
    Order.objects.filter(status="open").update(quantity=6)


def _fill_forged(exchange: Exchange) -> None:
    Order.objects.filter(status="filled").update(filled_value=1)


VIOLATIONS: list[tuple[Callable[[Exchange], None], str]] = [
    (_cash_moved, "cash_conserved"), (_shares_made, "shares_conserved"), (_gate_cash_changed, "available_balances"),
    (_gate_cash_nonsense, "readable"), (_gate_shares_changed, "available_balances"),
    (_order_forgotten_by_the_gate, "available_balances"), (_stream_entry_dropped, "sequences"),
    (_outbox_row_deleted, "sequences"), (_trade_deleted, "shares_conserved"), (_checkpoint_lost, "sequences"),
    (_order_made_bigger, "books_as_digested"), (_fill_forged, "orders_consistent"),
]  # fmt: skip


@pytest.mark.unaudited
@pytest.mark.parametrize(("violate", "check"), VIOLATIONS, ids=[v[0].__name__.strip("_") for v in VIOLATIONS])
def test_a_violation_closes_the_market_within_two_runs_and_says_why(
    violate: Callable[[Exchange], None],
    check: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "DEEP_SHARE", 0)  # the one listing has its turn in every run
    exchange = trading_exchange()
    tasks.audit()
    assert AuditReport.objects.get().status == Status.OK
    violate(exchange)
    tasks.audit()
    suspected = AuditReport.objects.latest("pk")
    assert (suspected.status, suspected.action) == (Status.SUSPECTED, "")
    assert not Market.objects.get().is_suspended
    assert isinstance(exchange.submit("new", "buy", 1, 90_000), Accepted)
    caplog.set_level(logging.CRITICAL)
    tasks.audit()
    report, market = AuditReport.objects.latest("pk"), Market.objects.get()
    assert (report.status, report.action) == (Status.CONFIRMED, "market suspended")
    assert check in {key.split(":")[0] for key in report.fault_keys}
    assert market.is_suspended
    assert report.fault_texts[0] in market.suspension_reason
    assert any(record.levelno == logging.CRITICAL for record in caplog.records)
    assert alarm_counts()["market_suspended"] == 1
    assert exchange.submit("new", "buy", 1, 90_000) == Refused("market_closed")
    assert exchange.cancel_all("buyer") == Refused("market_closed")
    assert "장부를 확인하느라" in Message.objects.latest("pk").text
    tasks.audit()
    assert AuditReport.objects.latest("pk").runs == 1, "a suspended market is left as it is"
    assert not market_certify(market=market)


@pytest.mark.unaudited
def test_one_false_alarm_closes_nothing() -> None:
    exchange = trading_exchange()
    key = f"account:{exchange.market.pk}:{exchange.account('buyer')}"
    for _ in range(3):
        gate().redis.hincrby(key, "cash", 1)
        tasks.audit()
        assert AuditReport.objects.latest("pk").status == Status.SUSPECTED
        gate().redis.hincrby(key, "cash", -1)
        tasks.audit()
        assert AuditReport.objects.latest("pk").status == Status.OK
    gate().redis.hincrby(key, "cash", 1)
    tasks.audit()
    gate().redis.hincrby(key, "cash", -1)
    Holding.objects.filter(user=exchange.players["seller"]).update(quantity=1)
    tasks.audit()  # something else is wrong now than before
    assert AuditReport.objects.latest("pk").status == Status.SUSPECTED
    assert not Market.objects.get().is_suspended


@pytest.mark.unaudited
def test_staff_see_why_audit_again_and_resume(client: Client) -> None:
    exchange = trading_exchange()
    key = f"account:{exchange.market.pk}:{exchange.account('buyer')}"
    gate().redis.hincrby(key, "cash", 7)
    tasks.audit()
    tasks.audit()
    client.force_login(User.objects.create_superuser("staff@example.com", "운영자"))
    page = client.get("/admin/trading/auditreport/").content.decode()
    assert "market suspended" in page
    assert "won available, should be" in page

    def act(action: str) -> None:
        chosen = {"_selected_action": [exchange.market.pk], "reason": "확인"}
        client.post("/admin/trading/market/", {"action": action, **chosen})

    act("resume")
    assert Market.objects.get().is_suspended, "it is as wrong as before"
    gate().redis.hincrby(key, "cash", -7)
    act("resume")
    assert not Market.objects.get().is_suspended
    assert AuditReport.objects.latest("pk").action == "운영자"
    assert "거래를 다시 시작" in Message.objects.latest("pk").text
    assert isinstance(exchange.submit("new", "buy", 1, 90_000), Accepted)
    act("suspend")
    assert exchange.submit("new", "buy", 1, 90_000) == Refused("market_closed")
    act("audit")
    act("resume")
    assert isinstance(exchange.submit("new", "buy", 1, 90_000), Accepted)
    exchange.drain()


def test_what_is_settled_in_a_suspended_market_does_not_show_it_open() -> None:
    exchange = trading_exchange()
    market_suspend(market=exchange.market, reason="a test")
    exchange.drain()  # the order that was accepted before trades
    assert Trade.objects.count() == 2
    assert [row["status"] for row in stream.snapshot_data("market")] == ["closed"]
    market_resume(market=exchange.market)
    assert [row["status"] for row in stream.snapshot_data("market")] == ["trading"]


def test_a_suspension_outlives_the_gate_store() -> None:
    exchange = trading_exchange()
    exchange.drain()
    Market.objects.update(suspended_at=1)
    tasks.audit()  # the gate was away when it was told
    assert exchange.submit("new", "buy", 1, 90_000) == Refused("market_closed")
    gate().redis.flushall()
    assert gate_ensure_open()
    assert exchange.submit("new", "buy", 1, 90_000) == Refused("market_closed")


def test_each_run_goes_on_where_the_last_one_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """With slices of two accounts every account and every listing has its turn."""
    monkeypatch.setattr(watch, "ACCOUNTS_A_SLICE", 1)
    monkeypatch.setattr(watch, "SLICES_A_RUN", 2)
    monkeypatch.setattr(watch, "DEEP_SHARE", 0)
    exchange = open_exchange(symbols=("AAA", "BBB"))
    for name in ("one", "two", "three", "four", "five"):
        exchange.submit(name, "buy", 1, 90_000)
    exchange.drain()
    seen = []
    for _ in range(4):
        report = market_watch(market=exchange.market)
        assert report is not None and report.status == Status.OK
        seen.append((report.progress["user"], report.progress["listing"]))
    accounts = sorted(Portfolio.objects.values_list("user_id", flat=True))
    first, second = (exchange.listings[symbol].pk for symbol in ("AAA", "BBB"))
    assert seen == [(accounts[1], first), (accounts[3], second), (0, first), (accounts[1], second)]
    assert AuditReport.objects.get().runs == 4


def test_an_unanswered_audit_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = trading_exchange()
    with monkeypatch.context() as patch:
        patch.setattr("trading.audit.instant.TRIES", 0)
        assert market_watch(market=exchange.market) is None
        with pytest.raises(NoInstantError):
            market_faults(exchange.market)
    assert not AuditReport.objects.exists()


def _load(exchange: Exchange, stop: threading.Event, failures: list[BaseException]) -> list[threading.Thread]:
    """Start a thread that orders, amends and cancels, and an engine for each listing."""
    names = [f"p{n}" for n in range(6)]
    accounts = {name: exchange.account(name) for name in names}
    assert len(accounts) == len(names)

    def order() -> None:
        draws, placed = random.Random(1), []
        while not stop.is_set():
            name, symbol = draws.choice(names), draws.choice(list(exchange.listings))
            side = draws.choice(("buy", "sell"))
            answer = exchange.submit(
                name, side, draws.randint(1, 5), 100_000 + 100 * draws.randint(-9, 9), symbol=symbol
            )
            if isinstance(answer, Accepted):
                placed.append((name, answer.order_id))
            if len(placed) > 20:
                owner, order_id = placed.pop(draws.randrange(20))
                if draws.random() < 0.5:
                    exchange.cancel(owner, order_id)
                else:
                    exchange.amend(owner, order_id, quantity=draws.randint(1, 9))

    def drain(listing_id: int) -> None:
        while not stop.is_set():
            listing_drain(listing_id)

    def guarded(work: Callable[..., None], *arguments: Any) -> None:
        try:
            work(*arguments)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=guarded, args=(order,))]
    threads += [threading.Thread(target=guarded, args=(drain, row.pk)) for row in exchange.listings.values()]
    for thread in threads:
        thread.start()
    return threads


def test_under_load_hundreds_of_audits_raise_no_false_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BATCH_ENTRIES", 7)  # many small batches: many races
    exchange = open_exchange(
        symbols=("AAA", "BBB"), shares={f"p{n}": {"AAA": 10_000, "BBB": 10_000} for n in range(6)}
    )
    stop, failures = threading.Event(), []
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.0002)
    threads = _load(exchange, stop, failures)
    progress = watch.Progress()
    try:
        for number in range(150):
            if number % 30 == 0:
                _, faults = market_faults(exchange.market)
                assert faults == []
            else:
                assert watch._run(exchange.market, progress) == []
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        for thread in threads:
            thread.join(30)
    assert failures == []
    assert Trade.objects.count() > 100
    exchange.drain()


def test_a_long_stream_is_read_in_pages_and_one_too_long_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instant, "ENTRIES_A_SCRIPT", 3)
    monkeypatch.setattr(instant, "ENTRIES_A_PAGE", 4)
    exchange = trading_exchange()
    for _ in range(15):
        exchange.submit("buyer", "buy", 1, 90_000)
    exchange.audit()
    report = market_watch(market=exchange.market)
    assert report is not None and report.status == Status.OK
    with monkeypatch.context() as patch:
        patch.setattr(watch, "ENTRIES_MAX", 10)
        gate().redis.hincrby(f"account:{exchange.market.pk}:{exchange.account('buyer')}", "cash", 1)
        report = market_watch(market=exchange.market)
        assert report is not None and report.status == Status.OK, "the balances could not be compared"
    report = market_watch(market=exchange.market)
    assert report is not None and report.status == Status.SUSPECTED
    gate().redis.hincrby(f"account:{exchange.market.pk}:{exchange.account('buyer')}", "cash", -1)
    exchange.drain()
