"""The exchange: gate, book, settlement and market data."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TradingConfig(AppConfig):
    """The trading application."""

    name = "trading"
    verbose_name = _("거래")

    def ready(self) -> None:
        """Register the topics, and have the gate forget a session the moment it ends."""
        from accounts.deletion import on_user_delete
        from accounts.sessions import before_sessions_end, on_session_end
        from trading import metrics, topics
        from trading.gate.client import gate
        from trading.services import orders_cancel_of_deleted

        topics.register()
        metrics.register()
        on_user_delete(orders_cancel_of_deleted)
        before_sessions_end(lambda user_id, spared_key: gate().session_fence(user_id, spared_key))
        on_session_end(lambda session_key: gate().session_unbind(session_key))
