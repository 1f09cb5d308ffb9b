"""Sign-up and one-click guest play; the other account pages are django-allauth's."""

from typing import Any

from allauth.account import views as account_views
from allauth.account.adapter import get_adapter
from allauth.account.utils import get_next_redirect_url
from allauth.core import ratelimit
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.forms import DuplicateAccountError
from accounts.services import guest_create


class SignupView(account_views.SignupView):
    """Sign-up; of two who take the same nickname at the same moment, one gets a form error and no failure."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Create the account and log in."""
        try:
            return super().form_valid(form)
        except DuplicateAccountError:
            return self.form_invalid(form)


@never_cache
@require_POST
def guest(request: HttpRequest) -> HttpResponse:
    """Play at once: create a guest, log in, and go on to `next` or the market."""
    target = get_next_redirect_url(request) or "market"
    if request.user.is_authenticated:
        return redirect(target)
    # Guests and sign-ups share one allowance per address.
    refusal: HttpResponse | None = ratelimit.consume_or_429(request, action="signup")
    if refusal is not None:
        return refusal
    get_adapter().login(request, guest_create())
    return redirect(target)
