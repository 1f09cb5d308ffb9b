"""Practice in a real browser: a guest starts a game, trades in it, loses the connection, comes back, and leaves."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.window import Window
from tests.instance import Instance

pytestmark = [pytest.mark.flow, pytest.mark.browser, pytest.mark.timeout(300)]


def test_a_guest_practises(instance: Instance, browser: Browser) -> None:
    with Window(browser, instance.base_url, viewport={"width": 360, "height": 760}) as window:
        page = window.page
        window.play_as_guest("/practice/?seed=77")
        window.wait_online()
        expect(page.locator("#practice-seed")).to_have_value("77")
        page.locator(".practice-seg label:has([name=speed][value='4'])").click()
        page.get_by_role("button", name="연습 시작").click()
        screen = page.locator("[data-practice-screen]")
        expect(screen).to_be_visible()
        expect(page.locator("[data-practice=kind]")).to_have_text("자유 연습 · 시드 77")
        expect(window.level("ask")).to_be_enabled()
        expect(window.level("bid")).to_be_enabled()
        window.level("ask").click()
        window.field("quantity").fill("3")
        page.locator("[data-order=confirm]").uncheck()
        window.choose_type("market")
        window.send()
        expect(window.toast(re.compile("3주를 .*샀어요"))).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        # The game goes on without the player, and is there again.
        page.locator("[data-tab-for=orders]").click()
        window.context.set_offline(True)
        expect(page.locator("html")).to_have_attribute("data-connection", "offline")
        window.context.set_offline(False)
        window.wait_online()
        expect(screen).to_be_visible()
        window.show_panel("fills")
        expect(page.locator("[data-my-panel] tbody tr").first).to_contain_text("3주")
        page.reload()
        expect(screen).to_be_visible()
        page.locator("[data-practice=leave]").click()
        expect(page.locator("[data-practice-lobby]")).to_be_visible()
        # Nothing of it stands in the ledger.
        assert window.orders_sent() == 0
        assert window.api("/api/orders")["orders"] == []
        assert [problem for problem in window.problems if "ERR_INTERNET_DISCONNECTED" not in problem] == []
