"""The form without JavaScript, the history call, and the admin."""

import pytest
from django.contrib.messages import get_messages
from django.template import engines
from django.test import Client

from accounts.models import User
from chat.models import Message
from chat.services import announce, message_post, notice_send
from stocking.base import stream

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_form_posts_and_goes_back(client: Client, player: User) -> None:
    client.force_login(player)
    response = client.post("/chat/", {"text": " 가즈아 ", "next": "/stocks/AAA/"})
    assert (response.status_code, response.url) == (302, "/stocks/AAA/")
    assert Message.objects.get().text == "가즈아"
    assert client.post("/chat/", {"text": "또", "next": "https://elsewhere.example/"}).url == "/"
    assert client.get("/chat/").status_code == 405


def test_the_form_tells_a_refusal_where_the_player_was(client: Client, player: User) -> None:
    client.force_login(player)
    response = client.post("/chat/", {"text": "가" * 201, "next": "/rankings/"})
    assert response.url == "/rankings/"
    assert "요청 형식" in str(next(iter(get_messages(response.wsgi_request))))
    assert not Message.objects.exists()


def test_the_form_needs_a_login_and_a_token(client: Client, player: User) -> None:
    response = client.post("/chat/", {"text": "안녕", "next": "/stocks/AAA/"})
    assert response.url == "/accounts/login/?next=/stocks/AAA/"
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(player)
    assert strict.post("/chat/", {"text": "안녕"}).status_code == 403
    assert not Message.objects.exists()


def test_history_gives_everybody_theirs(client: Client, player: User, other: User) -> None:
    announce(text="시작해요", kind="system")
    message_post(author=other, text="안녕")
    notice_send(user_id=player.pk, text="체결")
    seen = client.get("/api/chat").json()["messages"]
    assert [(m["kind"], m["nickname"], m["text"]) for m in seen] == [
        ("system", "", "시작해요"),
        ("player", "꿀벌", "안녕"),
    ]
    client.force_login(player)
    assert [m["kind"] for m in client.get("/api/chat").json()["messages"]] == ["system", "player", "notice"]
    assert [m["text"] for m in client.get("/api/chat?limit=1").json()["messages"]] == ["체결"]
    assert len(client.get("/api/chat?limit=9999").json()["messages"]) == 3


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", "", "１", "9" * 400])
def test_history_refuses_a_limit_that_is_none(client: Client, limit: str) -> None:
    response = client.get("/api/chat", {"limit": limit})
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")


def test_history_is_read_only(client: Client) -> None:
    assert client.post("/api/chat").status_code == 405


def test_a_message_is_text_in_templates(player: User) -> None:
    message_post(author=player, text='<img src=x onerror="alert(1)">')
    template = engines["django"].from_string(
        '{% for message in messages %}<p data-text="{{ message.text }}">{{ message.text }}</p>{% endfor %}'
        '{{ messages|json_script:"history" }}'
    )
    shown = template.render({"messages": stream.snapshot_data("chat")})
    assert "<img" not in shown
    assert "&lt;img src=x onerror=&quot;" in shown


@pytest.fixture
def admin_client(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss@example.com", "대장", "파란-고래-7342"))
    return client


def test_staff_announce_as_the_system(admin_client: Client) -> None:
    address = "/admin/chat/message/add/"
    assert admin_client.get(address).status_code == 200
    assert admin_client.post(address, {"text": "10분 뒤\n점검해요"}).status_code == 302
    message = Message.objects.get()
    assert (message.kind, message.author, message.text) == ("system", None, "10분 뒤 점검해요")
    assert stream.snapshot_data("chat")[-1]["text"] == "10분 뒤 점검해요"
    assert admin_client.post(address, {"text": "\x07 "}).status_code == 200
    assert Message.objects.count() == 1


def test_staff_hide_messages_by_action_or_not_at_all(admin_client: Client, player: User) -> None:
    message = message_post(author=player, text="나쁜 말 <b>")
    page = admin_client.get("/admin/chat/message/", {"q": "새벽개미"}).content.decode()
    assert "나쁜 말 &lt;b&gt;" in page
    chosen = {"action": "hide", "_selected_action": [message.pk]}
    asked = admin_client.post("/admin/chat/message/", chosen)
    assert asked.status_code == 200 and "사유" in asked.content.decode()
    assert len(stream.snapshot_data("chat")) == 1, "not without a reason"
    admin_client.post("/admin/chat/message/", {**chosen, "reason": "욕설"})
    assert stream.snapshot_data("chat") == []
    address = f"/admin/chat/message/{message.pk}/change/"
    assert "나쁜 말" in admin_client.get(address).content.decode()
    assert admin_client.post(address, {"text": "altered", "is_hidden": ""}).status_code == 403
    message.refresh_from_db()
    assert (message.text, message.is_hidden) == ("나쁜 말 <b>", True)
    assert admin_client.post(f"/admin/chat/message/{message.pk}/delete/", {"post": "yes"}).status_code == 403
