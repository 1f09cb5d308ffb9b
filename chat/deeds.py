"""How the admin asks staff why (and for how long) before a deed on messages and players."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from accounts.models import User
from chat.moderation import may_moderate
from stocking.base.errors import ApplicationError

ROWS_MAX = 200


def staff_of(request: HttpRequest) -> User:
    """Return who acts; the admin has let in nobody else."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def deed_asked(
    model_admin: admin.ModelAdmin,
    request: HttpRequest,
    queryset: QuerySet[Any],
    action: str,
    form_class: type[forms.Form],
) -> dict[str, Any] | TemplateResponse:
    """Return what staff have filled in for an action on rows, or the page that asks for it."""
    form = form_class(request.POST if "reason" in request.POST else None)
    if form.is_valid():
        return form.cleaned_data
    context = {
        **model_admin.admin_site.each_context(request),
        "title": next(label for name, label in model_admin.get_action_choices(request) if name == action),
        "form": form,
        "rows": list(queryset[:ROWS_MAX]),
        "action": action,
        "opts": model_admin.model._meta,
        "checkbox_name": helpers.ACTION_CHECKBOX_NAME,
        "media": model_admin.media,
    }
    return TemplateResponse(request, "admin/reason.html", context)


def players_moderate(
    model_admin: admin.ModelAdmin, request: HttpRequest, players: Iterable[User], deed: Callable[[User], Any]
) -> None:
    """Do a deed to each player whom this member of staff may moderate, and say how many it was done to."""
    staff, done, passed = staff_of(request), 0, []
    for player in sorted({player.pk: player for player in players}.values(), key=lambda player: player.pk):
        if not may_moderate(staff, player):
            passed.append(str(player))
            continue
        try:
            done += bool(deed(player))
        except ApplicationError as error:
            model_admin.message_user(request, error.as_dict()["message"], messages.ERROR)
    model_admin.message_user(request, _("%(count)d명에게 적용했어요.") % {"count": done})
    if passed:
        text = _("조치할 수 없는 사람은 그대로예요: %(names)s") % {"names": ", ".join(passed)}
        model_admin.message_user(request, text, messages.WARNING)
