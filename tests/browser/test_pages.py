"""Every page on a desktop and on a phone, with something on it: no error, nothing missing, no sideways scroll."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.veteran import Veteran
from tests.browser.window import SYMBOL, Window
from tests.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.flow, pytest.mark.timeout(300)]

DESKTOP = {"viewport": {"width": 1440, "height": 940}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 2,
}
NARROWEST = {"width": 360, "height": 740}
VIEWS = {"desktop": DESKTOP, "phone": PHONE}
NO_SUCH_PAGE = "/no-such-page/"

VISITOR_PAGES = {
    "market": "/",
    "stock": f"/stocks/{SYMBOL}/",
    "rankings": "/rankings/",
    "login": "/accounts/login/",
    "signup": "/accounts/signup/",
    "password-reset": "/accounts/password/reset/",
    "confirm-email": "/accounts/confirm-email/",
    "confirm-email-late": "/accounts/confirm-email/late/",
    "404": NO_SUCH_PAGE,
    "api-docs": "/api/docs",
    "admin-login": "/admin/login/",
}
PLAYER_PAGES = {
    "market": "/",
    "stock": f"/stocks/{SYMBOL}/",
    "orders-open": "/orders/",
    "orders-filled": "/orders/?tab=filled",
    "orders-closed": "/orders/?tab=closed",
    "rankings": "/rankings/",
    "rankings-last": "/rankings/?tab=last",
    "rankings-mmr": "/rankings/?tab=mmr",
    "me": "/me/",
    "logout": "/accounts/logout/",
    "password-change": "/accounts/password/change/",
    "nickname": "/accounts/nickname/",
    "email": "/accounts/email/",
    "delete": "/accounts/delete/",
    "connections": "/accounts/3rdparty/",
}
TABS = ("orders", "chart", "chat")

# What sticks out of the window to the right, unless something around it scrolls or clips it.
STICKING_OUT = """() => {
  const wide = document.documentElement.clientWidth;
  const cut = (node) => {
    for (let up = node.parentElement; up && up !== document.body; up = up.parentElement)
      if (getComputedStyle(up).overflowX !== "visible") return true;
    return false;
  };
  const out = [...document.body.querySelectorAll("*")].filter((node) => {
    const box = node.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && box.right > wide + 1 && !cut(node)
      && !node.closest(".visually-hidden, .skip-link, dialog:not([open])");
  });
  const page = document.scrollingElement;
  const scroll = page.scrollWidth > wide + 1 ? [`page ${page.scrollWidth} > ${wide}`] : [];
  const told = (node) => `${node.tagName}.${node.className} ${node.getBoundingClientRect().right} > ${wide}`;
  return scroll.concat(out.slice(0, 5).map(told));
}"""


@pytest.fixture(scope="module")
def results(veteran: Veteran) -> Iterator[int]:
    """Return the number of a finished game in which the veteran traded, with a new one trading and traded in."""
    games = [veteran.first_game]
    veteran.wait_results(games[0])
    veteran.trade_some(seconds_left=30)
    return games[0]


def look(
    window: Window, veteran: Veteran, name: str, path: str, pictures: Path, who: str, view: str
) -> list[str]:
    """Open a page, take its picture, and return what is wrong with it."""
    wrong: list[str] = []
    page = window.page
    window.problems.clear()
    if name in ("market", "stock"):
        veteran.wait_trading(4)  # these pages leave for the results when the game ends
    page.goto(path)
    if page.locator("[data-connection]").count():
        window.wait_online()
    if name in ("stock", "api-docs"):
        page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready")
    picture = pictures / f"{name}-{who}-{view}.png"
    page.screenshot(path=picture, full_page=True)
    tabs = TABS if name == "stock" and view == "phone" else ()
    wrong += [f"sticks out: {one}" for one in page.evaluate(STICKING_OUT)]
    for tab in tabs:
        page.locator(f"[data-tab-for={tab}]").click()
        page.screenshot(path=pictures / f"{name}-{tab}-{who}-{view}.png", full_page=True)
        wrong += [f"sticks out ({tab}): {one}" for one in page.evaluate(STICKING_OUT)]
    if view == "phone":
        page.set_viewport_size(NARROWEST)
        for tab in ("book", *tabs) if tabs else ("",):
            if tab:
                page.locator(f"[data-tab-for={tab}]").click()
            wrong += [f"sticks out at 360 {tab}: {one}" for one in page.evaluate(STICKING_OUT)]
        page.set_viewport_size(PHONE["viewport"])
    expected = f"404 GET {window.page.url}"
    wrong += [problem for problem in window.problems if not (path == NO_SUCH_PAGE and problem == expected)]
    return [f"{name}: {one}" for one in wrong]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("who", ["visitor", "player"])
def test_every_page_is_whole(
    browser: Browser,
    instance: Instance,
    veteran: Veteran,
    results: int,
    pictures: Path,
    view: str,
    who: str,
) -> None:
    began = time.monotonic()
    pages = dict(VISITOR_PAGES if who == "visitor" else PLAYER_PAGES)
    pages |= {
        "game": f"/games/{results}/",
        "game-now": f"/games/{results + 1}/",
        "player": f"/players/{veteran.nickname}/",
    }
    wrong: list[str] = []
    with Window(browser, instance.base_url, **VIEWS[view]) as window:
        if who == "player":
            window.take_over(veteran)
        for name, path in pages.items():
            wrong += look(window, veteran, name, path, pictures, who, view)
    print(f"{len(pages)} pages, {who}, {view}: {time.monotonic() - began:.1f} s")
    assert wrong == []
