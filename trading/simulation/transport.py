"""A client of a store over one bare socket: a fifth of the work of the library's connections, the same commands.

Each round trip is a passage of a seam. A call that is lost is lost in the seam; the socket itself never fails.
"""

import socket
from collections.abc import Iterable
from typing import Any

import hiredis
import redis
from redis.client import Pipeline
from redis.exceptions import NoScriptError, ResponseError

from trading.simulation.seams import Seams


class Line:
    """One connection to a server, speaking RESP2."""

    def __init__(self, path: str, database: int) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)
        self._reader = hiredis.Reader(replyError=_reply_error)
        self.round_trip([("SELECT", database)])

    def round_trip(self, commands: Iterable[tuple[Any, ...]]) -> list[Any]:
        """Send commands and return their replies, errors among them."""
        packed = [hiredis.pack_command(_words(command)) for command in commands]
        self._socket.sendall(b"".join(packed))
        return [self._reply() for _ in packed]

    def _reply(self) -> Any:
        while True:
            reply = self._reader.gets()
            if reply is not False:
                return reply
            received = self._socket.recv(65_536)
            if not received:
                raise RuntimeError("the simulation's store is gone")
            self._reader.feed(received)

    def close(self) -> None:
        """End the connection."""
        self._socket.close()


def _words(command: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*command[0].split(" "), *command[1:]) if " " in command[0] else command


def _reply_error(text: str) -> Exception:
    return NoScriptError(text) if text.startswith("NOSCRIPT") else ResponseError(text)


class SeamRedis(redis.Redis):
    """A client whose every round trip is a passage."""

    def __init__(self, line: Line, seams: Seams, seam: str) -> None:
        super().__init__(protocol=2)
        self._line, self._seams, self._seam = line, seams, seam

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run one command."""
        [reply] = self._seams.pass_(self._seam, lambda: self._line.round_trip([args]))
        return self.shown(reply, args[0], options)

    def shown(self, reply: Any, name: str, options: dict[str, Any]) -> Any:
        """Return a reply as the library shows it; raise it if it is an error."""
        if isinstance(reply, Exception):
            raise reply
        options.pop("keys", None)
        callback = self.response_callbacks.get(name)
        return reply if callback is None else callback(reply, **options)

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> "SeamPipeline":
        """Return a pipeline whose execution is one passage."""
        return SeamPipeline(self, transaction)


class SeamPipeline(Pipeline):
    """A pipeline whose execution is one passage."""

    def __init__(self, client: SeamRedis, transaction: bool) -> None:
        super().__init__(client.connection_pool, client.response_callbacks, transaction, None)
        self._client, self._is_transaction = client, transaction

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send all that was queued."""
        client, stack, scripts = self._client, self.command_stack, self.scripts
        self.command_stack, self.scripts = [], set()
        commands = [("SCRIPT LOAD", script.script) for script in scripts]
        commands += [args for args, _ in stack]
        if not commands:
            return []
        replies = client._seams.pass_(client._seam, lambda: client._line.round_trip(self._framed(commands)))
        if self._is_transaction:
            replies = replies[-1]
        replies = replies[len(scripts) :]
        return [
            client.shown(reply, args[0], options)
            for reply, (args, options) in zip(replies, stack, strict=True)
        ]

    def _framed(self, commands: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        return [("MULTI",), *commands, ("EXEC",)] if self._is_transaction else commands
