"""What every call of the JSON API shares: its methods, its errors, and strictly checked parameters."""

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict

from stocking.base.errors import ApplicationError, http_status, retry_after_seconds

DIGITS_MAX = 15
BODY_BYTES_MAX = 4_096
ID_MAX = (1 << 63) - 1


def json_response(data: Any, *, status: int = 200) -> JsonResponse:
    """Return the answer of an API call; never cached, Hangul left readable."""
    response = JsonResponse(data, status=status, json_dumps_params={"ensure_ascii": False}, safe=False)
    response["Cache-Control"] = "no-store"
    return response


def error_response(code: str, **extra: Any) -> JsonResponse:
    """Return a refusal as `{"code", "message", …}` with the HTTP status of its code."""
    response = json_response(ApplicationError(code, **extra).as_dict(), status=http_status(code))
    seconds = retry_after_seconds(code, extra.get("retry_after_ms"))
    if seconds is not None:
        response["Retry-After"] = str(seconds)
    return response


def api_view(
    *methods: str, login: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., HttpResponse]]:
    """Make a function that returns plain data an API call.

    Other methods answer 405, `login` asks for a session (401), an `ApplicationError` becomes its JSON error.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def call(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method not in methods and not (request.method == "HEAD" and "GET" in methods):
                response = error_response("method_not_allowed")
                response["Allow"] = ", ".join(methods)
                return response
            if login and not request.user.is_authenticated:
                return error_response("not_authenticated")
            try:
                answer = view(request, *args, **kwargs)
            except ApplicationError as error:
                return error_response(error.code, **error.extra)
            return answer if isinstance(answer, HttpResponse) else json_response(answer)

        return call

    return decorate


def body_object(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object that a request carries: `application/json` of at most 4,096 bytes."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > BODY_BYTES_MAX:
        raise ApplicationError("request_too_large")
    if request.content_type != "application/json":
        raise ApplicationError("invalid_request")
    try:
        body = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise ApplicationError("invalid_request") from error
    if not isinstance(body, dict):
        raise ApplicationError("invalid_request")
    return body


def field_text(body: dict[str, Any], name: str, *, default: str | None = None) -> str:
    """Return a field that has to be a string; without a default it has to be there."""
    value = body.get(name, default)
    if not isinstance(value, str):
        raise ApplicationError("invalid_request", parameter=name)
    return value


def field_id(body: dict[str, Any], name: str) -> int:
    """Return a field that has to be an integer as keys of rows are."""
    value = body.get(name)
    if type(value) is not int or not 0 < value <= ID_MAX:
        raise ApplicationError("invalid_request", parameter=name)
    return value


def parameter_choice(query: QueryDict, name: str, choices: Collection[str], *, default: str) -> str:
    """Return the parameter, which must be one of `choices`; absent or empty gives the default."""
    value = query.get(name) or default
    if value not in choices and value != default:
        raise ApplicationError("invalid_request", parameter=name)
    return value


def parameter_integer(query: QueryDict, name: str, *, default: int, maximum: int) -> int:
    """Return the parameter as an integer ≥ 1; what lies above `maximum` becomes `maximum`."""
    value = query.get(name)
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and len(value) <= DIGITS_MAX) or int(value) < 1:
        raise ApplicationError("invalid_request", parameter=name)
    return min(int(value), maximum)
