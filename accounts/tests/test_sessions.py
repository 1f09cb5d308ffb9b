"""One session a user, whatever the way of logging in; what ends the others, and that nothing brings them back."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth import login
from django.contrib.sessions.backends.base import UpdateError
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.models import Session, User
from accounts.services import user_ban
from accounts.sessions import (
    before_sessions_end,
    current_user_of,
    ended_elsewhere,
    session_begin,
    sessions_expired_remove,
)
from accounts.tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

BACKEND = "accounts.backends.EmailBackend"


def store(key: str | None = None) -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore(key)


def by_password(client: Client, user: User) -> None:
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})


def by_the_admin(client: Client, user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=True)
    page = client.get("/admin/", follow=True)
    assert page.redirect_chain[-1][0].startswith("/accounts/login/?next=")
    answer = client.post(page.redirect_chain[-1][0], {"login": user.email, "password": PASSWORD})
    assert answer["location"] == "/admin/"


def by_adapter(client: Client, user: User) -> None:
    """As guests, sign-ups and social logins are logged in by django-allauth."""
    request = RequestFactory().post("/")
    request.session = store()
    get_adapter().login(request, user)
    request.session.save()
    client.cookies["sessionid"] = request.session.session_key


WAYS = [by_password, by_the_admin, by_adapter]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("before", WAYS, ids=lambda way: f"after_{way.__name__}")
def test_a_login_by_any_way_ends_the_session_of_before(
    player: User, ended: list[str], before: Callable[..., None], way: Callable[..., None]
) -> None:
    first, second = Client(), Client()
    before(first, player)
    old = first.cookies["sessionid"].value
    assert current_user_of(old) == player
    way(second, player)
    new = second.cookies["sessionid"].value
    assert (current_user_of(old), current_user_of(new)) == (None, player)
    assert list(Session.objects.filter(user=player).values_list("pk", flat=True)) == [new]
    assert old in ended and new not in ended
    assert ended_elsewhere(old) and not ended_elsewhere(new)
    assert first.get("/api/account").status_code == 401
    assert second.get("/api/account").status_code == 200


def test_what_a_cache_still_holds_of_an_ended_session_is_worth_nothing(player: User) -> None:
    """As after a process that died between the database and the cache, or a page that was late."""
    first, second = Client(), Client()
    by_password(first, player)
    zombie = store(first.cookies["sessionid"].value)
    zombie.load()
    by_password(second, player)
    zombie._cache.set(zombie.cache_key, dict(zombie.items()), 1_000)
    assert current_user_of(zombie.session_key) is None
    assert first.get("/api/account").status_code == 401


def test_what_a_cache_still_holds_after_a_logout_is_worth_nothing(player: User) -> None:
    client = Client()
    by_password(client, player)
    key = client.cookies["sessionid"].value
    zombie = store(key)
    zombie.load()
    client.post("/accounts/logout/")
    zombie._cache.set(zombie.cache_key, dict(zombie.items()), 1_000)
    assert current_user_of(key) is None


def test_a_request_that_is_late_does_not_bring_its_session_back(player: User) -> None:
    first = Client()
    by_password(first, player)
    late = store(first.cookies["sessionid"].value)
    late["seen"] = True
    by_password(Client(), player)
    with pytest.raises(UpdateError):
        late.save()
    assert current_user_of(first.cookies["sessionid"].value) is None


def test_a_profile_that_is_saved_late_does_not_bring_a_session_back(player: User) -> None:
    first, second = Client(), Client()
    by_password(first, player)
    stale = User.objects.get(pk=player.pk)
    by_password(second, player)
    stale.nickname = "다른이름"
    stale.save()
    assert current_user_of(first.cookies["sessionid"].value) is None
    assert current_user_of(second.cookies["sessionid"].value) == player


def test_of_logins_at_the_same_moment_exactly_one_stays(player: User) -> None:
    barrier = threading.Barrier(6)

    def log_in(_: int) -> str:
        try:
            request = RequestFactory().post("/")
            request.session = store()
            barrier.wait(10)
            login(request, User.objects.get(pk=player.pk), backend=BACKEND)
            request.session.save()
            return request.session.session_key or ""
        except UpdateError:  # ended by another before its page was done: that browser is told to try again
            return ""
        finally:
            connection.close()

    for _ in range(3):
        with ThreadPoolExecutor(6) as threads:
            keys = list(threads.map(log_in, range(6)))
        assert [current_user_of(key) for key in keys].count(player) == 1


def test_the_gate_is_told_before_the_commit_and_in_its_order(
    player: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from accounts import sessions

    told: list[tuple[int, str, bool]] = []
    monkeypatch.setattr(sessions, "_fences", [])
    before_sessions_end(
        lambda user_id, spared: told.append((user_id, spared, transaction.get_connection().in_atomic_block))
    )
    client = Client()
    by_password(client, player)
    key = client.cookies["sessionid"].value
    client.post("/accounts/logout/")
    by_password(client, player)
    user_ban(user=player)
    assert told == [
        (player.pk, key, True),
        (player.pk, "", True),
        (player.pk, client.cookies["sessionid"].value, True),
        (player.pk, "", True),
    ]


def test_a_gate_that_is_away_hinders_no_login(
    client: Client, player: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from accounts import sessions

    def away(_user_id: int, _spared: str) -> None:
        raise ConnectionError

    monkeypatch.setattr(sessions, "_fences", [away])
    by_password(client, player)
    assert current_user_of(client.cookies["sessionid"].value) == player


def test_a_login_that_is_not_committed_ends_nothing(player: User) -> None:
    first = Client()
    by_password(first, player)
    with transaction.atomic():
        session_begin(user=User.objects.get(pk=player.pk), session=store())
        transaction.set_rollback(True)
    assert current_user_of(first.cookies["sessionid"].value) == player


def test_a_forgotten_password_ends_every_session(player: User) -> None:
    first = Client()
    by_password(first, player)
    by_mail = Client()
    by_mail.post("/accounts/password/reset/", {"email": player.email})
    from django.core import mail

    link = mail.outbox[0].body.split("testserver", 1)[1].split()[0]
    page = by_mail.get(link, follow=True)
    fresh = "노란-기린-9921"
    by_mail.post(page.request["PATH_INFO"], {"password1": fresh, "password2": fresh})
    assert current_user_of(first.cookies["sessionid"].value) is None


def test_sessions_that_have_run_out_are_removed_and_no_others() -> None:
    for _ in range(2):
        Client().post("/accounts/guest/")
    old = Session.objects.order_by("pk").first()
    assert old is not None
    Session.objects.filter(pk=old.pk).update(expire_date=timezone.now() - timedelta(seconds=1))
    assert sessions_expired_remove() == 1
    assert Session.objects.count() == 1
    assert sessions_expired_remove() == 0
