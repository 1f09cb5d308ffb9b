"""What is asked for: every page and every read, as a player or as staff."""

from typing import Any

from django.contrib import admin

from stocking.pages.benchmark.world import PagesWorld


def player_addresses(world: PagesWorld) -> list[str]:
    """Return every page of the site and every GET of the API."""
    symbol, number = world.listings[0].symbol, world.past[0].number
    order_id = f"{world.listings[0].pk}-1-1"
    return [
        "/", f"/stocks/{symbol}/", "/orders/", "/orders/?tab=filled", "/orders/?tab=closed",
        f"/orders/?q={world.listings[0].company.name}&symbol={symbol}&side=buy&sort=oldest",
        "/rankings/", "/rankings/?tab=mmr", "/rankings/?tab=mmr&page=2",
        "/rankings/?tab=last", "/rankings/?tab=day", "/rankings/?tab=week", "/rankings/?tab=all",
        f"/games/{number}/", f"/games/{number}/?page=2", f"/games/{world.market.pk}/",
        "/practice/", "/practice/?day=2000-01-01&seed=7", "/api/practice/daily",
        "/accounts/nickname/", "/accounts/email/", "/accounts/delete/", "/accounts/3rdparty/",
        "/accounts/confirm-email/", "/accounts/password/reset/", "/api/nickname?nickname=newcomer",
        "/me/", f"/players/{world.me.nickname}/", "/api/docs", "/api/openapi.json",
        "/api/orders", "/api/orders?status=open&limit=100", f"/api/orders?status=closed&symbol={symbol}&sort=oldest",
        f"/api/orders/{order_id}", "/api/fills", f"/api/fills?symbol={symbol}&side=buy", "/api/account",
        "/api/game", "/api/market", f"/api/market/{symbol}/book", f"/api/market/{symbol}/book?depth=50",
        f"/api/market/{symbol}/trades", f"/api/market/{symbol}/candles?interval=1m",
        "/api/rankings/game", "/api/rankings/mmr", "/api/rankings/last",
        "/api/rankings/returns?period=all", f"/api/games/{number}", f"/api/games/{number}/review", "/api/chat",
        "/api/chat/mutes", "/chat/mutes/", f"/chat/messages/{world.message_id}/report/",
        "/healthz", "/readyz",
    ]  # fmt: skip


def staff_addresses() -> list[str]:
    """Return every list of the admin."""
    models: list[Any] = list(admin.site._registry)
    lists = sorted(f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in models)
    return ["/admin/", *lists]
