"""A socket on which anything may be said; tells whether the server still answers, or with which code it closed."""

import json
from types import TracebackType
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.player import Player

ASKED_FIRST_AT = 7_000_001
ANSWER_SECONDS = 10


class Speaker:
    """One player's socket, opened anew after the server has closed it or `messages_max` messages."""

    def __init__(self, player: Player, messages_max: int = 25) -> None:
        self._player = player
        self._messages_max = messages_max
        self._socket: ClientConnection | None = None
        self._said = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def say(self, message: str | bytes | dict[str, Any]) -> int | None:
        """Say something; return the code with which the server closed, None where it still answers."""
        socket = self._open()
        self._said += 1
        mark = ASKED_FIRST_AT + self._said
        try:
            socket.send(json.dumps(message) if isinstance(message, dict) else message)
            socket.send(json.dumps({"op": "ping", "sent_at_ms": mark}))
            while json.loads(socket.recv(timeout=ANSWER_SECONDS)).get("sent_at_ms") != mark:
                pass
        except ConnectionClosed as closed:
            self._close()
            return closed.rcvd.code if closed.rcvd else 0
        if self._said >= self._messages_max:
            self._close()
        return None

    def _open(self) -> ClientConnection:
        if self._socket is None:
            cookies = "; ".join(f"{name}={value}" for name, value in self._player.http.cookies.items())
            self._socket = connect(
                self._player.base_url.replace("http", "ws") + "/ws/",
                origin=self._player.base_url,  # type: ignore[arg-type]
                additional_headers={"Cookie": cookies},
                compression=None,
            )
        return self._socket

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._said = None, 0
