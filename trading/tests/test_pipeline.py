"""The pipelined connection of order entry, against a real store whose connections are really cut."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings

from stocking.launch.instance import wait_until
from trading.gate import pipeline
from trading.gate.answers import Refused, Who, submit_arguments
from trading.gate.client import AsyncGateClient
from trading.gate.pipeline import StoreBusyError, StoreLostError, StorePipeline, StoreRefusedError
from trading.tests.market import open_exchange

NEVER = ("BLPOP", "nothing", 0)  # a question that is not answered, and keeps those behind it waiting


@pytest.fixture
async def store() -> AsyncIterator[StorePipeline]:
    """Return a pipeline to the gate store, closed in the end."""
    opened = StorePipeline(settings.ORDER_REDIS_URL)
    yield opened
    opened.close()


def another_client() -> redis.Redis:
    """Return an ordinary client of the same store."""
    return redis.Redis.from_url(settings.ORDER_REDIS_URL)


def cut_connections() -> None:
    """Have the store close every connection but the one that asks."""
    with another_client() as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def connections_waiting() -> bool:
    """Return whether a connection is blocked in the store, its question read."""
    with another_client() as client:
        return int(client.info("clients")["blocked_clients"]) > 0


async def until_blocked() -> None:
    """Wait until the store holds a question back."""
    await asyncio.to_thread(wait_until, connections_waiting, 5, "the store holds a question back")


async def test_many_at_once_each_get_their_own_answer(store: StorePipeline) -> None:
    asked = [store.execute("ECHO", f"word {number}") for number in range(500)]
    assert await asyncio.gather(*asked) == [b"word %d" % number for number in range(500)]
    with another_client() as client:
        assert len([c for c in client.client_list(_type="normal") if c["cmd"] == "echo"]) == 1


async def test_an_error_is_told_to_whoever_caused_it(store: StorePipeline) -> None:
    good, bad, after = await asyncio.gather(
        store.execute("ECHO", "one"),
        store.execute("NONSENSE"),
        store.execute("ECHO", "two"),
        return_exceptions=True,
    )
    assert (good, after) == (b"one", b"two")
    assert isinstance(bad, StoreRefusedError)


async def test_what_is_in_flight_when_the_connection_is_lost_fails_and_the_next_goes_on_a_new_one(
    store: StorePipeline,
) -> None:
    in_flight = [asyncio.ensure_future(store.execute(*NEVER))]
    in_flight += [asyncio.ensure_future(store.execute("ECHO", "behind")) for _ in range(5)]
    await until_blocked()
    cut_connections()
    outcomes = await asyncio.gather(*in_flight, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StoreLostError] * 6
    assert await store.execute("ECHO", "again") == b"again"


async def test_a_late_answer_reaches_nobody(store: StorePipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "CHECK_SECONDS", 0.02)
    monkeypatch.setattr(pipeline, "ANSWER_SECONDS", 0.1)
    late = asyncio.ensure_future(store.execute("BLPOP", "list", 0))
    behind = asyncio.ensure_future(store.execute("ECHO", "behind"))
    for outcome in await asyncio.gather(late, behind, return_exceptions=True):
        assert isinstance(outcome, StoreLostError)
    with another_client() as client:
        client.lpush("list", "late")
    assert await store.execute("ECHO", "mine") == b"mine"


async def test_an_answer_to_somebody_who_has_gone_is_passed_over(store: StorePipeline) -> None:
    gone = asyncio.ensure_future(store.execute("BLPOP", "list", 0))
    await until_blocked()
    gone.cancel()
    waiting = asyncio.ensure_future(store.execute("ECHO", "mine"))
    with another_client() as client:
        client.lpush("list", "for nobody")
    assert await waiting == b"mine"


async def test_too_much_in_flight_is_not_sent(store: StorePipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "IN_FLIGHT_MAX", 2)
    waiting = [asyncio.ensure_future(store.execute(*NEVER)) for _ in range(2)]
    await until_blocked()
    with pytest.raises(StoreBusyError):
        await store.execute("INCR", "counted")
    cut_connections()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert await store.execute("EXISTS", "counted") == 0


async def test_a_store_that_is_away_is_told_and_found_again() -> None:
    away = StorePipeline("redis://127.0.0.1:1/0")
    for _ in range(2):
        outcomes = await asyncio.gather(*(away.execute("PING") for _ in range(3)), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [StoreLostError] * 3
    away._address["port"] = urlsplit(settings.ORDER_REDIS_URL).port
    assert await away.execute("PING") == b"PONG"
    away.close()


async def test_the_wrong_password_is_no_connection() -> None:
    port = urlsplit(settings.ORDER_REDIS_URL).port
    stranger = StorePipeline(f"redis://:wrong@127.0.0.1:{port}/0")
    with pytest.raises(StoreLostError):
        await stranger.execute("PING")


@pytest.mark.django_db(transaction=True)
def test_commands_after_a_lost_connection_and_after_a_loss_of_the_scripts() -> None:
    exchange = open_exchange()
    who = Who(account=exchange.account("ann"), is_limited=False)

    def order(number: int) -> list[object]:
        return submit_arguments(who, f"p{number}", "AAA", "buy", "limit", 100_000, 1)

    async def play() -> None:
        client = AsyncGateClient(settings.ORDER_REDIS_URL)
        blocked = asyncio.ensure_future(client._store.execute(*NEVER))
        await until_blocked()
        unknown = asyncio.ensure_future(client.command("submit", order(1)))
        await asyncio.sleep(0)  # let it be sent
        cut_connections()
        with pytest.raises(StoreLostError):
            await blocked
        assert await unknown == Refused("outcome_unknown")
        with another_client() as store:
            store.script_flush()
        first = await client.command("submit", order(1))
        again = await client.command("submit", order(1))
        assert (first.order_id, again.duplicate) == (again.order_id, True)  # type: ignore[union-attr]
        client.close()

    asyncio.run(play())
    exchange.drain()
