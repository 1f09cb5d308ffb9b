"""Users in the admin."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from accounts.sessions import current_user_of
from accounts.tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create_superuser("boss@example.com", "대장", PASSWORD)


@pytest.fixture
def admin_client(boss: User) -> Client:
    client = Client()
    client.force_login(boss)
    return client


@pytest.fixture
def clerk_client(db: None) -> Client:
    """A member of staff who may look at and change users, without all rights."""
    clerk = User.objects.create_user("clerk@example.com", "직원", PASSWORD, is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    client = Client()
    client.force_login(clerk)
    return client


def _form(user: User, **changes: str) -> dict[str, str]:
    return {"nickname": user.nickname, "email": user.email or "", "is_active": "on"} | changes


def test_staff_find_players_and_never_see_a_hash(admin_client: Client, player: User) -> None:
    found = admin_client.get("/admin/accounts/user/", {"q": "새벽"}).content.decode()
    assert "ant@example.com" in found
    page = admin_client.get(f"/admin/accounts/user/{player.pk}/change/").content.decode()
    assert player.password not in page
    assert player.password.rsplit("$", 1)[1] not in page
    assert "MMR" in page


def test_users_are_never_deleted(admin_client: Client, player: User) -> None:
    assert admin_client.post(f"/admin/accounts/user/{player.pk}/delete/", {"post": "yes"}).status_code == 403
    admin_client.post(
        "/admin/accounts/user/", {"action": "delete_selected", "_selected_action": player.pk, "post": "yes"}
    )
    assert User.objects.filter(pk=player.pk).exists()


def test_a_ban_ends_the_sessions_and_the_form_cannot_do_it(
    admin_client: Client, boss: User, player: User
) -> None:
    victim = Client()
    victim.force_login(player)
    key = victim.session.session_key
    admin_client.post(f"/admin/accounts/user/{player.pk}/change/", _form(player, is_active=""))
    assert current_user_of(key) == player, "a ban needs a reason, which the form does not ask for"
    chosen = {"action": "ban", "_selected_action": [player.pk, boss.pk], "reason": "도배"}
    assert admin_client.post("/admin/accounts/user/", chosen).status_code == 302
    player.refresh_from_db()
    assert not player.is_active
    assert current_user_of(key) is None
    admin_client.post(
        "/admin/accounts/user/", {"action": "unban", "_selected_action": [player.pk], "reason": "오해"}
    )
    player.refresh_from_db()
    assert player.is_active
    boss.refresh_from_db()
    assert boss.is_active, "nobody bans themselves"


def test_staff_change_their_own_password_where_everybody_does(admin_client: Client, boss: User) -> None:
    own = f"/admin/accounts/user/{boss.pk}/password/"
    fresh = "노란-기린-9921"
    form = {"usable_password": "true", "password1": fresh, "password2": fresh, "set-password": "1"}
    for answer in (admin_client.get(own), admin_client.post(own, form)):
        assert (answer.status_code, answer.headers["location"]) == (302, "/accounts/password/change/")
    boss.refresh_from_db()
    assert not boss.check_password(fresh)


def test_a_password_set_by_staff_ends_the_sessions(admin_client: Client, player: User) -> None:
    victim = Client()
    victim.force_login(player)
    key = victim.session.session_key
    fresh = "노란-기린-9921"
    form = {"usable_password": "true", "password1": fresh, "password2": fresh, "set-password": "1"}
    assert admin_client.post(f"/admin/accounts/user/{player.pk}/password/", form).status_code == 302
    player.refresh_from_db()
    assert player.check_password(fresh)
    assert current_user_of(key) is None


def test_staff_without_all_rights_cannot_give_rights_nor_touch_a_superuser(
    clerk_client: Client, player: User, boss: User
) -> None:
    address = f"/admin/accounts/user/{player.pk}/change/"
    assert (
        clerk_client.post(address, _form(player, is_superuser="on", is_staff="on", mmr="9999")).status_code
        == 302
    )
    player.refresh_from_db()
    assert (player.is_superuser, player.is_staff, player.mmr) == (False, False, 1000)
    assert clerk_client.post(f"/admin/accounts/user/{boss.pk}/change/", _form(boss)).status_code == 403
    assert clerk_client.get(f"/admin/accounts/user/{boss.pk}/password/").status_code == 403
    clerk_client.post(
        "/admin/accounts/user/", {"action": "ban", "_selected_action": [boss.pk], "reason": "?"}
    )
    boss.refresh_from_db()
    assert boss.is_active


@pytest.mark.parametrize(("whose", "refusal"), [("colleague", 403), ("clerk", 302)])  # one's own: elsewhere
def test_staff_without_all_rights_take_over_no_colleague(
    clerk_client: Client, whose: str, refusal: int
) -> None:
    User.objects.create_user("colleague@example.com", "동료", PASSWORD, is_staff=True)
    target = User.objects.get(email=f"{whose}@example.com")
    fresh = {"password1": "노란-기린-9921", "password2": "노란-기린-9921", "usable_password": "true"}
    address = f"/admin/accounts/user/{target.pk}"
    assert clerk_client.get(f"{address}/change/").status_code == 200, "to look at"
    assert clerk_client.post(f"{address}/password/", fresh).status_code == refusal
    assert clerk_client.post(f"{address}/change/", _form(target, email="x@example.com")).status_code == 403
    target.refresh_from_db()
    assert (target.email, target.check_password(PASSWORD)) == (f"{whose}@example.com", True)


def test_staff_add_and_rename_users_without_failures(admin_client: Client, player: User) -> None:
    address = "/admin/accounts/user/add/"
    form = {"email": "", "nickname": "새로온봇", "usable_password": "false", "password1": "", "password2": ""}
    assert admin_client.post(address, form).status_code == 302
    assert User.objects.get(nickname="새로온봇").email is None
    assert "이미 쓰고 있는" in admin_client.post(address, form).content.decode()
    rename = f"/admin/accounts/user/{player.pk}/change/"
    assert "이미 쓰고 있는" in admin_client.post(rename, _form(player, nickname="새로온봇")).content.decode()
    assert admin_client.post(rename, _form(player, nickname="Ant")).status_code == 302
    player.refresh_from_db()
    assert admin_client.post(rename, _form(player, nickname="ANT")).status_code == 302


def test_the_admin_asks_to_log_in_on_the_page_that_counts_failures(client: Client, player: User) -> None:
    response = client.get("/admin/accounts/user/", follow=True)
    assert response.redirect_chain[-1][0].startswith("/accounts/login/?next=")
    client.force_login(player)
    assert client.get("/admin/", follow=True).status_code == 403
