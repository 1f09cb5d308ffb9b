"""What django-allauth asks us during a login with a provider: which providers there are, and who may come in."""

import logging
import threading
import time
from typing import Any

import requests
from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal.flows.signup import redirect_to_signup
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthError, AuthProcess
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.emails import email_owner
from accounts.models import User
from accounts.social.providers import PROVIDERS, app_of, configured
from accounts.social.refusals import Refusal, refuse
from accounts.social.services import (
    AnotherConnectedError,
    SocialAccountTakenError,
    social_connect,
)

logger = logging.getLogger(__name__)

EMAIL_CHARACTERS_MAX = 254
# For a connection, and between two parts of the answer.
CONNECT_SECONDS = 3
READ_SECONDS = 5
# A provider that hangs keeps so many of this process's requests waiting; the pages have the others.
PROVIDER_REQUESTS_AT_ONCE = 2
_WAIT_FOR_PLACE_SECONDS = 1
_places = threading.BoundedSemaphore(PROVIDER_REQUESTS_AT_ONCE)


class ProviderSession(requests.Session):
    """Asks a provider: with limits of time and number, and without following it elsewhere."""

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request; `requests.ConnectionError` also where too many are on their way."""
        kwargs |= {"timeout": (CONNECT_SECONDS, READ_SECONDS), "allow_redirects": False}
        if not _places.acquire(timeout=_WAIT_FOR_PLACE_SECONDS):
            raise requests.ConnectionError("too many requests to providers are on their way")
        try:
            return super().request(method, url, *args, **kwargs)
        finally:
            _places.release()


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Providers by settings alone, accounts by proof alone: an e-mail address never opens an account."""

    # Which providers -----------------------------------------------------------------------------------

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """Return the credentials of the configured providers; none come from the database."""
        apps = [app_of(key) for key in configured() if provider in (None, key)]
        return [app for app in apps if client_id in (None, app.client_id)]

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Any:
        """Return a configured provider; any other does not exist."""
        apps = self.list_apps(request, provider, client_id)
        if not apps:
            raise Http404
        return PROVIDERS[provider](request, app=apps[0])

    def list_providers(self, request: HttpRequest) -> list[Any]:
        """Return the configured providers."""
        return [self.get_provider(request, key) for key in configured()]

    def get_requests_session(self) -> requests.Session:
        """Return what providers are asked with."""
        return ProviderSession()

    # Who comes -------------------------------------------------------------------------------------------

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> Any:
        """Take over an address that the provider has verified and nothing else; the player chooses the nickname."""
        sociallogin.email_addresses = [
            address
            for address in sociallogin.email_addresses
            if address.verified and address.email.isascii() and len(address.email) <= EMAIL_CHARACTERS_MAX
        ][:1]
        user = sociallogin.user
        user.email = sociallogin.email_addresses[0].email if sociallogin.email_addresses else None
        return user

    def is_auto_signup_allowed(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Return False: the nickname is still to be chosen."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Decide between connecting, signing up and logging in; only the last is left to django-allauth."""
        sociallogin.token = None
        sociallogin.state["proved_at"] = time.time()
        user = request.user
        player = user if isinstance(user, User) else None
        if sociallogin.state.get("process") == AuthProcess.CONNECT:
            raise ImmediateHttpResponse(self._connect(request, sociallogin, player))
        if sociallogin.is_existing:
            return
        if player is not None and not player.is_guest:
            raise ImmediateHttpResponse(refuse(request, Refusal.LOGGED_IN, sociallogin.provider))
        raise ImmediateHttpResponse(self._begin_signup(request, sociallogin))

    def _begin_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> HttpResponse:
        email = sociallogin.user.email
        owner = email_owner(email) if email else None
        if owner is not None:
            return refuse(request, Refusal.EMAIL_TAKEN, sociallogin.provider, owner=owner)
        return redirect_to_signup(request, sociallogin)

    def _connect(self, request: HttpRequest, sociallogin: SocialLogin, player: User | None) -> HttpResponse:
        provider = sociallogin.provider
        if player is None:
            return refuse(request, Refusal.STATE, provider)
        if sociallogin.is_existing and sociallogin.user.pk != player.pk:
            return refuse(request, Refusal.CONNECTED_OTHER, provider)
        if player.is_guest and not sociallogin.is_existing:
            return self._begin_signup(request, sociallogin)
        try:
            # What allauth has looked up is somebody's stored account; what was proved is compared anew.
            proved = SocialAccount(
                provider=sociallogin.account.provider,
                uid=sociallogin.account.uid,
                extra_data=sociallogin.account.extra_data,
            )
            is_new = social_connect(user=player, account=proved)
        except SocialAccountTakenError:
            return refuse(request, Refusal.CONNECTED_OTHER, provider)
        except AnotherConnectedError:
            return refuse(request, Refusal.ANOTHER_CONNECTED, provider)
        text = _("이제 %(provider)s로도 로그인할 수 있어요.") if is_new else _("이미 연결되어 있어요.")
        messages.success(request, text % {"provider": provider.label})
        if is_new:
            context = {"provider": provider.label}
            get_account_adapter(request).send_notification_mail(
                "socialaccount/email/account_connected", player, context
            )
        return redirect("socialaccount_connections")

    # What went wrong ---------------------------------------------------------------------------------------

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        """Answer with a page that says what happened and how to go on."""
        state = (extra_context or {}).get("state")
        if state is None:
            refusal = Refusal.STATE
        elif error == AuthError.CANCELLED:
            refusal = Refusal.CANCELED
        elif isinstance(exception, requests.RequestException):
            refusal = Refusal.UNREACHABLE
        else:
            refusal = Refusal.FAILED
        if refusal in (Refusal.UNREACHABLE, Refusal.FAILED):
            logger.warning("Login with %s failed: %s", provider.id, exception or request.GET.get("error"))
        raise ImmediateHttpResponse(refuse(request, refusal, provider, state=state))
