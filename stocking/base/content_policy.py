"""The content security policies, as settings and middleware need them.

Pages run only the scripts that carry the answer's nonce and what those import; nothing may frame them, they load
from this site alone, and text becomes markup nowhere but in the one place that `static/js/dom.js` names (Trusted
Types). Django's admin marks its scripts with no nonce: there this site's own files run. What is no page may nothing.
"""

from typing import Any

from csp.constants import NONCE, NONE, SELF, STRICT_DYNAMIC

# Settings may add `upgrade-insecure-requests`. Forms lead to this site alone: to a provider of logins a page goes on.
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
