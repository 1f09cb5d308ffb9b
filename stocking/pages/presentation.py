"""What pages show of orders, news and results: words beside the codes."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy

from accounts.models import Tier
from games.models import News
from stocking.base.errors import message_of
from trading.models import Order

CANCEL_REASONS: dict[str, Any] = {
    "user": gettext_lazy("직접 취소"),
    "self_trade": gettext_lazy("내 주문끼리는 거래할 수 없어요"),
    "market_remainder": gettext_lazy("맞는 호가가 없어 남은 수량 취소"),
    "closed": gettext_lazy("게임 종료"),
}


def reason_text(reason: str | None) -> str:
    """Return why an order ended, in words."""
    if not reason:
        return ""
    return str(CANCEL_REASONS[reason]) if reason in CANCEL_REASONS else message_of(reason)


def with_names(rows: Iterable[dict[str, Any]], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return orders or fills with the names of their companies."""
    return [{**row, "name": names.get(row["symbol"], row["symbol"])} for row in rows]


def with_words(orders: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return orders with `status_text` and `reason_text`."""
    return [
        {
            **order,
            "status_text": Order.Status(order["status"]).label,
            "reason_text": reason_text(order["reason"]),
        }
        for order in orders
    ]


def news_item(news: News) -> dict[str, Any]:
    """Return a published piece of news as the pages and the chart's pins show it; reads `company`."""
    return {
        "symbol": news.company.symbol,
        "name": news.company.name,
        "kind": news.kind,
        "direction": news.direction,
        "text": news.text,
        "sent_at": news.published_at,
    }


def tier_change(before: str, after: str) -> int:
    """Return how many tiers a game brought up (or, negative, down)."""
    order = list(Tier.values)
    return order.index(after) - order.index(before)
