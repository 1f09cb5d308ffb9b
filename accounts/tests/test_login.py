"""Logging in and out, banning, and what becomes of the session key."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from accounts.models import Session, User
from accounts.services import user_ban, user_unban
from accounts.sessions import current_user_of, on_session_end, sessions_end
from accounts.tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


def test_login_and_logout(client: Client, player: User, log_in: Callable[..., Any]) -> None:
    response = log_in("Ant@Example.com")
    assert (response.status_code, response.url) == (302, "/")
    key = client.session.session_key
    assert current_user_of(key) == player
    assert Session.objects.get(pk=key).user == player
    assert client.get("/accounts/logout/").status_code == 200
    assert current_user_of(key) == player, "a GET must not log out"
    assert client.post("/accounts/logout/").status_code == 302
    assert current_user_of(key) is None
    assert not Session.objects.filter(pk=key).exists()


@pytest.mark.parametrize(
    ("login", "password"), [("ant@example.com", "wrong"), ("nobody@example.com", PASSWORD)]
)
def test_login_refuses_without_saying_which_was_wrong(
    client: Client, player: User, log_in: Callable[..., Any], login: str, password: str
) -> None:
    response = log_in(login, password)
    assert response.status_code == 200
    assert response.context["form"].non_field_errors() == [
        "이메일이나 비밀번호가 맞지 않아요. 다시 확인해 주세요."
    ]
    assert "_auth_user_id" not in client.session


def test_login_gives_a_new_session_key_and_ends_the_old_one(
    client: Client, player: User, log_in: Callable[..., Any], ended: list[str]
) -> None:
    session = client.session
    session["seen"] = True
    session.save()
    client.cookies["sessionid"] = session.session_key
    log_in()
    assert client.session.session_key != session.session_key
    assert client.session["seen"] is True
    assert ended == [session.session_key]
    assert current_user_of(session.session_key) is None


def test_logout_tells_the_listeners_after_the_session_is_gone(
    client: Client, player: User, log_in: Callable[..., Any], ended: list[str]
) -> None:
    log_in()
    key = client.session.session_key
    users: list[User | None] = []

    @on_session_end
    def look(session_key: str) -> None:
        users.append(current_user_of(session_key))

    client.post("/accounts/logout/")
    assert ended == [key]
    assert users == [None], "a listener that unbinds must not race a look-up that still finds the user"


def test_a_listener_that_fails_hinders_neither_the_others_nor_the_logout(
    client: Client, player: User, log_in: Callable[..., Any], ended: list[str]
) -> None:
    @on_session_end
    def fail(session_key: str) -> None:
        raise ConnectionError

    late: list[str] = []
    on_session_end(late.append)
    log_in()
    key = client.session.session_key
    assert client.post("/accounts/logout/").status_code == 302
    assert ended == late == [key]


def test_a_banned_player_is_out_everywhere_and_stays_out(
    client: Client, player: User, log_in: Callable[..., Any], ended: list[str]
) -> None:
    log_in()
    key = client.session.session_key
    user_ban(user=player)
    assert ended == [key]
    assert current_user_of(key) is None
    assert log_in().url == "/accounts/inactive/"
    assert "이용이 정지" in client.get("/accounts/inactive/").content.decode()
    user_unban(user=player)
    assert log_in().url == "/"


def another_session(user: User) -> str:
    """Return the key of a session that a user cannot have beside another one any more, had it been left over."""
    client = Client()
    client.force_login(user)
    Session.objects.filter(user=user).update(user=None)
    kept = client.session.session_key
    assert kept
    return kept


def test_sessions_end_can_spare_one(
    client: Client, player: User, log_in: Callable[..., Any], ended: list[str]
) -> None:
    left_over = another_session(player)
    log_in()
    Session.objects.filter(pk=left_over).update(user=player)
    ended.clear()
    assert sessions_end(user=player, except_key=client.session.session_key) == 1
    assert ended == [left_over]
    assert current_user_of(client.session.session_key) == player


def test_a_new_password_keeps_only_the_session_it_was_set_in(
    client: Client, player: User, log_in: Callable[..., Any]
) -> None:
    left_over = another_session(player)
    log_in()
    before = client.session.session_key
    Session.objects.filter(pk=left_over).update(user=player)
    fresh = "노란-기린-9921"
    form = {"oldpassword": PASSWORD, "password1": fresh, "password2": fresh}
    assert client.post("/accounts/password/change/", form).status_code == 302
    assert current_user_of(client.session.session_key) == player
    assert current_user_of(before) is None
    assert list(Session.objects.filter(user=player).values_list("pk", flat=True)) == [
        client.session.session_key
    ]


def test_a_forgotten_password_is_set_anew_by_mail(
    client: Client, player: User, log_in: Callable[..., Any]
) -> None:
    assert client.post("/accounts/password/reset/", {"email": player.email}).status_code == 302
    (message,) = mail.outbox
    assert message.subject == "[스톡킹] 비밀번호를 새로 정해 주세요"
    found = re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", message.body)
    assert found
    page = client.get(found[1], follow=True)
    fresh = "노란-기린-9921"
    response = client.post(page.request["PATH_INFO"], {"password1": fresh, "password2": fresh}, follow=True)
    assert response.status_code == 200
    assert log_in(password=fresh).status_code == 302


@pytest.mark.parametrize("key", [None, "", "short", "z" * 32, "x" * 5000, "'; --", "한글"])
def test_an_unknown_key_is_nobody(db: None, key: str | None) -> None:
    assert current_user_of(key) is None


def test_an_anonymous_session_is_nobody(client: Client) -> None:
    session = client.session
    session["seen"] = True
    session.save()
    assert current_user_of(session.session_key) is None


def test_a_session_opened_with_an_older_password_is_nobody(
    client: Client, player: User, log_in: Callable[..., Any]
) -> None:
    log_in()
    player.set_password("changed-elsewhere-1")
    player.save()
    assert current_user_of(client.session.session_key) is None


def test_a_reset_ends_the_session_it_was_made_in_too_also_at_the_gate(
    client: Client, player: User, log_in: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in()
    key = client.session.session_key
    fences: list[tuple[int, str]] = []
    monkeypatch.setattr("accounts.sessions._fences", [lambda *fence: fences.append(fence)])
    client.post("/accounts/password/reset/", {"email": player.email})
    found = re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", mail.outbox[-1].body)
    assert found
    page = client.get(found[1])
    fresh = "노란-기린-9921"
    answer = client.post(page.url, {"password1": fresh, "password2": fresh})
    assert (answer.status_code, answer.url) == (302, "/accounts/password/reset/key/done/")
    assert client.get(answer.url).status_code == 200
    assert fences
    assert all(fence == (player.pk, "") for fence in fences), "no key is spared"
    assert not Session.objects.filter(pk=key).exists()
    assert not Session.objects.filter(user=player).exists()
    assert log_in(password=fresh).url == "/"
