"""Users in the admin: found and looked at; never deleted, as ledger and results refer to them.

The chat's admin adds what staff may do to them, such as banning, with a reason and a log.
"""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.hashers import identify_hasher
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.emails import email_vouch
from accounts.models import User
from accounts.social import admin as social_admin  # noqa: F401  # registers
from accounts.staff_forms import StaffPasswordForm, StaffUserChangeForm, StaffUserCreationForm

# Staff log in on the page that counts failed attempts.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]


def _own_password_change(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """Lead staff to the page that counts tries, tells by mail and ends the other sessions."""
    return redirect("account_change_password")


admin.site.password_change = _own_password_change  # type: ignore[method-assign,assignment]


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Rights are given by superusers alone; ratings are the ranking's to write."""

    form = StaffUserChangeForm
    add_form = StaffUserCreationForm
    change_password_form = StaffPasswordForm
    list_display = (
        "nickname",
        "email",
        "is_active",
        "is_guest",
        "is_bot",
        "is_staff",
        "tier",
        "mmr",
        "games_played",
        "date_joined",
    )
    list_filter = (
        "is_active",
        "is_guest",
        "is_bot",
        "is_staff",
        ("deleted_at", admin.EmptyFieldListFilter),
        "tier",
    )
    search_fields = ("nickname", "email")
    ordering = ("-id",)
    list_per_page = 50
    show_full_result_count = False
    filter_horizontal = ("groups", "user_permissions")
    fieldsets = (
        (None, {"fields": ("nickname", "email", "password_state", "is_active")}),
        (
            _("게임"),
            {"fields": ("tier", "mmr", "rating_mean", "rating_deviation", "games_played", "rated_at")},
        ),
        (_("종류"), {"fields": ("is_guest", "is_bot")}),
        (
            _("권한"),
            {"fields": ("is_staff", "is_superuser", "groups", "user_permissions"), "classes": ("collapse",)},
        ),
        (_("기록"), {"fields": ("date_joined", "last_login", "deleted_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "nickname", "usable_password", "password1", "password2")}),)
    readonly_fields = (
        "password_state",
        "is_active",
        "tier",
        "mmr",
        "rating_mean",
        "rating_deviation",
        "games_played",
        "rated_at",
        "is_guest",
        "is_bot",
        "date_joined",
        "last_login",
        "deleted_at",
    )
    _rights = ("is_staff", "is_superuser", "groups", "user_permissions")

    @admin.display(description=_("비밀번호"))
    def password_state(self, user: User) -> str:
        """Show whether there is a password and how it is hashed, never the hash."""
        if not user.has_usable_password():
            state: str | None = _t("없음")
        else:
            try:
                state = identify_hasher(user.password).algorithm
            except ValueError:
                state = _t("알 수 없음")
        link = reverse("admin:auth_user_password_change", args=[user.pk])
        return format_html('{} · <a href="{}">{}</a>', state, link, _t("바꾸기"))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Return what the viewer cannot change: for staff without all rights, everybody's rights."""
        return self.readonly_fields if request.user.is_superuser else (*self.readonly_fields, *self._rights)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Return whether the viewer may change this user: staff only superusers, who has left nobody.

        Who sets another's password or e-mail can have the other's rights.
        """
        if obj is not None and (obj.is_staff or obj.is_superuser) and not request.user.is_superuser:
            return False
        if obj is not None and obj.deleted_at is not None:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Return False: the ledger, results and messages refer to users. Ban instead."""
        return False

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Set another's password; one's own as everybody does, in a session that the gate goes on taking."""
        if id == str(request.user.pk):
            return redirect("account_change_password")
        answer: HttpResponse = super().user_change_password(request, id, form_url)
        return answer

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Store the user. Staff vouch for the e-mail."""
        super().save_model(request, obj, form, change)
        if not change or "email" in form.changed_data:
            email_vouch(user=obj)
