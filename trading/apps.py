"""The exchange: gate, book, settlement and market data."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TradingConfig(AppConfig):
    """The trading application."""

    name = "trading"
    verbose_name = _("거래")
