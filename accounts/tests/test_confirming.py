"""E-mails that have to be confirmed: what a stranger can learn (nothing), and who gets an address (who proves it)."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.emails import email_claim, email_confirm, email_vouch
from accounts.models import User
from accounts.tests.conftest import PASSWORD
from accounts.tests.watching import HashesCounted
from chat.moderation import player_ban, player_unban
from stocking.settings import base

pytestmark = pytest.mark.django_db

FRESH = "노란-기린-9921"


@pytest.fixture(autouse=True)
def _mandatory(settings: Any) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"


@pytest.fixture
def owner(player: User) -> User:
    """A player whose e-mail is confirmed."""
    email_vouch(user=player)
    return player


def link_in(message: Any) -> str:
    found = re.search(r"https?://[^/\s]+(/accounts/confirm-email/\S+)", message.body)
    assert found, message.body
    return found[1]


def test_the_link_ends_a_sign_up_and_logs_in_the_browser_that_made_it(
    client: Client, sign_up: Callable[..., Any], log_in: Callable[..., Any]
) -> None:
    answer = sign_up(next="/rankings/")
    assert (answer.status_code, answer.url) == (302, "/accounts/confirm-email/")
    assert "new@example.com" in client.get(answer.url).content.decode()
    assert "_auth_user_id" not in client.session
    assert "맞지 않아요" in log_in("new@example.com").content.decode(), "no login before the link"
    [message] = mail.outbox
    assert (message.to, message.subject) == (
        ["new@example.com"],
        "[스톡킹] 가입을 마치려면 이메일을 확인해 주세요",
    )
    page = client.get(link_in(message))
    assert "첫개미" in page.content.decode()
    assert User.objects.get().email is None, "opening the link changes nothing"
    answer = client.post(link_in(message))
    assert (answer.status_code, answer.url) == (302, "/rankings/")
    user = User.objects.get()
    assert (user.email, client.session["_auth_user_id"]) == ("new@example.com", str(user.pk))
    assert "쓸 수 없는 링크" in client.post(link_in(message)).content.decode(), "a link works once"


def test_another_browser_has_to_log_in(
    client: Client, sign_up: Callable[..., Any], log_in: Callable[..., Any]
) -> None:
    sign_up()
    other = Client()
    assert other.post(link_in(mail.outbox[0])).url == "/accounts/login/"
    assert "_auth_user_id" not in other.session
    assert log_in("new@example.com").url == "/"


def test_sign_up_tells_nobody_whether_an_email_has_an_account(owner: User) -> None:
    """Answer, page after it, taken nickname, login and reset: all the same; only the owner's mail differs."""
    seen = {}
    for email, nickname in ((owner.email, "하나"), ("nobody@example.com", "둘")):
        assert email
        client = Client()
        mail.outbox.clear()
        form = {"email": email, "nickname": nickname * 2, "password1": FRESH, "password2": FRESH}
        answer = client.post("/accounts/signup/", form)
        after = client.get(answer.url).content.decode().replace(email, "…")
        taken = client.get("/api/nickname", {"nickname": nickname * 2}).json()
        with HashesCounted() as hashes:
            login = client.post("/accounts/login/", {"login": email, "password": FRESH})
        again = client.post("/accounts/confirm-email/", {"email": email})
        reset = client.post("/accounts/password/reset/", {"email": email})
        seen[email] = (
            answer.status_code, answer.url, _without_tokens(after), taken, login.status_code, hashes.count,
            login.context["form"].errors, again.status_code, again.url, reset.status_code, reset.url, len(mail.outbox),
        )  # fmt: skip
    first, second = seen.values()
    assert first == second
    assert User.objects.get(email=owner.email) == owner


def _without_tokens(page: str) -> str:
    main = page.split("<main", 1)[1].split("</main>", 1)[0]
    return re.sub(r'csrfmiddlewaretoken" value="\w+', "", main)


def test_the_owner_of_a_known_email_is_told_by_mail(owner: User, sign_up: Callable[..., Any]) -> None:
    sign_up(email=owner.email)
    assert [message.subject for message in mail.outbox] == ["[스톡킹] 이미 가입한 이메일이에요"]
    assert "/accounts/confirm-email/" not in mail.outbox[0].body


def test_nobody_keeps_an_address_by_claiming_it_first(
    client: Client, sign_up: Callable[..., Any], log_in: Callable[..., Any]
) -> None:
    squatter = Client()
    form = {"email": "new@example.com", "nickname": "새치기", "password1": FRESH, "password2": FRESH}
    squatter.post("/accounts/signup/", form)
    sign_up()
    claim = EmailAddress.objects.get(user__nickname="첫개미")
    assert email_confirm(address=claim)
    assert log_in("new@example.com").url == "/"
    other = EmailAddress.objects.get(user__nickname="새치기")
    assert not email_confirm(address=other)
    assert not email_confirm(address=claim), "once"
    assert User.objects.get(nickname="새치기").email is None


def test_an_address_that_was_never_confirmed_goes_to_who_proves_it(player: User) -> None:
    """Accounts from the time before confirmation was demanded."""
    newcomer = User.objects.create_user(None, "증명한개미", PASSWORD)
    assert email_confirm(address=email_claim(user=newcomer, email="ant@example.com"))
    assert list(User.objects.order_by("pk").values_list("email", flat=True)) == [None, "ant@example.com"]


@pytest.mark.parametrize("is_known_to_allauth", [True, False])
def test_a_player_from_before_confirmation_was_demanded_gets_in_by_the_link(
    client: Client, player: User, log_in: Callable[..., Any], is_known_to_allauth: bool
) -> None:
    if is_known_to_allauth:
        EmailAddress.objects.create(user=player, email=player.email, primary=True, verified=False)
    answer = log_in()
    assert answer.url == "/accounts/confirm-email/"
    assert "메일" in client.get(answer.url).content.decode()
    assert "_auth_user_id" not in client.session
    [message] = mail.outbox
    assert client.post(link_in(message)).url == "/"
    assert client.session["_auth_user_id"] == str(player.pk)
    Client().post("/accounts/logout/")
    assert log_in().url == "/"


def test_two_claims_at_the_same_moment_one_gets_it(owner: User) -> None:
    newcomer = User.objects.create_user(None, "늦은개미", PASSWORD)
    address = email_claim(user=newcomer, email="late@example.com")
    User.objects.filter(pk=owner.pk).update(email="late@example.com")
    EmailAddress.objects.filter(user=owner).update(email="late@example.com")
    assert not email_confirm(address=address)
    newcomer.refresh_from_db()
    assert newcomer.email is None
    assert EmailAddress.objects.filter(user=newcomer, verified=False).exists()


def test_a_reset_for_a_claimed_address_sends_the_link_that_confirms_it(
    client: Client, sign_up: Callable[..., Any]
) -> None:
    sign_up()
    mail.outbox.clear()
    client.post("/accounts/password/reset/", {"email": "New@example.com"})
    [message] = mail.outbox
    assert link_in(message)


def test_asking_again_sends_ones_own_link_whoever_claims_the_address_after(
    client: Client, sign_up: Callable[..., Any]
) -> None:
    sign_up()
    form = {"email": "new@example.com", "nickname": "새치기", "password1": FRESH, "password2": FRESH}
    Client().post("/accounts/signup/", form)
    with redis.Redis.from_url(settings.BUS_REDIS_URL) as bus:
        bus.flushdb()  # three minutes later
    mail.outbox.clear()
    client.post("/accounts/confirm-email/", {"email": "new@example.com"})
    [message] = mail.outbox
    client.post(link_in(message))
    assert User.objects.get(email="new@example.com").nickname == "첫개미"


def test_nobody_is_sent_a_link_to_an_account_that_somebody_else_has_a_key_of(client: Client) -> None:
    """A stranger claims the address for an account of theirs, and waits for its owner to ask for a mail."""
    by_provider = User.objects.create_user(None, "네이버로", None)
    SocialAccount.objects.create(user=by_provider, provider="naver", uid="1")
    by_another_email = User.objects.create_user("mine@example.com", "다른메일", PASSWORD)
    for stranger in (by_provider, by_another_email):
        email_claim(user=stranger, email="new@example.com")
    client.post("/accounts/password/reset/", {"email": "new@example.com"})
    client.post("/accounts/confirm-email/", {"email": "new@example.com"})
    assert [message.subject for message in mail.outbox] == ["[스톡킹] 이메일 안내"] * 2
    mail.outbox.clear()
    client.force_login(by_provider)
    with redis.Redis.from_url(settings.BUS_REDIS_URL) as bus:
        bus.flushdb()  # three minutes later
    client.force_login(by_provider)
    client.post("/accounts/confirm-email/", {"email": "new@example.com"})
    assert link_in(mail.outbox[0]), "who asks for their own gets it"


def test_a_wrong_old_or_foreign_link_says_what_to_do(client: Client, sign_up: Callable[..., Any]) -> None:
    for key in ("nonsense", "MQ:1abcde:forged"):
        page = client.get(f"/accounts/confirm-email/{key}/")
        assert page.status_code == 200
        assert "메일 다시 받기" in page.content.decode()
        assert client.post(f"/accounts/confirm-email/{key}/").status_code == 200
    sign_up()
    EmailAddress.objects.all().delete()
    assert "쓸 수 없는 링크" in client.get(link_in(mail.outbox[0])).content.decode()


def test_opening_another_accounts_link_leaves_a_guest_logged_in(
    client: Client, sign_up: Callable[..., Any]
) -> None:
    sign_up()
    playing = Client()
    playing.post("/accounts/guest/")
    key = playing.session.session_key
    playing.get(link_in(mail.outbox[0]))
    playing.post(link_in(mail.outbox[0]))
    assert playing.session.session_key == key
    assert User.objects.get(pk=playing.session["_auth_user_id"]).is_guest
    assert User.objects.get(nickname="첫개미").email == "new@example.com"


def test_staff_made_by_the_operator_need_no_mail(client: Client) -> None:
    User.objects.create_superuser("boss@example.com", "대장", PASSWORD)
    answer = client.post("/accounts/login/", {"login": "boss@example.com", "password": PASSWORD})
    assert answer.url == "/"
    assert mail.outbox == []


def test_sign_ups_never_confirmed_are_removed_after_a_week_and_nobody_else(owner: User) -> None:
    def claimant(nickname: str, **fields: Any) -> User:
        user = User.objects.create_user(None, nickname, PASSWORD, **fields)
        email_claim(user=user, email=f"{user.pk}@example.com")
        return user

    long_ago = timezone.now() - timedelta(days=8)
    stale = claimant("오래된", date_joined=long_ago)
    kept = [
        owner,
        claimant("어제온"),
        claimant("놀던", date_joined=long_ago, last_login=long_ago),
        claimant("체험중", date_joined=long_ago, is_guest=True),
        User.objects.create_user(None, "직원이만든", PASSWORD, date_joined=long_ago),
    ]
    assert services.unconfirmed_remove() == 1
    assert services.unconfirmed_remove() == 0
    assert not User.objects.filter(pk=stale.pk).exists()
    assert User.objects.filter(pk__in=[user.pk for user in kept]).count() == len(kept)


def test_a_sign_up_that_staffs_log_refers_to_keeps_no_other_from_being_removed(owner: User) -> None:
    long_ago = timezone.now() - timedelta(days=8)
    first, second = (
        User.objects.create_user(None, nickname, PASSWORD, date_joined=long_ago)
        for nickname in ("하나둘", "셋넷")
    )
    for user in (first, second):
        email_claim(user=user, email=f"{user.pk}@example.com")
    staff = User.objects.create_superuser("boss@example.com", "대장", PASSWORD)
    player_ban(player=first, reason="광고", staff=staff)
    player_unban(player=first, reason="오해", staff=staff)
    assert services.unconfirmed_remove() == 1
    assert list(User.objects.filter(pk__in=[first.pk, second.pk])) == [first]


def test_one_address_is_sent_few_links_whoever_asks(settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = base.ACCOUNT_RATE_LIMITS
    emails = ["ant@example.com", "ANT@example.com", "ant@example.com", "ant@example.com", "bee@example.com"]
    codes = [Client().post("/accounts/confirm-email/", {"email": email}).status_code for email in emails]
    assert codes == [302, 302, 302, 429, 302]
