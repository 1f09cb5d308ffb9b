"""Tests: an SQLite file of their own (or `DATABASE_URL`), stores started by the root conftest, quick hashing."""

import os
import socket
import tempfile

# Each process of a test run has state of its own; those that are started by another one inherit its environment.
if "PYTEST_XDIST_WORKER" in os.environ or "STOCKING_VAR_DIR" not in os.environ:
    os.environ["STOCKING_VAR_DIR"] = tempfile.mkdtemp(prefix="stocking-test-")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# The root conftest starts the two stores at these addresses.
for _name in ("ORDER_REDIS_URL", "BUS_REDIS_URL"):
    os.environ[_name] = f"redis://127.0.0.1:{_free_port()}/0"

from stocking.settings.base import *  # noqa: E402
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
ADDRESS_ORDER_RATE_BURST = 0  # all players of a test have one address
ACCOUNT_RATE_LIMITS = False  # type: ignore[assignment]
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
