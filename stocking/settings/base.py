"""What all environments share. Names of the settings from the environment: see docs/settings.md."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

from stocking.base.content_policy import PAGE_POLICY
from stocking.settings.environment import REPOSITORY, VAR_DIR, env

BASE_DIR = REPOSITORY
DEBUG = False
SECRET_KEY = env.str("SECRET_KEY", default="")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
SOCKETS_PER_ADDRESS = env.int("SOCKETS_PER_ADDRESS", default=300)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "channels",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "django_prometheus",
    "stocking.base",
    "accounts",
    "chat",
    "trading",
    "games",
    "ranking",
    "stocking.pages",
]

MIDDLEWARE = [
    "stocking.base.headers.fixed_headers_middleware",
    "stocking.base.headers.ContentPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.throttling.known_browser_middleware",
    "stocking.pages.errors.refusal_middleware",
]

ROOT_URLCONF = "stocking.urls"
WSGI_APPLICATION = "stocking.wsgi.application"
ASGI_APPLICATION = "stocking.asgi.application"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [REPOSITORY / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "stocking.pages.context.every_page",
            ],
        },
    },
]

# The ledger -------------------------------------------------------------------------------------
_default_database = f"sqlite:///{quote(str(VAR_DIR / 'db.sqlite3'))}"
DATABASES: dict[str, dict[str, Any]] = {"default": env.db_url("DATABASE_URL", default=_default_database)}


def _database_options(database: dict[str, Any]) -> None:
    """SQLite: WAL and IMMEDIATE, so writers queue instead of failing. MySQL/MariaDB: READ COMMITTED, strict."""
    options = database.setdefault("OPTIONS", {})
    if database["ENGINE"].endswith("sqlite3"):
        options.setdefault("transaction_mode", "IMMEDIATE")
        options.setdefault("timeout", 20)
        options.setdefault(
            "init_command",
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32000; PRAGMA temp_store=MEMORY;",
        )
    elif database["ENGINE"].endswith("mysql"):
        options.setdefault("charset", "utf8mb4")
        options.setdefault("isolation_level", "read committed")
        # A lock is waited for five seconds: one listing's wait holds up the others on its worker.
        options.setdefault(
            "init_command",
            "SET sql_mode='STRICT_TRANS_TABLES', innodb_strict_mode=1, innodb_lock_wait_timeout=5",
        )
        database.setdefault("CONN_MAX_AGE", 60)
        # A connection that a restart of the server has cut is noticed before a task or request uses it.
        database.setdefault("CONN_HEALTH_CHECKS", True)


for _database in DATABASES.values():
    _database_options(_database)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The two stores: the gate's own (orders), and the bus (Celery, channels, cache, sessions) ---------
ORDER_REDIS_URL = env.str("ORDER_REDIS_URL", default="redis://127.0.0.1:6379/0")
BUS_REDIS_URL = env.str("BUS_REDIS_URL", default="redis://127.0.0.1:6380/0")

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": BUS_REDIS_URL,
        "KEY_PREFIX": "cache",
        "OPTIONS": {"CLIENT_CLASS": "django_redis.client.DefaultClient"},
    }
}
SESSION_ENGINE = "accounts.session_store"
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "stocking.pages.errors.csrf_failure"

SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = "/"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# What is sent to us is small everywhere; there are no uploads.
DATA_UPLOAD_MAX_MEMORY_SIZE = 65_536
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000
FILE_UPLOAD_HANDLERS = ["stocking.base.uploads.NoUploads"]
CONTENT_SECURITY_POLICY: dict[str, Any] = {"DIRECTIVES": PAGE_POLICY}

# Celery: wake-ups carry nothing, so results are ignored and a lost one is swept up ----------------
CELERY_BROKER_URL = BUS_REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for ever
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "socket_keepalive": True}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")

# Accounts -----------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"accounts.password_validation.{name}"}
    for name in ("SimilarityValidator", "LengthValidator", "CommonValidator", "NumericValidator")
]
AUTHENTICATION_BACKENDS = ["accounts.backends.EmailBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "market"
LOGOUT_REDIRECT_URL = "market"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "nickname*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
# "none": an e-mail counts at once. "mandatory": it counts when the link sent to it was opened.
EMAIL_VERIFICATION = env.str("EMAIL_VERIFICATION", default="")
if EMAIL_VERIFICATION not in ("", "none", "mandatory"):
    raise ImproperlyConfigured("EMAIL_VERIFICATION is none or mandatory.")
ACCOUNT_EMAIL_VERIFICATION = EMAIL_VERIFICATION or "none"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # in the browser that signed up
ACCOUNT_PREVENT_ENUMERATION = True
PASSWORD_RESET_TIMEOUT = int(timedelta(hours=1).total_seconds())
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "signup": "accounts.forms.SignupForm",
    "login": "accounts.forms.LoginForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
}
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_USER_DISPLAY = "accounts.adapter.user_display"
ACCOUNT_RATE_LIMITS = {
    "signup": env.str("SIGNUP_RATE", default="20/m/ip,200/h/ip"),
    # Passwords are counted by accounts.throttling, which knows the browsers of an account.
    "login": None,
    "login_failed": None,
    "change_password": "5/m/user,20/h/user",
    "change_nickname": "20/h/user",
    "check_nickname": "60/m/ip",
    "reset_password": "20/m/ip,100/h/ip,3/10m/key,10/d/key",
}
LOGIN_RATE = env.str("LOGIN_RATE", default="30/m/ip")
KNOWN_BROWSER_COOKIE_NAME = "known-browser"
ACCOUNT_RATE_LIMITS["provider"] = LOGIN_RATE  # journeys to Kakao, Naver and Google
SOCIALACCOUNT_ADAPTER = "accounts.social.adapter.SocialAccountAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_EMAIL_REQUIRED = False  # Kakao may have none to give
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"  # only addresses that the provider has verified are taken over
SOCIALACCOUNT_REAUTHENTICATION_REQUIRED = True
SOCIAL_CREDENTIALS = {
    "kakao": (env.str("KAKAO_CLIENT_ID", default=""), env.str("KAKAO_SECRET", default="")),
    "naver": (env.str("NAVER_CLIENT_ID", default=""), env.str("NAVER_SECRET", default="")),
    "google": (env.str("GOOGLE_CLIENT_ID", default=""), env.str("GOOGLE_SECRET", default="")),
}
for _provider, _credentials in SOCIAL_CREDENTIALS.items():
    if any(_credentials) and not all(_credentials):
        _names = " and ".join(f"{_provider.upper()}_{part}" for part in ("CLIENT_ID", "SECRET"))
        raise ImproperlyConfigured(f"Set both {_names}, or neither.")
# Whom tests ask in the providers' place; nothing in the environment sets it.
SOCIAL_STAND_IN = ""

# Mail: on the console unless there is a server for it, which no page waits for ----------------------
EMAIL_URL = env.str("EMAIL_URL", default="")
_mail = env.email_url_config(EMAIL_URL or "consolemail://")
MAIL_DELIVERY_BACKEND: str = _mail["EMAIL_BACKEND"]
EMAIL_BACKEND = "accounts.mail_backend.Backend" if EMAIL_URL else MAIL_DELIVERY_BACKEND
EMAIL_HOST: str = _mail.get("EMAIL_HOST") or "localhost"
EMAIL_PORT: int = _mail.get("EMAIL_PORT") or 25
EMAIL_HOST_USER: str = _mail.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD: str = _mail.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS: bool = _mail.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL: bool = _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="stocking@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# Language and time ----------------------------------------------------------------------------------
LANGUAGE_CODE = env.str("LANGUAGE_CODE", default="ko")
LANGUAGES = [("ko", "한국어"), ("en", "English")]
LOCALE_PATHS = [REPOSITORY / "locale"]
TIME_ZONE = "Asia/Seoul"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [REPOSITORY / "static"]
STATIC_ROOT = VAR_DIR / "static"

# The game -------------------------------------------------------------------------------------------
GAME_CYCLE_SECONDS = env.int("GAME_CYCLE_SECONDS", default=720)
GAME_PREPARE_SECONDS = env.int("GAME_PREPARE_SECONDS", default=0) or max(1, GAME_CYCLE_SECONDS * 60 // 720)
GAME_TRADING_SECONDS = env.int("GAME_TRADING_SECONDS", default=0) or max(1, GAME_CYCLE_SECONDS * 540 // 720)
GAME_START = env.str("GAME_START", default="aligned")
INITIAL_CASH_WON = 10_000_000
PRACTICE_LOAD_MAX = env.int("PRACTICE_LOAD_MAX", default=24)
CHAT_RATE_PER_ADDRESS = env.int("CHAT_RATE_PER_ADDRESS", default=120)

# The gate -------------------------------------------------------------------------------------------
ORDER_RATE_PER_SECOND = env.int("ORDER_RATE_PER_SECOND", default=50)
ORDER_RATE_BURST = env.int("ORDER_RATE_BURST", default=100)
ADDRESS_ORDER_RATE_PER_SECOND = env.int("ADDRESS_ORDER_RATE_PER_SECOND", default=300)
ADDRESS_ORDER_RATE_BURST = env.int("ADDRESS_ORDER_RATE_BURST", default=600)
MAX_OPEN_ORDERS = env.int("MAX_OPEN_ORDERS", default=1500)
BOT_ORDER_RATE_PER_SECOND = env.int("BOT_ORDER_RATE_PER_SECOND", default=200)
BOT_ORDER_RATE_BURST = env.int("BOT_ORDER_RATE_BURST", default=1_000)
BOT_MAX_OPEN_ORDERS = env.int("BOT_MAX_OPEN_ORDERS", default=10_000)
STREAM_LIMIT = env.int("STREAM_LIMIT", default=200_000)
AUDIT_SECONDS = env.float("AUDIT_SECONDS", default=3)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
