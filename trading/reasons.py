"""The admin asks for a reason before staff do something that players are told of."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import helpers
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chat.services import text_clean
from trading.services import REASON_CHARACTERS_MAX


def staff_of(request: HttpRequest) -> User:
    """Return who acts; the admin has let in nobody else."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


class ReasonForm(forms.Form):
    """Why: on one line, short, and said to everybody."""

    reason = forms.CharField(
        label=_("사유"),
        max_length=REASON_CHARACTERS_MAX,
        help_text=_("채팅으로 모두에게 알리고, 운영 조치 기록에 남아요."),
        widget=forms.TextInput(attrs={"size": 80, "autofocus": True}),
    )

    def clean_reason(self) -> str:
        """Refuse what is empty once invisible characters are gone."""
        reason = text_clean(self.cleaned_data["reason"])
        if not reason:
            raise forms.ValidationError(_("사유를 입력해 주세요."))
        return reason


def reason_asked(
    model_admin: admin.ModelAdmin, request: HttpRequest, queryset: QuerySet[Any], action: str
) -> str | TemplateResponse:
    """Return the reason that came with an action on rows, or the page that asks for it."""
    form = ReasonForm(request.POST if "reason" in request.POST else None)
    if form.is_valid():
        return str(form.cleaned_data["reason"])
    title = next(label for name, label in model_admin.get_action_choices(request) if name == action)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "form": form,
        "rows": list(queryset),
        "action": action,
        "opts": model_admin.model._meta,
        "checkbox_name": helpers.ACTION_CHECKBOX_NAME,
        "media": model_admin.media,
    }
    return TemplateResponse(request, "admin/reason.html", context)
