"""Addresses below `/accounts/`: our own first, then django-allauth's."""

from django.urls import include, path

from accounts import views

urlpatterns = [
    path("guest/", views.guest, name="account_guest"),
    path("signup/", views.SignupView.as_view(), name="account_signup"),
    path("", include("accounts.social.urls")),
    path("", include("allauth.urls")),
]
