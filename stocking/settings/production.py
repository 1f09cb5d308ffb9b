"""Behind a proxy, with real databases, over HTTPS. Refuses to start with a key or hosts that are not its own."""

from django.core.exceptions import ImproperlyConfigured

from stocking.settings.base import *
from stocking.settings.base import (
    ALLOWED_HOSTS,
    CONTENT_SECURITY_POLICY,
    EMAIL_URL,
    EMAIL_VERIFICATION,
    SECRET_KEY,
    TRUSTED_PROXIES,
)
from stocking.settings.environment import env
from stocking.settings.keys import secret_key_checked

DEBUG = False

SECRET_KEY = secret_key_checked(SECRET_KEY)
# Former keys: what they signed stays valid until they are taken away.
SECRET_KEY_FALLBACKS = [
    secret_key_checked(key, "SECRET_KEY_FALLBACKS") for key in env.list("SECRET_KEY_FALLBACKS", default=[])
]
if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("Set ALLOWED_HOSTS to the names of this site, by comma; * is none.")

if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Off for a trial on one's own machine only, where there is no certificate.
HTTPS_ONLY = env.bool("HTTPS_ONLY", default=True)
if HTTPS_ONLY:
    SECURE_SSL_REDIRECT = True
    # Asked for by supervisors and load balancers from inside.
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)\Z"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = env.bool("HSTS_PRELOAD", default=False)
    if not SECURE_HSTS_PRELOAD:
        # The browsers' own list takes a domain with all its subdomains and gives it back late: the operator's choice.
        SILENCED_SYSTEM_CHECKS = ["security.W021"]
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    # With this prefix browsers take the cookies from this very host alone, over HTTPS: no neighbour can plant one.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    KNOWN_BROWSER_COOKIE_NAME = "__Host-known-browser"
    CONTENT_SECURITY_POLICY = {
        "DIRECTIVES": CONTENT_SECURITY_POLICY["DIRECTIVES"] | {"upgrade-insecure-requests": True}
    }

ACCOUNT_EMAIL_VERIFICATION = EMAIL_VERIFICATION or "mandatory"
if ACCOUNT_EMAIL_VERIFICATION != "none" and not EMAIL_URL:
    raise ImproperlyConfigured(
        "Set EMAIL_URL to the mail server that confirmations go through, or EMAIL_VERIFICATION=none."
    )

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
