"""Tests: an SQLite file of their own (or `DATABASE_URL`), stores started by the root conftest, quick hashing."""

import os
import tempfile

os.environ.setdefault("STOCKING_VAR_DIR", tempfile.mkdtemp(prefix="stocking-test-"))

from stocking.settings.base import *  # noqa: E402, F403
from stocking.settings.base import DATABASES, VAR_DIR  # noqa: E402

DEBUG = False
SECRET_KEY = "only-for-tests-0123456789-0123456789-0123456789"
ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher",
    "django.contrib.auth.hashers.Argon2PasswordHasher",
]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CELERY_TASK_ALWAYS_EAGER = False
ACCOUNT_RATE_LIMITS = False
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
