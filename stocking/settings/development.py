"""One machine, one port, nothing to configure: what `make run` uses."""

import secrets

from stocking.settings.base import *
from stocking.settings.base import SECRET_KEY as _CONFIGURED_KEY
from stocking.settings.base import VAR_DIR
from stocking.settings.environment import env

# Off unless asked for: Django's debug mode keeps every query in memory, which an engine's worker must not do.
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = ["*"]
WHITENOISE_USE_FINDERS = True  # no `collectstatic` before the first start


def _own_secret_key() -> str:
    """Return this checkout's random key, made at the first start and kept in the state directory."""
    path = VAR_DIR / "secret_key"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        VAR_DIR.mkdir(parents=True, exist_ok=True)
        key = secrets.token_urlsafe(50)
        try:
            with path.open("x") as file:
                path.chmod(0o600)
                file.write(key)
        except FileExistsError:
            return path.read_text().strip()
        return key


SECRET_KEY = _CONFIGURED_KEY or _own_secret_key()
