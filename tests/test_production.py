"""The settings of production: what they refuse to start with, and what a browser gets from them."""

import os
import runpy
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, override_settings

from accounts.emails import email_vouch
from accounts.models import User
from stocking.settings import base
from stocking.settings.keys import secret_key_checked
from tests.instance import REPOSITORY

GOOD_KEY = secrets.token_urlsafe(64)
MAIL_SERVER = "smtp+tls://user:password@mail.example:587"
LEFT_ALONE = {"STORAGES", "DATABASES", "LOGGING"}


def production(monkeypatch: pytest.MonkeyPatch, **given: Any) -> dict[str, Any]:
    """Return what the production settings change, as they are with these values and environment variables."""
    values = {
        "SECRET_KEY": GOOD_KEY, "ALLOWED_HOSTS": ["stocking.example"], "TRUSTED_PROXIES": 1, "EMAIL_URL": MAIL_SERVER,
    } | given  # fmt: skip
    for name, value in values.items():
        if hasattr(base, name):
            monkeypatch.setattr(base, name, value)
        else:
            monkeypatch.setenv(name, value)
    found = runpy.run_module("stocking.settings.production")
    unchanged = vars(base)
    return {
        name: value
        for name, value in found.items()
        if name.isupper() and name not in LEFT_ALONE and (name in values or unchanged.get(name) != value)
    }


@pytest.mark.parametrize(
    "key",
    [
        "", "short", "a" * 64, "abcdefghi" * 8, "django-insecure-" + GOOD_KEY, "change-me-" + GOOD_KEY,
        "only-for-tests-0123456789-0123456789-0123456789-0123456789", "only-for-collecting-static-files-" + GOOD_KEY,
        "my-secret-key-" + GOOD_KEY, GOOD_KEY[:49],
    ],
    ids=range(10),  # not by the keys, which are others in each process
)  # fmt: skip
def test_a_key_that_others_know_or_guess_starts_nothing(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        production(monkeypatch, SECRET_KEY=key)
    assert not key or key not in str(refused.value), "an error is logged: it must not tell the key"
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", key or "x")
    with pytest.raises(ImproperlyConfigured):
        production(monkeypatch, SECRET_KEY=GOOD_KEY)


def test_the_keys_that_the_message_tells_to_make_are_taken() -> None:
    for _ in range(200):
        key = secrets.token_urlsafe(64)
        assert secret_key_checked(key) == key


@pytest.mark.parametrize("hosts", [[], ["*"], ["stocking.example", "*"]])
def test_a_site_that_answers_to_any_name_does_not_start(
    monkeypatch: pytest.MonkeyPatch, hosts: list[str]
) -> None:
    with pytest.raises(ImproperlyConfigured, match="ALLOWED_HOSTS"):
        production(monkeypatch, ALLOWED_HOSTS=hosts)


def test_sign_ups_are_confirmed_by_mail_and_nothing_starts_without_a_mail_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert production(monkeypatch)["ACCOUNT_EMAIL_VERIFICATION"] == "mandatory"
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
        production(monkeypatch, EMAIL_URL="")
    production(monkeypatch, EMAIL_URL="", EMAIL_VERIFICATION="none")


def test_former_keys_are_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    former = secrets.token_urlsafe(64)
    assert production(monkeypatch, SECRET_KEY_FALLBACKS=former)["SECRET_KEY_FALLBACKS"] == [former]


def deployed(tmp_path: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command with the environment of production."""
    given = {"DEBUG": "false", "STOCKING_VAR_DIR": str(tmp_path), "PATH": os.environ["PATH"]}
    given |= {"EMAIL_VERIFICATION": "none", **environment}
    return subprocess.run(
        [sys.executable, *command], cwd=REPOSITORY, env=given, capture_output=True, text=True, check=False
    )


def test_djangos_check_for_deployment_finds_nothing(tmp_path: Path) -> None:
    environment = {
        "SECRET_KEY": GOOD_KEY, "ALLOWED_HOSTS": "stocking.example", "TRUSTED_PROXIES": "1", "EMAIL_URL": MAIL_SERVER,
    }  # fmt: skip
    done = deployed(tmp_path, "manage.py", "check", "--deploy", "--fail-level", "WARNING", **environment)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout + done.stderr


def test_nothing_starts_without_a_key_or_with_the_one_of_an_example(tmp_path: Path) -> None:
    example = (REPOSITORY / "deploy" / "env.example").read_text()
    assert "SECRET_KEY=\n" in example, "an example has no key that somebody might keep"
    done = deployed(tmp_path, "-c", "import stocking.asgi", ALLOWED_HOSTS="stocking.example")
    assert done.returncode != 0
    assert "SECRET_KEY is not set" in done.stderr


@pytest.mark.django_db
def test_what_a_browser_gets_over_https(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = production(monkeypatch)
    with override_settings(**changed):
        client = Client(HTTP_HOST="stocking.example", enforce_csrf_checks=True)
        plain = client.get("/accounts/login/")
        assert (plain.status_code, plain["Location"]) == (301, "https://stocking.example/accounts/login/")
        assert client.get("/healthz").status_code == 200, "asked for from inside, without HTTPS"
        https = {"HTTP_X_FORWARDED_PROTO": "https"}
        page = client.get("/accounts/login/", **https)
        assert page.status_code == 200
        assert page["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
        assert "upgrade-insecure-requests" in page["Content-Security-Policy"]
        token = client.cookies["__Host-csrftoken"]
        assert token["secure"]
        assert (token["path"], token["domain"], token["samesite"]) == ("/", "", "Lax")
        email_vouch(user=User.objects.create_user("ant@example.com", "새벽개미", "파란-고래-7342"))
        form = {"login": "ant@example.com", "password": "파란-고래-7342"}
        more = https | {"HTTP_X_CSRFTOKEN": token.value}
        foreign = client.post("/accounts/login/", form, HTTP_ORIGIN="https://elsewhere.example", **more)
        assert foreign.status_code == 403
        answer = client.post("/accounts/login/", form, HTTP_ORIGIN="https://stocking.example", **more)
        assert answer.status_code == 302
        for name in ("__Host-sessionid", "__Host-known-browser"):
            cookie = client.cookies[name]
            assert cookie["secure"], name
            assert cookie["httponly"], name
            assert (cookie["path"], cookie["domain"], cookie["samesite"]) == ("/", "", "Lax"), name


@pytest.mark.django_db
def test_without_a_proxy_nobody_says_that_it_was_https(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = production(monkeypatch, TRUSTED_PROXIES=0)
    assert "SECURE_PROXY_SSL_HEADER" not in changed
    with override_settings(**changed):
        answer = Client(HTTP_HOST="stocking.example").get("/", HTTP_X_FORWARDED_PROTO="https")
    assert answer.status_code == 301


def test_a_trial_on_ones_own_machine_needs_no_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = production(monkeypatch, HTTPS_ONLY="false")
    assert not {
        "SECURE_SSL_REDIRECT",
        "SECURE_HSTS_SECONDS",
        "SESSION_COOKIE_SECURE",
        "SESSION_COOKIE_NAME",
    } & {*changed}


def test_no_secret_stands_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    names = listed.stdout.splitlines()
    assert not [
        n for n in names if Path(n).name in (".env", "secret_key") or n.endswith((".pem", ".key", ".p12"))
    ]
    compose = (REPOSITORY / "docker-compose.yml").read_text()
    assert "SECRET_KEY: ${SECRET_KEY:?" in compose
    assert "${MARIADB_PASSWORD:-" not in compose
