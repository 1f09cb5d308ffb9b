"""Leaving for good."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client

from accounts import deletion
from accounts.emails import email_claim, email_confirm
from accounts.models import DELETED_NICKNAME, Session, User
from accounts.services import user_unban
from accounts.tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The accounts whose deletion a listener has heard of."""
    found: list[int] = []
    monkeypatch.setattr(deletion, "_listeners", [])
    deletion.on_user_delete(found.append)
    return found


def test_a_player_leaves_and_everything_of_theirs_is_free(
    client: Client, player: User, ended: list[str], heard: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    elsewhere = Client()
    elsewhere.force_login(player)
    keys = {elsewhere.session.session_key}
    with django_capture_on_commit_callbacks(execute=True):
        client.force_login(player)
    EmailAddress.objects.create(user=player, email="ant@example.com", verified=True)
    SocialAccount.objects.create(user=player, provider="kakao", uid="1")
    player.groups.add(Group.objects.create(name="clan"))
    keys.add(client.session.session_key)
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/accounts/delete/", {"password": PASSWORD})
    assert (answer.status_code, answer.url) == (302, "/")
    player.refresh_from_db()
    assert (player.nickname, player.email, player.is_active) == (DELETED_NICKNAME, None, False)
    assert not player.has_usable_password()
    assert keys <= set(ended)
    assert not Session.objects.filter(user=player).exists()
    assert heard == [player.pk]
    assert not EmailAddress.objects.exists()
    assert not SocialAccount.objects.exists()
    assert not player.groups.exists()
    assert elsewhere.get("/me/").status_code == 302
    assert [message.to for message in mail.outbox] == [["ant@example.com"]]
    # Nickname and e-mail are anybody's again.
    form = {"email": "ant@example.com", "nickname": "새벽개미", "password1": PASSWORD, "password2": PASSWORD}
    assert Client().post("/accounts/signup/", form).status_code == 302


def test_no_page_leads_to_who_has_left(client: Client, player: User) -> None:
    deletion.user_delete(user=player)
    for name in ("새벽개미", DELETED_NICKNAME, f"#{player.pk}"):
        assert client.get("/players/{}/".format(name.replace("#", "%23"))).status_code == 404
    login = client.post("/accounts/login/", {"login": "ant@example.com", "password": PASSWORD})
    assert login.status_code == 200
    client.post("/accounts/password/reset/", {"email": "ant@example.com"})
    assert "가입한 계정이 없어요" in mail.outbox[-1].body


def test_any_number_of_players_can_leave_and_each_only_once(
    player: User, heard: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    other = User.objects.create_user("bee@example.com", "저녁개미", PASSWORD)
    with django_capture_on_commit_callbacks(execute=True):
        assert [deletion.user_delete(user=user) for user in (player, other, player)] == [True, True, False]
    assert heard == [player.pk, other.pk]


def test_a_listener_that_fails_hinders_nobody(
    player: User, heard: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    def fail(user_id: int) -> None:
        raise ConnectionError

    deletion.on_user_delete(fail)
    late: list[int] = []
    deletion.on_user_delete(late.append)
    with django_capture_on_commit_callbacks(execute=True):
        deletion.user_delete(user=player)
    assert heard == late == [player.pk]


@pytest.mark.parametrize("form", [{}, {"password": "wrong"}, {"nickname": "새벽개미"}])
def test_without_the_password_nobody_leaves(client: Client, player: User, form: dict[str, str]) -> None:
    client.force_login(player)
    assert client.post("/accounts/delete/", form).status_code == 200
    assert client.get("/accounts/delete/", {"password": PASSWORD}).status_code == 200
    player.refresh_from_db()
    assert player.is_active


def test_a_guest_types_the_nickname(client: Client) -> None:
    client.post("/accounts/guest/")
    guest = User.objects.get()
    assert client.post("/accounts/delete/", {"nickname": "체험왕"}).status_code == 200
    assert client.post("/accounts/delete/", {"nickname": f" {guest.nickname} "}).status_code == 302
    guest.refresh_from_db()
    assert guest.deleted_at is not None


def test_staff_do_not_vanish(client: Client) -> None:
    boss = User.objects.create_superuser("boss@example.com", "대장", PASSWORD)
    client.force_login(boss)
    answer = client.post("/accounts/delete/", {"password": PASSWORD})
    assert "운영진" in answer.content.decode()
    boss.refresh_from_db()
    assert boss.is_active


def test_nothing_brings_them_back(client: Client, player: User) -> None:
    address = email_claim(user=player, email="bee@example.com")
    deletion.user_delete(user=player)
    assert not email_confirm(address=address), "a link that was on its way"
    user_unban(user=player)
    stale = User(pk=player.pk, nickname="새벽개미")
    assert not stale.deleted_at
    player.refresh_from_db()
    assert not player.is_active
    for change in ({"is_active": True}, {"email": "ant@example.com"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.filter(pk=player.pk).update(**change)
    player.save()
    assert User.objects.get(pk=player.pk).nickname_key == f"#{player.pk}"
    boss = User.objects.create_superuser("boss@example.com", "대장", PASSWORD)
    client.force_login(boss)
    client.post("/admin/accounts/user/", {"action": "unban", "_selected_action": [player.pk]})
    changed = client.post(
        f"/admin/accounts/user/{player.pk}/change/", {"nickname": "부활", "is_active": "on"}
    )
    assert changed.status_code == 403
    player.refresh_from_db()
    assert (player.is_active, player.nickname) == (False, DELETED_NICKNAME)
