"""Login with Kakao, Naver and Google in Chromium, with the stand-in's pages in between."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.test_pages import PHONE, STICKING_OUT
from tests.browser.window import Window
from tests.identity import Fault, IdentityProvider, Person
from tests.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.flow, pytest.mark.timeout(300)]

BUTTONS = {"kakao": "카카오로 계속하기", "naver": "네이버로 계속하기", "google": "Google 계정으로 계속하기"}
NAMES = {"kakao": "카카오", "naver": "네이버", "google": "Google"}


@pytest.fixture
def person(identity: IdentityProvider) -> Iterator[Person]:
    """Somebody new to us."""
    uid = str(time.monotonic_ns())
    yield identity.add(Person(uid, f"person{uid}@example.com"))
    del identity.people[uid]


def refused(window: Window, name: str, pictures: Path) -> None:
    """Expect the page of a refusal, whole on the narrowest phone; its status and nothing else went wrong."""
    page = window.page
    expect(page.locator(f"[data-refusal={name}]")).to_be_visible()
    page.screenshot(path=pictures / f"social-{name.lower()}.png", full_page=True)
    assert page.evaluate(STICKING_OUT) == []
    assert [problem for problem in window.problems if "/login/callback/" not in problem] == []
    window.problems.clear()


def choose(window: Window, provider: str, answer: str) -> None:
    """Press the provider's button on this page and decide on the provider's."""
    window.page.get_by_role("button", name=BUTTONS[provider]).click()
    expect(window.page).to_have_title(provider)
    window.page.get_by_role("link", name=answer).click()


# Google's way is gone without scripts: none of it needs them.
@pytest.mark.parametrize("provider", BUTTONS)
def test_a_new_player(
    browser: Browser, instance: Instance, person: Person, pictures: Path, provider: str
) -> None:
    """Wrong state, consent denied, again, a nickname, the used state, and in by another browser."""
    nickname = f"소셜{str(time.monotonic_ns())[-6:]}"
    with Window(browser, instance.base_url, **PHONE, java_script_enabled=provider != "google") as window:
        page = window.page
        page.goto(f"/accounts/{provider}/login/callback/?code=stolen&state=0123456789abcdef")
        refused(window, "STATE", pictures)
        page.goto("/accounts/login/?next=/rankings/")
        page.screenshot(path=pictures / "social-login-phone.png", full_page=True)
        choose(window, provider, "취소")
        refused(window, "CANCELED", pictures)
        page.get_by_role("button", name="다시 시도하기").click()
        with page.expect_request("**/login/callback/**") as back:
            page.get_by_role("link", name=person.email).click()
        suggested = page.locator("main [name=nickname]").input_value()
        assert suggested and "person" not in suggested and "홍길동" not in suggested
        page.screenshot(path=pictures / "social-signup-phone.png", full_page=True)
        page.fill("main [name=nickname]", nickname)
        page.get_by_role("button", name="이 닉네임으로 시작하기").click()
        expect(page.locator("body")).to_have_attribute("data-player", nickname)
        assert page.url.endswith("/rankings/")
        window.assert_sound()
        page.goto(back.value.url)
        refused(window, "STATE", pictures)
    with Window(browser, instance.base_url) as again:
        again.page.goto("/accounts/signup/")
        again.page.screenshot(path=pictures / "social-signup-page-desktop.png", full_page=True)
        choose(again, provider, person.email or "")
        expect(again.page.locator("body")).to_have_attribute("data-player", nickname)
        again.assert_sound()


def test_no_email(window: Window, identity: IdentityProvider) -> None:
    uid = str(time.monotonic_ns())
    nickname, person = f"무명{uid[-6:]}", identity.add(Person(uid))
    window.page.goto("/accounts/login/")
    choose(window, "kakao", person.uid)
    window.page.fill("main [name=nickname]", nickname)
    window.page.get_by_role("button", name="이 닉네임으로 시작하기").click()
    expect(window.page.locator("body")).to_have_attribute("data-player", nickname)
    window.assert_sound()
    del identity.people[uid]


@pytest.mark.parametrize("provider", ["naver"])
def test_an_email_that_is_registered_and_the_way_on(
    browser: Browser, instance: Instance, identity: IdentityProvider, pictures: Path, provider: str
) -> None:
    uid = str(time.monotonic_ns())
    nickname, password = f"주인{uid[-6:]}", "correct-horse-9"
    owner = identity.add(Person(uid, f"owner{uid}@example.com"))
    with Window(browser, instance.base_url) as window:
        page = window.page
        page.goto("/accounts/signup/")
        for name, value in {
            "email": owner.email, "nickname": nickname, "password1": password, "password2": password,
        }.items():  # fmt: skip
            page.fill(f"main [name={name}]", value or "")
        page.get_by_role("button", name="가입하고 시작하기").click()
        expect(page.locator("body")).to_have_attribute("data-player", nickname)
        window.assert_sound()
    with Window(browser, instance.base_url) as window:
        page = window.page
        page.goto("/accounts/login/")
        choose(window, provider, owner.email or "")
        refused(window, "EMAIL_TAKEN", pictures)
        page.get_by_role("link", name="다른 방법으로 로그인").click()
        page.fill("main [name=login]", owner.email or "")
        page.fill("main [name=password]", password)
        page.locator("main").get_by_role("button", name="로그인", exact=True).click()
        page.get_by_role("button", name=f"{NAMES[provider]} 연결하기").click()
        page.fill("main [name=password]", password)
        page.get_by_role("button", name="확인").click()
        page.get_by_role("link", name=owner.email).click()
        expect(page.get_by_role("button", name=f"{NAMES[provider]} 연결 끊기")).to_be_visible()
        page.screenshot(path=pictures / "social-connections-desktop.png", full_page=True)
        window.assert_sound()
    with Window(browser, instance.base_url) as window:
        window.page.goto("/accounts/login/")
        choose(window, provider, owner.email or "")
        expect(window.page.locator("body")).to_have_attribute("data-player", nickname)
    del identity.people[uid]


def test_a_guest_who_connects_goes_on(window: Window, person: Person, pictures: Path) -> None:
    window.play_as_guest()
    guest = window.nickname
    page = window.page
    page.goto("/accounts/3rdparty/")
    page.screenshot(path=pictures / "social-guest-desktop.png", full_page=True)
    choose(window, "kakao", person.email or "")
    expect(page.get_by_text(f"{guest}님의 기록")).to_be_visible()
    nickname = f"손님{str(time.monotonic_ns())[-6:]}"
    page.fill("main [name=nickname]", nickname)
    page.get_by_role("button", name="이 닉네임으로 시작하기").click()
    expect(page.locator("body")).to_have_attribute("data-player", nickname)
    window.assert_sound()


def test_a_provider_that_is_down(
    window: Window, identity: IdentityProvider, person: Person, pictures: Path
) -> None:
    window.page.goto("/accounts/login/")
    with identity.failing("kakao", "profile", Fault(status=503, body="")):
        choose(window, "kakao", person.email or "")
        refused(window, "UNREACHABLE", pictures)
    window.page.get_by_role("button", name="다시 시도하기").click()
    window.page.get_by_role("link", name=person.email).click()
    expect(window.page.locator("main [name=nickname]")).to_be_visible()
