"""Connected accounts in the admin, to be looked at; credentials of providers come from the environment alone."""

from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.http import HttpRequest

for _model in (SocialAccount, SocialApp, SocialToken):
    admin.site.unregister(_model)


@admin.register(SocialAccount)
class SocialAccountAdmin(admin.ModelAdmin):
    """Which player logs in with which provider."""

    list_display = ("user", "provider", "uid", "date_joined", "last_login")
    list_filter = ("provider",)
    list_select_related = ("user",)
    list_per_page = 50
    search_fields = ("=uid", "user__nickname")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: only the provider can vouch for somebody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: SocialAccount | None = None) -> bool:
        """Return False."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SocialAccount | None = None) -> bool:
        """Return False: the player disconnects, as long as another way in is left."""
        return False
