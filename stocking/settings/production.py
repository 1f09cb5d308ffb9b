"""Behind a proxy, with real databases. Refuses to start without a secret key of its own."""

from django.core.exceptions import ImproperlyConfigured

from stocking.settings.base import *
from stocking.settings.base import EMAIL_URL, EMAIL_VERIFICATION, SECRET_KEY

DEBUG = False

if len(SECRET_KEY) < 32:
    raise ImproperlyConfigured("Set SECRET_KEY to a random string of at least 32 characters.")

ACCOUNT_EMAIL_VERIFICATION = EMAIL_VERIFICATION or "mandatory"
if ACCOUNT_EMAIL_VERIFICATION != "none" and not EMAIL_URL:
    raise ImproperlyConfigured(
        "Set EMAIL_URL to the mail server that confirmations go through, or EMAIL_VERIFICATION=none."
    )

SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SECURE_SSL_REDIRECT = False  # the proxy redirects
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
X_FRAME_OPTIONS = "DENY"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
