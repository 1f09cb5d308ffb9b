"""Practice over its whole way: socket, bus, the host's process (here a thread), the private topic, and back."""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator

from accounts.models import User
from games.practice import asks, process
from stocking.base import stream
from stocking.base.consumers import StreamConsumer
from stocking.launch.instance import wait_until

HEADERS = [(b"origin", b"http://testserver"), (b"host", b"testserver")]


@contextmanager
def hosting() -> Iterator[threading.Event]:
    """Run a host beside the test until the block ends, or until its event is set."""
    stop = threading.Event()
    thread = threading.Thread(target=process.run, args=(stop,))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def listeners() -> int:
    return int(stream.bus().pubsub_numsub(asks.CHANNEL)[0][1])


@pytest.fixture
def host() -> Iterator[threading.Event]:
    with hosting() as stop:
        wait_until(lambda: listeners() == 1, 10, "a host listens")
        yield stop


@asynccontextmanager
async def opened(user: User | None) -> AsyncIterator[WebsocketCommunicator]:
    socket = WebsocketCommunicator(StreamConsumer.as_asgi(), "/ws/", HEADERS)
    socket.scope["user"] = user
    await socket.connect()
    yield socket
    await socket.disconnect()


async def say(socket: WebsocketCommunicator, **message: Any) -> None:
    await socket.send_to(text_data=json.dumps(message))


async def hear(socket: WebsocketCommunicator) -> dict[str, Any]:
    return json.loads(await socket.receive_from(timeout=5))


async def answer(socket: WebsocketCommunicator, ref: str, **ask: Any) -> dict[str, Any]:
    """Ask, and return the frame (or the error) that answers."""
    await say(socket, op="practice", ref=ref, **ask)
    while True:
        message = await hear(socket)
        if message["type"] == "error":
            return message
        assert message["topic"] == "practice"
        if any(row["ref"] == ref for row in message["data"]["answers"]):
            return message["data"]


async def test_a_game_over_the_socket(host: threading.Event) -> None:
    async with opened(User(pk=41)) as socket:
        await say(socket, op="subscribe", topics=["practice"])
        assert (await hear(socket))["data"] == {"phase": "none", "answers": []}
        start = await answer(socket, "r1", do="start", mode="free", seed=9, speed=4)
        assert (start["phase"], start["is_full"], start["seed"]) == ("trading", True, 9)
        later = await hear(socket)
        assert later["data"]["now_ms"] > start["now_ms"]
        order = {"symbol": "BRM", "side": "buy", "type": "limit", "price": 48_000, "quantity": 2}
        placed = await answer(socket, "r2", do="submit", client_order_id="c1", **order)
        assert placed["answers"] == [{"ref": "r2", "order_id": "player-1", "duplicate": False}]
        again = await answer(socket, "r3", do="submit", client_order_id="c1", **order)
        assert again["answers"][0]["duplicate"] is True
        refused = await answer(socket, "r4", do="cancel", order_id="player-7")
        assert refused["answers"][0]["code"] == "order_not_found"
        # Another socket of the same player sees the same game; another player sees none.
        async with opened(User(pk=41)) as second, opened(User(pk=42)) as other:
            for one in (second, other):
                await say(one, op="subscribe", topics=["practice"])
            assert (await answer(second, "l", do="look"))["game"] == start["game"]
            assert (await answer(other, "l", do="look"))["phase"] == "none"
        host.set()
        while (last := await hear(socket))["data"]["phase"] != "lost":
            pass
        wait_until(lambda: listeners() == 0, 10, "nobody listens")
        assert (await answer(socket, "r5", do="look"))["code"] == "practice_unavailable"
        assert last["type"] == "update"


@pytest.mark.parametrize(
    ("user", "ask", "code"),
    [
        (None, {"do": "look", "ref": "r"}, "not_authenticated"),
        (User(pk=1), {"do": "look"}, "invalid_request"),
        (User(pk=1), {"do": "start", "ref": "r", "mode": "free", "minutes": 60}, "invalid_request"),
        (User(pk=1), {"do": "speed", "ref": "r", "speed": 1_000}, "invalid_request"),
        (
            User(pk=1),
            {"do": "submit", "ref": "r", "client_order_id": "c", "symbol": "BRM", "side": "buy", "type": "limit",
             "price": 1.0, "quantity": 1},
            "invalid_request",
        ),
        (User(pk=1), {"do": "look", "ref": "r"}, "practice_unavailable"),
    ],
)  # fmt: skip
async def test_what_is_refused_at_the_door(user: User | None, ask: dict[str, Any], code: str) -> None:
    async with opened(user) as socket:
        await say(socket, op="practice", **ask)
        refusal = await hear(socket)
    assert (refusal["type"], refusal["code"]) == ("error", code)


async def test_nobody_follows_another_ones_game() -> None:
    async with opened(User(pk=1)) as socket:
        await say(socket, op="subscribe", topics=["practice:2"])
        assert (await hear(socket))["code"] == "invalid_request"
    async with opened(None) as visitor:
        await say(visitor, op="subscribe", topics=["practice"])
        assert (await hear(visitor))["code"] == "not_authenticated"


def test_one_host_at_a_time() -> None:
    bus = stream.bus()
    with hosting() as first:
        wait_until(lambda: listeners() == 1, 10, "the first host listens")
        token = bus.get(process.PLACE_KEY)
        with hosting():
            # The second one waits at the door for as long as the first one keeps the place.
            assert process.Place(bus).take() is False
            assert bus.get(process.PLACE_KEY) == token
            first.set()
            wait_until(
                lambda: bus.get(process.PLACE_KEY) not in (token, None), 10, "the second host has the place"
            )
            wait_until(lambda: listeners() == 1, 10, "the second host listens")


def test_what_is_no_ask_does_no_harm(host: threading.Event) -> None:
    for data in (b"", b"{}", b'[1,{"do":"stop"}]', b"\xff"):
        assert stream.bus().publish(asks.CHANNEL, data) == 1
    stream.bus().publish(asks.CHANNEL, asks.sealed(51, asks.Start(ref="r", mode="free")))
    wait_until(lambda: stream.is_kept("practice:51"), 10, "the host goes on")
