"""What every answer forbids the browser: a policy with a nonce, no frame, no inline script or style, anywhere."""

import re
from typing import Any

import pytest
from django.core.exceptions import BadRequest, PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import include, path
from redis.exceptions import ConnectionError as StoreAwayError

from accounts.models import User
from stocking import urls
from stocking.base.content_policy import BARE_POLICY
from stocking.base.errors import ApplicationError
from stocking.base.headers import FIXED_HEADERS
from stocking.pages.benchmark.addresses import player_addresses, staff_addresses
from stocking.pages.benchmark.world import PagesWorld
from tests.instance import REPOSITORY

pytestmark = pytest.mark.django_db

POLICY = "Content-Security-Policy"
INLINE = re.compile(r"<style\b|\sstyle\s*=|<[^>]*\son[a-z]+\s*=|javascript:", re.IGNORECASE)
SCRIPTS = re.compile(r"<script\b([^>]*)>(.*?)</script>", re.DOTALL)


def failing(error: Exception) -> Any:
    def view(request: HttpRequest) -> HttpResponse:
        raise error

    return view


ERRORS = {
    "bad": (400, BadRequest()),
    "forbidden": (403, PermissionDenied()),
    "busy": (429, ApplicationError("rate_limited", retry_after_ms=1_500)),
    "bug": (500, RuntimeError("a bug")),
    "away": (503, StoreAwayError()),
}
urlpatterns: list[Any] = [
    *(
        path(f"{before}{name}", failing(error))
        for name, (_, error) in ERRORS.items()
        for before in ("", "api/")
    ),
    path("", include(urls)),
]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500


def directives(answer: Any) -> dict[str, list[str]]:
    parts = [part.split() for part in answer[POLICY].split(";")]
    return {name: values for name, *values in parts}


def assert_strict(answer: Any) -> None:
    """A page's policy lets only its own marked scripts run, and all of its scripts are marked."""
    policy, text = directives(answer), answer.content.decode()
    [nonce] = [value[7:-1] for value in policy["script-src"] if value.startswith("'nonce-")]
    assert len(nonce) >= 22
    assert "'strict-dynamic'" in policy["script-src"]
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert policy["object-src"] == policy["script-src-attr"] == ["'none'"]
    assert policy["style-src"] == ["'self'"]
    assert policy["require-trusted-types-for"] == ["'script'"]
    assert "unsafe" not in answer[POLICY]
    assert not INLINE.search(text)
    scripts = SCRIPTS.findall(text)
    assert scripts
    for attributes, inside in scripts:
        if 'type="application/json"' not in attributes:
            assert f'nonce="{nonce}"' in attributes
            assert "src=" in attributes
            assert not inside.strip()


def assert_fixed(answer: Any) -> None:
    assert {name: answer[name] for name in FIXED_HEADERS} == FIXED_HEADERS


def test_every_page_has_a_strict_policy_and_a_nonce_of_its_own(client: Client) -> None:
    world = PagesWorld.begin()
    world.grow(listings=3, players=5, orders=8, games=1)
    client.force_login(world.me)
    own = [
        a for a in player_addresses(world) if not a.startswith(("/api/", "/healthz", "/readyz", "/metrics"))
    ]
    visited = ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/practice/", "/"]
    nonces = set()
    for who, addresses in ((client, own), (Client(), [*visited, "/api/docs"])):
        for address in addresses:
            answer = who.get(address)
            assert answer.status_code == 200, address
            assert_strict(answer)
            assert_fixed(answer)
            nonces.add(answer[POLICY])
    assert len(nonces) == len(own) + len(visited) + 1, "a nonce is used once"


def test_the_admin_runs_this_sites_scripts_alone(client: Client) -> None:
    world = PagesWorld.begin()
    world.grow(listings=1, players=2, orders=2, games=1)
    client.force_login(world.staff)
    addresses = [*staff_addresses(), "/admin/", f"/admin/accounts/user/{world.me.pk}/change/"]
    for address in addresses:
        answer = client.get(address, follow=True)
        policy = directives(answer)
        assert set(policy["script-src"]) <= {"'self'", *(s for s in policy["script-src"] if "nonce" in s)}
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
        assert policy["style-src"] == ["'self'"]
        assert "unsafe" not in answer[POLICY]
        assert not INLINE.search(answer.content.decode()), address
        assert all("src=" in attributes for attributes, _ in SCRIPTS.findall(answer.content.decode()))
        assert_fixed(answer)


@override_settings(ROOT_URLCONF=__name__)
@pytest.mark.parametrize("name", ERRORS)
def test_errors_have_pages_of_our_own_with_the_same_policy(name: str) -> None:
    status, _ = ERRORS[name]
    calm = Client(raise_request_exception=False)
    answer, call = calm.get(f"/{name}"), calm.get(f"/api/{name}")
    assert answer.status_code == call.status_code == status
    assert_strict(answer)
    assert_fixed(answer)
    assert f">{status}<" in answer.content.decode()
    assert 'href="/"' in answer.content.decode(), "a way out"
    assert call.json()["message"]
    assert call[POLICY] == BARE_POLICY
    assert_fixed(call)
    assert (call.get("Retry-After"), answer.get("Retry-After")) in [(None, None), ("1", "1"), ("2", "2")]


def test_what_is_not_there_or_not_done_that_way(client: Client) -> None:
    for answer, status in ((client.get("/nothing/"), 404), (client.get("/accounts/guest/"), 405)):
        assert answer.status_code == status
        assert_strict(answer)
    assert client.get("/accounts/guest/")["Allow"] == "POST"
    with override_settings(ALLOWED_HOSTS=["stocking.example"]):
        answer = client.get("/", HTTP_HOST="elsewhere.example")
    assert answer.status_code == 400
    assert_strict(answer)


@override_settings(ROOT_URLCONF=__name__)
def test_pages_of_failures_need_neither_database_nor_stores(django_db_blocker: Any) -> None:
    calm = Client(raise_request_exception=False)
    for name in ("bug", "away"):
        with django_db_blocker.block():
            answer = calm.get(f"/{name}")
        assert answer.status_code == ERRORS[name][0]
        assert_strict(answer)


def test_one_who_must_log_in_is_led_there() -> None:
    from stocking.pages.errors import refusal

    page = refusal(RequestFactory().get("/orders/?page=2"), "not_authenticated")
    assert (page.status_code, page["Location"]) == (302, "/accounts/login/?next=/orders/%3Fpage%3D2")
    form = refusal(RequestFactory().post("/chat/"), "not_authenticated")
    assert form["Location"] == "/accounts/login/?next=/"


def test_what_is_no_page_may_do_nothing(client: Client) -> None:
    for address in ("/api/game", "/api/openapi.json", "/healthz", "/metrics"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert answer[POLICY] == BARE_POLICY
        assert_fixed(answer)


def test_templates_and_scripts_have_nothing_inline() -> None:
    for template in REPOSITORY.glob("templates/**/*.html"):
        text = re.sub(r"{#.*?#}", "", template.read_text(encoding="utf-8"))
        assert not INLINE.search(re.sub(r"{%.*?%}", "", text)), template
        for attributes, inside in SCRIPTS.findall(text):
            assert 'nonce="{{ CSP_NONCE }}"' in attributes, template
            assert not inside.strip(), template
        assert "|safe" not in text, template
        assert "autoescape" not in text, template
    for script in REPOSITORY.glob("static/js/*.js"):
        text = script.read_text(encoding="utf-8")
        assert not re.search(
            r"\beval\(|new Function|document\.write|insertAdjacentHTML|innerHTML\s*=", text
        ), script
        assert ("DOMParser" in text) == (script.name == "dom.js"), script


def test_files_are_not_taken(client: Client) -> None:
    calm = Client(raise_request_exception=False)
    file = SimpleUploadedFile("a.html", b"<script>alert(1)</script>", "text/html")
    answer = calm.post("/accounts/signup/", {"email": file, "nickname": "개미"})
    assert answer.status_code == 400
    strict = Client(enforce_csrf_checks=True, raise_request_exception=False)
    assert strict.post("/chat/", {"text": file}).status_code in (400, 403)


def test_large_forms_are_not_read(client: Client) -> None:
    calm = Client(raise_request_exception=False)
    answer = calm.post("/accounts/login/", {"login": "a" * 100_000, "password": "b"})
    assert answer.status_code == 400
    assert_strict(answer)


def test_forms_lead_to_this_site_alone_whatever_logins_are_configured(client: Client, settings: Any) -> None:
    settings.SOCIAL_CREDENTIALS = {"kakao": ("id", "secret"), "naver": ("", ""), "google": ("id", "secret")}
    page = client.get("/accounts/login/")
    assert "/accounts/kakao/login/" in page.content.decode()
    assert directives(page)["form-action"] == ["'self'"]
    # Where the form leads answers with a page that goes on, not with a redirect, which form-action would forbid.
    left = client.post("/accounts/kakao/login/")
    assert left.status_code == 200 and directives(left)["form-action"] == ["'self'"]


@pytest.mark.parametrize(
    "address", ["/me/", "/orders/", "/chat/mutes/", "/accounts/nickname/", "/accounts/delete/"]
)
def test_ones_own_pages_are_kept_by_nobody(address: str) -> None:
    client = Client()
    client.force_login(User.objects.create_user("ant@example.com", "새벽개미"))
    answer = client.get(address)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"], "going back after a logout shows nothing"
