"""What an attacker sends: numbers that are none, bodies that are none, text that would like to be a script."""

import json
from typing import Any

NESTED_LEVELS = 10_000
LARGE_BYTES = 1_000_000

# As they stand in a JSON body. The last column says which a rule of trading refuses (422) and not the parser (400).
NUMBERS: dict[str, tuple[str, int]] = {
    "NaN": ("NaN", 400),
    "Infinity": ("Infinity", 400),
    "-Infinity": ("-Infinity", 400),
    "1e309": ("1e309", 400),
    "-1e309": ("-1e309", 400),
    "1e3": ("1e3", 400),
    "1.0": ("1.0", 400),
    "2^53+1": (str(2**53 + 1), 422),
    "2^63": (str(2**63), 422),
    "-2^63-1": (str(-(2**63) - 1), 422),
    "2^64": (str(2**64), 422),
    "10^400": (str(10**400), 422),
    "10^5000": ("1" + "0" * 3_000, 422),
    "-0": ("-0", 422),
    "0": ("0", 422),
    "-1": ("-1", 422),
    "00": ("00", 400),
    "+1": ("+1", 400),
    "0x10": ("0x10", 400),
    "full-width": ('"１０"', 400),
    "text": ('"10"', 400),
    "true": ("true", 400),
    "list": ("[1]", 400),
    "object": ('{"$gt": 0}', 400),
    "nested": ("[" * NESTED_LEVELS + "]" * NESTED_LEVELS, 413),
    "surrogate": ('"\\ud800"', 400),
}

BODIES: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "half": (b'{"client_order_id": "x"', 400),
    "nested lists": (b"[" * 4_000, 400),
    "nested objects": (b'{"a":' * 800, 400),
    "10,000 levels": (b'{"a":' * NESTED_LEVELS + b"1" + b"}" * NESTED_LEVELS, 413),
    "1 MB": (b'{"client_order_id": "' + b"x" * LARGE_BYTES + b'"}', 413),
    "1 MB of nothing": (b" " * LARGE_BYTES, 413),
    "lone surrogate": (b'{"client_order_id": "\\ud800"}', 400),
    "lone surrogate as bytes": (b'{"client_order_id": "\xed\xa0\x80"}', 400),
    "no UTF-8": (b'{"client_order_id": "\xff"}', 400),
    "UTF-16": ('{"client_order_id": "x"}'.encode("utf-16"), 400),
    "byte order mark": (b"\xef\xbb\xbf{}", 400),
    "NUL": (b'{"client_order_id": "\x00"}', 400),
    "a list": (b"[]", 400),
    "a string": (b'"order"', 400),
    "two values": (b"{} {}", 400),
    "a comment": (b'{} // and "more"', 400),
}

CONTENT_TYPES = (
    "", "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "application/xml", "application/json-patch+json", "application/jsonx", "application/json, text/plain",
)  # fmt: skip

# What stands in an address or in a field of a form, as text.
TEXTS = (
    "NaN", "Infinity", "-Infinity", "1e309", "1e3", "1.0", str(2**53 + 1), str(2**63), str(10**400), "-0", "0", "-1",
    "+1", "１０", "٣", "²", "true", "null", "[]", "{}", " ", "", "\x00", "1\x00", "\ud800", "\u202e1", "\ufeff1",
    "1_000", "0x10", "1;DROP TABLE accounts_user", "' OR '1'='1", "../../etc/passwd", "%00", "{{7*7}}", "${7*7}",
    "\r\nSet-Cookie: sessionid=x", "x" * 5_000,
)  # fmt: skip

MARKUP = (
    "<script>window.__broken=1</script>",
    "<img src=x onerror=window.__broken=1>",
    "<svg/onload=window.__broken=1>",
    '"><img src=x onerror=window.__broken=1>',
    "'><svg onload=window.__broken=1>",
    "<iframe srcdoc='<script>parent.__broken=1</script>'>",
    "<a href=javascript:window.__broken=1>click</a>",
    "javascript:window.__broken=1",
    "</script><script>window.__broken=1</script>",
    "</title><script>window.__broken=1</script>",
    "</textarea><script>window.__broken=1</script>",
    "<!--><script>window.__broken=1</script>-->",
    "<style>@import 'javascript:window.__broken=1';</style>",
    "<math><mtext><style><img src=x onerror=window.__broken=1></style></mtext></math>",
    '<noscript><p title="</noscript><img src=x onerror=window.__broken=1>">',
    "<details open ontoggle=window.__broken=1>",
    "<input autofocus onfocus=window.__broken=1>",
    "{{constructor.constructor('window.__broken=1')()}}",
    "${window.__broken=1}",
    "&lt;script&gt;window.__broken=1&lt;/script&gt;",
    "＜script＞window.__broken=1＜/script＞",
    "<ſcript>window.__broken=1</ſcript>",
    "\\u003cscript\\u003ewindow.__broken=1\\u003c/script\\u003e",
    "<b>bold</b>",
    "<base href=//evil.example>",
    "<form action=//evil.example><button>send",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
)


def order_body(**raw: str) -> bytes:
    """Return the body of an order, with the given JSON text in the place of fields."""
    fields = {
        "client_order_id": '"hostile"', "symbol": '"AAA"', "side": '"buy"', "type": '"limit"', "price": "90000",
        "quantity": "1",
    } | raw  # fmt: skip
    return ("{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in fields.items()) + "}").encode()


def encoded(text: str) -> str:
    """Return the text percent-encoded byte by byte, lone surrogates as well."""
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def field_values() -> list[Any]:
    """Return JSON values that stand where a text or a list of texts belongs."""
    return [None, True, 0, -1, 1.5, 2**63, 10**30, [], [[]], {}, {"a": []}, "", "\x00", "x" * 300, ["a"] * 40]
