"""The whole way of a player: sign up, log in, place orders, log out, by the pages' own forms."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from accounts.models import User
from trading.loadtest.connection import Response
from trading.loadtest.flow import Draw
from trading.loadtest.orders import Seat, Server
from trading.loadtest.players import LoadError, Player
from trading.loadtest.record import Record, milliseconds

PASSWORD = "correct-horse-battery-9"  # noqa: S105
PAGE_SECONDS = 300.0  # passwords are hashed slowly on purpose, one after the other


class Visitor:
    """One browser: a connection and its cookies."""

    def __init__(self, server: Server, run: str, number: int) -> None:
        self._server, self._connection = server, server.connection()
        self._cookies: dict[str, str] = {}
        self.number = number
        self.nickname = f"{run[:6]}{number:05d}"
        self.email = f"{run.lower()}-{number}@example.com"
        self.seconds: dict[str, list[float]] = defaultdict(list)

    async def _request(self, method: str, path: str, fields: dict[str, str] | None = None) -> Response:
        body = b"" if fields is None else urlencode(fields).encode()
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        head = [
            f"{method} {path} HTTP/1.1", f"Host: {self._server.host}:{self._server.port}",
            f"Origin: {self._server.origin}", f"Cookie: {cookies}", f"Content-Length: {len(body)}",
        ]  # fmt: skip
        if fields is not None:
            head.append("Content-Type: application/x-www-form-urlencoded")
        raw = "\r\n".join([*head, "", ""]).encode() + body
        response = await self._connection.request(raw, PAGE_SECONDS)
        for value in response.values(b"set-cookie"):
            for name, morsel in SimpleCookie(value.decode("latin-1")).items():
                self._cookies[name] = morsel.value
        return response

    async def _submit(self, step: str, path: str, fields: dict[str, str]) -> None:
        """Open a form and send it; LoadError unless it takes the visitor elsewhere."""
        began = time.perf_counter()
        page = await self._request("GET", path)
        if page.status == HTTPStatus.OK:
            token = self._cookies.get("csrftoken", "")
            page = await self._request("POST", path, {**fields, "csrfmiddlewaretoken": token})
        if page.status != HTTPStatus.FOUND:
            raise LoadError(f"{step}: status {page.status}, {page.body[:200]!r}")
        self.seconds[step].append(time.perf_counter() - began)

    async def sign_up(self) -> None:
        """Sign up by the form, then forget the session: the visitor comes back later."""
        fields = {
            "email": self.email, "nickname": self.nickname, "password1": PASSWORD, "password2": PASSWORD,
        }  # fmt: skip
        await self._submit("sign_up", "/accounts/signup/", fields)
        self._cookies.clear()

    async def log_in(self) -> Player:
        """Log in by the form; returns the player's session. The account's number is put in afterwards."""
        await self._submit("log_in", "/accounts/login/", {"login": self.email, "password": PASSWORD})
        if "sessionid" not in self._cookies:
            raise LoadError("log_in: no session")
        return Player(self.number, 0, self._cookies["sessionid"], self._cookies["csrftoken"])

    async def log_out(self) -> None:
        """Log out by the form."""
        await self._submit("log_out", "/accounts/logout/", {})

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Journey:
    """The journeys of all visitors."""

    def __init__(self, server: Server, run: str, users: int) -> None:
        self._server = server
        self._visitors = [Visitor(server, run, number) for number in range(users)]

    async def go(self, flows: Sequence[Iterable[Draw]], record: Record) -> float:
        """Let all go their way at once; returns the seconds until the last has logged out."""

        async def one(visitor: Visitor, flow: Iterable[Draw]) -> None:
            try:
                await visitor.sign_up()
                seat = Seat(self._server, await visitor.log_in())
                for draw in flow:
                    await seat.place(draw, record)
                seat.connection.close()
                await visitor.log_out()
            except (LoadError, OSError, TimeoutError) as error:
                record.errors[str(error)[:100]] += 1
            finally:
                visitor.close()

        began = time.perf_counter()
        await asyncio.gather(*(one(*pair) for pair in zip(self._visitors, flows, strict=True)))
        return time.perf_counter() - began

    def figures(self) -> dict[str, Any]:
        """Return the times of the steps."""
        figures: dict[str, Any] = {}
        for step in ("sign_up", "log_in", "log_out"):
            times = [value for visitor in self._visitors for value in visitor.seconds[step]]
            figures |= milliseconds(times, f"{step}_")
        return figures

    def accounts_fill_in(self, record: Record) -> None:
        """Put the accounts into the record: a visitor's number is the second part of each client order id."""
        names = {visitor.nickname: str(visitor.number) for visitor in self._visitors}
        known = dict(User.objects.filter(nickname__in=names).values_list("nickname", "pk"))
        accounts = {names[name]: account for name, account in known.items()}
        for order_id, (_, client_order_id) in record.accepted.items():
            number = client_order_id.split("-")[1]
            record.accepted[order_id] = (accounts.get(number, 0), client_order_id)
