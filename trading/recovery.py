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
from trading.locks import gate_record_lock, listings_lock
from trading.models import Holding, Listing, Market, Order, Portfolio

logger = logging.getLogger(__name__)

LOAD_CHUNK = 1_000


def gate_ensure_open() -> bool:
    """Open the gate if it is not open on the store that answers; returns whether it is open now.

    Returns False while entries accepted by the former epoch wait to be applied: wake the engines and call again.
    Two callers do no harm: whoever comes second finds the gate open.
    """
    client = gate()
    if client.is_open():
        return True
    market = Market.objects.order_by("-pk").first()
    epoch = _epoch_begin(market)
    if epoch is None:
        return client.is_open()
    with transaction.atomic():
        record = gate_record_lock()
        if client.is_open():
            return True
        if record.epoch != epoch or record.run_id != client.store_run_id():
            return False  # while we waited the gate was opened by another, or the store replaced again
        if market is None:
            client.run("reopen", epoch, record.run_id)
        else:
            _load(market, epoch, record.run_id)
    logger.warning("The gate opens in epoch %s.", epoch)
    return client.is_open()


def _epoch_begin(market: Market | None) -> int | None:
    """Return an epoch that no order id carries yet; None when the gate is open or entries wait to be applied.

    Moves each checkpoint by one, so that a worker who still holds a batch of the lost store is fenced: settled
    behind our back, the batch would release holds that the gate is not told of.
    """
    client = gate()
    with transaction.atomic():
        record = gate_record_lock()
        if client.is_open() or (market is not None and not _streams_applied(market)):
            return None
        former = max(record.epoch, int(client.state().get("epoch", 0)))
        record.epoch = former + 1
        record.run_id = client.store_run_id()
        record.save()
        if market is not None and former:
            _checkpoints_advance(market)
        return int(record.epoch)


def _checkpoints_advance(market: Market) -> None:
    """Pass over one sequence of each listing.

    Where the gate has released more than is settled, the database has lost batches: loading would hide that, so
    the listing is halted for staff to look at.
    """
    listings = listings_lock(market)
    sequences = gate().sequences([listing.pk for listing in listings])
    for listing in listings:
        _, released = sequences[listing.pk]
        if released > listing.checkpoint:
            listing.is_halted, listing.halted_by = True, Listing.HaltedBy.STAFF
            listing.halt_reason = (
                f"the database has lost settled batches: {listing.checkpoint + 1} to {released}"
            )
            listing.save(update_fields=["is_halted", "halted_by", "halt_reason"])
            logger.error("Listing %s is halted: %s.", listing, listing.halt_reason)
        if not listing.is_closed:
            Listing.objects.filter(pk=listing.pk).update(checkpoint=F("checkpoint") + 1)


def _streams_applied(market: Market) -> bool:
    """Return whether every accepted entry of the market's listings has been settled."""
    return not any(
        gate().entries(listing.pk, 0, listing.checkpoint, 1)
        for listing in market.listings.all()
        if not listing.is_closed
    )


def market_load(market: Market) -> bool:
    """Tell the open gate all it needs to serve a market; False when it does already, or is not open."""
    with transaction.atomic():
        return _load(market, None)


def _load(market: Market, epoch: int | None, run_id: str = "") -> bool:
    """Load a market into the gate, as of the transaction around; `epoch` also opens the gate, if it is that run of
    the store: on another, put in its place since, part of the market would be missing.
    """
    market.refresh_from_db(fields=["opens_at", "closes_at", "paused_at", "revision"])
    listings = listings_lock(market)
    accounts, orders = _account_states(market, listings)
    parts = [("listings", [listing.pk for listing in listings]), ("accounts", accounts), ("orders", orders)]
    if epoch is not None:
        parts.append(("requests", _requests(listings)))
    client = gate()
    for name, items in parts:
        for start in range(0, len(items), LOAD_CHUNK):
            if not client.run("load", market.pk, _encoded({name: items[start : start + LOAD_CHUNK]})):
                return False
    served = {
        "market": market.pk,
        "opens_at": market.opens_at,
        "closes_at": market.closes_at,
        "initial_cash": market.initial_cash,
        "closed": int(any(listing.marker is not None for listing in listings)),
        "suspended": int(Market.objects.filter(pk=market.pk, suspended_at__isnull=False).exists()),
        "paused": int(market.is_paused),
        "revision": market.revision,
        "listings": [
            [
                listing.pk, listing.symbol, listing.lower_limit, listing.upper_limit, listing.last_price,
                int(listing.is_halted), listing.checkpoint, int(listing.marker is not None),
            ]
            for listing in listings
        ],
    }  # fmt: skip
    return bool(client.run("serve", _encoded(served), "" if epoch is None else epoch, run_id))


def _requests(listings: list[Listing]) -> list[Any]:
    """Return which client ids the market's people have used for which order, as far as the store may not know them.

    Bots never ask again. A store that came back with its log knows them all: they were written together with
    the sequence of their order.
    """
    found: list[Any] = []
    columns = ("user_id", "client_order_id", "epoch", "id")
    for listing, sequence in _sequences_known(listings).items():
        rows = Order.objects.filter(listing=listing, pk__gt=listing << 32 | sequence, user__is_bot=False)
        for user, client_order_id, epoch, key in (
            rows.exclude(client_order_id="").values_list(*columns).iterator()
        ):
            found.append([user, client_order_id, f"{listing}-{epoch}-{key & 0xFFFFFFFF}"])
    return found


def _sequences_known(listings: list[Listing]) -> dict[int, int]:
    """Return for each listing the sequence up to which the store's memory is that of the ledger.

    That is what the store says it has given, unless the ledger has orders of a later epoch than the store's own:
    then another store has given sequences since, and this one knows nothing of what they stand for.
    """
    client = gate()
    epoch = int(client.state().get("epoch", 0))
    given = client.sequences([listing.pk for listing in listings])
    known = {}
    for listing in listings:
        newest = Order.objects.filter(listing=listing).order_by("-pk").values_list("epoch", flat=True).first()
        is_later = newest is not None and newest > epoch
        known[listing.pk] = 0 if is_later else max(0, given[listing.pk][0])
    return known


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
