"""A player's browser as far as the kills need one: a connection, cookies, and no request that repeats itself."""

from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from trading.loadtest.connection import Connection

ANSWER_SECONDS = 5.0


class NoAnswer(Exception):
    """The connection failed before the answer was complete; what was asked may have been done."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One response."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Return the body's JSON."""
        return msgspec.json.decode(self.body)

    @property
    def code(self) -> str:
        """Return the error's code, or the status where the body has none."""
        try:
            return str(self.json()["code"])
        except (msgspec.DecodeError, KeyError, TypeError):
            return f"status {self.status}"


@dataclass(slots=True)
class Browser:
    """One player's connection and cookies. One request at a time."""

    base_url: str
    cookies: dict[str, str] = field(default_factory=dict)
    _connection: Connection | None = None

    async def ask(self, method: str, path: str, *, json: Any = None, form: Any = None) -> Answer:
        """Send one request and return its answer. Never repeats a request by itself: NoAnswer says it failed."""
        if form is not None:
            kind, body = "application/x-www-form-urlencoded", urlencode(form).encode()
        else:
            kind, body = "application/json", b"" if json is None else msgspec.json.encode(json)
        try:
            return await self._exchange(self._head(method, path, kind, len(body)) + body)
        except OSError as error:
            self.close()
            raise NoAnswer(repr(error)) from error

    def close(self) -> None:
        """Drop the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()

    def _head(self, method: str, path: str, kind: str, length: int) -> bytes:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {urlsplit(self.base_url).netloc}",
            f"Origin: {self.base_url}",
            f"Cookie: {cookies}",
            f"X-CSRFToken: {self.cookies.get('csrftoken', '')}",
            f"Content-Type: {kind}",
            f"Content-Length: {length}",
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    async def _exchange(self, request: bytes) -> Answer:
        if self._connection is None:
            address = urlsplit(self.base_url)
            self._connection = Connection(str(address.hostname), address.port or 80)
        response = await self._connection.request(request, ANSWER_SECONDS)
        for header in response.values(b"set-cookie"):
            self._keep_cookies(header.decode("latin-1"))
        return Answer(response.status, response.body)

    def _keep_cookies(self, header: str) -> None:
        for name, morsel in SimpleCookie(header).items():
            self.cookies[name] = morsel.value


async def guest_browser(base_url: str) -> Browser:
    """Return the browser of a new guest, logged in."""
    browser = Browser(base_url)
    await browser.ask("GET", "/")
    form = {"csrfmiddlewaretoken": browser.cookies.get("csrftoken", "")}
    answer = await browser.ask("POST", "/accounts/guest/", form=form)
    if "sessionid" not in browser.cookies:
        raise NoAnswer(f"no login: status {answer.status}")
    return browser
