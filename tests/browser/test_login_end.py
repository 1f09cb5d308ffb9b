"""What a player sees when their login ends while a page is open, or another tab gives them a new one."""

import time

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.veteran import PASSWORD
from tests.browser.window import SYMBOL, Window
from tests.instance import Instance
from tests.player import Player

pytestmark = [pytest.mark.browser, pytest.mark.flow, pytest.mark.timeout(120)]

PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}


def dialog_of(page: Page) -> None:
    """Wait for the dialog, which fits the window and whose way on has the focus."""
    dialog = page.locator("dialog.login-end")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("link", name="다시 로그인")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_login_elsewhere_ends_every_page_of_the_first_browser(instance: Instance, browser: Browser) -> None:
    stamp = str(time.monotonic_ns())[-6:]
    email = f"twice{stamp}@example.com"
    with (
        Player(instance.base_url, f"두곳{stamp}") as player,
        Window(browser, instance.base_url, **PHONE) as window,
        Player(instance.base_url) as elsewhere,
    ):
        player.sign_up(email, PASSWORD)
        window.take_over(player)
        window.page.goto(f"/stocks/{SYMBOL}/")
        window.wait_online()
        other_tab = window.context.new_page()
        other_tab.goto("/")
        expect(other_tab.locator("html")).to_have_attribute("data-connection", "online")
        window.assert_sound()

        elsewhere.log_in(email, PASSWORD)
        for page in (window.page, other_tab):
            dialog_of(page)
            expect(page.locator("dialog.login-end")).to_contain_text(
                "다른 장치에서 로그인되어 로그아웃됩니다"
            )
        # Closed by the keyboard it leaves a visitor's page, not one that only looks alive.
        other_tab.keyboard.press("Escape")
        expect(other_tab.locator("body")).to_have_attribute("data-player", "")
        expect(other_tab.locator("html")).to_have_attribute("data-connection", "online")
        window.page.get_by_role("link", name="다시 로그인").click()
        window.page.wait_for_url(f"**/accounts/login/?next=%2Fstocks%2F{SYMBOL}%2F")
        assert elsewhere.http.get("/api/account").status_code == 200


def test_a_new_session_of_the_same_browser_goes_on_and_a_logout_does_not(
    instance: Instance, browser: Browser
) -> None:
    stamp = str(time.monotonic_ns())[-6:]
    with Player(instance.base_url, f"한곳{stamp}") as player, Window(browser, instance.base_url) as window:
        player.sign_up(f"once{stamp}@example.com", PASSWORD)
        window.take_over(player)
        window.page.goto("/")
        window.wait_online()
        other_tab = window.context.new_page()
        other_tab.goto("/accounts/password/change/")
        fresh = "노란-기린-9921"
        for name, value in {"oldpassword": PASSWORD, "password1": fresh, "password2": fresh}.items():
            other_tab.fill(f"main [name={name}]", value)
        # The old key is dead, the page's socket is closed with 4401, and opens again with the new key.
        with window.page.expect_websocket() as opened:
            other_tab.locator("main form button[type=submit]").first.click()
            opened.value.wait_for_event("framereceived")
        window.wait_online()
        expect(window.page.locator("dialog.login-end")).to_have_count(0)
        window.assert_sound()

        other_tab.goto("/accounts/logout/")
        other_tab.locator("main form button[type=submit]").first.click()
        dialog_of(window.page)
        expect(window.page.locator("dialog.login-end")).to_contain_text("로그인이 끝났어요")
        window.page.get_by_role("button", name="둘러보기").click()
        expect(window.page.locator("body")).to_have_attribute("data-player", "")
