"""What must be true after every step: ledger and gate are what the oracles make of the accepted commands."""

import random
from zlib import crc32

from trading import halting, tasks
from trading.audit import market_audit
from trading.models import Market
from trading.simulation.model import ListingModel, Model, check
from trading.simulation.oracle import OracleListing, OracleOrder
from trading.simulation.world import World

_ORDERS = (
    "SELECT id, epoch, user_id, client_order_id, side, type, price, quantity, created_at, priority, filled_quantity,"
    " filled_value, status, reason FROM trading_order WHERE listing_id = ? ORDER BY id"
)
_TRADES = (
    "SELECT id, sequence, maker_order_id, taker_order_id, taker_side, price, quantity, traded_at, maker_id, taker_id"
    " FROM trading_trade WHERE listing_id = ? ORDER BY id"
)
_HOLDINGS = (
    "SELECT user_id, quantity, cost FROM trading_holding WHERE listing_id = ? AND (quantity > 0 OR cost > 0)"
)
_LISTING = "SELECT last_price, volume, trade_count, book_digest FROM trading_listing WHERE id = ?"


def step_check(model: Model) -> None:
    """Bring the oracles to the checkpoints and compare the ledger, then the gate, with them.

    A database that lacks what was released is compared with itself alone: the gate knows more.
    """
    moved = [listing for listing in model.listings.values() if listing.oracle.sequence != listing.checkpoint]
    for listing in moved:
        _advance(listing)
        _compare_rows(model, listing)
    if moved:
        _compare_cash(model)
    if model.is_open and not is_behind(model):
        _compare_gate(model)


def is_behind(model: Model) -> bool:
    """Return whether the gate has released what the ledger lacks. Only a loss of the database may bring that about."""
    found = [listing for listing in model.listings.values() if listing.applied > listing.checkpoint]
    check(not found or model.is_ledger_lost, lambda: f"{found[0].symbol}: released more than is settled")
    return bool(found)


def _advance(listing: ListingModel) -> None:
    """Have the oracle apply what the engine says it has applied."""
    oracle = listing.oracle
    check(oracle.sequence < listing.checkpoint, lambda: f"{listing.symbol}: the checkpoint went back")
    while oracle.sequence < listing.checkpoint:
        sequence = oracle.sequence + 1
        if sequence in listing.log:
            oracle.apply(listing.log[sequence])
        else:
            check(
                oracle.marker is not None and not oracle.is_closed,
                lambda: f"{listing.symbol}: {sequence} is settled, nobody has accepted it",
            )
            oracle.close_some()
    check(
        (listing.marker, listing.is_closed) == (oracle.marker, oracle.is_closed),
        lambda: (
            f"{listing.symbol}: marker and close {listing.marker, listing.is_closed},"
            f" should be {oracle.marker, oracle.is_closed}"
        ),
    )


def _compare_rows(model: Model, listing: ListingModel) -> None:
    raw, oracle, name = model.world.connection.connection, listing.oracle, listing.symbol
    rows = raw.execute(_ORDERS, [listing.id]).fetchall()
    _equal(f"{name}: orders", rows, [_order_row(listing.id, order) for order in oracle.orders.values()])
    base = listing.id << 32
    trades = [
        (
            base | number, sequence, base | maker, base | taker, side, price, quantity, time_ms,
            oracle.orders[maker].account, oracle.orders[taker].account,
        )
        for number, (sequence, maker, taker, side, price, quantity, time_ms) in enumerate(oracle.trades, 1)
    ]  # fmt: skip
    _equal(f"{name}: trades", raw.execute(_TRADES, [listing.id]).fetchall(), trades)
    held = sorted(
        (account, assets.shares, assets.cost)
        for account, assets in oracle.assets.items()
        if assets.shares or assets.cost
    )
    _equal(f"{name}: holdings", sorted(raw.execute(_HOLDINGS, [listing.id]).fetchall()), held)
    volume = sum(trade[6] for trade in trades)
    _equal(
        f"{name}: last price, volume, trades, digest of the book",
        raw.execute(_LISTING, [listing.id]).fetchall(),
        [(oracle.last_price, volume, len(trades), _digest(oracle))],
    )


def _digest(oracle: OracleListing) -> int:
    """Return the digest of what rests, and see that it is not crossed."""
    resting = [order for order in oracle.orders.values() if order.status in ("open", "partially_filled")]
    bids = [order.price for order in resting if order.side == "buy"]
    asks = [order.price for order in resting if order.side == "sell"]
    check(not bids or not asks or max(bids) < min(asks), "the book is crossed")
    texts = (
        f"{order.sequence}:{order.account}:{order.side}:{order.price}:{order.quantity}:{order.filled}:{order.value}"
        f":{order.priority}"
        for order in resting
    )
    return sum(crc32(text.encode()) for text in texts) % 2**63


def _order_row(listing_id: int, order: OracleOrder) -> tuple[int | str, ...]:
    return (
        listing_id << 32 | order.sequence, order.epoch, order.account, order.client_order_id, order.side, order.type,
        order.price, order.quantity, order.created_at, order.priority, order.filled, order.value, order.status,
        order.reason,
    )  # fmt: skip


def _compare_cash(model: Model) -> None:
    raw = model.world.connection.connection
    rows = dict(
        raw.execute("SELECT user_id, cash FROM trading_portfolio WHERE market_id = ?", [model.market_id])
    )
    ordered = {
        order.account for listing in model.listings.values() for order in listing.oracle.orders.values()
    }
    expected = {
        account: model.granted_cash.get(account, model.initial_cash)
        + sum(listing.oracle.assets[account].cash for listing in model.listings.values())
        for account in model.accounts
        if account in ordered or account in model.granted_cash
    }
    _equal("cash", sorted(rows.items()), sorted(expected.items()))
    check(all(cash >= 0 for cash in rows.values()), lambda: f"negative cash: {rows}")


def _compare_gate(model: Model) -> None:
    """applied ≤ checkpoint ≤ given; available = what was released so far − holds accepted since."""
    for listing in model.listings.values():
        check(
            0 <= listing.applied <= listing.checkpoint,
            lambda: f"{listing.symbol}: released {listing.applied}, settled {listing.checkpoint}",
        )
        if listing.marker is None:
            check(
                listing.checkpoint <= listing.given == listing.newest,
                lambda: (
                    f"{listing.symbol}: settled {listing.checkpoint}, given {listing.given},"
                    f" logged {listing.newest}"
                ),
            )
    expected = _available(model)
    for account, state in model.available.items():
        real = {key: int(value) for key, value in state.items() if value != "0" or key == "cash"}
        if real != expected.get(account, {}):
            check(False, f"account {account} at the gate: {real}, should be {expected.get(account, {})}")
        check(all(value >= 0 for value in real.values()), lambda: f"account {account} is negative: {real}")


def _available(model: Model) -> dict[int, dict[str, int]]:
    """Return each account's hash at the gate as it should be, zeros left out."""
    found = {account: {"cash": cash, "open": 0} for account, cash in model.granted_cash.items()}

    def add(account: int, field: str, won: int, shares: int, orders: int) -> None:
        state = found.get(account)
        if state is None:
            state = found[account] = {"cash": model.initial_cash, "open": 0}
        state["cash"] += won
        state["open"] += orders
        state[field] = state.get(field, 0) + shares

    for listing in model.listings.values():
        field = f"s{listing.id}"
        for account, assets in listing.oracle.history[listing.applied].items():
            add(
                account,
                field,
                assets.cash - assets.held_cash,
                assets.shares - assets.held_shares,
                assets.open_orders,
            )
        for sequence in range(listing.applied + 1, listing.newest + 1):
            entry = listing.log.get(sequence)
            if entry is not None:
                account, won, shares, orders = entry.holds()
                if account:
                    add(account, field, -won, -shares, orders)
    return {
        account: {key: value for key, value in state.items() if value or key == "cash"}
        for account, state in found.items()
    }


def halt_check(world: World, model: Model, draw: random.Random) -> None:
    """The database has lost what the gate has released: listings that lack it are halted.

    (Or have it again: an engine that was at that very checkpoint applies the same entries once more.)
    """
    raw = world.connection.connection
    behind = [listing for listing in model.listings.values() if listing.applied > listing.checkpoint]
    if draw.random() < 0.3:  # a new run of the store must not hide it
        world.store_started()
    for process in (0, 1, 0, 1):
        world.process_use(process)
        tasks.sweep()
        for listing in model.listings.values():
            halting.forget_all()
            tasks.drain(listing.id)
    for listing in behind:
        [(checkpoint, is_halted)] = raw.execute(
            "SELECT checkpoint, is_halted FROM trading_listing WHERE id = ?", [listing.id]
        )
        at_gate, applied = world.store.hmget(f"listing:{listing.id}", "halted", "applied")
        check(
            (is_halted and at_gate == b"1") or checkpoint >= int(applied or 0),
            lambda: f"{listing.symbol} lost its ledger's tail, and is not halted",
        )


def full_check(model: Model) -> None:
    """Let the system's own audit look at everything: books, digests, sequences, balances."""
    with model.world.seams.off():
        faults = [item for item in market_audit(Market.objects.get(pk=model.market_id)) if not item.ok]
    check(not faults, lambda: f"audit: {'; '.join(f'{item.name}: {item.detail}' for item in faults)}")


def end_check(model: Model) -> None:
    """Everything accepted has ended, once, with a reason; what was answered is what the ledger says."""
    for listing in model.listings.values():
        check(listing.is_closed, lambda: f"{listing.symbol} is not closed")
        check(listing.applied == listing.checkpoint, lambda: f"{listing.symbol}: released {listing.applied}")
        for order in listing.oracle.orders.values():
            check(
                order.status == "filled" or (order.status == "canceled" and bool(order.reason)),
                lambda: f"{listing.symbol}: order {order.sequence} ends as {order.status}",
            )
    raw = model.world.connection.connection
    rows = raw.execute(
        "SELECT o.user_id, o.client_order_id, o.listing_id || '-' || o.epoch || '-' || (o.id & 4294967295)"
        " FROM trading_order o JOIN trading_listing l ON l.id = o.listing_id WHERE l.market_id = ?",
        [model.market_id],
    ).fetchall()
    ledger = {(user, client_order_id): order_id for user, client_order_id, order_id in rows}
    check(len(ledger) == len(rows), "a client_order_id is in the ledger twice")
    for key, request in model.requests.items():
        if request.answered and request.answered not in model.lost_orders:
            check(
                ledger.get(key) == request.answered,
                lambda: f"{key} was answered {request.answered}, the ledger has {ledger.get(key)}",
            )
    check(ledger == model.placed, lambda: f"placed {model.placed}, in the ledger {ledger}")


def _equal(what: str, real: list[tuple], expected: list[tuple]) -> None:  # type: ignore[type-arg]
    if real != expected:
        difference = [f"-{row}" for row in expected if row not in real]
        difference += [f"+{row}" for row in real if row not in expected]
        check(
            False,
            f"{what} are not what the accepted commands give: {'; '.join(difference[:6]) or 'the order'}",
        )
