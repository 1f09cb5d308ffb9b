"""A listing whose batch fails is halted, tried again ever more rarely, and never in the way of the others."""

import logging
import re
from typing import Any

import pytest
import redis
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

from accounts.models import User
from chat.models import Message
from stocking.base.alarms import alarm_counts
from stocking.base.units import now_ms
from trading import engine, halting, tasks
from trading.core.book import Book
from trading.gate.answers import Accepted, Refused
from trading.gate.client import GateClient, gate
from trading.models import Listing, Order, Outbox
from trading.settlement import FencedError
from trading.tests.market import Exchange, open_exchange

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """One drain applies all there is, also on a busy machine."""
    monkeypatch.setattr(engine, "DRAIN_BUDGET_SECONDS", 30.0)


def two_listings() -> tuple[Exchange, int, int]:
    exchange = open_exchange(symbols=("AAA", "BBB"))
    for symbol in ("AAA", "BBB"):
        exchange.submit("buyer", "buy", 1, 90_000, symbol=symbol)
    return exchange, exchange.listings["AAA"].pk, exchange.listings["BBB"].pk


def break_listing(patch: pytest.MonkeyPatch, broken: int, error: BaseException | None = None) -> list[int]:
    """Have every batch of a listing fail (or hang, without an error); returns the list of its tries."""
    real, tries = Book.apply, []

    def apply(book: Book, command: Any) -> Any:
        if book.listing == broken:
            tries.append(broken)
            if error is None:
                while True:
                    pass
            raise error
        return real(book, command)

    patch.setattr(Book, "apply", apply)
    return tries


@pytest.mark.parametrize("error", [KeyError(7), ZeroDivisionError("by zero"), TypeError("not a number")])
def test_any_error_of_the_code_halts_the_listing_alone(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    exchange, broken, sound = two_listings()
    caplog.set_level(logging.CRITICAL)
    began = now_ms()
    with monkeypatch.context() as patch:
        break_listing(patch, broken, error)
        tasks.drain(broken)
        tasks.drain(sound)
    row = Listing.objects.get(pk=broken)
    assert (row.is_halted, row.halted_by, row.failures) == (True, "engine", 1)
    assert type(error).__name__ in row.halt_reason
    assert type(error).__name__ in row.failure
    assert row.retry_at is not None and began < row.retry_at < now_ms() + 60_000
    assert alarm_counts()["listing_halted"] == 1
    assert "listing_halted" in caplog.text
    assert exchange.submit("buyer", "buy", 1, 90_000, symbol="AAA") == Refused("halted")
    assert isinstance(exchange.submit("buyer", "buy", 1, 90_000, symbol="BBB"), Accepted)
    assert Order.objects.get().listing_id == sound
    halting.forget_all()  # its time has come
    tasks.drain(broken)
    row.refresh_from_db()
    assert (row.is_halted, row.halted_by, row.failures, row.retry_at) == (False, "", 0, None)
    told = Message.objects.order_by("pk").values_list("text", "level")
    assert [(("멈췄어요" in text, "다시 시작" in text), level) for text, level in told] == [
        ((True, False), "warning"),
        ((False, True), "warning"),
    ]
    assert not any(type(error).__name__ in text for text, _ in told)
    assert isinstance(exchange.submit("buyer", "buy", 1, 90_000, symbol="AAA"), Accepted)
    exchange.drain()


def test_a_halt_does_not_depend_on_the_chat(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange, broken, _ = two_listings()
    with monkeypatch.context() as patch, connection.cursor() as cursor:
        break_listing(patch, broken, KeyError(7))
        cursor.execute("ALTER TABLE chat_message RENAME TO chat_elsewhere")
        try:
            tasks.drain(broken)
        finally:
            cursor.execute("ALTER TABLE chat_elsewhere RENAME TO chat_message")
    assert Listing.objects.get(pk=broken).halted_by == "engine"
    assert exchange.submit("buyer", "buy", 1, 90_000, symbol="AAA") == Refused("halted")
    halting.forget_all()
    tasks.drain(broken)
    assert not Listing.objects.get(pk=broken).is_halted


def test_what_staff_have_halted_stays_halted(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange, broken, _ = two_listings()
    with monkeypatch.context() as patch:
        break_listing(patch, broken, KeyError(7))
        tasks.drain(broken)
    exchange.halt("AAA")
    halting.forget_all()
    tasks.drain(broken)
    row = Listing.objects.get(pk=broken)
    assert (row.is_halted, row.halted_by, row.failures) == (True, "staff", 0)
    assert row.checkpoint == 1


def test_a_broken_listing_does_not_hold_up_the_others_on_its_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Woken again and again, it is left alone; what the others are sent is settled at the very next wake-up."""
    exchange, broken, sound = two_listings()
    with monkeypatch.context() as patch:
        tries = break_listing(patch, broken, KeyError(7))
        for count in range(1, 101):
            tasks.drain(broken)
            tasks.drain(sound)
            assert Listing.objects.get(pk=sound).checkpoint == count
            exchange.submit("buyer", "buy", 1, 90_000, symbol="BBB")
    assert len(tries) < 10
    assert tasks.listings_lagging() == [exchange.listings["BBB"]], "nobody wakes it before its time"


def test_a_batch_that_hangs_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange, broken, sound = two_listings()
    with monkeypatch.context() as patch:
        patch.setattr(halting, "DRAIN_SECONDS_MAX", 0.3)
        patch.setattr(halting, "STUCK_SECONDS", 0.0)
        tries = break_listing(patch, broken)
        for count in (1, 2, 3):
            tasks.drain(broken)
            row = Listing.objects.get(pk=broken)
            assert (row.failures, row.is_halted) == (count, count == 3)
            assert row.retry_at is not None and row.retry_at > now_ms() + 1_000, "twenty times what it took"
            halting._troubles[broken].due = 0.001
        tasks.drain(sound)
    assert len(tries) == 3
    assert "not done in" in row.halt_reason
    assert Listing.objects.get(pk=sound).checkpoint == 1
    tasks.drain(broken)
    assert not Listing.objects.get(pk=broken).is_halted
    exchange.drain()


def test_surroundings_that_fail_halt_nothing_until_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange, broken, _ = two_listings()
    error = OperationalError("the disk is full")
    with monkeypatch.context() as patch:
        break_listing(patch, broken, error)
        patch.setattr(halting, "STUCK_SECONDS", 1_000.0)
        for count in (1, 2, 3, 4):
            tasks.drain(broken)
            row = Listing.objects.get(pk=broken)
            assert (row.failures, row.is_halted) == (count, False)
            halting._troubles[broken].due = 0.001
        patch.setattr(halting, "STUCK_SECONDS", 0.0)
        tasks.drain(broken)
    assert Listing.objects.get(pk=broken).is_halted
    halting.forget_all()
    tasks.drain(broken)
    assert not Listing.objects.get(pk=broken).is_halted
    exchange.drain()


@pytest.mark.parametrize(
    ("error", "seconds_max"),
    [
        (redis.ConnectionError("refused"), 0.5),
        (redis.TimeoutError("no answer"), 0.5),
        (OperationalError(2006, "server has gone away"), 0.5),
        (InterfaceError("closed"), 0.5),
        (OperationalError("database is locked"), 0.5),
        (OperationalError(1205, "lock wait"), 100.0),
        (KeyError(7), 100.0),
    ],
)
def test_what_is_away_is_asked_again_soon_however_long_the_try_has_taken(
    error: Exception, seconds_max: float
) -> None:
    _, listing, _ = two_listings()
    halting.drain_failed(listing, error, 5.0)
    trouble = halting._troubles[listing]
    assert trouble.due - trouble.at == pytest.approx(seconds_max)


def test_the_back_off_grows_and_outlives_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    _, broken, _ = two_listings()
    waits = []
    with monkeypatch.context() as patch:
        break_listing(patch, broken, KeyError(7))
        for _ in range(8):
            halting.forget_all()
            before = now_ms()
            tasks.drain(broken)
            waits.append((Listing.objects.get(pk=broken).retry_at or 0) - before)
    assert [round(wait / 1_000, 0) for wait in waits[1:]] == [1, 2, 4, 8, 16, 30, 30]
    halting.forget_all()
    tasks.drain(broken)


def test_a_fenced_worker_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange, broken, _ = two_listings()
    with monkeypatch.context() as patch:
        break_listing(patch, broken, FencedError("another worker"))
        tasks.drain(broken)
    assert Listing.objects.get(pk=broken).failures == 0
    assert engine._engines == {}
    exchange.drain()


def test_staff_see_the_reason_and_the_next_try(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    _, broken, _ = two_listings()
    with monkeypatch.context() as patch:
        break_listing(patch, broken, KeyError("missing"))
        tasks.drain(broken)
    client.force_login(User.objects.create_superuser("staff@example.com", "운영자"))
    page = client.get("/admin/trading/listing/").content.decode()
    assert "KeyError" in page
    assert "엔진" in page
    assert re.findall(r'class="field-retry[^>]*>(.)', page).count("-") == 1, "the sound one has none"
    halting.forget_all()
    tasks.drain(broken)


def test_a_listing_that_cannot_be_swept_does_not_stop_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange, broken, sound = two_listings()
    real = GateClient.release
    with monkeypatch.context() as patch:
        patch.setattr(GateClient, "release", lambda *_: 0)
        tasks.drain(broken)
    payload = Outbox.objects.get().payload
    Outbox.objects.update(payload="nonsense")
    assert tasks.listings_lagging() == [exchange.listings["BBB"]]
    Outbox.objects.update(payload=payload)
    assert GateClient.release is real
    assert tasks.listings_lagging() == [exchange.listings["BBB"]]
    assert gate().sequences([broken])[broken] == (1, 1)
    tasks.drain(sound)
