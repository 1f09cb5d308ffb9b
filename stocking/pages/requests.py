"""What the pages' views share: who looks, which page of a list, and refusals as pages."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse

from accounts.models import User
from stocking.base.errors import ApplicationError, http_status

PAGE_NUMBER_MAX = 10_000
NOT_FOUND = 404


def user_of(request: HttpRequest) -> User | None:
    """Return who is logged in."""
    return request.user if isinstance(request.user, User) else None


def page_view(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Turn a selector's refusal into the page of 404, any other into that of 400."""

    @wraps(view)
    def call(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except ApplicationError as error:
            if http_status(error.code) == NOT_FOUND:
                raise Http404(error.code) from error
            raise SuspiciousOperation(error.code) from error

    return call


@dataclass(frozen=True, slots=True)
class Pages:
    """One page of a list that is read by offset: its number from 1, its size, and whether more follows."""

    number: int
    size: int
    has_next: bool = False

    @property
    def offset(self) -> int:
        """How many rows stand on the pages before."""
        return (self.number - 1) * self.size

    @property
    def has_previous(self) -> bool:
        """Whether there is a page before."""
        return self.number > 1

    @property
    def has_other_pages(self) -> bool:
        """Whether there is anything to turn to."""
        return self.has_previous or self.has_next

    @property
    def previous_page_number(self) -> int:
        """The number of the page before."""
        return self.number - 1

    @property
    def next_page_number(self) -> int:
        """The number of the page after."""
        return self.number + 1

    def cut(self, rows: list[dict[str, Any]]) -> "tuple[list[dict[str, Any]], Pages]":
        """Return the page's rows of `size + 1` that were read, and these pages knowing whether more follows."""
        return rows[: self.size], Pages(self.number, self.size, len(rows) > self.size)


def pages_of(request: HttpRequest, size: int) -> Pages:
    """Return the page asked for by `page=`; what is no number is the first."""
    text = request.GET.get("page", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(PAGE_NUMBER_MAX)) else 1
    return Pages(max(1, number), size)
