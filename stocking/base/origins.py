"""Whether a browser's page on this very site speaks, for what Django's middleware does not see: socket and order entry.

A browser sets `Origin` and `Host` itself, a page cannot. So a request whose `Origin` is the site it was sent to comes
from one of our own pages, provided that the site's name is ours: a foreign name that was made to point at us
(DNS rebinding) has an `Origin` that agrees with its `Host`.
"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http.request import split_domain_port, validate_host

_HOSTS_OF_DEVELOPMENT = [".localhost", "127.0.0.1", "[::1]"]


def only_header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """Return the one header of this name, None when there is none; ValueError when there are several.

    Of two headers one reader takes the first and another the last, so that nobody knows which was checked.
    """
    values = [value for header, value in headers if header == name]
    if len(values) > 1:
        raise ValueError(f"{name.decode('latin-1')} was sent more than once")
    return values[0].decode("latin-1") if values else None


def host_is_ours(host: str) -> bool:
    """Return whether `Host` names this site, by Django's own rule for `ALLOWED_HOSTS`."""
    allowed = settings.ALLOWED_HOSTS or (_HOSTS_OF_DEVELOPMENT if settings.DEBUG else [])
    domain, _port = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)


def origin_allowed(origin: str | None, host: str | None, *, is_secure: bool = False) -> bool:
    """Return whether `Origin` is exactly this site, or one that `CSRF_TRUSTED_ORIGINS` names.

    Compared as a whole, never by its beginning or end. A request that came over TLS comes from no page without it.
    """
    if not origin or not host:
        return False
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    schemes = ("https",) if is_secure else ("http", "https")
    return host_is_ours(host) and origin in [f"{scheme}://{host}" for scheme in schemes]


def connection_is_secure(scope: dict[str, Any]) -> bool:
    """Return whether a connection came over TLS, as far as the server or the proxy that the settings trust says."""
    if scope.get("scheme") in ("https", "wss"):
        return True
    if settings.SECURE_PROXY_SSL_HEADER is None:
        return False
    name, secure = settings.SECURE_PROXY_SSL_HEADER
    wanted = name.removeprefix("HTTP_").replace("_", "-").lower().encode()
    values = [value.decode("latin-1") for header, value in scope["headers"] if header == wanted]
    return bool(values) and values[0].split(",")[0].strip() == secure


def is_of_this_site(scope: dict[str, Any]) -> bool:
    """Return whether a connection was opened by one of our pages: `Origin` there once, and ours."""
    try:
        origin, host = (only_header(scope["headers"], name) for name in (b"origin", b"host"))
    except ValueError:
        return False
    return origin_allowed(origin, host, is_secure=connection_is_secure(scope))
