"""Every address of the site, ours and those of the packages, with something in the place of each parameter."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

# What stands for a parameter, by its name; anything else gets "1".
SAMPLES = {"symbol": "AAA", "app_label": "trading", "order_id": "1-1-1", "path": "js/app.js"}
_ANGLED = re.compile(r"<(?:\w+:)?(\w+)>")
_GROUP = re.compile(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)")


def _filled(pattern: str, samples: Mapping[str, str]) -> str:
    text = re.sub(r"\\Z|[$^]", "", pattern)
    for parameter in (_GROUP, _ANGLED):
        text = parameter.sub(lambda found: samples.get(found[1], "1"), text)
    return text.replace("\\", "")


def _walk(patterns: list[Any], before: str, samples: Mapping[str, str]) -> Iterator[str]:
    for pattern in patterns:
        address = before + _filled(str(pattern.pattern), samples)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, address, samples)
        elif isinstance(pattern, URLPattern):
            yield address


def every_address(**samples: str) -> list[str]:
    """Return one address of each route, in order; what cannot be written down plainly is left out."""
    found = _walk(get_resolver().url_patterns, "/", {**SAMPLES, **samples})
    return sorted({address for address in found if re.fullmatch(r"/[\w./\-]*", address)})
