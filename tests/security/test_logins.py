"""The session's key at login, and what a stranger may learn about who has an account."""

import re
import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import hashers
from django.core import mail
from django.test import Client, override_settings

from accounts.emails import email_vouch
from accounts.models import User
from tests.player import Player
from trading.gate.client import gate
from trading.models import Order
from trading.tests.market import Exchange

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "파란-고래-7342"
SLOW_HASHING = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
ASKED_TIMES = 5
TIMES_ALIKE = 3.0  # an answer that hashes no password comes about fifty times sooner


def player_with(email: str, **more: Any) -> User:
    """Return a player whose e-mail it is, beyond doubt."""
    user = User.objects.create_user(email, "새벽개미", PASSWORD, **more)
    email_vouch(user=user)
    return user


def test_session_key_changes_at_login_and_the_old_one_is_dead(
    guest: Callable[[], Player], exchange: Exchange, site: str
) -> None:
    player_with("ant@example.com")
    with Player(site) as player:
        player.log_in("ant@example.com", PASSWORD)
        first = player.http.cookies["sessionid"]
        assert player.order("AAA", "buy", 1, 90_000).status_code == 202
        player.http.post("/accounts/logout/", data={"csrfmiddlewaretoken": player.http.cookies["csrftoken"]})
        player.http.cookies.clear()
        player.log_in("ant@example.com", PASSWORD)
        second = player.http.cookies["sessionid"]
        assert second != first
        assert player.order("AAA", "buy", 1, 90_000).status_code == 202
        player.http.cookies.set("sessionid", first, domain="127.0.0.1")
        assert player.order("AAA", "buy", 1, 90_000).status_code == 401
        assert player.http.get("/api/account").status_code == 401
    assert gate().redis.get(f"session:{first}") is None
    exchange.drain()
    assert Order.objects.count() == 2


def test_a_session_key_from_outside_is_never_taken(site: str) -> None:
    player_with("ant@example.com")
    for planted in ("a" * 32, "0123456789abcdef0123456789abcdef"):
        with Player(site) as player:
            player.http.cookies.set("sessionid", planted, domain="127.0.0.1", path="/")
            player.log_in("ant@example.com", PASSWORD)
            keys = {cookie.value for cookie in player.http.cookies.jar if cookie.name == "sessionid"}
            assert keys - {planted}
        with Player(site) as attacker:
            attacker.http.cookies.set("sessionid", planted, domain="127.0.0.1", path="/")
            assert attacker.http.get("/api/account").status_code == 401


def told(answer: Any, *names: str) -> list[str]:
    """Return what an answer says, line by line, without what differs from one asking to the next."""
    text = answer.content.decode()
    text = re.sub(r'(csrfmiddlewaretoken" value=|nonce=|data-server-time-ms=)"[^"]*"', "", text)
    text = re.sub(r'"server_time_ms": \d+', "", text)
    for name in names:
        text = text.replace(name, "EMAIL")
    return [str(answer.status_code), answer.get("Location", ""), *text.splitlines()]


def asked(path: str, fields: dict[str, str]) -> tuple[list[str], float]:
    """Send a form from a browser of its own; return what it is told and how long that took."""
    browser = Client()
    browser.get(path)
    began = time.perf_counter()
    answer = browser.post(path, fields)
    return told(answer, *fields.values()), time.perf_counter() - began


@override_settings(PASSWORD_HASHERS=SLOW_HASHING)
@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/password/reset/", "/admin/login/"])
def test_known_and_unknown_email_get_the_same_answer_in_times_alike(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, unknown = "known@example.com", "other@example.com"
    player_with(known, is_staff=True)
    hashed: list[str] = []

    def counting(name: str) -> Callable[..., Any]:
        real = getattr(hashers.Argon2PasswordHasher, name)

        def counted(self: Any, password: str, *more: Any) -> Any:
            hashed.append(password)
            return real(self, password, *more)

        return counted

    for name in ("encode", "verify"):
        monkeypatch.setattr(hashers.Argon2PasswordHasher, name, counting(name))
    answers: dict[str, list[list[str]]] = {known: [], unknown: []}
    seconds: dict[str, list[float]] = {known: [], unknown: []}
    work: dict[str, list[int]] = {known: [], unknown: []}
    name = "username" if "admin" in path else "email" if "reset" in path else "login"
    for _ in range(ASKED_TIMES):
        for email in (known, unknown):
            hashed.clear()
            fields = {name: email} | ({} if "reset" in path else {"password": "wrong-one-1"})
            answer, took = asked(path, fields)
            answers[email].append(answer)
            seconds[email].append(took)
            work[email].append(len(hashed))
    assert answers[known][0] == answers[unknown][0]
    assert work[known] == work[unknown]
    medians = {email: statistics.median(times) for email, times in seconds.items()}
    print({email: f"{value * 1000:.0f} ms" for email, value in medians.items()}, len(mail.outbox))
    assert max(medians.values()) < TIMES_ALIKE * min(medians.values())
