"""The JSON API described in OpenAPI 3.1: every call, its schemas, and every code it can refuse with."""

from functools import cache
from typing import Any

from stocking.base.errors import CODES, http_status
from stocking.pages.openapi.calls import PATHS, TAGS
from stocking.pages.openapi.schemas import SCHEMAS

DESCRIPTION = """
Money fields are integers in won, quantities whole shares, times milliseconds since 1970, returns integers in
basis points rounded down. There are no fees.

The session cookie says who calls. Every unsafe method needs the `X-CSRFToken` header to match the `csrftoken`
cookie and, if sent, an allowed `Origin`. Errors are `{"code", "message", …}`; bad input changes nothing.

Checks come in this order: `csrf_failed`, `invalid_request`, `not_authenticated`, a repeated `client_order_id`,
`rate_limited`, then the trading rules in the order of the codes of each call. GETs show the current game unless
`game=` says otherwise. Live data comes by the WebSocket at `/ws/`.
""".strip()


def codes_of(call: dict[str, Any]) -> list[str]:
    """Return the codes a call can refuse with, in order of their checks."""
    codes: list[str] = call["x-codes"]
    return codes


def _responses(call: dict[str, Any]) -> dict[str, Any]:
    """Return a call's answers: its success, and one error answer for each status its codes have."""
    responses = dict(call["responses"])
    by_status: dict[int, list[str]] = {}
    for code in codes_of(call):
        by_status.setdefault(http_status(code), []).append(code)
    for status, codes in sorted(by_status.items()):
        responses[str(status)] = {
            "description": ", ".join(codes),
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
        if status == http_status("rate_limited"):
            responses[str(status)]["headers"] = {
                "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}
            }
    return responses


@cache
def document() -> dict[str, Any]:
    """Return the whole description, as `/api/openapi.json` gives it."""
    paths = {
        path: {method: {**call, "responses": _responses(call)} for method, call in calls.items()}
        for path, calls in PATHS.items()
    }
    error = {
        "type": "object",
        "required": ["code", "message"],
        "properties": {
            "code": {"type": "string", "enum": sorted(CODES)},
            "message": {"type": "string", "description": "In the caller's language: what to do next."},
            "parameter": {
                "type": "string",
                "description": "The parameter that is wrong (`invalid_request`).",
            },
            "retry_after_ms": {"type": "integer", "description": "With `rate_limited`."},
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Stocking", "version": "1", "description": DESCRIPTION},
        "tags": TAGS,
        "paths": paths,
        "components": {
            "schemas": {**SCHEMAS, "Error": error},
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRFToken"},
            },
        },
    }
