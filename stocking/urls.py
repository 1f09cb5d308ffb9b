"""Every address of Stocking, but for `/ws/` and order entry, which are served in front of Django."""

from django.contrib import admin
from django.urls import include, path
from django.utils.translation import gettext_lazy as _

from accounts.views import nickname_check

admin.site.site_title = _("스톡킹")
admin.site.site_header = _("스톡킹 운영")
admin.site.index_title = _("관리")

urlpatterns = [
    path("accounts/", include("accounts.urls")),
    path("api/nickname", nickname_check, name="nickname_check"),
    path("admin/", admin.site.urls),
    path("", include("chat.urls")),
    path("", include("trading.urls")),
    path("", include("games.urls")),
    path("", include("ranking.urls")),
    path("", include("django_prometheus.urls")),
    path("", include("stocking.pages.urls")),  # last: it answers what is left below /api/
]

handler400 = "stocking.pages.errors.bad_request"
handler403 = "stocking.pages.errors.permission_denied"
handler404 = "stocking.pages.errors.page_not_found"
handler429 = "stocking.pages.errors.too_many_requests"  # django-allauth's limits answer with it
handler500 = "stocking.pages.errors.server_error"
