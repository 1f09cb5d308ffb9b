"""A bare connection to one of the two stores on the running event loop, for a protocol of our own."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, TypeVar

ProtocolT = TypeVar("ProtocolT", bound=asyncio.Protocol)


async def store_connect(address: dict[str, Any], protocol: Callable[[], ProtocolT]) -> ProtocolT:
    """Connect to the `address` that redis-py's `parse_url` gave, by TCP, TLS or a Unix socket; log in is up to you."""
    loop = asyncio.get_running_loop()
    if "path" in address:
        _, connected = await loop.create_unix_connection(protocol, address["path"])
    else:
        is_tls = address.get("connection_class") is not None
        _, connected = await loop.create_connection(
            protocol,
            address.get("host", "localhost"),
            int(address.get("port", 6379)),
            ssl=ssl.create_default_context() if is_tls else None,
        )
    return connected


def credentials(address: dict[str, Any]) -> list[Any]:
    """Return the words of AUTH, none where the address has no password."""
    if not address.get("password"):
        return []
    user = [address["username"]] if address.get("username") else []
    return ["AUTH", *user, address["password"]]
