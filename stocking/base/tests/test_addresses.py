"""A client's address behind any number of proxies, and what a forged header achieves: nothing."""

from typing import Any

import pytest
from django.test import RequestFactory

from stocking.base.addresses import UNKNOWN, address_group, client_address, scope_address

CLIENT, PROXY, EDGE = "198.51.100.7", "10.0.0.2", "10.0.0.1"


def both(peer: str | None, *forwarded: str) -> set[str]:
    """Return what Django's request and the bare ASGI connection make of the same headers."""
    meta: dict[str, Any] = {"REMOTE_ADDR": peer or ""}
    if forwarded:
        meta["HTTP_X_FORWARDED_FOR"] = ",".join(forwarded)
    headers = [(b"host", b"x"), *((b"x-forwarded-for", value.encode("latin-1")) for value in forwarded)]
    scope = {"client": (peer, 5) if peer else None, "headers": headers}
    return {client_address(RequestFactory().get("/", **meta)), scope_address(scope)}


@pytest.mark.parametrize("forged", ["1.2.3.4", "1.2.3.4, 5.6.7.8", "127.0.0.1", "", "::1"])
def test_without_proxies_nobody_is_believed(settings: Any, forged: str) -> None:
    settings.TRUSTED_PROXIES = 0
    assert both(CLIENT, forged) == {CLIENT}


@pytest.mark.parametrize(
    "forged", [[], ["1.2.3.4"], ["1.2.3.4, 5.6.7.8", "9.9.9.9"], ["unknown, ,"], ["<b>"]]
)
def test_behind_one_proxy_its_word_alone_counts(settings: Any, forged: list[str]) -> None:
    settings.TRUSTED_PROXIES = 1
    assert both(PROXY, *forged, CLIENT) == {CLIENT}


@pytest.mark.parametrize("forged", [[], ["1.2.3.4"], ["1.2.3.4, 10.0.0.9"]])
def test_behind_two_proxies_the_outer_one_says_who_it_is(settings: Any, forged: list[str]) -> None:
    settings.TRUSTED_PROXIES = 2
    assert both(PROXY, *forged, f"{CLIENT}, {EDGE}") == {CLIENT}


def test_who_comes_past_the_proxy_is_counted_as_the_nearest_that_is_known(settings: Any) -> None:
    settings.TRUSTED_PROXIES = 2
    assert both(PROXY) == {PROXY}
    assert both(PROXY, EDGE) == {EDGE}
    assert both(PROXY, "nonsense, " + EDGE) == {EDGE}
    assert both(PROXY, "") == {PROXY}


def test_a_header_of_any_length_is_walked_from_its_end(settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    assert both(PROXY, "1.2.3.4," * 10_000 + CLIENT) == {CLIENT}


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("198.51.100.7:4711", CLIENT), ("[2001:db8::7]:443", "2001:db8::7"), ("[2001:DB8::7]", "2001:db8::7"),
        ("::ffff:198.51.100.7", CLIENT), ("fe80::1%eth0", "fe80::1"), (" 198.51.100.7 ", CLIENT),
        ("2001:0db8:0000::0007", "2001:db8::7"),
    ],
)  # fmt: skip
def test_one_client_has_one_address_however_it_is_written(settings: Any, written: str, plain: str) -> None:
    settings.TRUSTED_PROXIES = 1
    assert both(PROXY, written) == {plain}
    assert both(written) == {plain}


def test_a_connection_without_an_address_is_nobodys(settings: Any) -> None:
    settings.TRUSTED_PROXIES = 0
    assert both(None) == {UNKNOWN}
    settings.TRUSTED_PROXIES = 1
    assert both(None, CLIENT) == {CLIENT}, "a proxy at a Unix socket"


def test_limits_count_ipv6_by_the_household() -> None:
    assert (
        address_group("2001:db8:1:2::1")
        == address_group("2001:db8:1:2:ffff:ffff:ffff:ffff")
        == "2001:db8:1:2::/64"
    )
    assert address_group("2001:db8:1:3::1") != address_group("2001:db8:1:2::1")
    assert address_group("::ffff:198.51.100.7") == address_group(CLIENT) == CLIENT
    assert address_group("nobody") == UNKNOWN
