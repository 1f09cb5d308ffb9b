"""Refusals and failures outside the views: JSON below `/api/`, a page with one way out elsewhere."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string
from django.views.decorators.csrf import requires_csrf_token

from stocking.base.api import error_response
from stocking.base.errors import message_of

_CODES = {400: "invalid_request", 403: "forbidden", 404: "not_found", 500: "server_error"}


def is_api(request: HttpRequest) -> bool:
    """Whether the caller expects JSON."""
    return request.path.startswith("/api/")


def _page(request: HttpRequest, status: int, code: str) -> HttpResponse:
    context: dict[str, Any] = {"status": status, "code": code, "message": message_of(code)}
    try:
        return render(request, f"{status}.html", context, status=status)
    except TemplateDoesNotExist:
        return HttpResponse(message_of(code), status=status, content_type="text/plain; charset=utf-8")


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request Django itself cannot accept."""
    return error_response("invalid_request") if is_api(request) else _page(request, 400, "invalid_request")


@requires_csrf_token
def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer one who is logged in but may not."""
    return error_response("forbidden") if is_api(request) else _page(request, 403, "forbidden")


@requires_csrf_token
def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that leads nowhere."""
    return error_response("not_found") if is_api(request) else _page(request, 404, "not_found")


@requires_csrf_token
def server_error(request: HttpRequest) -> HttpResponse:
    """Answer after a bug; rendered without a request, the page needs neither database nor stores."""
    if is_api(request):
        return error_response("server_error")
    try:
        text: str = render_to_string("500.html", {"status": 500, "message": message_of("server_error")})
    except Exception:  # the page itself may be what is broken
        text = message_of("server_error")
    return HttpResponse(text, status=500)


@requires_csrf_token
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer an unsafe request without a matching CSRF token."""
    return error_response("csrf_failed") if is_api(request) else _page(request, 403, "csrf_failed")


def api_not_found(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Answer every address below `/api/` that no call has, also while debugging."""
    return error_response("not_found")
