"""Signing up: what is stored, what is refused, and what two at once get."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher, identify_hasher
from django.db import connection
from django.test import Client, override_settings

from accounts import forms
from accounts.models import User
from accounts.tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


def test_sign_up_stores_a_player_and_logs_in(client: Client, sign_up: Callable[..., Any]) -> None:
    response = sign_up(email="New@Example.com")
    assert (response.status_code, response.url) == (302, "/")
    user = User.objects.get()
    assert (user.email, user.nickname, user.is_guest, user.is_bot) == (
        "new@example.com",
        "첫개미",
        False,
        False,
    )
    assert user.check_password(PASSWORD)
    assert client.session["_auth_user_id"] == str(user.pk)


class WatchedHasher(MD5PasswordHasher):
    """Notes whether a transaction is open while a password is hashed."""

    in_transaction: ClassVar[list[bool]] = []

    def encode(self, password: str, salt: str) -> str:
        self.in_transaction.append(connection.in_atomic_block)
        return super().encode(password, salt)


def test_no_transaction_is_open_while_a_password_is_hashed(sign_up: Callable[..., Any]) -> None:
    WatchedHasher.in_transaction.clear()
    with override_settings(PASSWORD_HASHERS=[f"{__name__}.WatchedHasher"]):
        assert sign_up().status_code == 302
    assert set(WatchedHasher.in_transaction) == {False}


def test_sign_up_goes_on_to_where_the_player_came_from(sign_up: Callable[..., Any]) -> None:
    assert sign_up(next="/stocks/AAA/").url == "/stocks/AAA/"


def test_sign_up_never_leaves_the_site(sign_up: Callable[..., Any]) -> None:
    assert sign_up(next="https://elsewhere.example/").url == "/"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("nickname", "새벽개미", "이미 쓰고 있는"),
        ("nickname", "ANT_one", "이미 쓰고 있는"),
        ("nickname", "ａｎｔ_one", "이미 쓰고 있는"),
        ("nickname", "개", "2~12자"),
        ("nickname", "개" * 13, "2~12자"),
        ("nickname", "개미 왕", "2~12자"),
        ("nickname", "<b>개미</b>", "2~12자"),
        ("nickname", "가" * 5000, "2~12자"),
        ("nickname", "운영자123", "쓸 수 없는"),
        ("nickname", "Ａdmin", "쓸 수 없는"),
        ("nickname", "체험왕1234", "쓸 수 없는"),
        ("nickname", "", "꼭 입력"),
        ("email", "ant@example.com", "이미 가입한"),
        ("email", "ANT@EXAMPLE.COM", "이미 가입한"),
        ("email", "no-address", "이메일"),
        ("password1", "12345678", "글자를 섞어"),
        ("password1", "고래", "8자 이상"),
        ("password1", "password1", "너무 흔한"),
        ("password1", "new@example.com", "너무 비슷"),
        ("password2", "other-password-99", "서로 달라요"),
        ("password2", "", "꼭 입력"),
    ],
)
def test_sign_up_refuses(
    sign_up: Callable[..., Any], player: User, field: str, value: str, says: str
) -> None:
    User.objects.create_user("second@example.com", "Ant_One", PASSWORD)
    response = sign_up(**{field: value})
    assert response.status_code == 200
    assert any(says in error for errors in response.context["form"].errors.values() for error in errors)
    assert User.objects.count() == 2


def test_a_decomposed_hangul_nickname_is_stored_composed(sign_up: Callable[..., Any]) -> None:
    sign_up(nickname="\u1100\u1162\u1106\u1175")
    assert User.objects.get().nickname == "개미"


@pytest.mark.parametrize(
    ("taken", "field", "says"),
    [
        ({"email": "other@example.com", "nickname": "첫개미"}, "nickname", "방금 다른 분이"),
        ({"email": "new@example.com", "nickname": "다른개미"}, "email", "이미 가입한"),
    ],
)
def test_a_raced_duplicate_is_an_error_of_the_form(
    client: Client,
    sign_up: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    taken: dict[str, str],
    field: str,
    says: str,
) -> None:
    checked = forms.SignupForm.clean

    def clean_then_lose(form: forms.SignupForm) -> Any:
        """Another player signs up between this form's check and its insert."""
        cleaned = checked(form)
        User.objects.create_user(taken["email"], taken["nickname"], PASSWORD)
        return cleaned

    monkeypatch.setattr(forms.SignupForm, "clean", clean_then_lose)
    response = sign_up()
    assert response.status_code == 200
    assert says in response.context["form"].errors[field][0]
    assert User.objects.count() == 1
    assert "_auth_user_id" not in client.session


def test_sign_ups_from_one_address_are_limited(sign_up: Callable[..., Any], client: Client) -> None:
    with override_settings(ACCOUNT_RATE_LIMITS={"signup": "2/m/ip"}):
        address = {"REMOTE_ADDR": "198.51.100.7"}
        codes = [client.post("/accounts/guest/", **address).status_code for _ in range(1)]
        client.logout()
        codes.append(client.post("/accounts/signup/", {}, **address).status_code)
        codes.append(client.post("/accounts/guest/", **address).status_code)
        codes.append(client.post("/accounts/signup/", {}, **address).status_code)
    assert codes == [302, 200, 429, 429]
    assert User.objects.count() == 1


def test_passwords_are_hashed_with_argon2_outside_tests(settings: Any) -> None:
    from stocking.settings import base

    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS
    user = User.objects.create_user("safe@example.com", "금고", PASSWORD)
    assert identify_hasher(user.password).algorithm == "argon2"
    assert user.password.startswith("argon2$argon2id$")
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize("page", ["signup", "login", "password/reset"])
def test_pages_render_in_korean(client: Client, page: str) -> None:
    response = client.get(f"/accounts/{page}/")
    assert response.status_code == 200
    text = response.content.decode()
    assert "이메일" in text
    assert "csrfmiddlewaretoken" in text


@pytest.mark.parametrize(
    ("proxies", "headers"),
    [
        (0, [{"HTTP_X_FORWARDED_FOR": f"203.0.113.{n}", "REMOTE_ADDR": "198.51.100.7"} for n in range(3)]),
        (1, [{"HTTP_X_FORWARDED_FOR": f"203.0.113.{n}, 198.51.100.7"} for n in range(3)]),
        (0, [{"REMOTE_ADDR": f"2001:db8::{n}:{n}"} for n in range(3)]),
        (
            0,
            [
                {"REMOTE_ADDR": address}
                for address in ("::ffff:198.51.100.7", "198.51.100.7", "::ffff:c633:6407")
            ],
        ),
    ],
)
def test_a_forged_or_changing_address_does_not_get_round_the_limit(
    settings: Any, proxies: int, headers: list[dict[str, Any]]
) -> None:
    settings.TRUSTED_PROXIES = proxies
    settings.ACCOUNT_RATE_LIMITS = {"signup": "2/m/ip"}
    codes = [Client().post("/accounts/guest/", **header).status_code for header in headers]
    assert codes == [302, 302, 429]
