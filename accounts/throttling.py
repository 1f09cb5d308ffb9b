"""How often a password may be tried, so that guessing leads nowhere and nobody can shut the owner out.

Counted before the password is looked at, and given back when it was right. A browser in which the account was used
before is known by a signed cookie and has an allowance of its own, which no stranger can use up (OWASP, "Slow Down
Online Guessing Attacks with Device Cookies"). A stranger's tries count by address, by account and address, and by
account alone; the last is so wide that it takes many addresses to exhaust it, and then a password reset makes the
owner's browser a known one. Known and unknown e-mail addresses are counted alike.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal.ratelimit import parse_rates
from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac
from django.utils.decorators import sync_and_async_middleware

from accounts.models import User
from stocking.base.addresses import address_group, client_address
from stocking.base.throttles import Allowance, Limit, throttle_give_back, throttle_take

FAILURES_OF_ADDRESS = Limit(30, 600)
FAILURES_OF_ACCOUNT_AND_ADDRESS = Limit(5, 600)
# NIST SP 800-63B-4, 3.2.2: at most 100 failed tries in a row. Several addresses together, not one, come so far.
FAILURES_OF_ACCOUNT = Limit(100, 3_600)
FAILURES_OF_KNOWN_BROWSER = Limit(10, 600)

COOKIE_SECONDS = 180 * 24 * 3_600
ACCOUNTS_REMEMBERED = 4
_SALT = "accounts.known-browser"
_LOGGED_IN = "_known_browser_email"


@dataclass(frozen=True, slots=True)
class KnownBrowser:
    """What the cookie says: a random name of the browser, and the accounts that were used in it, newest last."""

    name: str
    accounts: tuple[str, ...]

    def with_account(self, account: str) -> "KnownBrowser":
        """Return it with one more account, or with that one as the newest."""
        others = tuple(known for known in self.accounts if known != account)
        return KnownBrowser(self.name, (*others, account)[-ACCOUNTS_REMEMBERED:])


def known_browser(request: HttpRequest) -> KnownBrowser | None:
    """Return what the request's cookie says, None without one or for one that is not ours or too old."""
    raw = request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE_NAME)
    if not raw:
        return None
    try:
        name, *accounts = signing.loads(raw, salt=_SALT, max_age=COOKIE_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return KnownBrowser(name, tuple(accounts))


def account_mark(email: str) -> str:
    """Return what stands for an e-mail address in keys and cookies: it cannot be turned back."""
    return salted_hmac(_SALT, email.strip().lower(), algorithm="sha256").hexdigest()[:32]


def _tries(who: str) -> list[Allowance]:
    """Return what each try costs, right or wrong, as each hashes: known browsers apart, so that guesses stop none."""
    rates = parse_rates(settings.LOGIN_RATE)
    return [Allowance(f"login:tries:{who}:{rate}", Limit(rate.amount, rate.duration)) for rate in rates]


def password_fits(request: HttpRequest, user: User, password: str) -> bool:
    """Return whether this is the user's password, asked for again; `rate_limited` before it is even looked at."""
    tries, failures = login_allowances(request, user.email or f"#{user.pk}")
    throttle_take(*tries, *failures)
    fits = user.check_password(password)
    if fits:
        throttle_give_back(*failures)
    return fits


def login_allowances(request: HttpRequest, email: str) -> tuple[list[Allowance], list[Allowance]]:
    """Return what a try costs for good, and what it costs unless the password is right."""
    account = account_mark(email)
    group = address_group(client_address(request))
    browser = known_browser(request)
    if browser is not None and account in browser.accounts:
        return _tries(f"known:{group}"), [
            Allowance(f"login:browser:{browser.name}:{account}", FAILURES_OF_KNOWN_BROWSER)
        ]
    return _tries(group), [
        Allowance(f"login:failed:{group}", FAILURES_OF_ADDRESS),
        Allowance(f"login:failed:{account}:{group}", FAILURES_OF_ACCOUNT_AND_ADDRESS),
        Allowance(f"login:failed:{account}", FAILURES_OF_ACCOUNT),
    ]


class ThrottledLogin(DefaultAccountAdapter):
    """The part of the account adapter that every password goes through: login and asking for it again."""

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address that limits count by, and that mails name; allauth itself groups IPv6 by /64."""
        return client_address(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Nothing of allauth's: `authenticate` counts."""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Return the user whose password this is, or None; raise `rate_limited` before it is even looked at."""
        email = str(credentials.get("email") or credentials.get("username") or "")
        tries, failures = login_allowances(request, email)
        throttle_take(*tries, *failures)
        user = super().authenticate(request, **credentials)
        if user is not None:
            throttle_give_back(*failures)
        return user


def browser_remember(request: HttpRequest, email: str | None) -> None:
    """Make the request's browser known for an account; its response carries the cookie."""
    if email:
        setattr(request, _LOGGED_IN, email)


def _set_cookie(request: HttpRequest, response: HttpResponse) -> None:
    email = getattr(request, _LOGGED_IN, None)
    if email is None:
        return
    browser = known_browser(request) or KnownBrowser(secrets.token_urlsafe(12), ())
    browser = browser.with_account(account_mark(email))
    response.set_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        signing.dumps([browser.name, *browser.accounts], salt=_SALT),
        max_age=COOKIE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


@sync_and_async_middleware
def known_browser_middleware(get_response: Any) -> Any:
    """Set the cookie of a browser in which somebody has just logged in or reset a password."""
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponse:
            response = await get_response(request)
            _set_cookie(request, response)
            return response

        return answer_async

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        _set_cookie(request, response)
        return response

    return answer
