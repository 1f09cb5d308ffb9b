"""The account forms in Chromium: checked while they are typed; a guest becomes a player, moves house, and leaves."""

import time

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.test_pages import STICKING_OUT
from tests.browser.window import Window

pytestmark = [pytest.mark.browser, pytest.mark.flow, pytest.mark.timeout(300)]

PASSWORD = "파란-고래-7342"


def test_a_guest_becomes_a_player_and_leaves(window: Window) -> None:
    page, stamp = window.page, str(time.monotonic_ns())[-7:]
    page.goto("/")
    page.get_by_role("button", name="체험하기").first.click()
    page.goto("/me/")
    page.get_by_role("link", name="회원으로 전환").click()

    # While it is typed: what is wrong, whether the name is free, whether the passwords are the same.
    def status(field: str) -> Locator:
        return page.locator(f"#id_{field}-status")

    page.get_by_label("이메일").fill("nobody")
    page.get_by_label("닉네임").fill("운영자")
    expect(status("email")).to_have_text("이메일 주소를 확인해 주세요.")
    expect(status("nickname")).to_have_attribute("data-state", "bad")
    page.get_by_label("닉네임").fill(f"개미{stamp}")
    expect(status("nickname")).to_have_attribute("data-state", "good")
    page.locator("#id_password1").fill("1234567")
    page.locator("#id_password2").fill("12345678")
    expect(status("password1")).to_have_text("8자 이상으로 정해 주세요.")
    expect(status("password2")).to_have_text("두 비밀번호가 서로 달라요.")
    page.get_by_role("button", name="비밀번호 보기").first.click()
    expect(page.locator("#id_password1")).to_have_attribute("type", "text")
    page.get_by_label("이메일").fill(f"ant{stamp}@example.com")
    for field in ("password1", "password2"):
        page.locator(f"#id_{field}").fill(PASSWORD)
    expect(status("password2")).to_have_attribute("data-state", "good")
    assert page.evaluate(STICKING_OUT) == []
    page.get_by_role("button", name="회원이 되기").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"개미{stamp}")

    # The same page, the same session: the socket is there, and the account can be changed.
    expect(page.locator(".connection")).to_have_attribute("data-state", "online")
    page.get_by_role("link", name="닉네임 바꾸기").click()
    page.get_by_label("새 닉네임").fill(f"왕{stamp}")
    page.get_by_role("button", name="바꾸기", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"왕{stamp}")

    page.get_by_role("link", name="탈퇴하기").click()
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name="탈퇴하기").click()
    page.wait_for_url("**/")
    expect(page.get_by_role("button", name="체험하기").first).to_be_visible()
    assert [problem for problem in window.problems if "favicon" not in problem] == []
    assert page.request.get(f"/players/왕{stamp}/").status == 404
