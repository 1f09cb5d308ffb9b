"""A player who knows only what the outside contract says: HTTP and `/ws/`."""

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.instance import wait_until

SEEN_SECONDS = 5.0  # ten times what the contract promises


logging.getLogger("httpx").setLevel(logging.WARNING)


class Player:
    """One browser: a cookie jar, a socket, and what the socket has said so far."""

    def __init__(self, base_url: str, nickname: str = "") -> None:
        self.base_url = base_url
        self.nickname = nickname
        self.http = httpx.Client(base_url=base_url, timeout=20, follow_redirects=True)
        self.messages: list[tuple[float, dict[str, Any]]] = []
        self._socket: Any = None
        self._sockets = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sockets.close()
        self.http.close()

    # Getting in ---------------------------------------------------------------------------------------

    def _token(self, page: str) -> str:
        self.http.get(page).raise_for_status()
        return self.http.cookies["csrftoken"]

    def sign_up(self, email: str, password: str) -> None:
        """Sign up through the form and be logged in."""
        fields = {"email": email, "nickname": self.nickname, "password1": password, "password2": password}
        token = self._token("/accounts/signup/")
        answer = self.http.post("/accounts/signup/", data={**fields, "csrfmiddlewaretoken": token})
        assert answer.status_code == 200 and "sessionid" in self.http.cookies, answer.text

    def log_in(self, email: str, password: str) -> None:
        """Log in through the form."""
        token = self._token("/accounts/login/")
        fields = {"login": email, "password": password, "csrfmiddlewaretoken": token}
        assert self.http.post("/accounts/login/", data=fields).status_code == 200
        assert "sessionid" in self.http.cookies

    def play_as_guest(self) -> None:
        """Press the one button that lets a newcomer play."""
        token = self._token("/")
        self.http.post("/accounts/guest/", data={"csrfmiddlewaretoken": token}).raise_for_status()
        assert "sessionid" in self.http.cookies

    # Orders -------------------------------------------------------------------------------------------

    def _unsafe(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"X-CSRFToken": self.http.cookies.get("csrftoken", ""), "Origin": self.base_url}
        return self.http.request(method, path, json=body, headers=headers)

    def order(
        self,
        symbol: str,
        side: str,
        quantity: int,
        price: int | None = None,
        client_order_id: str | None = None,
    ) -> httpx.Response:
        """Place a limit order, or a market order without a price."""
        body: dict[str, Any] = {
            "client_order_id": client_order_id or uuid.uuid4().hex,
            "symbol": symbol,
            "side": side,
            "type": "market" if price is None else "limit",
            "quantity": quantity,
        }
        if price is not None:
            body["price"] = price
        return self._unsafe("POST", "/api/orders", body)

    def amend(self, order_id: str, **terms: int) -> httpx.Response:
        """Change an order's price, total quantity or both."""
        return self._unsafe("PATCH", f"/api/orders/{order_id}", terms)

    def cancel(self, order_id: str) -> httpx.Response:
        """Cancel one order."""
        return self._unsafe("DELETE", f"/api/orders/{order_id}")

    def cancel_all(self, symbol: str = "") -> httpx.Response:
        """Cancel all orders, or those of one stock."""
        return self._unsafe("DELETE", "/api/orders" + (f"?symbol={symbol}" if symbol else ""))

    def get(self, path: str) -> Any:
        """Return a read call's answer."""
        answer = self.http.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:300]}"
        return answer.json()

    # The socket -----------------------------------------------------------------------------------------

    def listen(self, *topics: str) -> None:
        """Open the socket, subscribe, and wait for every topic's snapshot."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        self._socket = self._sockets.enter_context(
            connect(
                self.base_url.replace("http", "ws") + "/ws/",
                origin=self.base_url,  # type: ignore[arg-type]
                additional_headers={"Cookie": cookies},
            )
        )
        threading.Thread(target=self._receive, daemon=True).start()
        self.say({"op": "subscribe", "topics": list(topics)})
        for topic in topics:
            self.wait_message(
                lambda m, topic=topic: m.get("topic") == topic and m["type"] == "snapshot", topic
            )

    def _receive(self) -> None:
        try:
            for text in self._socket:
                self.messages.append((time.monotonic(), json.loads(text)))
        except ConnectionClosed:
            pass

    def say(self, message: dict[str, Any]) -> None:
        """Send a message on the socket."""
        self._socket.send(json.dumps(message))

    def wait_message(
        self, wanted: Callable[[dict[str, Any]], bool], what: str, limit_seconds: float = SEEN_SECONDS
    ) -> tuple[float, dict[str, Any]]:
        """Return the first message that is wanted, and when it arrived."""

        def found() -> tuple[float, dict[str, Any]] | None:
            return next((pair for pair in list(self.messages) if wanted(pair[1])), None)

        pair = wait_until(found, limit_seconds, what)
        assert pair is not None
        return pair

    def wait_private(
        self, kind: str, limit_seconds: float = SEEN_SECONDS, **fields: Any
    ) -> tuple[float, dict[str, Any]]:
        """Return the first update on `me` of a kind with the given fields, and when it arrived."""

        def wanted(message: dict[str, Any]) -> bool:
            data = message.get("data")
            return (
                message.get("topic") == "me"
                and message["type"] == "update"
                and data["kind"] == kind
                and all(data.get(name) == value for name, value in fields.items())
            )

        at, message = self.wait_message(wanted, f"{kind} {fields}", limit_seconds)
        return at, message["data"]

    def account_from_fills(self, game: int) -> tuple[int, dict[str, int]]:
        """Return the cash and shares that the fills of a game add up to."""
        cash, shares, cursor = self.get("/api/account")["initial_cash"], {}, ""
        while True:
            page = self.get(
                f"/api/fills?game={game}&limit=50&cursor={cursor}"
                if cursor
                else f"/api/fills?game={game}&limit=50"
            )
            for fill in page["fills"]:
                sign = 1 if fill["side"] == "buy" else -1
                cash -= sign * fill["price"] * fill["quantity"]
                shares[fill["symbol"]] = shares.get(fill["symbol"], 0) + sign * fill["quantity"]
            cursor = page["next_cursor"]
            if not cursor:
                return cash, {symbol: quantity for symbol, quantity in shares.items() if quantity}
