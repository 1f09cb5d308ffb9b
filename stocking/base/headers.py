"""What every answer tells the browser not to do, so that a hole in a page stays without consequences."""

from typing import Any

from asgiref.sync import iscoroutinefunction
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest, HttpResponse
from django.http.response import ResponseHeaders
from django.utils.decorators import sync_and_async_middleware

from stocking.base.content_policy import ADMIN_POLICY, BARE_POLICY

_POLICY = "Content-Security-Policy"
_REFUSED_FEATURES = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation",
    "gyroscope", "magnetometer", "microphone", "midi", "payment", "picture-in-picture",
    "publickey-credentials-get", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip
FIXED_HEADERS = {
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _REFUSED_FEATURES),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# What order entry, which stands in front of Django, adds to each of its answers.
BARE_HEADERS = [
    (name.lower().encode(), value.encode()) for name, value in {**FIXED_HEADERS, _POLICY: BARE_POLICY}.items()
]


def headers_complete(headers: ResponseHeaders) -> None:
    """Add those fixed headers that an answer has not set itself."""
    for name, value in FIXED_HEADERS.items():
        headers.setdefault(name, value)


@sync_and_async_middleware
def fixed_headers_middleware(get_response: Any) -> Any:
    """Complete every answer of Django, static files and errors included."""
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponse:
            response: HttpResponse = await get_response(request)
            headers_complete(response.headers)
            return response

        return answer_async

    def answer(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = get_response(request)
        headers_complete(response.headers)
        return response

    return answer


class ContentPolicyMiddleware(CSPMiddleware):
    """Choose the policy by what is answered: a page, a page of the admin, or no page at all."""

    async def __acall__(self, request: HttpRequest) -> Any:
        """Do without a thread: neither half of it waits for anything."""
        self.process_request(request)
        response: Any = await self.get_response(request)  # type: ignore[misc]
        return self.process_response(request, response)

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        """Set the policy; Django's own debug pages, which only development can show, go without."""
        if not response.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault(_POLICY, BARE_POLICY)
        return super().process_response(request, response)

    def get_policy_parts(self, request: HttpRequest, response: Any, report_only: bool = False) -> PolicyParts:
        """Return the policy of pages, changed for the admin."""
        parts = super().get_policy_parts(request, response, report_only)
        if request.path.startswith("/admin/") and not report_only:
            parts.replace = ADMIN_POLICY | (parts.replace or {})
        return parts
