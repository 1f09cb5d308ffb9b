"""The gate's memory, rebuilt from the ledger: for each new market, and whenever the gate store is not the one
the gate was opened on (restarted, replaced, wiped).

Until then the gate refuses with `recovering`: its scripts compare the store's run id themselves. What is still
in the streams is applied first; then available = balance − holds of the open orders, in a new epoch.
"""

import logging
from collections import defaultdict
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import F

from trading.gate.client import gate
from trading.models import GateRecord, Holding, Listing, Market, Order, Portfolio

logger = logging.getLogger(__name__)

LOAD_CHUNK = 1_000


def gate_ensure_open() -> bool:
    """Open the gate if it is not open on the store that answers; returns whether it is open now.

    Returns False while entries accepted by the former epoch wait to be applied: wake the engines and call again.
    Two callers do no harm: each loads the same state, and each opens an epoch of its own.
    """
    client = gate()
    if client.is_open():
        return True
    market = Market.objects.order_by("-pk").first()
    if market is not None and not _streams_applied(market):
        return False
    epoch = _next_epoch(client.store_run_id())
    if market is None:
        client.run("reopen", epoch)
    else:
        market_load(market, epoch)
    logger.warning("The gate opens in epoch %s.", epoch)
    return True


def _streams_applied(market: Market) -> bool:
    """Return whether every accepted entry of the market's listings has been settled."""
    for listing in market.listings.all():
        if not listing.is_closed and gate().entries(listing.pk, 0, listing.checkpoint, 1):
            return False
    return True


def _next_epoch(run_id: str) -> int:
    """Return an epoch that no order id carries yet."""
    with transaction.atomic():
        GateRecord.objects.get_or_create(pk=1)
        GateRecord.objects.filter(pk=1).update(epoch=F("epoch") + 1, run_id=run_id)
        stored = GateRecord.objects.get(pk=1).epoch
        known = int(gate().state().get("epoch", 0))
        if known >= stored:
            stored = known + 1
            GateRecord.objects.filter(pk=1).update(epoch=stored)
    return stored


def market_load(market: Market, epoch: int | None = None) -> bool:
    """Tell the gate all it needs to serve a market; False when it does already. `epoch` also opens the gate."""
    with transaction.atomic():
        listings = list(market.listings.order_by("pk"))
        accounts, orders = _account_states(market, listings)
    client = gate()
    for chunk in (accounts[i : i + LOAD_CHUNK] for i in range(0, len(accounts), LOAD_CHUNK)):
        if not client.run("load", market.pk, _encoded({"accounts": chunk, "orders": []})):
            return False
    for chunk in (orders[i : i + LOAD_CHUNK] for i in range(0, len(orders), LOAD_CHUNK)):
        if not client.run("load", market.pk, _encoded({"accounts": [], "orders": chunk})):
            return False
    served = {
        "market": market.pk,
        "opens_at": market.opens_at,
        "closes_at": market.closes_at,
        "initial_cash": market.initial_cash,
        "closed": int(any(listing.marker is not None for listing in listings)),
        "listings": [
            [
                listing.pk, listing.symbol, listing.lower_limit, listing.upper_limit, listing.last_price,
                int(listing.is_halted), listing.checkpoint,
            ]
            for listing in listings
        ],
    }  # fmt: skip
    return bool(client.run("serve", _encoded(served), "" if epoch is None else epoch))


def _encoded(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _account_states(market: Market, listings: list[Listing]) -> tuple[list[Any], list[Any]]:
    """Return what is available to each account, and the open orders, from the ledger alone."""
    cash = dict(Portfolio.objects.filter(market=market).values_list("user_id", "cash"))
    shares: dict[int, dict[int, int]] = defaultdict(dict)
    for user, listing, quantity in Holding.objects.filter(listing__in=listings).values_list(
        "user_id", "listing_id", "quantity"
    ):
        shares[user][listing] = quantity
    open_count: dict[int, int] = defaultdict(int)
    orders: list[Any] = []
    rows = Order.objects.filter(listing__in=listings, status__in=Order.OPEN_STATUSES).order_by("pk")
    for order in rows.iterator():
        left = order.quantity - order.filled_quantity
        user = order.user_id
        if order.side == "buy":
            cash[user] -= order.price * left
        else:
            shares[user][order.listing_id] -= left
        open_count[user] += 1
        orders.append(
            [
                user, order.listing_id, str(order.epoch), order.sequence, order.side, order.price, order.quantity,
                order.filled_quantity,
            ]
        )  # fmt: skip
    accounts = [[user, cash[user], open_count[user], sorted(shares[user].items())] for user in sorted(cash)]
    return accounts, orders
