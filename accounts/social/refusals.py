"""The page that says why a login with a provider came to nothing, and what to do next."""

from enum import Enum
from http import HTTPStatus
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.social.providers import PROVIDERS
from accounts.social.services import has_password_way

RETRY_SECONDS = 30


class Refusal(Enum):
    """Why: status of the answer, heading, text; `%(provider)s` is the provider's name."""

    CANCELED = (
        HTTPStatus.OK,
        _("%(provider)s 로그인을 취소했어요"),
        _("동의하지 않아서 아무것도 받지 않았어요. 다시 하거나 다른 방법으로 시작해 주세요."),
    )
    STATE = (
        HTTPStatus.BAD_REQUEST,
        _("%(provider)s 로그인을 이어 갈 수 없어요"),
        _(
            "시간이 지났거나, 이미 쓴 주소이거나, 다른 창에서 시작한 로그인이에요. 처음부터 다시 시도해 주세요."
        ),
    )
    FAILED = (
        HTTPStatus.BAD_REQUEST,
        _("%(provider)s 로그인에 실패했어요"),
        _("%(provider)s에서 올바른 답을 받지 못했어요. 다시 시도해 주세요."),
    )
    UNREACHABLE = (
        HTTPStatus.SERVICE_UNAVAILABLE,
        _("%(provider)s에 연결할 수 없어요"),
        _(
            "%(provider)s 서버가 지금 응답하지 않아요. 잠시 뒤에 다시 시도하거나 다른 방법으로 로그인해 주세요."
        ),
    )
    EMAIL_TAKEN = (
        HTTPStatus.CONFLICT,
        _("이미 가입한 이메일이에요"),
        _(
            "이 %(provider)s 계정의 이메일로 만든 스톡킹 계정이 있어요. 쓰던 방법으로 로그인한 다음, "
            "‘내 정보 > 로그인 방법’에서 %(provider)s 계정을 연결해 주세요."
        ),
    )
    CONNECTED_OTHER = (
        HTTPStatus.CONFLICT,
        _("다른 플레이어와 연결된 계정이에요"),
        _(
            "이 %(provider)s 계정은 이미 다른 스톡킹 계정에 연결되어 있어요. 그 계정에서 먼저 연결을 끊어 주세요."
        ),
    )
    ANOTHER_CONNECTED = (
        HTTPStatus.CONFLICT,
        _("%(provider)s 계정이 이미 연결되어 있어요"),
        _("지금과 다른 %(provider)s 계정이 연결되어 있어요. 바꾸려면 먼저 연결을 끊어 주세요."),
    )
    LOGGED_IN = (
        HTTPStatus.CONFLICT,
        _("이미 로그인되어 있어요"),
        _("이 %(provider)s 계정을 지금 계정에 연결하려면 ‘로그인 방법’에서 연결해 주세요."),
    )

    def __init__(self, status: HTTPStatus, heading: Promise, text: Promise) -> None:
        self.status = status
        self.heading = heading
        self.text = text

    @property
    def can_retry(self) -> bool:
        """Whether the same may work another time."""
        return self in (Refusal.CANCELED, Refusal.STATE, Refusal.FAILED, Refusal.UNREACHABLE)


def ways_of(user: User) -> list[str]:
    """Return the names of a user's ways to log in, to show to who has proved to own the user's e-mail address."""
    connected = SocialAccount.objects.filter(user=user).values_list("provider", flat=True)
    ways = [str(PROVIDERS[key].label) for key in connected if key in PROVIDERS]
    return [_t("이메일과 비밀번호"), *ways] if has_password_way(user) else ways


def refuse(
    request: HttpRequest,
    refusal: Refusal,
    provider: Any,
    *,
    state: dict[str, Any] | None = None,
    owner: User | None = None,
) -> HttpResponse:
    """Return the page of a refusal. `state` is what the login had begun with, `owner` who has the e-mail address."""
    names = {"provider": provider.label}
    context = {
        "refusal": refusal.name,
        "heading": refusal.heading % names,
        "text": refusal.text % names,
        "can_retry": refusal.can_retry,
        "start_url": reverse(f"{provider.id}_login"),
        "process": (state or {}).get("process", "login"),
        "next": (state or {}).get("next", ""),
        "ways": ways_of(owner) if owner is not None else [],
    }
    response = render(request, "socialaccount/refused.html", context, status=refusal.status)
    response["Cache-Control"] = "no-store"
    if refusal is Refusal.UNREACHABLE:
        response["Retry-After"] = str(RETRY_SECONDS)
    return response
