"""The operation `chat` on the real socket consumer."""

import asyncio
import json
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator

from accounts.models import User
from chat.models import Message
from stocking.base import stream
from stocking.base.consumers import StreamConsumer

pytestmark = pytest.mark.django_db(transaction=True)


async def _connect(user: User | None) -> WebsocketCommunicator:
    headers = [(b"origin", b"http://testserver"), (b"host", b"testserver")]
    socket = WebsocketCommunicator(StreamConsumer.as_asgi(), "/ws/", headers)
    socket.scope["user"] = user
    connected, _ = await socket.connect()
    assert connected
    return socket


async def _say(socket: WebsocketCommunicator, **message: Any) -> None:
    await socket.send_to(text_data=json.dumps({"op": "chat", **message}))


async def _receive(socket: WebsocketCommunicator) -> dict[str, Any]:
    return json.loads(await socket.receive_from(timeout=5))


async def test_what_one_says_everybody_sees(player: User) -> None:
    speaker, watcher = await _connect(player), await _connect(None)
    for socket in (speaker, watcher):
        await socket.send_to(text_data=json.dumps({"op": "subscribe", "topics": ["chat"]}))
        assert (await _receive(socket))["type"] == "snapshot"
    await _say(speaker, text="<script>가즈아</script>")
    for socket in (speaker, watcher):
        update = await _receive(socket)
        assert (update["topic"], update["type"]) == ("chat", "update")
        assert update["data"]["text"] == "<script>가즈아</script>"
        assert update["data"]["nickname"] == "새벽개미"
        await socket.disconnect()


async def test_a_watcher_cannot_speak(db: None) -> None:
    socket = await _connect(None)
    await _say(socket, text="저도요")
    assert (await _receive(socket))["code"] == "not_authenticated"
    await socket.disconnect()


@pytest.mark.parametrize(
    "message", [{}, {"text": None}, {"text": {"a": 1}}, {"text": " "}, {"text": "가" * 201}]
)
async def test_what_is_no_message_is_an_error(player: User, message: dict[str, Any]) -> None:
    socket = await _connect(player)
    await _say(socket, **message)
    answer = await _receive(socket)
    assert (answer["type"], answer["code"]) == ("error", "invalid_request")
    await socket.disconnect()


async def test_too_many_at_once_are_an_error(player: User) -> None:
    socket = await _connect(player)
    for number in range(6):
        await _say(socket, text=str(number))
    assert (await _receive(socket))["code"] == "rate_limited"
    await socket.disconnect()
    assert await database_sync_to_async(Message.objects.count)() == 5


async def test_a_refusal_says_which_message_it_means(player: User) -> None:
    socket = await _connect(player)
    await _say(socket, text="야 이 씨 발 아", ref="line-7")
    refusal = await _receive(socket)
    assert (refusal["type"], refusal["code"], refusal["ref"]) == ("error", "message_refused", "line-7")
    for ref in ("x" * 37, 7, "<b>", None, "a\n"):
        await _say(socket, text="", ref=ref)
        assert "ref" not in await _receive(socket)
    await socket.disconnect()


async def test_a_player_banned_since_the_socket_opened_is_silent(player: User) -> None:
    socket = await _connect(player)
    await database_sync_to_async(User.objects.filter(pk=player.pk).update)(is_active=False)
    await _say(socket, text="아직 들려요?")
    assert (await _receive(socket))["code"] == "not_authenticated"
    await socket.disconnect()


async def test_hiding_cleans_the_screens(player: User) -> None:
    from chat.services import message_post, messages_hide

    message = await database_sync_to_async(message_post)(author=player, text="나쁜 말")
    socket = await _connect(None)
    await socket.send_to(text_data=json.dumps({"op": "subscribe", "topics": ["chat"]}))
    assert [m["text"] for m in (await _receive(socket))["data"]] == ["나쁜 말"]
    await database_sync_to_async(messages_hide)(messages=[message])
    cleaned = await asyncio.wait_for(_receive(socket), 5)
    assert (cleaned["type"], cleaned["data"]) == ("snapshot", [])
    assert await database_sync_to_async(stream.snapshot_data)("chat") == []
    await socket.disconnect()
