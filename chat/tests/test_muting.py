"""Muting: whom a player does not want to hear, on every page and device."""

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.services import guest_create
from chat import standings
from chat.models import Mute
from chat.selectors import messages_latest, messages_public, player_key, standing_of
from chat.services import announce, message_post, notice_send
from chat.standings import player_mute, player_unmute
from stocking.base.errors import ApplicationError

pytestmark = pytest.mark.django_db(transaction=True)


def _texts(messages: list[dict[str, Any]]) -> list[str]:
    return [message["text"] for message in messages]


def _post(client: Client, path: str, body: Any) -> Any:
    return client.post(path, json.dumps(body), content_type="application/json")


def test_a_muted_player_is_hidden_from_who_muted_them_alone(player: User, other: User) -> None:
    guest = guest_create()
    for author, text in ((player, "내 말"), (other, "시끄러운 말"), (guest, "손님 말")):
        message_post(author=author, text=text)
    announce(text="공지")
    notice_send(user_id=player.pk, text="알림")
    assert player_mute(user=player, muted=other)
    assert not player_mute(user=player, muted=other), "twice is once"
    assert _texts(messages_latest(user=player)) == ["내 말", "손님 말", "공지", "알림"]
    everything = ["내 말", "시끄러운 말", "손님 말", "공지"]
    assert _texts(messages_latest(user=other)) == _texts(messages_public()) == everything
    assert player_unmute(user=player, key=player_key(other.pk))
    assert not player_unmute(user=player, key=player_key(other.pk))
    assert _texts(messages_latest(user=player)) == [*everything, "알림"]


def test_a_guest_mutes_too_and_keeps_it(player: User) -> None:
    guest = guest_create()
    message_post(author=player, text="시끄러운 말")
    player_mute(user=guest, muted=player)
    assert _texts(messages_latest(user=User.objects.get(pk=guest.pk))) == []


def test_a_new_nickname_does_not_undo_it(player: User, other: User) -> None:
    player_mute(user=player, muted=other)
    other.nickname = "새이름"
    other.save()
    message = message_post(author=other, text="또 나")
    assert messages_latest(user=player) == []
    [shown] = messages_public()
    assert (shown["id"], shown["author"], shown["nickname"]) == (message.pk, player_key(other.pk), "새이름")
    assert standing_of(player)["muted"] == [shown["author"]]


def test_the_player_s_own_pages_hear_of_it(
    player: User, other: User, published: list[tuple[str, Any]]
) -> None:
    player_mute(user=player, muted=other)
    player_unmute(user=player, key=player_key(other.pk))
    topics = [(topic, data["kind"], data["muted"]) for topic, data in published]
    assert topics == [(f"me:{player.pk}", "chat", [player_key(other.pk)]), (f"me:{player.pk}", "chat", [])]


def test_what_cannot_be_muted(player: User, other: User, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = User.objects.create_user(None, "봇_하나", is_bot=True)
    for muted in (player, bot):
        with pytest.raises(ApplicationError, match="invalid_request"):
            player_mute(user=player, muted=muted)
    monkeypatch.setattr(standings, "MUTES_MAX", 1)
    player_mute(user=player, muted=other)
    with pytest.raises(ApplicationError, match="too_many_mutes"):
        player_mute(user=player, muted=guest_create())
    assert not player_mute(user=player, muted=other)


def test_the_api_mutes_by_message_and_by_nickname(client: Client, player: User, other: User) -> None:
    message = message_post(author=other, text="시끄러운 말")
    client.force_login(player)
    key = player_key(other.pk)
    [muted] = _post(client, "/api/chat/mutes", {"message_id": message.pk}).json()["players"]
    assert (muted["player"], muted["nickname"]) == (key, "꿀벌")
    assert client.get("/api/chat/mutes").json() == {"players": [muted]}
    assert client.get("/api/chat").json() == {"messages": []}
    assert client.delete(f"/api/chat/mutes/{key}").json() == {"players": []}
    assert client.delete("/api/chat/mutes/unknown").json() == {"players": []}
    assert len(_post(client, "/api/chat/mutes", {"nickname": "꿀벌"}).json()["players"]) == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"nickname": "꿀벌", "message_id": 1}, 400, "invalid_request"),
        ({"nickname": 7}, 400, "invalid_request"),
        ({"message_id": "1"}, 400, "invalid_request"),
        ({"message_id": True}, 400, "invalid_request"),
        ({"message_id": 1.0}, 400, "invalid_request"),
        ({"message_id": -1}, 400, "invalid_request"),
        ({"message_id": 2**63}, 400, "invalid_request"),
        ({"message_id": 2**63 - 1}, 404, "message_not_found"),
        ({"nickname": "없는사람"}, 404, "not_found"),
        ({"nickname": "\ud800"}, 400, "invalid_request"),
        ([], 400, "invalid_request"),
        ({"nickname": "가" * 5_000}, 413, "request_too_large"),
    ],
)
def test_the_api_refuses_what_is_no_player(
    client: Client, player: User, body: Any, status: int, code: str
) -> None:
    client.force_login(player)
    answer = _post(client, "/api/chat/mutes", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Mute.objects.exists()


def test_the_api_needs_a_login_a_token_and_json(client: Client, player: User) -> None:
    assert _post(client, "/api/chat/mutes", {"nickname": "새벽개미"}).json()["code"] == "not_authenticated"
    assert client.get("/api/chat/mutes").json()["code"] == "not_authenticated"
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(player)
    for answer in (
        _post(strict, "/api/chat/mutes", {"nickname": "x"}),
        strict.delete("/api/chat/mutes/x"),
        _post(strict, "/api/chat/reports", {"message_id": 1, "reason": "spam"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    client.force_login(player)
    assert client.post("/api/chat/mutes", {"nickname": "꿀벌"}).json()["code"] == "invalid_request"


def test_the_pages_mute_without_javascript(client: Client, player: User, other: User) -> None:
    client.force_login(player)
    profile = client.get("/players/꿀벌/").content.decode()
    assert "차단하기" in profile
    answer = client.post("/chat/mute/", {"nickname": "꿀벌", "next": "/players/꿀벌/"})
    assert answer.status_code == 302
    assert "차단 풀기" in client.get("/players/꿀벌/").content.decode()
    assert "꿀벌" in client.get("/chat/mutes/").content.decode()
    client.post("/chat/unmute/", {"player": player_key(other.pk), "next": "//elsewhere.example/"})
    assert "차단한 사람이 없어요" in client.get("/chat/mutes/").content.decode()
    assert client.post("/chat/mute/", {"nickname": "없는사람"}).status_code == 404
    assert client.get("/chat/mute/").status_code == client.get("/chat/unmute/").status_code == 405
