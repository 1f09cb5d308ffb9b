"""Every account page that is not django-allauth's own view: entering, changing, confirming, leaving."""

from typing import Any

from allauth.account import views as account_views
from allauth.account.adapter import get_adapter
from allauth.account.internal import flows
from allauth.account.mixins import NextRedirectMixin
from allauth.account.utils import get_next_redirect_url
from allauth.core import ratelimit
from allauth.core.internal import ratelimit as ratelimit_of_reads
from django.contrib import messages
from django.contrib.auth import HASH_SESSION_KEY, logout
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from django.views.generic.edit import FormView

from accounts import forms
from accounts.deletion import user_delete
from accounts.emails import confirmation_is_demanded, email_claim, email_pending, email_set
from accounts.mailing import confirmation_send, confirmation_send_again
from accounts.models import DELETED_NICKNAME, User
from accounts.nicknames import nickname_clean
from accounts.services import guest_create
from stocking.base.api import api_view
from stocking.base.errors import ApplicationError

# The address a mail was sent to, so that the page after it can name it and send another.
PENDING_EMAIL_KEY = "account_pending_email"
# Who signed up in this browser and has not confirmed yet.
PENDING_USER_KEY = "account_pending_user"
_SECRETS = method_decorator(sensitive_post_parameters("oldpassword", "password", "password1", "password2"))


# Entering -------------------------------------------------------------------------------------------


class SignupView(account_views.SignupView):
    """Sign-up; of two who take the same nickname at the same moment, one gets a form error and no failure."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Create the account and log in, or say that a mail is on its way."""
        try:
            response: HttpResponse = super().form_valid(form)
        except forms.DuplicateAccountError:
            return self.form_invalid(form)
        if confirmation_is_demanded():
            self.request.session[PENDING_EMAIL_KEY] = form.cleaned_data["email"]
            self.request.session[PENDING_USER_KEY] = self.user.pk
        return response


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


@method_decorator(never_cache, name="dispatch")
@method_decorator(login_required, name="dispatch")
class AccountView(NextRedirectMixin, FormView):
    """A page on which who is logged in changes something of the account; then on to `next` or my page."""

    success_url = reverse_lazy("me")
    limited_as = ""  # which of ACCOUNT_RATE_LIMITS holds here

    @_SECRETS
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Keep passwords out of error reports, and count who is logged in: a limit of accounts knows nobody else."""
        refusal: HttpResponse | None = ratelimit.consume_or_429(request, action=self.limited_as)
        return refusal or super().dispatch(request, *args, **kwargs)

    @property
    def user(self) -> User:
        """Who is logged in."""
        user = self.request.user
        assert isinstance(user, User)
        return user

    def get_form_kwargs(self) -> dict[str, Any]:
        """Tell the form whose account it is about."""
        return {**super().get_form_kwargs(), "user": self.user}


class PasswordAskingView(AccountView):
    """One whose form asks for the password again."""

    def get_form_kwargs(self) -> dict[str, Any]:
        """Tell the form from where it is asked."""
        return {**super().get_form_kwargs(), "request": self.request}


class UpgradeView(AccountView):
    """A guest becomes a player, and keeps everything."""

    limited_as = "signup"
    form_class = forms.UpgradeForm
    template_name = "account/upgrade.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the form to guests."""
        return super().get(request, *args, **kwargs) if self.user.is_guest else redirect("me")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Take the form from guests."""
        return super().post(request, *args, **kwargs) if self.user.is_guest else redirect("me")

    def form_valid(self, form: forms.UpgradeForm) -> HttpResponse:
        """Store it. The session goes on, as it is the same browser's: a key that changed could lock a guest out."""
        try:
            with transaction.atomic():
                form.try_save(self.request)
                # Valid again before the new password shows: nobody who looks in between ends it.
                self.request.session[HASH_SESSION_KEY] = self.user.get_session_auth_hash()
                self.request.session.save()
        except forms.DuplicateAccountError:
            self.user.refresh_from_db()
            return self.form_invalid(form)
        except forms.NoGuestError:
            return redirect("me")
        if self.user.is_guest:
            return _mail_sent(self.request, self.user, form.cleaned_data["email"], signup=True)
        messages.success(self.request, _("회원이 됐어요. 지금까지의 기록을 그대로 이어 가요."))
        return super().form_valid(form)


# Confirming an e-mail -------------------------------------------------------------------------------


def _mail_sent(request: HttpRequest, user: User, email: str, *, signup: bool = False) -> HttpResponse:
    """Send the link that confirms an address, and go to the page that says so."""
    confirmation_send(request, email_claim(user=user, email=email), signup=signup)
    request.session[PENDING_EMAIL_KEY] = email
    return redirect("account_email_verification_sent")


@method_decorator(never_cache, name="dispatch")
class ConfirmationSentView(FormView):
    """Says that a mail was sent, and sends it again: the same answer for every address."""

    form_class = forms.EmailForm
    template_name = "account/verification_sent.html"
    success_url = reverse_lazy("account_email_verification_sent")

    def get_initial(self) -> dict[str, Any]:
        """Name the address that this browser has given."""
        return {"email": self.request.session.get(PENDING_EMAIL_KEY, "")}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Tell the page which address waits, if this browser has just given one."""
        waiting = self.request.session.get(PENDING_EMAIL_KEY)
        return super().get_context_data(**kwargs, pending_email=waiting)

    def form_valid(self, form: forms.EmailForm) -> HttpResponse:
        """Send what there is to send."""
        email = form.cleaned_data["email"]
        refusal: HttpResponse | None = ratelimit.consume_or_429(
            self.request, action="reset_password", key=email
        )
        if refusal is not None:
            return refusal
        waiting = self.request.session.get(PENDING_USER_KEY)
        confirmation_send_again(self.request, email, user_id=self.request.user.pk or waiting)
        self.request.session[PENDING_EMAIL_KEY] = email
        messages.info(self.request, _("메일을 보냈어요. 몇 분이 지나도 오지 않으면 스팸함도 확인해 주세요."))
        return super().form_valid(form)


@method_decorator(never_cache, name="dispatch")
class ConfirmEmailView(account_views.ConfirmEmailView):
    """The page that the link opens. Opening it changes nothing: mail scanners open links too; its button confirms."""

    def logout_other_user(self, confirmation: Any) -> None:
        """Leave whoever is logged in here alone: a guest who is thrown out has lost everything."""

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """Confirm, and log in where the sign-up was made in this browser."""
        try:
            self.object = self.get_object()
        except Http404:
            return self.get(*args, **kwargs)
        for key in (PENDING_EMAIL_KEY, PENDING_USER_KEY):
            self.request.session.pop(key, None)
        _address, response = flows.email_verification.verify_email_and_resume(self.request, self.object)
        if response is not None:
            return response
        return redirect("me" if self.request.user.is_authenticated else "account_login")


# Changing -------------------------------------------------------------------------------------------


class EmailView(PasswordAskingView):
    """Another e-mail; where it has to be confirmed, the present one holds until then."""

    limited_as = "manage_email"
    form_class = forms.ChangeEmailForm
    template_name = "account/email_change.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Send guests to where they become players."""
        if request.user.is_authenticated and self.user.is_guest:
            return redirect("account_upgrade")
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Show the present address and the one that waits for its confirmation."""
        return super().get_context_data(**kwargs, pending=email_pending(self.user))

    def form_valid(self, form: forms.ChangeEmailForm) -> HttpResponse:
        """Ask the new address for confirmation, or take it at once."""
        email, before = form.cleaned_data["email"], self.user.email
        if confirmation_is_demanded():
            return _mail_sent(self.request, self.user, email)
        try:
            with transaction.atomic():
                email_set(user=self.user, email=email)
        except IntegrityError:
            form.add_error("email", _("다른 계정에서 쓰는 이메일이에요."))
            return self.form_invalid(form)
        if before:
            get_adapter().send_email_changed(self.user, before, email)
        messages.success(self.request, _("이메일을 바꿨어요."))
        return super().form_valid(form)


class NicknameView(AccountView):
    """Another nickname."""

    limited_as = "change_nickname"
    form_class = forms.NicknameForm
    template_name = "account/nickname.html"

    def form_valid(self, form: forms.NicknameForm) -> HttpResponse:
        """Rename the player."""
        try:
            form.save()
        except forms.DuplicateAccountError:
            return self.form_invalid(form)
        text = _("이제 %(nickname)s님이라고 부를게요.") % {"nickname": self.user.nickname}
        messages.success(self.request, text)
        return super().form_valid(form)


class PasswordChangeView(account_views.PasswordChangeView):
    """Another password; then back to my page."""


class PasswordSetView(account_views.PasswordSetView):
    """A first password, which is of use to those who have an e-mail to log in with."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Send who has no e-mail to where one is given."""
        if isinstance(request.user, User) and not request.user.email:
            return redirect("account_upgrade" if request.user.is_guest else "account_email")
        return super().dispatch(request, *args, **kwargs)


@api_view("GET")
def nickname_check(request: HttpRequest) -> dict[str, Any]:
    """`GET /api/nickname?nickname=`: whether a nickname can be taken, and if not, why."""
    allowed = ratelimit_of_reads.consume(
        request, app="allauth.account", action="check_nickname", limit_get=True
    )
    if not allowed:
        raise ApplicationError("rate_limited")
    owner_id = request.user.pk if request.user.is_authenticated else None
    try:
        nickname = nickname_clean(request.GET.get("nickname", ""), owner_id=owner_id)
    except ValidationError as error:
        return {"nickname": "", "available": False, "message": " ".join(error.messages)}
    return {"nickname": nickname, "available": True, "message": _("쓸 수 있는 닉네임이에요.")}


# Leaving --------------------------------------------------------------------------------------------


class DeleteView(PasswordAskingView):
    """Leave for good, after the password or, without one, the nickname was typed."""

    limited_as = "reauthenticate"
    form_class = forms.DeleteForm
    template_name = "account/delete.html"
    success_url = reverse_lazy("market")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Show under which name results stay."""
        return super().get_context_data(**kwargs, deleted_nickname=DELETED_NICKNAME)

    def form_valid(self, form: forms.DeleteForm) -> HttpResponse:
        """Delete the account and log out. Staff are first removed from staff, so that the last one cannot vanish."""
        user = self.user
        if user.is_staff:
            form.add_error(
                None, _("운영진 계정은 여기서 탈퇴할 수 없어요. 먼저 운영진 권한을 내려놓아 주세요.")
            )
            return self.form_invalid(form)
        email = user.email
        user_delete(user=user)
        logout(self.request)
        if email:
            get_adapter().send_notification_mail("account/email/account_deleted", user, email=email)
        messages.success(self.request, _("탈퇴했어요. 그동안 함께해 주셔서 고마워요."))
        return redirect(reverse("market"))
