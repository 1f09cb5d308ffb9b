"""One player's browser window: what a person does in it, and everything that went wrong in it meanwhile.

Times that a person waits are measured inside the page, on the clock that the server of the test shares.
"""

import re
import time
from typing import Any, Self

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, Response, expect

from tests.player import Player

GOAL_FACTOR = 10  # a test's limit is ten times the goal, for the slowest machine it runs on
SEEN_MS = 10_000
SYMBOL = "HRE"

# Notes down when each toast and each private line of the chat came onto the screen.
WATCH_SCREEN = """
window.__seen = [];
new MutationObserver((records) => {
  for (const { addedNodes, target } of records) {
    for (const node of [...addedNodes, target]) {
      const element = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
      const said = element?.closest?.(".toast, .chat-private");
      if (!said) continue;
      const where = said.matches(".toast") ? "toast" : "chat";
      window.__seen.push({ at: Date.now(), where, text: said.textContent });
    }
  }
}).observe(document, { childList: true, subtree: true, characterData: true });
"""


def number_of(text: str) -> int:
    """Return the number that a figure on the screen shows."""
    return int(re.sub(r"[^\d-]", "", text.replace("−", "-")))


class Window:
    """A browser context of its own with one page in it."""

    def __init__(self, browser: Browser, base_url: str, **options: Any) -> None:
        options.setdefault("viewport", {"width": 1440, "height": 940})
        self.context = browser.new_context(
            base_url=base_url, locale="ko-KR", timezone_id="Asia/Seoul", **options
        )
        self.context.set_default_timeout(SEEN_MS)
        self.context.add_init_script(WATCH_SCREEN)
        self.page: Page = self.context.new_page()
        self.problems: list[str] = []
        self.writes: list[Request] = []
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        self.page.on("response", self._on_response)
        self.page.on("requestfailed", self._on_failed)
        self.page.on(
            "request", lambda request: self.writes.append(request) if request.method != "GET" else None
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    # What went wrong ----------------------------------------------------------------------------------

    def _on_console(self, message: ConsoleMessage) -> None:
        # A status of 400 and more is noted with its address by _on_response.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.problems.append(f"console {message.type}: {message.text}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self.problems.append(f"{response.status} {response.request.method} {response.url}")

    def _on_failed(self, request: Request) -> None:
        # A page that is left gives up what it was still asking for; that is no failure.
        if request.failure != "net::ERR_ABORTED":
            self.problems.append(f"failed: {request.method} {request.url}: {request.failure}")

    def assert_sound(self) -> None:
        """Nothing went wrong in this window so far."""
        assert self.problems == []

    # Getting in ---------------------------------------------------------------------------------------

    def sign_up(self, nickname: str, next_path: str = "/") -> None:
        """Sign up by the form."""
        self.page.goto(f"/accounts/signup/?next={next_path}")
        for name, value in {
            "email": f"player{time.monotonic_ns()}@example.com",
            "nickname": nickname,
            "password1": "correct-horse-9",
            "password2": "correct-horse-9",
        }.items():
            self.page.fill(f"main [name={name}]", value)
        self.page.get_by_role("button", name="가입하고 시작하기").click()
        expect(self.page.locator("body")).to_have_attribute("data-player", nickname)

    def play_as_guest(self, path: str = "/") -> None:
        """Press the one button that lets a newcomer play."""
        self.page.goto(path)
        self.page.locator(".site-header").get_by_role("button", name="체험하기").click()
        expect(self.page.locator("body")).not_to_have_attribute("data-player", "")

    def take_over(self, player: Player) -> None:
        """Be the player who logged in elsewhere."""
        self.context.add_cookies(
            [
                {"name": name, "value": value, "url": player.base_url}
                for name, value in player.http.cookies.items()
            ]
        )

    @property
    def nickname(self) -> str:
        """Who plays in this window."""
        return self.page.locator("body").get_attribute("data-player") or ""

    def api(self, path: str) -> Any:
        """Return what the read API answers this player."""
        answer = self.context.request.get(path)
        assert answer.ok, f"{path}: {answer.status} {answer.text()[:300]}"
        return answer.json()

    # The trading screen -------------------------------------------------------------------------------

    def open_stock(self, symbol: str = SYMBOL) -> None:
        """Open a stock's trading screen and wait until it is alive."""
        self.page.goto(f"/stocks/{symbol}/")
        self.wait_online()
        expect(self.level("ask")).to_be_enabled(timeout=SEEN_MS * 3)
        expect(self.level("bid")).to_be_enabled(timeout=SEEN_MS * 3)

    def wait_online(self, limit_ms: int = SEEN_MS * 3) -> None:
        """Wait until the page is connected."""
        expect(self.page.locator("html")).to_have_attribute("data-connection", "online", timeout=limit_ms)

    def part(self, name: str) -> Locator:
        """Return a part of the order form."""
        return self.page.locator(f"[data-order={name}]")

    def level(self, side: str, depth: int = 1) -> Locator:
        """Return the price button of a level of the order book; 1 is the best."""
        return self.page.locator(f"[data-book] .book-row.{side}[data-level='{depth}'] .book-price")

    def price_row(self, side: str, price: int) -> Locator:
        """Return the order book's row of a price."""
        return self.page.locator(f"[data-book] .book-row.{side}").filter(
            has=self.page.get_by_text(f"{price:,}", exact=True)
        )

    def choose_side(self, side: str) -> None:
        """Press 매수 or 매도 above the form."""
        self.page.locator(f"[data-order-form] .side-{side}").click()

    def choose_type(self, kind: str) -> None:
        """Press 지정가 or 시장가."""
        self.page.locator(f"[data-order-form] .type-switch label:has([value={kind}])").click()

    def field(self, name: str) -> Locator:
        """Return the price or quantity field."""
        return self.page.locator(f"#order-{name}")

    def quantity(self) -> int:
        """Return the quantity in the form."""
        return number_of(self.field("quantity").input_value() or "0")

    def send(self) -> None:
        """Press the order button and, where it is asked for, confirm."""
        expect(self.part("submit")).to_be_enabled()
        self.part("submit").click()
        if self.part("confirm").is_checked():
            self.page.locator("[data-dialog=send]").click()

    def show_panel(self, name: str) -> Locator:
        """Show 보유, 미체결 or 체결 and return the panel."""
        self.page.locator(f"[data-my-orders] [data-panel={name}]").click()
        return self.page.locator("[data-my-panel]")

    def toast(self, text: str | re.Pattern[str]) -> Locator:
        """Return the toast that says this."""
        return self.page.locator("#toasts .toast").filter(has_text=text).first

    def chat_lines(self, kind: str, text: str | re.Pattern[str]) -> Locator:
        """Return the chat's lines of a kind: player, system, news, private."""
        return self.page.locator(f"[data-chat-messages] .chat-{kind}").filter(has_text=text)

    def seen_at(self, where: str, text: str, after_ms: float) -> float:
        """Return when the page first showed a toast or a private chat line with this text."""
        handle = self.page.wait_for_function(
            """([where, text, after]) => window.__seen.find(
                (one) => one.where === where && one.at >= after && one.text.includes(text))""",
            arg=[where, text, after_ms],
            timeout=SEEN_MS,
        )
        return float(handle.json_value()["at"])

    def orders_sent(self) -> int:
        """Return how many orders this window has sent so far."""
        return sum(request.method == "POST" and "/api/orders" in request.url for request in self.writes)

    def game(self) -> dict[str, Any]:
        """Return the game as the server tells it."""
        answer: dict[str, Any] = self.api("/api/game")
        return answer

    def wait_trading(self, seconds_left: float, limit_seconds: float = 200) -> dict[str, Any]:
        """Wait for a game that trades and has time left; return it."""
        deadline = time.monotonic() + limit_seconds
        while True:
            game = self.game()
            left = game["phase_ends_at_ms"] - game["server_time_ms"] if game.get("phase") == "trading" else 0
            if left > seconds_left * 1_000:
                return game
            assert time.monotonic() < deadline, f"no game with {seconds_left} s left: {game}"
            self.page.wait_for_timeout(200)
