"""The content security policies, as settings and middleware need them.

Pages run only the scripts that carry the answer's nonce and what those import; nothing may frame them, they load
from this site alone, and text becomes markup nowhere but in the one place that `static/js/dom.js` names (Trusted
Types). Django's admin marks its scripts with no nonce: there this site's own files run. What is no page may nothing.
"""

from collections.abc import Iterable
from typing import Any

from csp.constants import NONCE, NONE, SELF, STRICT_DYNAMIC

# Settings may add where forms lead (form-action) and `upgrade-insecure-requests`.
PAGE_POLICY: dict[str, Any] = {
    "default-src": [NONE],
    # Where 'strict-dynamic' is not understood, this site's own files run.
    "script-src": [NONCE, STRICT_DYNAMIC, SELF],
    "script-src-attr": [NONE],
    "style-src": [SELF],
    "img-src": [SELF],
    "font-src": [SELF],
    "connect-src": [SELF],
    "manifest-src": [SELF],
    "object-src": [NONE],
    "base-uri": [NONE],
    "form-action": [SELF],
    "frame-ancestors": [NONE],
    "require-trusted-types-for": ["'script'"],
    "trusted-types": ["stocking-page"],
}
# What is different in the admin.
ADMIN_POLICY: dict[str, Any] = {
    "script-src": [SELF, NONCE],
    "img-src": [SELF, "data:"],
    "require-trusted-types-for": None,
    "trusted-types": None,
}
# For JSON, metrics, scripts and whatever else is looked at by no person.
BARE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# Where a form that starts a login leads: browsers hold the redirects that follow it to form-action too.
LOGIN_TARGETS = {
    "kakao": ["https://kauth.kakao.com", "https://accounts.kakao.com"],
    "naver": ["https://nid.naver.com"],
    "google": ["https://accounts.google.com"],
}


def login_targets(providers: Iterable[str], stand_in: str = "") -> list[str]:
    """Return the origins that forms may lead to besides this site: those of the configured providers."""
    targets = [target for provider in providers for target in LOGIN_TARGETS.get(provider, [])]
    return [*targets, stand_in] if stand_in else targets
