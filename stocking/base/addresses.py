"""Whose request it is: the one way in which pages, order entry, sockets and limits learn a client's address.

`X-Forwarded-For` is written by whoever sends it. Each proxy appends the address it was called from, so only the
last `TRUSTED_PROXIES` entries are the word of our own; what stands to the left of them is the client's invention.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest

# Nobody's: of a connection without an address (a Unix socket) that no trusted proxy vouches for.
UNKNOWN = "0.0.0.0"  # noqa: S104  # never bound to
IPV6_GROUP_BITS = 64
# More than any chain of proxies; the rest of a header that somebody made long is not looked at.
HEADER_CHARACTERS_MAX = 2_048
_WITH_PORT = re.compile(r"\[([^\]]+)\](?::\d+)?|([\d.]+):\d+")


def client_address(request: HttpRequest) -> str:
    """Return the address of a Django request's client in its plain form, `0.0.0.0` where there is none."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    return _client(request.META.get("REMOTE_ADDR", ""), forwarded)


def scope_address(scope: dict[str, Any]) -> str:
    """Return the address of an ASGI connection's client, HTTP or WebSocket, as `client_address` does."""
    peer = scope.get("client")
    values = _header_values(scope["headers"]) if settings.TRUSTED_PROXIES else ()
    return _client(peer[0] if peer else "", ",".join(values))


@lru_cache(maxsize=4_096)
def address_group(address: str) -> str:
    """Return what limits count an address by: itself, for IPv6 its /64, of which one household has at least one."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, IPV6_GROUP_BITS), strict=False))
    return UNKNOWN if parsed is None else str(parsed)


def _header_values(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """Return all headers of that name in their order: a second one continues the first."""
    return [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"]


def _client(peer: str, forwarded: str) -> str:
    """Walk from the peer to the left, one entry for each trusted proxy, and stop at what is no address."""
    found = _parsed(peer)
    entries = forwarded[-HEADER_CHARACTERS_MAX:].split(",") if settings.TRUSTED_PROXIES and forwarded else []
    for entry in reversed(entries[-settings.TRUSTED_PROXIES :]):
        named = _parsed(entry)
        if named is None:
            break
        found = named
    return UNKNOWN if found is None else str(found)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address without port, brackets and zone; IPv4 written as IPv6 is IPv4. None for what is none."""
    text = text.strip()
    with_port = _WITH_PORT.fullmatch(text)
    if with_port is not None:
        text = with_port[1] or with_port[2]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
