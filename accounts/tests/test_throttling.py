"""Guessing passwords: what stops it, what does not get round it, and how the owner still gets in."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import URLPattern, reverse

from accounts import throttling, urls
from accounts.models import User
from accounts.social import urls as social_urls
from accounts.tests.conftest import PASSWORD
from stocking.base import stream
from stocking.settings import base

pytestmark = pytest.mark.django_db(transaction=True)

ATTACKER, HOME = "203.0.113.66", "198.51.100.7"
KNOWN = "known-browser"


def attempt(client: Client, email: str, password: str, address: str = ATTACKER, **headers: str) -> Any:
    form = {"login": email, "password": password}
    return client.post("/accounts/login/", form, REMOTE_ADDR=address, **headers)


def statuses(email: str, count: int, **more: Any) -> list[int]:
    return [attempt(Client(), email, "wrong", **more).status_code for _ in range(count)]


@pytest.mark.parametrize("email", ["ant@example.com", "nobody@example.com"])
def test_known_or_not_an_account_is_guessed_at_five_times_from_one_address(player: User, email: str) -> None:
    assert statuses(email, 7) == [200] * 5 + [429] * 2
    refused = attempt(Client(), email.upper(), PASSWORD)
    assert refused.status_code == 429, "another spelling is the same account"
    assert 100 < int(refused["Retry-After"]) <= 120
    assert "조금 천천히" in refused.content.decode()
    assert 'href="/accounts/login/"' in refused.content.decode()


def test_a_forged_header_or_another_address_of_the_household_is_the_same_guesser(player: User) -> None:
    codes = [
        attempt(Client(), player.email, "wrong", HTTP_X_FORWARDED_FOR=f"192.0.2.{n}").status_code
        for n in range(6)
    ]
    assert codes == [200] * 5 + [429]
    codes = [attempt(Client(), player.email, "wrong", f"2001:db8:1:1::{n}").status_code for n in range(6)]
    assert codes == [200] * 5 + [429]


def test_one_address_cannot_try_many_accounts(player: User) -> None:
    codes = [attempt(Client(), f"ant{n}@example.com", "wrong").status_code for n in range(31)]
    assert codes == [200] * 30 + [429]
    assert attempt(Client(), player.email, PASSWORD, HOME).status_code == 302


def test_the_owner_gets_in_from_elsewhere_while_somebody_guesses(player: User) -> None:
    statuses(player.email, 8)
    assert attempt(Client(), player.email, PASSWORD).status_code == 429
    assert attempt(Client(), player.email, PASSWORD, HOME).status_code == 302


def test_many_addresses_exhaust_strangers_but_not_a_browser_the_account_was_used_in(
    player: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Client()
    assert attempt(home, player.email, PASSWORD, HOME).status_code == 302
    cookie = home.cookies[KNOWN]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert player.email not in cookie.value
    home.post("/accounts/logout/")
    monkeypatch.setattr(throttling, "FAILURES_OF_ACCOUNT", throttling.Limit(12, 3_600))
    for number in range(3):
        statuses(player.email, 5, address=f"203.0.113.{number}")
    assert attempt(Client(), player.email, PASSWORD, "192.0.2.1").status_code == 429, (
        "strangers are exhausted"
    )
    # Even from the very address the guesses come from.
    assert attempt(home, player.email, PASSWORD, "203.0.113.1").status_code == 302
    assert attempt(Client(), "second@example.com", "wrong", "192.0.2.1").status_code == 200, "others are not"


def test_a_password_reset_makes_the_browser_known(player: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttling, "FAILURES_OF_ACCOUNT", throttling.Limit(3, 3_600))
    statuses(player.email, 5)
    client, fresh = Client(), "노란-기린-9921"
    assert attempt(client, player.email, PASSWORD, HOME).status_code == 429
    client.post("/accounts/password/reset/", {"email": player.email})
    found = re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", mail.outbox[-1].body)
    assert found
    page = client.get(found[1], follow=True)
    client.post(page.request["PATH_INFO"], {"password1": fresh, "password2": fresh})
    assert attempt(client, player.email, fresh, HOME).status_code == 302


def test_the_known_browser_has_a_limit_too_and_serves_no_other_account(player: User) -> None:
    home = Client()
    attempt(home, player.email, PASSWORD, HOME)
    home.post("/accounts/logout/")
    assert [attempt(home, player.email, "wrong", HOME).status_code for _ in range(11)] == [200] * 10 + [429]
    codes = [attempt(home, "nobody@example.com", "wrong", HOME).status_code for _ in range(6)]
    assert codes == [200] * 5 + [429]


@pytest.mark.parametrize("forged", ["", "x", "a:b:c", "{}", "WyJ4Il0:1:zzz", "é" * 300])
def test_a_forged_cookie_knows_nobody(player: User, forged: str) -> None:
    client = Client()
    client.cookies[KNOWN] = forged
    codes = [attempt(client, player.email, "wrong").status_code for _ in range(6)]
    assert codes == [200] * 5 + [429]


def test_logging_in_often_is_no_failure(player: User) -> None:
    for _ in range(12):
        assert attempt(Client(), player.email, PASSWORD).status_code == 302
    assert not stream.bus().keys("throttle:login:failed*")


def test_tries_of_any_kind_are_counted_by_address(player: User, settings: Any) -> None:
    settings.LOGIN_RATE = "3/m/ip"
    codes = [attempt(Client(), player.email, PASSWORD).status_code for _ in range(4)]
    assert codes == [302, 302, 302, 429]
    settings.LOGIN_RATE = ""
    assert attempt(Client(), player.email, PASSWORD).status_code == 302


def test_a_known_browser_is_not_let_hash_without_end(player: User, settings: Any) -> None:
    settings.LOGIN_RATE = "3/m/ip"
    home = Client()
    assert attempt(home, player.email, PASSWORD, HOME).status_code == 302
    statuses(player.email, 5, address=HOME)
    codes = []
    for _ in range(4):
        home.post("/accounts/logout/")
        codes.append(attempt(home, player.email, PASSWORD, HOME).status_code)
    assert codes == [302, 302, 302, 429], "whatever strangers at the same address have used up"


def test_the_admins_login_is_the_same_login(player: User) -> None:
    boss = User.objects.create_superuser("boss@example.com", "대장", PASSWORD)
    form = {"username": boss.email, "password": PASSWORD}
    for address in ("/admin/login/", "/admin/"):
        client = Client()
        answer = client.post(address, form)
        assert (answer.status_code, answer.url.split("?")[0]) in [
            (302, "/accounts/login/"),
            (302, "/admin/login/"),
        ]
        assert "_auth_user_id" not in client.session, "a right password alone opens nothing past the limits"
    assert statuses(boss.email, 6)[-1] == 429


def test_the_password_asked_again_is_counted_too(client: Client, player: User) -> None:
    attempt(client, player.email, PASSWORD, HOME)
    form = {"password": "wrong"}
    codes = [client.post("/accounts/reauthenticate/", form, REMOTE_ADDR=HOME).status_code for _ in range(11)]
    assert codes == [200] * 10 + [429]


@pytest.mark.parametrize("form", ["email", "delete"])
def test_a_form_that_asks_for_the_password_is_no_way_to_guess_it(
    client: Client, player: User, form: str, settings: Any
) -> None:
    settings.ACCOUNT_RATE_LIMITS = {}
    attempt(client, player.email, PASSWORD, HOME)
    data = {"password": "wrong", "email": "ant2@example.com"}
    codes = [client.post(f"/accounts/{form}/", data, REMOTE_ADDR=HOME).status_code for _ in range(11)]
    assert codes == [200] * 10 + [429]
    refused = client.post(f"/accounts/{form}/", data | {"password": PASSWORD}, REMOTE_ADDR=HOME)
    assert refused.status_code == 429


def test_keys_on_the_bus_name_nobody(player: User) -> None:
    statuses(player.email, 1)
    keys = b" ".join(stream.bus().keys("throttle:*"))
    assert keys
    assert b"ant" not in keys
    assert b"@" not in keys


def test_staff_change_their_password_where_everybody_does_and_see_no_secrets() -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("boss@example.com", "대장", PASSWORD))
    answer = client.post("/admin/password_change/", {"old_password": PASSWORD, "new_password1": "x"})
    assert (answer.status_code, answer.url) == (302, "/accounts/password/change/")
    for model in ("socialapp", "socialtoken"):
        assert client.get(f"/admin/socialaccount/{model}/").status_code == 404


def test_limits_of_django_allauth_answer_with_our_page(settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"signup": "1/m/ip"}
    assert Client().post("/accounts/guest/").status_code == 302
    answer = Client().post("/accounts/guest/")
    assert (answer.status_code, answer["Retry-After"]) == (429, "60")
    assert "조금 천천히" in answer.content.decode()


def test_every_account_page_takes_a_form_under_the_limits_of_production(player: User, settings: Any) -> None:
    """Also of who is not logged in any more, as by a login elsewhere: a limit by account then has nobody to count."""
    settings.ACCOUNT_RATE_LIMITS = base.ACCOUNT_RATE_LIMITS
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    patterns = [*urls.urlpatterns, *social_urls.urlpatterns]
    names = [pattern.name for pattern in patterns if isinstance(pattern, URLPattern)]
    with_a_key = ("account_confirm_email", "account_reset_password_from_key")
    pages = [reverse(name) for name in names if name not in with_a_key]
    assert len(pages) > 20
    form = {
        "email": player.email,
        "login": player.email,
        "nickname": "첫개미",
        "password": "x",
        "password1": "x",
    }
    for is_in in (False, True):
        for page in pages:
            client = Client(raise_request_exception=False)
            if is_in:
                client.force_login(player)
            assert client.post(page, form).status_code < 500, (page, is_in)
