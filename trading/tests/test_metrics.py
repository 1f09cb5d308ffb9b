"""The exchange's metrics, as any process gives them for all."""

import re

import pytest
from django.test import Client

from stocking.base.alarms import alarm
from trading import tasks
from trading.gate.client import GateClient, gate
from trading.tests.market import open_exchange

pytestmark = pytest.mark.django_db(transaction=True)


def figures(client: Client) -> dict[str, float]:
    text = client.get("/metrics").content.decode()
    return {name: float(value) for name, value in re.findall(r"^(stocking_\S+) (\S+)$", text, re.MULTILINE)}


def test_lags_halts_and_the_audit(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = open_exchange(symbols=("AAA", "BBB"))
    for _ in range(3):
        exchange.submit("buyer", "buy", 1, 90_000)
    assert figures(client)['stocking_stream_lag_entries{symbol="AAA"}'] == 3
    with monkeypatch.context() as patch:
        patch.setattr(GateClient, "release", lambda *_: 2)
        tasks.drain(exchange.listings["AAA"].pk)
    exchange.halt("BBB")
    tasks.audit()
    alarm("listing_stuck", "a test")
    found = figures(client)
    assert found['stocking_stream_lag_entries{symbol="AAA"}'] == 0
    assert found['stocking_outbox_lag_entries{symbol="AAA"}'] == 3
    assert found['stocking_outbox_lag_entries{symbol="BBB"}'] == 0
    assert found['stocking_listings_halted{by="staff"}'] == 1
    assert found['stocking_listings_halted{by="engine"}'] == 0
    assert found["stocking_audit_ok"] == 1
    assert 0 <= found["stocking_audit_age_seconds"] < 60
    assert (found["stocking_markets_unsettled"], found["stocking_markets_suspended"]) == (1, 0)
    assert found['stocking_alarms{kind="listing_stuck"}'] == 1
    gate().redis.hincrby(f"account:{exchange.market.pk}:{exchange.account('buyer')}", "cash", 1)
    tasks.audit()
    tasks.audit()
    gate().redis.hincrby(f"account:{exchange.market.pk}:{exchange.account('buyer')}", "cash", -1)
    found = figures(client)
    assert (found["stocking_audit_ok"], found["stocking_markets_suspended"]) == (0, 1)


def test_what_cannot_be_read_is_left_out(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    import redis

    def away(*_: object) -> None:
        raise redis.ConnectionError

    open_exchange()
    monkeypatch.setattr(GateClient, "sequences", away)
    found = figures(client)
    assert found["stocking_markets_unsettled"] == 1
    assert not any(name.startswith("stocking_stream_lag_entries") for name in found)
