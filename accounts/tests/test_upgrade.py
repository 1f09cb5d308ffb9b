"""A guest becomes a player: the same row, the same session, nothing lost."""

import re
from typing import Any

import pytest
import redis
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from accounts.emails import email_vouch
from accounts.models import User
from accounts.sessions import current_user_of
from accounts.tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

FORM = {"email": "New@example.com", "nickname": "왕개미", "password1": PASSWORD, "password2": PASSWORD}


@pytest.fixture
def guest(client: Client) -> User:
    """A guest who plays in `client` and has a rating."""
    client.post("/accounts/guest/")
    User.objects.update(mmr=1_234, games_played=3)
    return User.objects.get()


def test_a_guest_keeps_row_rating_and_session(client: Client, guest: User, ended: list[str]) -> None:
    key = client.session.session_key
    answer = client.post("/accounts/upgrade/", FORM)
    assert (answer.status_code, answer.url) == (302, "/me/")
    user = User.objects.get()
    assert (user.pk, user.email, user.nickname, user.is_guest) == (
        guest.pk, "new@example.com", "왕개미", False,
    )  # fmt: skip
    assert (user.mmr, user.games_played) == (1_234, 3)
    assert client.session.session_key == key
    assert current_user_of(key) == user, "order entry still takes the session"
    assert ended == []
    assert client.get("/me/").status_code == 200
    assert client.get("/accounts/upgrade/").url == "/me/", "once"
    again = Client()
    assert again.post("/accounts/login/", {"login": "new@example.com", "password": PASSWORD}).url == "/"


def test_where_emails_are_confirmed_the_guest_plays_on_until_the_link(
    client: Client, guest: User, settings: Any
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    assert client.post("/accounts/upgrade/", FORM).url == "/accounts/confirm-email/"
    user = User.objects.get()
    assert (user.is_guest, user.nickname, user.email) == (True, "왕개미", None)
    assert "new@example.com" in client.get("/me/").content.decode()
    found = re.search(r"https?://[^/\s]+(/accounts/confirm-email/\S+)", mail.outbox[0].body)
    assert found
    assert client.post(found[1]).url == "/me/"
    user.refresh_from_db()
    assert (user.is_guest, user.email, user.mmr) == (False, "new@example.com", 1_234)
    assert client.get("/me/").status_code == 200


def test_a_guest_cannot_learn_whether_an_email_has_an_account(
    client: Client, guest: User, settings: Any
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    email_vouch(user=User.objects.create_user("ant@example.com", "새벽개미", PASSWORD))
    assert client.post("/accounts/upgrade/", {**FORM, "email": "ant@example.com"}).url == (
        "/accounts/confirm-email/"
    )
    assert mail.outbox[0].subject == "[스톡킹] 이미 가입한 이메일이에요"
    # The typed address can be corrected: nickname and all may stay.
    assert client.post("/accounts/upgrade/", FORM).status_code == 302
    assert EmailAddress.objects.get(user=guest).email == "new@example.com"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("nickname", "새벽개미", "이미 쓰고 있는"),
        ("nickname", "체험왕0001", "쓸 수 없는"),
        ("email", "ant@example.com", "이미 가입한"),
        ("password1", "12345678", "글자를 섞어"),
        ("password1", "a1" * 65, "128자"),
    ],
)
def test_an_upgrade_refuses(client: Client, guest: User, field: str, value: str, says: str) -> None:
    User.objects.create_user("ant@example.com", "새벽개미", PASSWORD)
    answer = client.post("/accounts/upgrade/", {**FORM, field: value})
    assert answer.status_code == 200
    assert any(says in error for errors in answer.context["form"].errors.values() for error in errors)
    guest.refresh_from_db()
    assert guest.is_guest
    assert guest.nickname.startswith("체험왕")


def test_players_and_visitors_have_nothing_to_upgrade(client: Client, player: User) -> None:
    assert client.post("/accounts/upgrade/", FORM).url.startswith("/accounts/login/")
    client.force_login(player)
    assert client.post("/accounts/upgrade/", FORM).url == "/me/"
    player.refresh_from_db()
    assert player.nickname == "새벽개미"


def test_a_guest_who_waits_for_the_link_can_give_the_password_again(
    client: Client, guest: User, settings: Any
) -> None:
    """Asked for before a provider is connected: nobody logs in by the e-mail yet, but the password is there."""
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.SOCIAL_CREDENTIALS = {"kakao": ("id", "secret")}
    client.post("/accounts/upgrade/", FORM)
    asked = client.post("/accounts/kakao/login/", {"process": "connect"}).headers["location"]
    assert asked.startswith("/accounts/reauthenticate/")
    for _ in range(10):
        assert "맞지 않아요" in client.post(asked, {"password": "wrong"}).content.decode()
    assert client.post(asked, {"password": "wrong"}).status_code == 429
    with redis.Redis.from_url(settings.BUS_REDIS_URL) as bus:
        bus.flushall()
    client.force_login(User.objects.get())
    client.post("/accounts/kakao/login/", {"process": "connect"})
    assert "kauth.kakao.com" in client.post(asked, {"password": PASSWORD}).content.decode()


def test_of_a_nickname_taken_at_the_same_moment_the_page_does_not_speak_as_if_it_were_the_guests(
    client: Client, guest: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    User.objects.create_user("ant@example.com", "새벽개미", PASSWORD)
    monkeypatch.setattr("accounts.forms.nickname_clean", lambda nickname, **_: nickname)
    answer = client.post("/accounts/upgrade/", {**FORM, "nickname": "새벽개미"})
    assert "방금 다른 분이" in answer.content.decode()
    assert guest.nickname in answer.content.decode()
    assert answer.wsgi_request.user.is_guest
