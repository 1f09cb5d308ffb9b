"""Login with a provider: out by POST, back by the provider's redirect, then a nickname; and connecting afterwards."""

import secrets
import time
from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.account.internal.flows.reauthentication import is_reauthentication_required, suspend_request
from allauth.account.utils import get_next_redirect_url
from allauth.core import ratelimit
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.internal import flows
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.social.forms import NicknameForm
from accounts.social.providers import PROVIDERS, configured
from accounts.social.refusals import Refusal, refuse
from accounts.social.services import (
    EmailTakenError,
    LastWayError,
    NicknameTakenError,
    SocialAccountTakenError,
    has_password_way,
    social_disconnect,
    social_signup,
)
from accounts.social.suggestions import nickname_suggest

# From the provider's word to the chosen nickname.
SIGNUP_SECONDS = 30 * 60


def _player(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


# Out and back ---------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, provider: str) -> HttpResponse:
    """POST: go to the provider, to log in or with `process=connect` to connect it; GET leads back to the buttons."""
    if provider not in configured():
        raise Http404
    player = _player(request)
    if request.method != "POST":
        return redirect("socialaccount_connections" if player else "account_login")
    refusal: HttpResponse | None = ratelimit.consume_or_429(request, action="provider")
    if refusal is not None:
        return refusal
    process = AuthProcess.LOGIN
    if request.POST.get("process") == AuthProcess.CONNECT:
        if player is None:
            return redirect_to_login(reverse("socialaccount_connections"))
        if is_reauthentication_required(request, app="allauth.socialaccount"):
            return suspend_request(request, reverse("account_reauthenticate"))
        process = AuthProcess.CONNECT
    chosen = get_adapter(request).get_provider(request, provider)
    parameters, data = chosen.get_auth_params(), {}
    if chosen.uses_nonce:
        parameters["nonce"] = data["nonce"] = secrets.token_urlsafe(32)
    target = chosen.redirect(
        request,
        process=process,
        next_url=get_next_redirect_url(request),
        data=data,
        auth_params=parameters,
        scope=chosen.get_scope(),
    )["Location"]
    # Not a redirect: a strict policy for forms would forbid it, and every hop of the provider's own behind it.
    return render(request, "socialaccount/leaving.html", {"provider": chosen, "target": target})


class _Callback(OAuth2CallbackView):
    """django-allauth's, which tells the adapter which nonce the answer must bear."""

    def _get_state(self, request: HttpRequest, provider: Any) -> tuple[Any, Any]:
        state, response = super()._get_state(request, provider)
        self.adapter.nonce_expected = ((state or {}).get("data") or {}).get("nonce", "")
        return state, response


@never_cache
@require_GET
def callback(request: HttpRequest, provider: str) -> HttpResponse:
    """Take the player back from the provider: the state must be one this session began and has not used."""
    if provider not in configured():
        raise Http404
    response: HttpResponse = _Callback.adapter_view(PROVIDERS[provider].oauth2_adapter_class)(request)
    return response


# The nickname -----------------------------------------------------------------------------------------------


def _pending(request: HttpRequest) -> SocialLogin | None:
    """Return whom a provider has vouched for in this session a while ago, and whom we still know nothing of."""
    try:
        login = flows.signup.get_pending_signup(request)
    except Http404:  # the provider is not configured any more
        return None
    if login is None or time.time() - login.state.get("proved_at", 0) > SIGNUP_SECONDS:
        return None
    return login


@never_cache
@ensure_csrf_cookie
@require_http_methods(["GET", "HEAD", "POST"])
def signup(request: HttpRequest) -> HttpResponse:
    """Ask for the nickname and make the account; a guest's goes on as a full one."""
    player = _player(request)
    login = _pending(request) if player is None or player.is_guest else None
    if login is None:
        flows.signup.clear_pending_signup(request)
        return redirect("account_login" if player is None else "socialaccount_connections")
    if SocialAccount.objects.filter(provider=login.account.provider, uid=login.account.uid).exists():
        return _log_in(request, login)  # signed up in another browser meanwhile
    form = NicknameForm(
        request.POST or None, guest=player, initial={"nickname": "" if request.POST else nickname_suggest()}
    )
    if request.method == "POST" and form.is_valid():
        response = _sign_up(request, login, form, player)
        if response is not None:
            return response
    context = {"form": form, "provider": login.provider, "email": login.user.email, "guest": player}
    return render(request, "socialaccount/signup.html", context)


def _sign_up(
    request: HttpRequest, login: SocialLogin, form: NicknameForm, guest: User | None
) -> HttpResponse | None:
    """Make the account and log in; None, with an error in the form, where the nickname is taken."""
    refusal: HttpResponse | None = ratelimit.consume_or_429(request, action="signup")
    if refusal is not None:
        return refusal
    try:
        user = social_signup(
            account=login.account,
            email=login.user.email,
            nickname=form.cleaned_data["nickname"],
            guest=guest,
        )
    except NicknameTakenError:
        form.add_error("nickname", _("방금 다른 분이 쓰기 시작한 닉네임이에요. 다른 닉네임을 골라 주세요."))
        return None
    except EmailTakenError:
        flows.signup.clear_pending_signup(request)
        return refuse(request, Refusal.EMAIL_TAKEN, login.provider)
    except SocialAccountTakenError:
        return _log_in(request, login)
    flows.signup.clear_pending_signup(request)
    login.user = user
    response: HttpResponse = flows.signup.complete_social_signup(request, login)
    return response


def _log_in(request: HttpRequest, login: SocialLogin) -> HttpResponse:
    """Log in as the player whom the vouched-for account has come to belong to."""
    login.state["process"] = AuthProcess.LOGIN
    response: HttpResponse = flows.login.complete_login(request, login)
    return response


# Connected accounts -------------------------------------------------------------------------------------------


@never_cache
@login_required
@ensure_csrf_cookie
@require_GET
def connections(request: HttpRequest) -> HttpResponse:
    """Show by which ways the player can log in, and let each provider be connected or disconnected."""
    player = _player(request)
    assert player is not None
    connected = {account.provider: account for account in SocialAccount.objects.filter(user=player)}
    offered = configured()
    usable = len(connected.keys() & offered.keys()) + has_password_way(player)
    rows = [
        {
            "key": key,
            "label": provider.label,
            "account": connected.get(key),
            "is_offered": key in offered,
            "is_last": usable - (key in offered) < 1,
        }
        for key, provider in PROVIDERS.items()
        if key in offered or key in connected
    ]
    context = {"rows": rows, "has_password": has_password_way(player), "is_guest": player.is_guest}
    return render(request, "socialaccount/connections.html", context)


@never_cache
@login_required
@require_POST
def disconnect(request: HttpRequest, provider: str) -> HttpResponse:
    """Take a provider's account off the player, after the password was asked for anew."""
    player = _player(request)
    assert player is not None
    if provider not in PROVIDERS:
        raise Http404
    if is_reauthentication_required(request, app="allauth.socialaccount"):
        return suspend_request(request, reverse("account_reauthenticate"))
    label = PROVIDERS[provider].label
    try:
        removed = social_disconnect(user=player, provider=provider)
    except LastWayError:
        messages.error(request, _("마지막 로그인 방법이라 끊을 수 없어요. 먼저 다른 방법을 마련해 주세요."))
    else:
        messages.success(request, _("%(provider)s 연결을 끊었어요.") % {"provider": label})
        if removed:
            get_account_adapter(request).send_notification_mail(
                "socialaccount/email/account_disconnected", player, {"provider": label}
            )
    return redirect("socialaccount_connections")
