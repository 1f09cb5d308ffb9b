"""What the accepted commands of one listing should give: a second, slow and plain exchange.

It shares no code with the core: it reads the stream's texts by itself, searches lists where the book has ladders,
and keeps what each account has after every sequence, so that both the ledger (at its checkpoint) and the gate (as
far as it was released) can be compared with it.
"""

from collections import defaultdict
from copy import copy
from dataclasses import dataclass, field

VOID = "void"  # a sequence that recovery has passed over
CHUNK = "chunk"  # a part of the close, behind the end marker


@dataclass(slots=True)
class OracleOrder:
    """One order as its row in the ledger should be."""

    sequence: int
    epoch: int
    account: int
    client_order_id: str
    side: str
    type: str
    price: int
    quantity: int
    created_at: int
    priority: int
    filled: int = 0
    value: int = 0
    status: str = "open"
    reason: str = ""

    @property
    def left(self) -> int:
        """What is still open of it."""
        return self.quantity - self.filled

    @property
    def hold(self) -> int:
        """Won or shares that it keeps from being used otherwise."""
        return self.price * self.left if self.side == "buy" else self.left


@dataclass(slots=True)
class Assets:
    """What one account has of one listing's trading: differences for cash, balances for shares."""

    cash: int = 0
    shares: int = 0
    cost: int = 0
    held_cash: int = 0
    held_shares: int = 0
    open_orders: int = 0


@dataclass(slots=True)
class Entry:
    """One accepted command, as the gate wrote it."""

    epoch: int
    text: str

    def holds(self) -> tuple[int, int, int, int]:
        """Return what its acceptance took at the gate: account, won, shares, open orders."""
        words = self.text.split(" ")
        if words[0] == "submit":
            price, quantity = int(words[4]), int(words[5])
            if words[2] == "buy":
                return int(words[1]), price * quantity, 0, 1
            return int(words[1]), 0, quantity, 1
        if words[0] == "amend":
            extra = int(words[6])
            return (int(words[1]), extra, 0, 0) if words[3] == "buy" else (int(words[1]), 0, extra, 0)
        return 0, 0, 0, 0


@dataclass(slots=True)
class OracleListing:
    """One listing: apply its sequences in order, look at `orders`, `trades`, and `assets` after any sequence."""

    close_chunk: int
    last_price: int
    assets: dict[int, Assets] = field(default_factory=lambda: defaultdict(Assets))
    orders: dict[int, OracleOrder] = field(default_factory=dict)
    trades: list[tuple[int, int, int, str, int, int, int]] = field(default_factory=list)
    sequence: int = 0
    marker: int | None = None
    is_closed: bool = False
    history: dict[int, dict[int, Assets]] = field(default_factory=dict)

    def remember(self) -> None:
        """Keep what everybody has after the present sequence."""
        self.history[self.sequence] = {account: copy(assets) for account, assets in self.assets.items()}

    def apply(self, entry: Entry | None) -> None:
        """Apply the next sequence; None is a void sequence, or a chunk of the close behind the marker."""
        self.sequence += 1
        if entry is not None:
            words = entry.text.split(" ")
            getattr(self, f"_{words[0]}")(entry.epoch, *words[1:])
        self.remember()

    def close_some(self) -> None:
        """Cancel a chunk of what rests, oldest priority first."""
        self.sequence += 1
        resting = sorted(self._resting(), key=lambda order: order.priority)
        for order in resting[: self.close_chunk]:
            self._cancel_order(order, "closed")
        self.is_closed = len(resting) <= self.close_chunk
        self.remember()

    def _resting(self) -> list[OracleOrder]:
        return [order for order in self.orders.values() if order.status in ("open", "partially_filled")]

    def _submit(
        self, epoch: int, account: str, side: str, type: str, price: str, quantity: str, time: str, id: str
    ) -> None:
        order = OracleOrder(
            self.sequence, epoch, int(account), id, side, type, int(price), int(quantity), int(time), self.sequence
        )  # fmt: skip
        resting = self._resting()
        self.orders[self.sequence] = order
        self._hold(order, order.hold, 1)
        self._match(order, resting, int(time))
        if order.status != "canceled" and order.left and type == "market":
            self._cancel_order(order, "market_remainder")

    def _amend(
        self, _: int, account: str, number: str, side: str, price: str, quantity: str, extra: str, time: str
    ) -> None:
        order = self.orders.get(int(number))
        if order is None or order.account != int(account) or order.status not in ("open", "partially_filled"):
            return
        new_price = order.price if price == "-" else int(price)
        new_quantity = order.quantity if quantity == "-" else int(quantity)
        if new_quantity <= order.filled:
            return
        self._hold(order, -order.hold, 0)
        moved = new_price != order.price or new_quantity > order.quantity
        order.price, order.quantity = new_price, new_quantity
        self._hold(order, order.hold, 0)
        if moved:
            order.priority = self.sequence
            self._match(order, [other for other in self._resting() if other is not order], int(time))

    def _cancel(self, _: int, account: str, number: str, time: str) -> None:
        order = self.orders.get(int(number))
        if order and order.account == int(account) and order.status in ("open", "partially_filled"):
            self._cancel_order(order, "user")

    def _cancel_all(self, _: int, account: str, time: str) -> None:
        for order in self._resting():
            if order.account == int(account):
                self._cancel_order(order, "user")

    def _close(self, _: int, time: str) -> None:
        self.marker = self.sequence

    def _match(self, taker: OracleOrder, resting: list[OracleOrder], time_ms: int) -> None:
        """Trade with the best price first, then the oldest priority, as long as prices cross."""
        sign = 1 if taker.side == "buy" else -1
        others = [
            order
            for order in resting
            if order.side != taker.side and sign * order.price <= sign * taker.price
        ]
        others.sort(key=lambda order: (sign * order.price, order.priority))
        for maker in others:
            if not taker.left:
                return
            if maker.account == taker.account:
                self._cancel_order(taker, "self_trade")
                return
            self._trade(maker, taker, min(maker.left, taker.left), time_ms)

    def _trade(self, maker: OracleOrder, taker: OracleOrder, quantity: int, time_ms: int) -> None:
        price, value = maker.price, maker.price * quantity
        buyer, seller = (taker, maker) if taker.side == "buy" else (maker, taker)
        for order in (maker, taker):
            self._hold(order, -order.hold, 0)
            order.filled += quantity
            order.value += value
            order.status = "partially_filled" if order.left else "filled"
            self._hold(order, order.hold, 0 if order.left else -1)
        bought, sold = self.assets[buyer.account], self.assets[seller.account]
        cost = sold.cost * quantity // sold.shares
        sold.cash += value
        sold.shares -= quantity
        sold.cost -= cost
        bought.cash -= value
        bought.shares += quantity
        bought.cost += value
        self.last_price = price
        self.trades.append(
            (self.sequence, maker.sequence, taker.sequence, taker.side, price, quantity, time_ms)
        )

    def _cancel_order(self, order: OracleOrder, reason: str) -> None:
        self._hold(order, -order.hold, -1)
        order.status, order.reason = "canceled", reason

    def _hold(self, order: OracleOrder, amount: int, orders: int) -> None:
        assets = self.assets[order.account]
        if order.side == "buy":
            assets.held_cash += amount
        else:
            assets.held_shares += amount
        assets.open_orders += orders
