"""Addresses below `/accounts/`, each of them named here: what django-allauth may add stays shut."""

from allauth.account import views as account_views
from django.urls import include, path, re_path

from accounts import views

urlpatterns = [
    path("guest/", views.guest, name="account_guest"),
    path("signup/", views.SignupView.as_view(), name="account_signup"),
    path("login/", account_views.login, name="account_login"),
    path("logout/", account_views.logout, name="account_logout"),
    path("inactive/", account_views.account_inactive, name="account_inactive"),
    path("upgrade/", views.UpgradeView.as_view(), name="account_upgrade"),
    path("nickname/", views.NicknameView.as_view(), name="account_nickname"),
    path("email/", views.EmailView.as_view(), name="account_email"),
    path("confirm-email/", views.ConfirmationSentView.as_view(), name="account_email_verification_sent"),
    re_path(
        r"^confirm-email/(?P<key>[-:\w]+)/\Z", views.ConfirmEmailView.as_view(), name="account_confirm_email"
    ),
    path("reauthenticate/", account_views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", views.PasswordChangeView.as_view(), name="account_change_password"),
    path("password/set/", views.PasswordSetView.as_view(), name="account_set_password"),
    path("password/reset/", account_views.password_reset, name="account_reset_password"),
    path("password/reset/done/", account_views.password_reset_done, name="account_reset_password_done"),
    path(
        "password/reset/key/done/",
        account_views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/\Z",
        account_views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("delete/", views.DeleteView.as_view(), name="account_delete"),
    path("", include("accounts.social.urls")),
]
