"""Login with Kakao, Naver and Google: our pages by Django's client, the provider by real HTTP to a stand-in."""

import html
import re
import runpy
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client

from accounts.models import Session, User
from accounts.services import guest_create, user_ban
from accounts.social import adapter, services
from accounts.social.providers import email_masked
from accounts.tests.conftest import PASSWORD
from tests.identity import CANCEL, CREDENTIALS, Fault, IdentityProvider, Person

pytestmark = pytest.mark.django_db
PROVIDERS = tuple(CREDENTIALS)
EVERY_PROVIDER = pytest.mark.parametrize("provider", PROVIDERS)


@pytest.fixture(scope="module")
def stand_in() -> Iterator[IdentityProvider]:
    """The three providers on 127.0.0.1."""
    with IdentityProvider() as running:
        yield running


@pytest.fixture
def identity(stand_in: IdentityProvider, settings: Any) -> IdentityProvider:
    """The stand-in in the place of all three providers, with nobody there yet."""
    settings.SOCIAL_CREDENTIALS = CREDENTIALS
    settings.SOCIAL_STAND_IN = stand_in.base_url
    stand_in.people.clear()
    stand_in.asked.clear()
    return stand_in


@pytest.fixture
def ant(identity: IdentityProvider) -> Person:
    """Somebody whose address tells more than a stranger should know."""
    return identity.add(Person("4242", "kim.minsu.1990@example.com", name="김민수"))


class Visitor:
    """One browser: our pages through Django's client, the provider's through HTTP."""

    def __init__(self, client: Client | None = None) -> None:
        self.client = client or Client()

    def leave(self, provider: str, **fields: str) -> str:
        """Press the provider's button; return where the page sends the browser."""
        answer = self.client.post(f"/accounts/{provider}/login/", fields)
        assert answer.status_code == 200, answer
        [target] = re.findall(r'http-equiv="refresh" content="0;url=([^"]+)"', answer.content.decode())
        return html.unescape(target)

    def consent(self, target: str, uid: str) -> str:
        """Decide at the provider; return the address it sends the browser back to."""
        answer = httpx.get(f"{target}&person={uid}")
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def come_back(self, location: str) -> Any:
        """Open our address that the provider named."""
        parts = urlsplit(location)
        return self.client.get(f"{parts.path}?{parts.query}")

    def go(self, provider: str, uid: str, **fields: str) -> Any:
        """Go there and back."""
        return self.come_back(self.consent(self.leave(provider, **fields), uid))

    def sign_up(self, provider: str, uid: str, nickname: str) -> User:
        """Go there and back and choose a nickname."""
        assert self.go(provider, uid).headers["location"] == "/accounts/3rdparty/signup/"
        answer = self.client.post("/accounts/3rdparty/signup/", {"nickname": nickname})
        assert answer.status_code == 302, answer.content.decode()
        return User.objects.get(nickname=nickname)

    @property
    def user_id(self) -> int | None:
        """Who is logged in."""
        found = self.client.session.get("_auth_user_id")
        return None if found is None else int(found)


def refusal_in(answer: Any) -> str:
    """Return which refusal a page shows."""
    [name] = re.findall(r'data-refusal="(\w+)"', answer.content.decode())
    return name


# Coming in ------------------------------------------------------------------------------------------------


@EVERY_PROVIDER
def test_sign_up_and_log_in(ant: Person, provider: str) -> None:
    user = Visitor().sign_up(provider, ant.uid, "새벽개미")
    assert (user.email, user.is_guest, user.has_usable_password()) == (ant.email, False, False)
    assert EmailAddress.objects.get(user=user).verified

    again = Visitor()
    assert again.go(provider, ant.uid, next="/rankings/").headers["location"] == "/rankings/"
    assert again.user_id == user.pk
    assert User.objects.count() == 1


@pytest.mark.parametrize("provider", ["kakao", "google"])
def test_nothing_of_a_profile_is_kept_but_a_masked_address(ant: Person, provider: str) -> None:
    visitor = Visitor()
    user = visitor.sign_up(provider, ant.uid, "새벽개미")
    kept = SocialAccount.objects.get(user=user)
    assert (kept.uid, kept.extra_data) == (ant.uid, {"shown": "ki***@example.com"})
    visitor.go(provider, ant.uid)
    assert SocialAccount.objects.get(user=user).extra_data == {"shown": "ki***@example.com"}


@pytest.mark.parametrize("provider", ["kakao", "naver"])
def test_the_nickname_is_the_players_and_no_suggestion_comes_from_the_profile(
    ant: Person, provider: str
) -> None:
    visitor = Visitor()
    visitor.go(provider, ant.uid)
    page = visitor.client.get("/accounts/3rdparty/signup/").content.decode()
    [suggested] = re.findall(r'name="nickname" value="([^"]+)"', page)
    assert re.fullmatch(r"[가-힣]{2,12}\d{0,3}", suggested)
    assert not any(part in suggested for part in ("kim", "minsu", "1990", ant.name))
    assert not User.objects.exists()
    assert visitor.client.get("/accounts/3rdparty/signup/?nickname=hacked").status_code == 200
    assert not User.objects.exists()


@pytest.mark.parametrize("nickname", ["운영자", "<b>", ""])
def test_a_bad_nickname_is_refused_and_may_be_chosen_anew(ant: Person, nickname: str) -> None:
    visitor = Visitor()
    visitor.go("kakao", ant.uid)
    answer = visitor.client.post("/accounts/3rdparty/signup/", {"nickname": nickname})
    assert answer.status_code == 200 and "errorlist" in answer.content.decode()
    assert visitor.client.post("/accounts/3rdparty/signup/", {"nickname": "새벽개미"}).status_code == 302


def test_the_nickname_of_somebody_else(ant: Person, player: User) -> None:
    visitor = Visitor()
    visitor.go("naver", ant.uid)
    answer = visitor.client.post("/accounts/3rdparty/signup/", {"nickname": player.nickname})
    assert "이미 쓰고 있는 닉네임" in answer.content.decode()
    with pytest.raises(services.NicknameTakenError):
        services.social_signup(
            account=SocialAccount(provider="naver", uid="1"), email=None, nickname=player.nickname
        )
    assert not SocialAccount.objects.exists()


def test_no_email(identity: IdentityProvider) -> None:
    people = [identity.add(Person(str(number))) for number in (1, 2)]
    users = [
        Visitor().sign_up("kakao", person.uid, nickname)
        for person, nickname in zip(people, ("첫개미", "둘째개미"), strict=True)
    ]
    assert [user.email for user in users] == [None, None]
    assert not EmailAddress.objects.exists()


@pytest.mark.parametrize("provider", ["kakao", "google"])
def test_an_address_the_provider_does_not_vouch_for_is_nobodys(
    identity: IdentityProvider, player: User, provider: str
) -> None:
    claimed = identity.add(Person("7", player.email, verified=False))
    user = Visitor().sign_up(provider, claimed.uid, "남의이메일")
    assert user.email is None and user.pk != player.pk


@EVERY_PROVIDER
def test_an_email_that_is_registered_is_refused_with_the_way_on(
    identity: IdentityProvider, player: User, provider: str
) -> None:
    owner = identity.add(Person("9", "ANT@example.com"))
    visitor = Visitor()
    answer = visitor.go(provider, owner.uid)
    assert (answer.status_code, refusal_in(answer)) == (409, "EMAIL_TAKEN")
    page = answer.content.decode()
    assert "이메일과 비밀번호" in page and "/accounts/login/?next=/accounts/3rdparty/" in page
    assert visitor.user_id is None
    assert User.objects.count() == 1 and not SocialAccount.objects.exists()

    # The way on: log in, give the password again, connect.
    visitor.client.post("/accounts/login/", {"login": player.email, "password": PASSWORD})
    asked = visitor.client.post(f"/accounts/{provider}/login/", {"process": "connect"})
    assert asked.headers["location"].startswith("/accounts/reauthenticate/?next=")
    resumed = visitor.client.post(asked.headers["location"], {"password": PASSWORD})
    [target] = re.findall(r'http-equiv="refresh" content="0;url=([^"]+)"', resumed.content.decode())
    back = visitor.come_back(visitor.consent(html.unescape(target), owner.uid))
    assert back.headers["location"] == "/accounts/3rdparty/"
    assert "이제" in visitor.client.get("/accounts/3rdparty/").content.decode()
    other = Visitor()
    other.go(provider, owner.uid)
    assert other.user_id == player.pk


def test_an_unconfirmed_claim_keeps_the_owner_of_an_address_not_out(ant: Person, player: User) -> None:
    EmailAddress.objects.create(user=player, email=ant.email, verified=False)
    user = Visitor().sign_up("google", ant.uid, "새벽여우")
    assert user.email == ant.email


def test_the_same_email_from_another_provider(ant: Person) -> None:
    Visitor().sign_up("kakao", ant.uid, "새벽개미")
    answer = Visitor().go("google", ant.uid)
    assert refusal_in(answer) == "EMAIL_TAKEN"
    assert "<b>카카오</b>" in answer.content.decode()


def test_the_same_account_in_two_browsers(ant: Person) -> None:
    first, second = Visitor(), Visitor()
    for visitor in (first, second):
        visitor.go("kakao", ant.uid)
    page = "/accounts/3rdparty/signup/"
    assert first.client.post(page, {"nickname": "첫째이름"}).status_code == 302
    answer = second.client.post(page, {"nickname": "둘째이름"})
    assert answer.status_code == 302
    assert [user.nickname for user in User.objects.all()] == ["첫째이름"]
    assert (first.user_id, second.user_id) == (None, User.objects.get().pk)  # the later login ends the other


@pytest.mark.django_db(transaction=True)
def test_the_same_account_at_the_same_moment() -> None:
    barrier = threading.Barrier(4, timeout=10)

    def attempt(number: int) -> bool:
        try:
            barrier.wait()
            services.social_signup(
                account=SocialAccount(provider="kakao", uid="1"),
                email="a@example.com",
                nickname=f"개미{number}",
            )
        except services.SocialAccountTakenError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(attempt, range(4))) == [False, False, False, True]
    assert User.objects.count() == SocialAccount.objects.count() == EmailAddress.objects.count() == 1


def test_the_session_key_changes_at_login(ant: Person) -> None:
    visitor = Visitor()
    visitor.go("kakao", ant.uid)
    before = visitor.client.session.session_key
    visitor.client.post("/accounts/3rdparty/signup/", {"nickname": "새벽개미"})
    assert visitor.client.session.session_key != before
    assert Session.objects.filter(pk=visitor.client.session.session_key).exists()
    assert not Session.objects.filter(pk=before).exists()


def test_no_token_is_stored(ant: Person) -> None:
    visitor = Visitor()
    visitor.go("naver", ant.uid)
    assert "token" not in visitor.client.session["socialaccount_sociallogin"]


def test_a_banned_player_stays_out(ant: Person) -> None:
    user_ban(user=Visitor().sign_up("google", ant.uid, "새벽개미"))
    visitor = Visitor()
    assert "inactive" in visitor.go("google", ant.uid).headers["location"]
    assert visitor.user_id is None


# What does not lead in ---------------------------------------------------------------------------------------


@EVERY_PROVIDER
def test_starting_takes_a_post(ant: Person, provider: str) -> None:
    client = Client(enforce_csrf_checks=True)
    assert (
        client.get(f"/accounts/{provider}/login/?process=connect").headers["location"] == "/accounts/login/"
    )
    assert "socialaccount_states" not in client.session
    assert client.post(f"/accounts/{provider}/login/").status_code == 403


def test_nothing_of_the_address_reaches_the_provider(ant: Person) -> None:
    answer = Client().post("/accounts/google/login/?scope=drive&auth_params=prompt%3Dnone&action=rerequest")
    [target] = re.findall(r'content="0;url=([^"]+)"', answer.content.decode())
    query = parse_qs(urlsplit(html.unescape(target)).query)
    assert set(query["scope"][0].split()) == {"openid", "email"}
    assert query["prompt"] == ["select_account"]
    assert query["redirect_uri"] == ["http://testserver/accounts/google/login/callback/"]


@EVERY_PROVIDER
def test_consent_denied(ant: Person, provider: str) -> None:
    visitor = Visitor()
    answer = visitor.go(provider, CANCEL, next="/rankings/")
    assert (answer.status_code, refusal_in(answer)) == (200, "CANCELED")
    page = answer.content.decode()
    assert f'action="/accounts/{provider}/login/"' in page and 'name="next" value="/rankings/"' in page
    assert visitor.user_id is None and not User.objects.exists()


@pytest.mark.parametrize("provider", ["naver"])
@pytest.mark.parametrize("state", ["missing", "wrong", "anothers", "of another provider", "late"])
def test_a_state_that_this_browser_did_not_begin(
    identity: IdentityProvider, ant: Person, provider: str, state: str
) -> None:
    visitor = Visitor()
    location = visitor.consent(visitor.leave(provider), ant.uid)
    own = parse_qs(urlsplit(location).query)["state"][0]
    if state == "missing":
        location = location.replace(f"&state={own}", "")
    elif state == "wrong":
        location = location.replace(own, own[::-1] + "x")
    elif state == "anothers":
        location = Visitor().consent(Visitor().leave(provider), ant.uid)
    elif state == "of another provider":
        other = PROVIDERS[(PROVIDERS.index(provider) + 1) % len(PROVIDERS)]
        location = location.replace(f"/accounts/{provider}/", f"/accounts/{other}/")
    else:
        session = visitor.client.session
        [[value, began, whose]] = session["socialaccount_states"].values()
        session["socialaccount_states"] = {own: [value, began - 3600, whose]}
        session.save()
    identity.asked.clear()
    answer = visitor.come_back(location)
    assert (answer.status_code, refusal_in(answer)) == (400, "STATE")
    assert identity.asked == []
    assert visitor.user_id is None


def test_a_state_is_good_once(ant: Person) -> None:
    provider, visitor = "kakao", Visitor()
    location = visitor.consent(visitor.leave(provider), ant.uid)
    assert visitor.come_back(location).status_code == 302
    answer = visitor.come_back(location)
    assert (answer.status_code, refusal_in(answer)) == (400, "STATE")


@EVERY_PROVIDER
def test_a_code_of_another_login_fails_at_pkce(ant: Person, provider: str) -> None:
    thief, victim = Visitor(), Visitor()
    stolen = parse_qs(urlsplit(victim.consent(victim.leave(provider), ant.uid)).query)["code"][0]
    own = thief.consent(thief.leave(provider), ant.uid)
    code = parse_qs(urlsplit(own).query)["code"][0]
    answer = thief.come_back(own.replace(code, stolen))
    assert (answer.status_code, refusal_in(answer)) == (400, "FAILED")
    assert thief.user_id is None


@pytest.mark.parametrize(
    "fault",
    [
        Fault(claims={"nonce": "of-another-login"}),
        Fault(claims={"aud": "another-client"}),
        Fault(claims={"iss": "https://accounts.example.com"}),
        Fault(claims={"exp": 1}),
        Fault(claims={"sub": ""}),
        Fault(claims={"sub": 12}),
    ],
    ids=["nonce", "audience", "issuer", "expired", "nobody", "number"],
)
def test_an_id_token_that_is_not_for_this_login(
    identity: IdentityProvider, ant: Person, fault: Fault
) -> None:
    with identity.failing("google", "id_token", fault):
        assert refusal_in(Visitor().go("google", ant.uid)) == "FAILED"


def test_an_id_token_signed_by_somebody_else(identity: IdentityProvider, ant: Person) -> None:
    with IdentityProvider() as forger, identity.failing("google", "id_token", Fault(key=forger._key)):
        assert refusal_in(Visitor().go("google", ant.uid)) == "FAILED"


MISSHAPEN: list[Any] = [
    [],
    7,
    None,
    "<html>",
    {},
    {"id": None},
    {"response": None},
    {"response": {"id": ["x"]}},
]


@pytest.mark.parametrize("provider", ["kakao", "naver"])
@pytest.mark.parametrize("body", [*MISSHAPEN, {"id": "9" * 500, "response": {"id": "9" * 500}}], ids=str)
def test_a_profile_of_the_wrong_shape(
    identity: IdentityProvider, ant: Person, provider: str, body: Any
) -> None:
    with identity.failing(provider, "profile", Fault(body=body)):
        visitor = Visitor()
        answer = visitor.go(provider, ant.uid)
    assert answer.status_code in (400, 503)
    assert "socialaccount_sociallogin" not in visitor.client.session


@pytest.mark.parametrize("provider", ["kakao", "google"])
@pytest.mark.parametrize("body", MISSHAPEN[:5], ids=str)
def test_a_token_answer_of_the_wrong_shape(
    identity: IdentityProvider, ant: Person, provider: str, body: Any
) -> None:
    with identity.failing(provider, "token", Fault(body=body)):
        assert Visitor().go(provider, ant.uid).status_code in (400, 503)


@EVERY_PROVIDER
@pytest.mark.parametrize("step", ["token", "second"])
def test_a_provider_that_is_down(identity: IdentityProvider, ant: Person, provider: str, step: str) -> None:
    second = "certs" if provider == "google" else "profile"
    with identity.failing(
        provider, second if step == "second" else step, Fault(status=502, body="Bad Gateway")
    ):
        answer = Visitor().go(provider, ant.uid)
    assert refusal_in(answer) in ("FAILED", "UNREACHABLE")
    assert "다시 시도" in answer.content.decode()


def test_a_provider_that_cannot_be_reached(ant: Person, settings: Any) -> None:
    visitor = Visitor()
    location = visitor.consent(visitor.leave("kakao"), ant.uid)
    settings.SOCIAL_STAND_IN = "http://127.0.0.1:9"
    answer = visitor.come_back(location)
    assert (answer.status_code, refusal_in(answer), answer.headers["Retry-After"]) == (
        503,
        "UNREACHABLE",
        "30",
    )
    # The player goes on as if nothing had been.
    assert visitor.client.get("/").status_code == 200


def test_a_slow_provider_holds_up_few(
    identity: IdentityProvider, ant: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "READ_SECONDS", 0.2)
    with identity.failing("naver", "token", Fault(released=threading.Event())):
        answer = Visitor().go("naver", ant.uid)
    assert (answer.status_code, refusal_in(answer)) == (503, "UNREACHABLE")
    monkeypatch.setattr(adapter, "_WAIT_FOR_PLACE_SECONDS", 0.01)
    visitor = Visitor()
    location = visitor.consent(visitor.leave("naver"), ant.uid)
    identity.asked.clear()
    for _ in range(adapter.PROVIDER_REQUESTS_AT_ONCE):
        adapter._places.acquire()
    try:
        assert refusal_in(visitor.come_back(location)) == "UNREACHABLE"
    finally:
        adapter._places.release(adapter.PROVIDER_REQUESTS_AT_ONCE)
    assert identity.asked == []


def test_a_provider_leads_our_server_nowhere(identity: IdentityProvider, ant: Person) -> None:
    session = adapter.ProviderSession()
    target = f"{identity.base_url}/kauth.kakao.com/oauth/authorize"
    visitor = Visitor()
    query = urlsplit(visitor.leave("kakao")).query
    assert session.get(f"{target}?{query}&person={ant.uid}").status_code == 302


def test_the_word_of_a_provider_is_good_for_half_an_hour(ant: Person) -> None:
    visitor = Visitor()
    visitor.go("kakao", ant.uid)
    session = visitor.client.session
    session["socialaccount_sociallogin"]["state"]["proved_at"] -= timedelta(minutes=31).total_seconds()
    session.save()
    answer = visitor.client.post("/accounts/3rdparty/signup/", {"nickname": "새벽개미"})
    assert answer.headers["location"] == "/accounts/login/"
    assert not User.objects.exists()


# Not configured -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [*PROVIDERS, "secret", "all"])
def test_a_provider_that_is_not_configured_is_not_there(
    identity: IdentityProvider, settings: Any, client: Client, missing: str
) -> None:
    kept = {key: pair for key, pair in CREDENTIALS.items() if missing not in (key, "all")}
    if missing == "secret":
        kept["kakao"] = ("kakao-client", "")
    settings.SOCIAL_CREDENTIALS = kept
    page = client.get("/accounts/login/").content.decode()
    for key in PROVIDERS:
        is_there = all(kept.get(key, ("",)))
        assert (f"/accounts/{key}/login/" in page) is is_there
        assert client.post(f"/accounts/{key}/login/").status_code == (200 if is_there else 404)
        assert client.get(f"/accounts/{key}/login/").status_code == (302 if is_there else 404)
        assert client.get(f"/accounts/{key}/login/callback/").status_code == (400 if is_there else 404)
    assert ("또는" in page) is True


@pytest.mark.parametrize("name", ["KAKAO_SECRET", "NAVER_CLIENT_ID"])
def test_half_of_the_credentials_starts_nothing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "set")
    with pytest.raises(ImproperlyConfigured, match=name):
        runpy.run_module("stocking.settings.base")
    monkeypatch.setenv("KAKAO_CLIENT_ID", "set")
    monkeypatch.setenv("NAVER_SECRET", "set")
    monkeypatch.setenv("KAKAO_SECRET", "set")
    monkeypatch.setenv("NAVER_CLIENT_ID", "set")
    assert runpy.run_module("stocking.settings.base")["SOCIAL_CREDENTIALS"]["kakao"] == ("set", "set")


def test_other_doors_of_the_library_are_shut(identity: IdentityProvider, client: Client) -> None:
    assert client.post("/accounts/google/login/token/", {"credential": "x"}).status_code == 404
    for path in ("3rdparty/login/cancelled/", "3rdparty/login/error/", "3rdparty/signup/"):
        assert client.get(f"/accounts/{path}").headers["location"] == "/accounts/login/"
    assert (
        client.get("/accounts/3rdparty/").headers["location"] == "/accounts/login/?next=/accounts/3rdparty/"
    )


def test_the_stand_in_is_for_tests_alone() -> None:
    from stocking.settings import base

    assert base.SOCIAL_STAND_IN == ""
    source = (django_settings.BASE_DIR / "stocking/settings/base.py").read_text()
    assert source.count("SOCIAL_STAND_IN") == 1
    assert "SOCIAL_STAND_IN" not in (django_settings.BASE_DIR / "stocking/settings/production.py").read_text()


# My page ---------------------------------------------------------------------------------------------------------


def test_a_guest_who_connects_keeps_the_account(ant: Person) -> None:
    guest = guest_create()
    User.objects.filter(pk=guest.pk).update(mmr=1234, games_played=3)
    EmailAddress.objects.create(user=guest, email=ant.email, verified=False, primary=True)
    visitor = Visitor()
    visitor.client.force_login(guest)
    assert visitor.go("kakao", ant.uid, process="connect").headers["location"] == "/accounts/3rdparty/signup/"
    page = visitor.client.get("/accounts/3rdparty/signup/").content.decode()
    assert guest.nickname in page
    assert visitor.client.post("/accounts/3rdparty/signup/", {"nickname": "새벽개미"}).status_code == 302
    user = User.objects.get()
    assert (user.pk, user.nickname, user.is_guest, user.mmr, user.games_played, user.email) == (
        guest.pk, "새벽개미", False, 1234, 3, ant.email,
    )  # fmt: skip
    assert visitor.user_id == guest.pk
    assert Visitor().go("kakao", ant.uid).status_code == 302


def test_a_guest_who_presses_login_keeps_the_account_too(ant: Person) -> None:
    guest, visitor = guest_create(), Visitor()
    target = visitor.leave("naver")
    visitor.client.force_login(guest)  # in another tab
    visitor.come_back(visitor.consent(target, ant.uid))
    visitor.client.post("/accounts/3rdparty/signup/", {"nickname": "새벽개미"})
    assert User.objects.get().pk == guest.pk


def test_a_guest_is_promoted_once(ant: Person) -> None:
    guest = guest_create()
    services.social_signup(
        account=SocialAccount(provider="kakao", uid="1"), email=None, nickname="하나", guest=guest
    )
    with pytest.raises(services.SocialAccountTakenError):
        services.social_signup(
            account=SocialAccount(provider="naver", uid="1"), email=None, nickname="둘", guest=guest
        )
    assert SocialAccount.objects.get().provider == "kakao"
    banned = guest_create()
    user_ban(user=banned)
    with pytest.raises(services.SocialAccountTakenError):
        services.social_signup(
            account=SocialAccount(provider="naver", uid="2"), email=None, nickname="셋개미", guest=banned
        )


def test_a_guest_and_an_account_that_is_somebodys(ant: Person) -> None:
    owner = Visitor().sign_up("kakao", ant.uid, "새벽개미")
    guest, visitor = guest_create(), Visitor()
    visitor.client.force_login(guest)
    answer = visitor.go("kakao", ant.uid, process="connect")
    assert refusal_in(answer) == "CONNECTED_OTHER"
    assert visitor.user_id == guest.pk
    assert refusal_in(visitor.go("google", ant.uid, process="connect")) == "EMAIL_TAKEN"
    visitor.go("kakao", ant.uid)  # the button of that page
    assert visitor.user_id == owner.pk


def test_connecting_needs_the_password_and_the_account_of_one(ant: Person, player: User) -> None:
    visitor = Visitor()
    visitor.client.force_login(player)
    assert visitor.client.post("/accounts/kakao/login/", {"process": "connect"}).status_code == 302
    assert "socialaccount_states" not in visitor.client.session
    owner = Visitor()
    owner.sign_up("kakao", ant.uid, "새벽여우")
    other = Visitor(owner.client)
    # Without a password there is none to ask for; another account of the same provider is refused.
    second = Person("77", "second@example.com")
    with pytest.raises(services.AnotherConnectedError):
        services.social_connect(
            user=User.objects.get(nickname="새벽여우"),
            account=SocialAccount(provider="kakao", uid=second.uid),
        )
    with pytest.raises(services.SocialAccountTakenError):
        services.social_connect(user=player, account=SocialAccount(provider="kakao", uid=ant.uid))
    assert other.go("kakao", ant.uid, process="connect").headers["location"] == "/accounts/3rdparty/"
    assert SocialAccount.objects.count() == 1


def test_connecting_writes_nothing_else_of_the_player(player: User) -> None:
    stale = User.objects.get(pk=player.pk)
    User.objects.filter(pk=player.pk).update(nickname="새이름", is_active=False)
    services.social_connect(user=stale, account=SocialAccount(provider="kakao", uid="1"))
    stored = User.objects.get(pk=player.pk)
    assert (stored.nickname, stored.is_active) == ("새이름", False)


def test_a_player_who_is_logged_in_makes_no_second_account(ant: Person, player: User) -> None:
    visitor = Visitor()
    target = visitor.leave("google")
    visitor.client.force_login(player)
    answer = visitor.come_back(visitor.consent(target, ant.uid))
    assert refusal_in(answer) == "LOGGED_IN"
    assert visitor.user_id == player.pk and not SocialAccount.objects.exists()


def test_who_was_logged_out_on_the_way_connects_nothing(ant: Person) -> None:
    visitor = Visitor()
    visitor.client.force_login(guest_create())
    location = visitor.consent(visitor.leave("kakao", process="connect"), ant.uid)
    visitor.client.logout()
    assert refusal_in(visitor.come_back(location)) == "STATE"
    assert visitor.client.post("/accounts/kakao/login/", {"process": "connect"}).headers["location"] == (
        "/accounts/login/?next=/accounts/3rdparty/"
    )


def test_disconnecting(ant: Person, identity: IdentityProvider) -> None:
    visitor = Visitor()
    user = visitor.sign_up("kakao", ant.uid, "새벽개미")
    page = "/accounts/3rdparty/"
    assert "마지막 방법" in visitor.client.get(page).content.decode()
    answer = visitor.client.post("/accounts/kakao/disconnect/", follow=True)
    assert "마지막 로그인 방법" in answer.content.decode()
    assert visitor.go("google", ant.uid, process="connect").headers["location"] == page
    assert visitor.client.get("/accounts/kakao/disconnect/").status_code == 405
    assert (
        "연결을 끊었어요" in visitor.client.post("/accounts/kakao/disconnect/", follow=True).content.decode()
    )
    assert [one.provider for one in SocialAccount.objects.filter(user=user)] == ["google"]
    assert visitor.client.post("/accounts/facebook/disconnect/").status_code == 404


def test_disconnecting_needs_the_password_where_there_is_one(
    identity: IdentityProvider, player: User
) -> None:
    SocialAccount.objects.create(user=player, provider="naver", uid="5")
    visitor = Visitor()
    visitor.client.force_login(player)
    asked = visitor.client.post("/accounts/naver/disconnect/")
    assert asked.headers["location"].startswith("/accounts/reauthenticate/")
    assert SocialAccount.objects.exists()
    assert visitor.client.post(asked.headers["location"], {"password": "wrong"}).status_code == 200
    assert SocialAccount.objects.exists()
    visitor.client.post(asked.headers["location"], {"password": PASSWORD})
    assert not SocialAccount.objects.exists()


def test_a_provider_that_is_gone_is_no_way_to_log_in(identity: IdentityProvider, settings: Any) -> None:
    user = User.objects.create_user(None, "새벽개미")
    for key in ("kakao", "naver"):
        SocialAccount.objects.create(user=user, provider=key, uid="5")
    settings.SOCIAL_CREDENTIALS = {"kakao": CREDENTIALS["kakao"]}
    visitor = Visitor()
    visitor.client.force_login(user)
    assert "지금은 쓸 수 없어요" in visitor.client.get("/accounts/3rdparty/").content.decode()
    with pytest.raises(services.LastWayError):
        services.social_disconnect(user=user, provider="kakao")
    assert services.social_disconnect(user=user, provider="naver")
    assert not services.social_disconnect(user=user, provider="naver")


@pytest.mark.django_db(transaction=True)
def test_the_last_two_ways_at_the_same_moment(identity: IdentityProvider) -> None:
    user = User.objects.create_user(None, "새벽개미")
    for key in ("kakao", "naver"):
        SocialAccount.objects.create(user=user, provider=key, uid="5")
    barrier = threading.Barrier(2, timeout=10)

    def attempt(provider: str) -> bool:
        try:
            barrier.wait()
            return services.social_disconnect(user=user, provider=provider)
        except services.LastWayError:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(attempt, ("kakao", "naver"))) == [False, True]
    assert SocialAccount.objects.count() == 1


@pytest.mark.parametrize(
    ("email", "masked"),
    [("ant@example.com", "an***@example.com"), ("ab@x.kr", "a***@x.kr"), ("a@x.kr", "a***@x.kr")],
)
def test_a_masked_address(email: str, masked: str) -> None:
    assert email_masked(email) == masked


def test_staff_look_at_connected_accounts_and_enter_no_credentials(client: Client, player: User) -> None:
    SocialAccount.objects.create(user=player, provider="naver", uid="5")
    client.force_login(User.objects.create_superuser("staff@example.com", "직원", PASSWORD))
    page = client.get("/admin/socialaccount/socialaccount/").content.decode()
    assert player.nickname in page and "/admin/socialaccount/socialaccount/add/" not in page
    for model in ("socialapp", "socialtoken"):
        assert client.get(f"/admin/socialaccount/{model}/").status_code == 404
