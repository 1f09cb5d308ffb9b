"""Nickname, e-mail and password are changed; the pages that are not there are not there."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client, override_settings

from accounts.emails import email_vouch
from accounts.models import User
from accounts.tests.conftest import PASSWORD
from stocking.settings import base

pytestmark = pytest.mark.django_db

FRESH = "노란-기린-9921"


@pytest.fixture
def mine(client: Client, player: User) -> Client:
    """A browser in which the player is logged in."""
    client.force_login(player)
    return client


# The nickname ---------------------------------------------------------------------------------------


def test_a_new_nickname_shows_everywhere_and_frees_the_old_one(mine: Client, player: User) -> None:
    assert mine.post("/accounts/nickname/", {"nickname": "저녁개미"}).url == "/me/"
    assert mine.get("/players/저녁개미/").status_code == 200
    assert mine.get("/players/새벽개미/").status_code == 404
    assert mine.get("/api/nickname", {"nickname": "새벽개미"}).json()["available"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("새벽개미", "지금 쓰는"),
        ("남의개미", "이미 쓰고"),
        ("운영자님", "쓸 수 없는"),
        ("x", "2~12자"),
        ("", "꼭 입력"),
    ],
)
def test_a_nickname_is_refused(mine: Client, player: User, value: str, says: str) -> None:
    User.objects.create_user(None, "남의개미")
    answer = mine.post("/accounts/nickname/", {"nickname": value})
    assert says in answer.context["form"].errors["nickname"][0]
    player.refresh_from_db()
    assert player.nickname == "새벽개미"


def test_other_capitals_of_the_own_nickname_are_a_change(mine: Client, player: User) -> None:
    mine.post("/accounts/nickname/", {"nickname": "Ant"})
    assert mine.post("/accounts/nickname/", {"nickname": "ANT"}).status_code == 302
    player.refresh_from_db()
    assert (player.nickname, player.nickname_key) == ("ANT", "ant")


@pytest.mark.parametrize(
    ("typed", "available", "stored"),
    [
        ("저녁개미", True, "저녁개미"),
        ("\u1100\u1162\u1106\u1175", True, "개미"),
        ("  개미왕 ", True, "개미왕"),
        ("새벽개미", False, ""),
        ("개", False, ""),
        ("<b>x</b>", False, ""),
        ("a" * 5000, False, ""),
        ("", False, ""),
    ],
)
def test_a_nickname_is_looked_up(
    client: Client, player: User, typed: str, available: bool, stored: str
) -> None:
    answer = client.get("/api/nickname", {"nickname": typed}).json()
    assert (answer["available"], answer["nickname"]) == (available, stored)
    assert answer["message"]
    assert client.post("/api/nickname").status_code == 405


def test_looking_up_nicknames_is_limited(client: Client) -> None:
    with override_settings(ACCOUNT_RATE_LIMITS={"check_nickname": "2/m/ip"}):
        codes = [
            client.get("/api/nickname?nickname=ant", REMOTE_ADDR="198.51.100.9").status_code for _ in range(3)
        ]
    assert codes == [200, 200, 429]


# The e-mail -----------------------------------------------------------------------------------------


def test_a_new_email_counts_at_once_where_none_is_confirmed(mine: Client, player: User) -> None:
    form = {"email": "Bee@example.com", "password": PASSWORD}
    assert mine.post("/accounts/email/", form).url == "/me/"
    player.refresh_from_db()
    assert player.email == "bee@example.com"
    assert [message.to for message in mail.outbox] == [["ant@example.com"]], "the old address is told"


def test_a_new_email_counts_once_it_is_confirmed(mine: Client, player: User, settings: Any) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    email_vouch(user=player)
    answer = mine.post("/accounts/email/", {"email": "bee@example.com", "password": PASSWORD})
    assert answer.url == "/accounts/confirm-email/"
    player.refresh_from_db()
    assert player.email == "ant@example.com"
    assert "bee@example.com" in mine.get("/me/").content.decode()
    assert "bee@example.com" in mine.get("/accounts/email/").content.decode()
    link = mail.outbox[0].body.split("http://testserver")[1].split()[0]
    mine.post(link)
    player.refresh_from_db()
    assert player.email == "bee@example.com"
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [
        ("bee@example.com", True, True)
    ]
    assert [message.to for message in mail.outbox] == [["bee@example.com"], ["ant@example.com"]]


@pytest.mark.parametrize(
    ("email", "password", "field", "says"),
    [
        ("bee@example.com", "wrong", "password", "맞지 않아요"),
        ("bee@example.com", "", "password", "꼭 입력"),
        ("ant@example.com", PASSWORD, "email", "지금 쓰는"),
        ("other@example.com", PASSWORD, "email", "다른 계정"),
        ("no-address", PASSWORD, "email", "확인해"),
    ],
)
def test_an_email_is_refused(
    mine: Client, player: User, email: str, password: str, field: str, says: str
) -> None:
    User.objects.create_user("other@example.com", "남의개미")
    answer = mine.post("/accounts/email/", {"email": email, "password": password})
    assert says in answer.context["form"].errors[field][0]
    player.refresh_from_db()
    assert player.email == "ant@example.com"


# The password ---------------------------------------------------------------------------------------


def test_a_new_password_is_told_by_mail_and_leads_back(mine: Client, player: User) -> None:
    form = {"oldpassword": PASSWORD, "password1": FRESH, "password2": FRESH}
    assert mine.post("/accounts/password/change/", form).url == "/me/"
    assert [message.subject for message in mail.outbox] == ["[스톡킹] 비밀번호를 바꿨어요"]
    assert FRESH not in mail.outbox[0].body


def test_a_password_change_does_not_undo_what_happened_meanwhile(player: User) -> None:
    from accounts.adapter import AccountAdapter

    read_before = User.objects.get(pk=player.pk)
    User.objects.filter(pk=player.pk).update(is_active=False)
    AccountAdapter().set_password(read_before, FRESH)
    player.refresh_from_db()
    assert not player.is_active
    assert player.check_password(FRESH)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"oldpassword": "wrong", "password1": FRESH, "password2": FRESH}, "지금 쓰는 비밀번호"),
        ({"oldpassword": PASSWORD, "password1": FRESH, "password2": "other"}, "서로 달라요"),
        ({"oldpassword": PASSWORD, "password1": "1234567", "password2": "1234567"}, "8자 이상"),
        ({"oldpassword": PASSWORD, "password1": "x1" * 65, "password2": "x1" * 65}, "128자"),
    ],
)
def test_a_password_is_refused_in_korean(mine: Client, player: User, form: dict[str, str], says: str) -> None:
    answer = mine.post("/accounts/password/change/", form)
    assert any(says in error for errors in answer.context["form"].errors.values() for error in errors)
    player.refresh_from_db()
    assert player.check_password(PASSWORD)


def test_who_has_no_password_sets_one_and_guests_become_players_first(mine: Client, player: User) -> None:
    player.set_unusable_password()
    player.save()
    mine.force_login(player)
    assert mine.get("/accounts/password/change/").url == "/accounts/password/set/"
    assert mine.get("/accounts/password/set/").status_code == 200
    playing = Client()
    playing.post("/accounts/guest/")
    assert playing.get("/accounts/password/set/").url == "/accounts/upgrade/"
    assert playing.get("/accounts/email/").url == "/accounts/upgrade/"


# The pages ------------------------------------------------------------------------------------------


PUBLIC = ["login", "signup", "inactive", "confirm-email", "confirm-email/x", "password/reset", "password/reset/done",
          "password/reset/key/1-x", "password/reset/key/done", "logout"]  # fmt: skip
OWN = ["nickname", "email", "password/change", "delete", "reauthenticate", "logout", "confirm-email"]
SHUT = ["login/code", "login/code/confirm", "phone/verify", "signup/passkey", "2fa", "sessions"]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_page_is_ours_and_korean(client: Client, address: str) -> None:
    answer = client.get(f"/accounts/{address}/", follow=True)
    assert answer.status_code == 200
    _assert_ours(answer.content.decode())


@pytest.mark.parametrize("address", OWN)
def test_an_own_page_is_ours_and_korean(mine: Client, address: str) -> None:
    answer = mine.get(f"/accounts/{address}/")
    assert answer.status_code == 200
    _assert_ours(answer.content.decode())
    anonymous = Client().get(f"/accounts/{address}/")
    assert anonymous.status_code in (200, 302)


def _assert_ours(page: str) -> None:
    main = page.split("<main", 1)[1].split("</main>", 1)[0]
    assert "스톡킹" in page
    assert "page-narrow" in main or "site-header" in page
    for english in ("Password", "Email", "Sign In", "Sign Up", "Menu"):
        assert english not in main, english


@pytest.mark.parametrize("address", SHUT)
def test_what_we_do_not_offer_is_not_there(mine: Client, address: str) -> None:
    assert mine.get(f"/accounts/{address}/").status_code == 404


@pytest.mark.parametrize(
    "form", ["email", "nickname", "delete", "upgrade", "password/change", "password/set", "reauthenticate"]
)
def test_who_is_not_logged_in_any_more_is_led_to_the_login(client: Client, form: str, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = base.ACCOUNT_RATE_LIMITS  # some of them count by user
    answer = client.post(f"/accounts/{form}/", {"password": "x", "nickname": "x", "email": "x@example.com"})
    assert (answer.status_code, answer.url.split("?")[0]) == (302, "/accounts/login/")
