"""Playing at once."""

import re
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from accounts.services import guest_create
from accounts.sessions import current_user_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_guest_plays_at_once(client: Client) -> None:
    response = client.post("/accounts/guest/")
    assert (response.status_code, response.url) == (302, "/")
    guest = User.objects.get()
    assert re.fullmatch(r"체험왕\d{4}", guest.nickname)
    assert guest.is_guest
    assert guest.email is None
    assert not guest.has_usable_password()
    assert current_user_of(client.session.session_key) == guest


@pytest.mark.parametrize(
    ("target", "goes"),
    [
        ("/stocks/AAA/", "/stocks/AAA/"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example", "/"),
        ("", "/"),
    ],
)
def test_a_guest_goes_on_where_the_button_stood(client: Client, target: str, goes: str) -> None:
    assert client.post("/accounts/guest/", {"next": target}).url == goes


def test_who_is_logged_in_stays_who_they_are(client: Client) -> None:
    client.post("/accounts/guest/")
    assert client.post("/accounts/guest/", {"next": "/rankings/"}).url == "/rankings/"
    assert User.objects.count() == 1


def test_a_guest_is_made_by_a_post_with_a_token_only() -> None:
    assert Client().get("/accounts/guest/").status_code == 405
    assert Client(enforce_csrf_checks=True).post("/accounts/guest/").status_code == 403
    assert not User.objects.exists()


def test_a_taken_guest_name_is_drawn_again() -> None:
    with mock.patch("accounts.services.secrets.randbelow", side_effect=[7, 7, 7, 8]):
        assert [guest_create().nickname, guest_create().nickname] == ["체험왕1007", "체험왕1008"]


def test_guests_at_the_same_moment_get_different_names() -> None:
    def create(_: int) -> str:
        try:
            return guest_create().nickname
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        names = list(threads.map(create, range(12)))
    assert len(set(names)) == 12
