"""Kakao, Naver and Google: what they are called, how they are asked, and how little of their answer is kept.

django-allauth's adapters do the asking; here they learn to take nothing on trust. Of a profile only the provider's
own number of the person, a verified e-mail address and a masked one to show are kept; access tokens are not.
"""

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from allauth.account.models import EmailAddress
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialApp, SocialToken
from allauth.socialaccount.providers.base import ProviderException
from allauth.socialaccount.providers.google.provider import GoogleProvider as BaseGoogleProvider
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from allauth.socialaccount.providers.kakao.provider import KakaoProvider as BaseKakaoProvider
from allauth.socialaccount.providers.kakao.views import KakaoOAuth2Adapter
from allauth.socialaccount.providers.naver.provider import NaverProvider as BaseNaverProvider
from allauth.socialaccount.providers.naver.views import NaverOAuth2Adapter
from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider
from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from requests import RequestException

GOOGLE_CERTIFICATES_URL = "https://www.googleapis.com/oauth2/v1/certs"
GOOGLE_ISSUERS = ["https://accounts.google.com", "accounts.google.com"]
# What the reading of an answer of the wrong shape ends in.
_MISSHAPEN = (AttributeError, KeyError, TypeError, ValueError, ImproperlyConfigured)


def endpoint(url: str) -> str:
    """Return where a provider's address is to be asked: there, or in tests at the stand-in named in the settings."""
    if not settings.SOCIAL_STAND_IN:
        return url
    parts = urlsplit(url)
    return f"{settings.SOCIAL_STAND_IN}/{parts.netloc}{parts.path}"


def email_masked(email: str) -> str:
    """Return an address that its owner recognises and nobody else can write to: `an***@example.com`."""
    local, _at, domain = email.partition("@")
    return f"{local[: 2 if len(local) > 2 else 1]}***@{domain}"


class _Careful(OAuth2Adapter):
    """Asks where `endpoint` says; an answer of the wrong shape is a `ProviderException`, never a bug of ours."""

    nonce_expected = ""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        for name in ("authorize_url", "access_token_url", "profile_url"):
            if hasattr(self, name):
                setattr(self, name, endpoint(getattr(self, name)))

    def get_access_token_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Exchange the code for the provider's token answer."""
        try:
            data: dict[str, Any] = super().get_access_token_data(*args, **kwargs)
        except RequestException:
            raise
        except _MISSHAPEN as error:
            raise ProviderException("the token answer has the wrong shape") from error
        return data

    def parse_token(self, data: Mapping[str, Any]) -> SocialToken:
        """Return the token for the next request; it is stored nowhere, so its life does not matter."""
        return SocialToken(token=str(data["access_token"]))

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> Any:
        """Ask who it is and return the `SocialLogin`."""
        try:
            return super().complete_login(request, app, token, **kwargs)
        except RequestException:
            raise
        except _MISSHAPEN as error:
            raise ProviderException("the profile has the wrong shape") from error


class KakaoAdapter(_Careful, KakaoOAuth2Adapter):
    """Kakao's."""


class NaverAdapter(_Careful, NaverOAuth2Adapter):
    """Naver's."""


class GoogleAdapter(_Careful, GoogleOAuth2Adapter):
    """Google's: the ID token alone says who it is, with its signature and our nonce checked."""

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> Any:
        """Refuse an answer without an ID token instead of asking elsewhere."""
        if not isinstance(kwargs["response"].get("id_token"), str):
            raise ProviderException("no ID token")
        return super().complete_login(request, app, token, **kwargs)

    def _decode_id_token(self, app: SocialApp, id_token: str) -> dict[str, Any]:
        claims: dict[str, Any] = jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=endpoint(GOOGLE_CERTIFICATES_URL),
            issuer=GOOGLE_ISSUERS,
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_pem_x509_certificate,
        )
        if not self.nonce_expected or not constant_time_compare(
            str(claims.get("nonce", "")), self.nonce_expected
        ):
            raise ProviderException("the ID token answers another request")
        return claims


class _Frugal(OAuth2Provider):
    """PKCE always; nothing of a request's query reaches the provider; of the profile a masked address is kept."""

    pkce_enabled_default = True
    label: ClassVar[Promise]
    uid_field = "id"
    uses_nonce = False

    def get_pkce_params(self) -> dict[str, Any]:
        """Return verifier and challenge; allauth gives the latter as bytes, which a session cannot hold."""
        parameters: dict[str, Any] = super().get_pkce_params()
        return {
            name: value.decode() if isinstance(value, bytes) else value for name, value in parameters.items()
        }

    def extract_uid(self, data: dict[str, Any]) -> str:
        """Return the provider's own number of the person; anything that cannot be one is refused, above all null."""
        uid = data[self.uid_field]
        if not isinstance(uid, str | int) or isinstance(uid, bool) or not str(uid).strip():
            raise ValueError("the profile names nobody")
        return str(uid)

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return all that is stored of a profile: what the player may recognise the account by."""
        for address in self.extract_email_addresses(data):
            return {"shown": email_masked(str(address.email))}
        return {}


class KakaoProvider(_Frugal, BaseKakaoProvider):
    """Kakao asks the player for what its console is set to; an e-mail address may be missing."""

    label = _("카카오")
    oauth2_adapter_class = KakaoAdapter

    def extract_email_addresses(self, data: dict[str, Any]) -> list[EmailAddress]:
        """Return the address; Kakao calls one that another account has taken over since not valid."""
        addresses: list[EmailAddress] = super().extract_email_addresses(data)
        return addresses if data.get("kakao_account", {}).get("is_email_valid") else []


class NaverProvider(_Frugal, BaseNaverProvider):
    """Naver confirms every address it gives."""

    label = _("네이버")
    oauth2_adapter_class = NaverAdapter


class GoogleProvider(_Frugal, BaseGoogleProvider):
    """Google is asked for the e-mail address alone, and each time for the account."""

    label = _("Google")
    oauth2_adapter_class = GoogleAdapter
    uid_field = "sub"
    uses_nonce = True

    def get_scope(self) -> list[str]:
        """Return `openid email`: no name, no picture."""
        return ["openid", "email"]

    def get_auth_params(self) -> dict[str, str]:
        """Return what makes Google ask which account: on a shared computer it may be somebody else's."""
        return {"prompt": "select_account"}


PROVIDERS: dict[str, type[_Frugal]] = {
    "kakao": KakaoProvider,
    "naver": NaverProvider,
    "google": GoogleProvider,
}


def configured() -> dict[str, type[_Frugal]]:
    """Return the providers that credentials are set for, in the order of their buttons."""
    return {
        key: provider
        for key, provider in PROVIDERS.items()
        if all(settings.SOCIAL_CREDENTIALS.get(key, ("",)))
    }


def app_of(key: str) -> SocialApp:
    """Return a configured provider's credentials as django-allauth wants them; never stored."""
    client_id, secret = settings.SOCIAL_CREDENTIALS[key]
    return SocialApp(provider=key, name=key, client_id=client_id, secret=secret)
