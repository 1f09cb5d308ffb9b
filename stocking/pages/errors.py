"""Refusals and failures outside the views: JSON below `/api/`, a page with one way out elsewhere."""

import logging
from typing import Any

import redis
from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import sync_and_async_middleware
from django.views.decorators.csrf import requires_csrf_token
from django_redis.exceptions import ConnectionInterrupted

from stocking.base.api import error_response
from stocking.base.errors import ApplicationError, http_status, message_of, retry_after_seconds

logger = logging.getLogger(__name__)

# A refusal of django-allauth does not say how long it lasts; its limits are by the minute.
RETRY_AFTER_MS_UNTOLD = 60_000
_PAGES = frozenset({400, 403, 404, 405, 429, 500, 503})
# What base.html needs (the game, the player) may be what is away: these pages stand alone.
_ALONE = frozenset({500, 503})


def is_api(request: HttpRequest) -> bool:
    """Whether the caller expects JSON."""
    return request.path.startswith("/api/")


def _page(request: HttpRequest, code: str, **extra: Any) -> HttpResponse:
    status = http_status(code) if http_status(code) in _PAGES else 400
    seconds = retry_after_seconds(code, extra.get("retry_after_ms"))
    # A page that refused a form is looked at again to fill it in again; of others there may be nothing to look at.
    again = request.path if status in (429, 503) and request.path != "/" else ""
    context = {
        "reason_code": code,
        "seconds": seconds,
        "minutes": -(-(seconds or 0) // 60),
        "again": again,
        "CSP_NONCE": getattr(request, "csp_nonce", ""),
    }
    try:
        response = render(None if status in _ALONE else request, f"{status}.html", context)
    except Exception:  # the page itself, or what it needs, may be what is broken
        logger.exception("The page of an error could not be made.")
        response = HttpResponse(message_of(code), content_type="text/plain; charset=utf-8")
    response.status_code = status
    if seconds is not None:
        response["Retry-After"] = str(seconds)
    return response


def refusal(request: HttpRequest, code: str, **extra: Any) -> HttpResponse:
    """Answer with a refusal: JSON below `/api/`, else its page; who must log in is led there."""
    if is_api(request):
        return error_response(code, **extra)
    if http_status(code) == 401:
        return redirect_to_login(request.get_full_path() if request.method in ("GET", "HEAD") else "/")
    return _page(request, code, **extra)


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request Django itself cannot accept."""
    return refusal(request, "invalid_request")


@requires_csrf_token
def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer one who is logged in but may not."""
    return refusal(request, "forbidden")


@requires_csrf_token
def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that leads nowhere."""
    return refusal(request, "not_found")


@requires_csrf_token
def too_many_requests(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer one whom django-allauth's limits refuse."""
    return refusal(request, "rate_limited", retry_after_ms=RETRY_AFTER_MS_UNTOLD)


@requires_csrf_token
def server_error(request: HttpRequest) -> HttpResponse:
    """Answer after a bug; the page needs neither database nor stores."""
    return refusal(request, "server_error")


@requires_csrf_token
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer an unsafe request without a matching CSRF token."""
    return refusal(request, "csrf_failed")


def _refusal_of(request: HttpRequest, exception: Exception) -> HttpResponse | None:
    """Return the answer to what a view let through, None for what is a bug."""
    if isinstance(exception, ApplicationError):
        return refusal(request, exception.code, **exception.extra)
    if isinstance(exception, redis.RedisError | ConnectionInterrupted) and not settings.DEBUG:
        logger.error("A store is away.", exc_info=exception)
        return refusal(request, "unavailable")
    return None


def _completed(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Give Django's blank answer to a wrong method a page."""
    if response.status_code != 405 or response.content or request.method == "HEAD":
        return response
    told = refusal(request, "method_not_allowed")
    told["Allow"] = response["Allow"]
    return told


@sync_and_async_middleware
def refusal_middleware(get_response: Any) -> Any:
    """Turn what views refuse by raising `ApplicationError` into its answer."""
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponse:
            response = await get_response(request)
            if response.status_code == 405:
                response = await sync_to_async(_completed)(request, response)
            return response

        answer: Any = answer_async
    else:

        def answer_sync(request: HttpRequest) -> HttpResponse:
            return _completed(request, get_response(request))

        answer = answer_sync
    answer.process_exception = _refusal_of
    return answer


def api_not_found(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Answer every address below `/api/` that no call has, also while debugging."""
    return error_response("not_found")
