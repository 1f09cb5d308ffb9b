"""The chat without a socket: a form for browsers without JavaScript, and the history."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from chat.selectors import HISTORY_MESSAGES, messages_latest
from chat.services import message_post
from stocking.base.addresses import client_address
from stocking.base.api import api_view, parameter_integer
from stocking.base.errors import ApplicationError, message_of


@require_POST
def post(request: HttpRequest) -> HttpResponse:
    """Post the form's `text` and go back to `next`; a refusal is told there."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = resolve_url("market")
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
