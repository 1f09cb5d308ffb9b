"""The one socket: over Channels' own communicator, and on a real uvicorn where what is not read piles up."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis
from channels.testing import WebsocketCommunicator
from django.conf import settings
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from stocking.base import consumers, outlets, stream
from stocking.base.consumers import StreamConsumer
from tests.served import served

HEADERS = [(b"origin", b"http://testserver"), (b"host", b"testserver")]
TOPICS = ("trial", "tape:AAA", "own:1")


@pytest.fixture(autouse=True)
def _topics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have topics of our own, so that no application and no database is needed."""
    monkeypatch.setattr(stream, "_topics", {})
    stream.register_topic("trial", kind="replace")
    stream.register_topic("tape", kind="append", parameters=1, limit=3)
    stream.register_topic("own", kind="append", private=True)


@asynccontextmanager
async def opened(headers: Any = HEADERS) -> AsyncIterator[WebsocketCommunicator]:
    """Open a socket without a server."""
    socket = WebsocketCommunicator(StreamConsumer.as_asgi(), "/ws/", headers)
    socket.scope["user"] = None
    connected, _ = await socket.connect()
    assert connected
    yield socket
    await socket.disconnect()


async def say(socket: WebsocketCommunicator, **message: Any) -> None:
    await socket.send_to(text_data=json.dumps(message))


async def hear(socket: WebsocketCommunicator) -> dict[str, Any]:
    return json.loads(await socket.receive_from(timeout=5))


async def closed_with(socket: WebsocketCommunicator) -> int:
    """Return the code the server closes with; messages before it are passed over."""
    while True:
        output = await socket.receive_output(timeout=5)
        if output["type"] == "websocket.close":
            return int(output["code"])


# What is refused ----------------------------------------------------------------------------------


def headers_of(*origins: str, host: str = "game.example", **more: str) -> list[tuple[bytes, bytes]]:
    """Return the headers of a handshake, the origins in their order."""
    lines = [("host", host), *(("origin", origin) for origin in origins), *more.items()]
    return [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in lines]


OURS = "http://game.example"
FOREIGN = {
    "missing": headers_of(),
    "empty": headers_of(""),
    "null": headers_of("null"),
    "another": headers_of("http://evil.example"),
    "suffix": headers_of("http://evilgame.example"),
    "prefix": headers_of("http://game.example.evil.example"),
    "subdomain": headers_of("http://evil.game.example"),
    "other port": headers_of("http://game.example:8080"),
    "port that is implied": headers_of("http://game.example:80"),
    "userinfo": headers_of("http://game.example@evil.example"),
    "userinfo in front": headers_of("http://evil@game.example"),
    "path": headers_of("http://game.example/"),
    "case": headers_of("http://GAME.example"),
    "scheme's case": headers_of("HTTP://game.example"),
    "another scheme": headers_of("ftp://game.example"),
    "no scheme": headers_of("game.example"),
    "space": headers_of(" http://game.example"),
    "two in one": headers_of("http://evil.example http://game.example"),
    "list": headers_of("http://game.example, http://evil.example"),
    "smuggled behind": headers_of(OURS, "http://evil.example"),
    "smuggled before": headers_of("http://evil.example", OURS),
    "twice the same": headers_of(OURS, OURS),
    "no host": [(b"origin", OURS.encode())],
    "two hosts": [*headers_of(OURS), (b"host", b"evil.example")],
    "a foreign name that points here": headers_of("http://evil.example", host="evil.example"),
    "a host that is none": headers_of("http://game.example evil", host="game.example evil"),
    "plain where all is secure": headers_of(OURS, x_forwarded_proto="https"),
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
async def test_a_missing_or_foreign_origin_is_told(headers: Any, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["game.example"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    async with opened(headers) as socket:
        assert await closed_with(socket) == consumers.CLOSE_ORIGIN


@pytest.mark.parametrize(
    "headers",
    [
        headers_of(OURS),
        headers_of("http://game.example:8000", host="game.example:8000"),
        headers_of("http://[::1]:8000", host="[::1]:8000"),
        headers_of("https://game.example", x_forwarded_proto="https"),
        headers_of("https://trusted.example"),
    ],
    ids=lambda headers: str(headers[1][1].decode()),
)
async def test_our_own_pages_are_let_in(headers: Any, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["game.example", "[::1]"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://trusted.example"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    async with opened(headers) as socket:
        await say(socket, op="ping")
        assert (await hear(socket))["type"] == "pong"


@pytest.mark.parametrize(
    "sent",
    [
        {"text_data": "{"},
        {"text_data": "[]"},
        {"text_data": '{"op": 1}'},
        {"text_data": '{"a":' * 5_000},
        {"text_data": "x" * (consumers.MAX_MESSAGE_BYTES + 1)},
        {"text_data": '{"op":"ping","text":"' + "가" * (consumers.MAX_MESSAGE_BYTES // 3) + '"}'},
        {"bytes_data": b"{}"},
    ],
    ids=lambda sent: str(sent)[:30],
)
async def test_what_cannot_be_read_closes(sent: dict[str, Any]) -> None:
    async with opened() as socket:
        await socket.send_to(**sent)
        assert await closed_with(socket) == consumers.CLOSE_BAD_MESSAGE


async def test_too_many_messages_close() -> None:
    async with opened() as socket:
        for _ in range(consumers.MESSAGES_BURST + 5):
            await say(socket, op="ping")
        assert await closed_with(socket) == consumers.CLOSE_TOO_MANY


async def test_too_many_topics_close() -> None:
    async with opened() as socket:
        names = [f"tape:A{number}" for number in range(consumers.MAX_TOPICS + 1)]
        await say(socket, op="subscribe", topics=names)
        assert (await hear(socket))["code"] == "invalid_request"
        await say(socket, op="subscribe", topics=names[:-1])
        for name in names[:-1]:
            assert (await hear(socket))["topic"] == name
        await say(socket, op="subscribe", topics=names[-1:])
        assert await closed_with(socket) == consumers.CLOSE_TOO_MANY


async def test_each_topic_counts_as_a_message() -> None:
    async with opened() as socket:
        names = [f"tape:A{number}" for number in range(consumers.MAX_TOPICS)]
        for _ in range(consumers.MESSAGES_BURST // consumers.MAX_TOPICS + 1):
            await say(socket, op="subscribe", topics=names)
        assert await closed_with(socket) == consumers.CLOSE_TOO_MANY


async def test_topics_that_do_not_exist_fill_no_store() -> None:
    async with opened() as socket:
        await say(socket, op="subscribe", topics=["tape:NONE"])
        assert (await hear(socket))["data"] == []
        with redis.Redis.from_url(settings.BUS_REDIS_URL) as bus:
            assert 0 < bus.ttl("topic:tape:NONE:version") <= 600
            stream.publish("tape:NONE", 1)
            assert bus.ttl("topic:tape:NONE:version") == -1


def sockets_from(address: str, count: int, **headers: str) -> list[WebsocketCommunicator]:
    """Return sockets that an address opens, none of them connected yet."""
    sockets = [
        WebsocketCommunicator(
            StreamConsumer.as_asgi(), "/ws/", headers_of("http://testserver", host="testserver", **headers)
        )
        for _ in range(count)
    ]
    for socket in sockets:
        socket.scope |= {"user": None, "client": (address, 40_000)}
    return sockets


@pytest.mark.parametrize(
    ("first", "second", "proxies", "are_one"),
    [
        ("203.0.113.7", "203.0.113.7", 0, True),
        ("203.0.113.7", "203.0.113.8", 0, False),
        ("2001:db8::1", "2001:db8::ffff", 0, True),
        ("127.0.0.1", "127.0.0.1", 0, False),
        ("203.0.113.7", "203.0.113.7", 1, False),
    ],
)
async def test_the_sockets_of_an_address_are_bounded(
    settings: Any, first: str, second: str, proxies: int, are_one: bool
) -> None:
    """With a proxy in front the addresses it saw count: each of these two is another one."""
    settings.SOCKETS_PER_ADDRESS, settings.TRUSTED_PROXIES = 2, proxies
    (one, two) = sockets_from(first, 2, x_forwarded_for="198.51.100.1")
    (three,) = sockets_from(second, 1, x_forwarded_for="198.51.100.1, 198.51.100.2")
    for socket in (one, two, three):
        assert (await socket.connect())[0]
    await say(three, op="ping")
    if are_one:
        assert await closed_with(three) == consumers.CLOSE_TOO_MANY
        await three.disconnect()
        await one.disconnect()
        (four,) = sockets_from(second, 1)
        await four.connect()
        await say(four, op="ping")
        assert (await hear(four))["type"] == "pong", "whoever leaves makes room"
        await four.disconnect()
    else:
        assert (await hear(three))["type"] == "pong"
        await three.disconnect()
        await one.disconnect()
    await two.disconnect()
    assert not consumers._sockets_of


async def test_private_and_unknown_topics_are_errors() -> None:
    async with opened() as socket:
        for name, code in (
            ("own", "not_authenticated"),
            ("own:1", "invalid_request"),
            ("none", "invalid_request"),
        ):
            await say(socket, op="subscribe", topics=[name])
            answer = await hear(socket)
            assert (answer["type"], answer["code"], answer["topic"]) == ("error", code, name)
        await say(socket, op="ping", sent_at_ms=5)
        pong = await hear(socket)
        assert (pong["type"], pong["sent_at_ms"]) == ("pong", 5)


# What is promised ------------------------------------------------------------------------------------


async def test_a_snapshot_and_what_follows_rise_by_one_for_every_socket() -> None:
    async with opened() as one, opened() as two:
        stream.publish("trial", {"n": 0})
        for socket in (one, two):
            await say(socket, op="subscribe", topics=["trial", "tape:AAA"])
            first, tape = await hear(socket), await hear(socket)
            assert (first["type"], first["data"]) == ("snapshot", {"n": 0})
            assert (tape["type"], tape["data"]) == ("snapshot", [])
        for number in range(1, 4):
            stream.publish("trial", {"n": number})
            for socket in (one, two):
                update = await hear(socket)
                assert (update["type"], update["data"]) == ("update", {"n": number})
                assert update["version"] == first["version"] + number
        await say(one, op="unsubscribe", topics=["trial"])
        await say(one, op="ping")
        assert (await hear(one))["type"] == "pong"
        stream.publish("trial", {"n": 4})
        assert (await hear(two))["data"] == {"n": 4}
        await say(one, op="subscribe", topics=["trial"])
        again = await hear(one)
        assert (again["type"], again["version"]) == ("snapshot", first["version"] + 4)


async def test_nothing_is_lost_between_snapshot_and_updates() -> None:
    """While a writer publishes as fast as it can, many sockets subscribe: none sees a gap or a step back."""
    stop = threading.Event()

    def publish() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            stream.publish("trial", number)

    writer = threading.Thread(target=publish)
    writer.start()
    try:
        for _ in range(20):
            async with opened() as socket:
                await say(socket, op="subscribe", topics=["trial"])
                versions = []
                for _ in range(5):
                    message = await hear(socket)
                    versions.append(message["version"])
                assert versions == list(range(versions[0], versions[0] + 5))
    finally:
        stop.set()
        writer.join()


async def test_what_the_bus_said_while_it_was_away_comes_as_a_snapshot() -> None:
    async with opened() as socket:
        await say(socket, op="subscribe", topics=["trial"])
        first = await hear(socket)
        with redis.Redis.from_url(settings.BUS_REDIS_URL) as bus:
            bus.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        stream.publish("trial", "missed")
        caught_up = await hear(socket)
        assert caught_up["data"] == "missed" and caught_up["version"] == first["version"] + 1
        stream.publish("trial", "later")
        assert (await hear(socket))["version"] == first["version"] + 2


# What is not read --------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[str]:
    """Run the socket on uvicorn as `make run` does; returns its address."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await StreamConsumer.as_asgi()({**scope, consumers.SERVER_SEND: send, "user": None}, receive, send)

    with served(application) as address:
        yield address.removeprefix("http://")


def subscribed(server: str, **options: Any) -> Any:
    """Connect to the server."""
    return connect(
        f"ws://{server}/ws/", origin=f"http://{server}", compression=None, close_timeout=1, **options
    )  # type: ignore[arg-type]


async def begin(socket: ClientConnection) -> None:
    """Subscribe and take the snapshot."""
    await socket.send(json.dumps({"op": "subscribe", "topics": ["trial"]}))
    assert json.loads(await socket.recv())["type"] == "snapshot"


async def read_all(socket: ClientConnection) -> None:
    """Read until the connection ends."""
    while True:
        await socket.recv()


async def test_a_socket_that_does_not_read_is_dropped_and_counted_and_the_others_go_on(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlets, "SEND_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(outlets, "LAST_WORD_SECONDS", 0.1)
    before = consumers.sockets_dropped._value.get()
    async with subscribed(server) as reader, subscribed(server, max_queue=1) as stalled:
        await begin(reader)
        await begin(stalled)
        stalled.transport.pause_reading()
        sent = 0
        async with asyncio.timeout(20):
            while consumers.sockets_dropped._value.get() == before:
                stream.publish("trial", {"n": sent, "filler": "x" * 8_000})
                sent += 1
                assert json.loads(await reader.recv())["data"]["n"] == sent - 1
        assert consumers.sockets_dropped._value.get() == before + 1
        stream.publish("trial", {"n": sent})
        assert json.loads(await reader.recv())["data"]["n"] == sent
        stalled.transport.resume_reading()
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(read_all(stalled), 10)


async def test_a_backlog_is_bounded_in_bytes(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = consumers.sockets_dropped._value.get()
    async with subscribed(server, max_queue=1) as stalled:
        await begin(stalled)
        stalled.transport.pause_reading()
        async with asyncio.timeout(20):
            while consumers.sockets_dropped._value.get() == before:
                stream.publish("trial", "x" * 16_000)
                await asyncio.sleep(0)
        stalled.transport.resume_reading()


async def test_a_long_message_is_framed_as_the_protocol_says(server: str) -> None:
    async with subscribed(server) as socket:
        await begin(socket)
        for length in (1, 200, 70_000):
            stream.publish("trial", "가" * length)
            assert json.loads(await socket.recv())["data"] == "가" * length


async def test_a_client_s_message_is_bounded_by_the_server(server: str) -> None:
    async with subscribed(server) as socket:
        await socket.send('{"op":"ping","sent_at_ms":1,"text":"' + "x" * 20_000 + '"}')
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 5)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == consumers.CLOSE_BAD_MESSAGE
