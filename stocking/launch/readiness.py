"""Whether a player could begin now, seen from outside: a page, the game's answer, the socket's snapshot."""

import json
import socket
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Origin

TIMEOUT_SECONDS = 5.0
GAME_FIELDS = ("number", "phase")


def missing_part(base_url: str) -> str | None:
    """Return the first part that does not answer as it should, with the reason, or None when all do."""
    for part, check in CHECKS:
        reason = check(base_url)
        if reason is not None:
            return f"{part}: {reason}"
    return None


def _page(base_url: str) -> str | None:
    status, body = _get(base_url, "/")
    if status == 200 and "<html" in body:
        return None
    return _refusal(status, body)


def _game(base_url: str) -> str | None:
    status, body = _get(base_url, "/api/game")
    if status != 200:
        return _refusal(status, body)
    try:
        answer = json.loads(body)
    except ValueError:
        return "no JSON"
    return None if all(name in answer for name in GAME_FIELDS) else f"unexpected {body[:200]}"


def _socket(base_url: str) -> str | None:
    address = urlsplit(base_url)
    try:
        with connect(
            f"ws://{address.netloc}/ws/",
            origin=Origin(f"http://{address.netloc}"),
            open_timeout=TIMEOUT_SECONDS,
            close_timeout=1,
            proxy=None,
        ) as connection:
            connection.send(json.dumps({"op": "subscribe", "topics": ["game"]}))
            answer = json.loads(connection.recv(timeout=TIMEOUT_SECONDS))
    except (OSError, WebSocketException, ValueError) as error:
        return _text(error)
    if answer.get("topic") == "game" and answer.get("type") == "snapshot":
        return None
    return f"unexpected {str(answer)[:200]}"


CHECKS: tuple[tuple[str, Callable[[str], str | None]], ...] = (
    ("page /", _page),
    ("GET /api/game", _game),
    ("socket /ws/", _socket),
)


def _get(base_url: str, path: str) -> tuple[int, str]:
    """Return status and body; status 0 and the reason where there is no answer."""
    address = urlsplit(base_url)
    with closing(HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT_SECONDS)) as connection:
        try:
            connection.request("GET", path, headers={"Accept": "*/*"})
            response = connection.getresponse()
            return response.status, response.read().decode("utf-8", errors="replace")
        except (OSError, HTTPException) as error:
            return 0, _text(error)


def _refusal(status: int, body: str) -> str:
    return body if status == 0 else f"status {status}"


def _text(error: Exception) -> str:
    if isinstance(error, socket.timeout):
        return "no answer in time"
    return str(error) or type(error).__name__


def store_answers(port: int) -> bool:
    """Tell whether a Valkey server listens on the port: it answers, be it by asking for the password."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
    except OSError:
        return False
