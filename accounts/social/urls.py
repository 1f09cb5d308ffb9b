"""Addresses of login with a provider; their names and the callbacks' paths are django-allauth's."""

from django.urls import path
from django.views.generic import RedirectView

from accounts.social import views
from accounts.social.providers import PROVIDERS

# Pages of django-allauth that ours have taken the place of.
_to_login = RedirectView.as_view(pattern_name="account_login")

urlpatterns = [
    path("3rdparty/", views.connections, name="socialaccount_connections"),
    path("3rdparty/signup/", views.signup, name="socialaccount_signup"),
    path("3rdparty/login/cancelled/", _to_login, name="socialaccount_login_cancelled"),
    path("3rdparty/login/error/", _to_login, name="socialaccount_login_error"),
]
for _key in PROVIDERS:
    urlpatterns += [
        path(f"{_key}/login/", views.start, {"provider": _key}, name=f"{_key}_login"),
        path(f"{_key}/login/callback/", views.callback, {"provider": _key}, name=f"{_key}_callback"),
        path(f"{_key}/disconnect/", views.disconnect, {"provider": _key}, name=f"{_key}_disconnect"),
    ]
