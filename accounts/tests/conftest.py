"""What the tests of accounts share."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User

PASSWORD = "파란-고래-7342"


@pytest.fixture
def player(db: None) -> User:
    """A player who signed up with an e-mail and a password."""
    return User.objects.create_user("ant@example.com", "새벽개미", PASSWORD)


@pytest.fixture
def sign_up(client: Client) -> Callable[..., Any]:
    """Send the sign-up form; fields may be replaced."""

    def send(**fields: str) -> Any:
        form = {
            "email": "new@example.com",
            "nickname": "첫개미",
            "password1": PASSWORD,
            "password2": PASSWORD,
        }
        return client.post("/accounts/signup/", form | fields)

    return send


@pytest.fixture
def log_in(client: Client) -> Callable[..., Any]:
    """Send the login form."""

    def send(login: str = "ant@example.com", password: str = PASSWORD, **fields: str) -> Any:
        return client.post("/accounts/login/", {"login": login, "password": password, **fields})

    return send


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The session keys whose end a listener has heard of."""
    from accounts import sessions

    heard: list[str] = []
    monkeypatch.setattr(sessions, "_listeners", [])
    sessions.on_session_end(heard.append)
    return heard
