"""Results, ratings and leaderboards."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RankingConfig(AppConfig):
    """The ranking application."""

    name = "ranking"
    verbose_name = _("랭킹")
