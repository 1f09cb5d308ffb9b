"""The chat without a socket: history, muting and reporting, as calls of the API and as forms without JavaScript."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User, nickname_fold
from chat.forms import ReportForm
from chat.models import Report
from chat.reporting import message_report
from chat.selectors import (
    HISTORY_MESSAGES,
    message_author,
    message_reportable,
    messages_latest,
    mutes_list,
)
from chat.services import message_post
from chat.standings import player_mute, player_unmute
from stocking.base.addresses import client_address
from stocking.base.api import api_view, body_object, field_id, field_text, parameter_integer
from stocking.base.errors import ApplicationError, message_of


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # who asks has been let in by a login
    return request.user


def _back(request: HttpRequest) -> str:
    """Return where a form leads back to: `next` if that is an address of ours, else the market."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_ours else resolve_url("market")


@require_POST
def post(request: HttpRequest) -> HttpResponse:
    """Post the form's `text` and go back to `next`; a refusal is told there."""
    target = _back(request)
    if not request.user.is_authenticated:
        return redirect_to_login(target)
    try:
        message_post(author=request.user, text=request.POST.get("text", ""), address=client_address(request))
    except ApplicationError as error:
        messages.error(request, message_of(error.code))
    return redirect(target)


@api_view("GET")
def history(request: HttpRequest) -> dict[str, Any]:
    """`GET /api/chat?limit=`: the newest messages the caller may see, oldest first."""
    limit = parameter_integer(request.GET, "limit", default=HISTORY_MESSAGES, maximum=HISTORY_MESSAGES)
    return {"messages": messages_latest(user=request.user, limit=limit)}


# Muting -------------------------------------------------------------------------------------------


def _player_named(nickname: str) -> User | None:
    return User.objects.filter(nickname_key=nickname_fold(nickname[:64]), is_active=True).first()


@api_view("GET", "POST", login=True)
def api_mutes(request: HttpRequest) -> dict[str, Any]:
    """`GET /api/chat/mutes`: whom I have muted. POST: mute the author of `message_id`, or the player `nickname`."""
    user = _user(request)
    if request.method == "POST":
        body = body_object(request)
        if ("message_id" in body) == ("nickname" in body):
            raise ApplicationError("invalid_request")
        if "message_id" in body:
            muted = message_author(field_id(body, "message_id"))
        else:
            muted = _player_named(field_text(body, "nickname"))
        if muted is None:
            raise ApplicationError("message_not_found" if "message_id" in body else "not_found")
        player_mute(user=user, muted=muted)
    return {"players": mutes_list(user)}


@api_view("DELETE", login=True)
def api_mute(request: HttpRequest, player: str) -> dict[str, Any]:
    """`DELETE /api/chat/mutes/{player}`: hear them again."""
    user = _user(request)
    player_unmute(user=user, key=player)
    return {"players": mutes_list(user)}


@never_cache
@require_safe
@login_required
@ensure_csrf_cookie
def mutes(request: HttpRequest) -> HttpResponse:
    """`/chat/mutes/`: whom I have muted, each to be heard again."""
    return render(request, "pages/mutes.html", {"mutes": mutes_list(_user(request))})


@require_POST
@login_required
def mute(request: HttpRequest) -> HttpResponse:
    """Mute the player of this `nickname` and go back to `next`."""
    muted = _player_named(request.POST.get("nickname", ""))
    if muted is None:
        raise Http404
    try:
        player_mute(user=_user(request), muted=muted)
        text = _("%(nickname)s님을 차단했어요. 이제 이 분의 말이 보이지 않아요.")
        messages.success(request, text % {"nickname": muted.nickname})
    except ApplicationError as error:
        messages.error(request, message_of(error.code))
    return redirect(_back(request))


@require_POST
@login_required
def unmute(request: HttpRequest) -> HttpResponse:
    """Hear the player with the key `player` again and go back to `next`."""
    try:
        if player_unmute(user=_user(request), key=request.POST.get("player", "")):
            messages.success(request, _("차단을 풀었어요. 이 분의 말이 다시 보여요."))
    except ApplicationError as error:
        messages.error(request, message_of(error.code))
    return redirect(_back(request))


# Reporting ----------------------------------------------------------------------------------------


@api_view("POST", login=True)
def api_reports(request: HttpRequest) -> dict[str, Any]:
    """`POST /api/chat/reports`: `message_id`, `reason` and perhaps a `note`, for staff to look at."""
    body = body_object(request)
    report = message_report(
        reporter=_user(request),
        message_id=field_id(body, "message_id"),
        reason=field_text(body, "reason"),
        note=field_text(body, "note", default=""),
        address=client_address(request),
    )
    return {"duplicate": report is None}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@ensure_csrf_cookie
def report(request: HttpRequest, message_id: int) -> HttpResponse:
    """`/chat/messages/{message_id}/report/`: say what is wrong with a message."""
    user = _user(request)
    message = message_reportable(message_id=message_id, reporter=user)
    if message is None:
        raise Http404
    form = ReportForm(request.POST or None, initial={"reason": Report.Reason.ABUSE}, label_suffix="")
    if request.method == "POST" and form.is_valid():
        try:
            made = message_report(
                reporter=user,
                message_id=message_id,
                reason=form.cleaned_data["reason"],
                note=form.cleaned_data["note"],
                address=client_address(request),
            )
        except ApplicationError as error:
            form.add_error(None, message_of(error.code))
        else:
            said = _("신고했어요. 운영진이 확인할게요.") if made else _("이미 신고한 메시지예요.")
            messages.success(request, said)
            return redirect(_back(request))
    context = {"form": form, "message": message, "next": _back(request)}
    return render(request, "pages/report.html", context)
