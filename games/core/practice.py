"""A private game of one player against the bots, in memory from the opening to the close.

Everything follows from the seed, the length and the player's commands at their times: the same ones give the same
tape. Times are milliseconds since trading began; money is whole won. The shares that are left at the close are
valued as in a real game: at the volume-weighted price of the last half minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from games.core.simulated import Fill, SimulatedCompany, SimulatedGame
from trading.core.events import Amended, Canceled, CancelReason, Event, Rejected
from trading.core.orders import OrderStatus, OrderType, Side
from trading.core.rejects import RejectCode

PLAYER = "player"  # the player's account in the exchange: a bot's nickname may not be this
OPEN_ORDERS_MAX = 100
WINDOW_MS = 30_000
BASIS_POINTS = 10_000


@dataclass(slots=True)
class PracticeOrder:
    """One of the player's orders. `price` of a market order is None; `value` is what its fills cost."""

    order_id: str
    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    price: int | None
    quantity: int
    created_at: int
    filled: int = 0
    value: int = 0
    status: OrderStatus = OrderStatus.OPEN
    reason: CancelReason | None = None

    @property
    def is_open(self) -> bool:
        """Whether any of it can still trade."""
        return self.status in (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command: the order it is about, or why it was refused."""

    order_id: str = ""
    code: RejectCode | None = None
    is_duplicate: bool = False


@dataclass(frozen=True, slots=True)
class ListingOutcome:
    """A listing at the close: a share's worth, what it was really worth, and what the player made of it."""

    symbol: str
    base_price: int
    value: int
    fundamental: int
    profit: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the game ended. The house is who holds all listings equally."""

    equity: int
    return_bps: int
    house_return_bps: int
    fills: int
    listings: tuple[ListingOutcome, ...]


@dataclass(slots=True)
class _Book:
    """The player's own records."""

    orders: dict[str, PracticeOrder] = field(default_factory=dict)
    open: dict[str, PracticeOrder] = field(default_factory=dict)
    by_client_id: dict[str, tuple[str, tuple[object, ...]]] = field(default_factory=dict)
    ended: list[PracticeOrder] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    tape_read: int = 0


class PracticeGame:
    """One game, in a market that has just opened and that nobody else plays in."""

    def __init__(self, market: SimulatedGame, *, cash: int) -> None:
        self.market = market
        self.initial_cash = cash
        market.join(PLAYER, cash=cash)
        self._book = _Book()

    # Reading --------------------------------------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        """The time the game has reached."""
        return self.market.now_ms

    @property
    def is_over(self) -> bool:
        """Whether trading has ended."""
        return self.market.is_over

    @property
    def fills(self) -> Sequence[Fill]:
        """The player's fills, oldest first."""
        return self._book.fills

    def open_orders(self) -> list[PracticeOrder]:
        """Return the player's open orders, oldest first."""
        return list(self._book.open.values())

    @property
    def ended_orders(self) -> Sequence[PracticeOrder]:
        """The player's orders that have ended, in the order in which they did."""
        return self._book.ended

    def order(self, order_id: str) -> PracticeOrder | None:
        """Return an order of the player, open or not."""
        return self._book.orders.get(order_id)

    def shares(self, symbol: str) -> tuple[int, int, int]:
        """Return the shares the player has, those not in sell orders, and what was paid for them."""
        exchange = self.market.exchange
        position = exchange.positions.get(symbol, {}).get(PLAYER)
        held, cost = (position.quantity, position.cost) if position else (0, 0)
        return held, exchange.available_shares(PLAYER, symbol), cost

    def cash(self) -> tuple[int, int]:
        """Return the player's cash, and what of it is not in buy orders."""
        balance = self.market.exchange.balance(PLAYER)
        return balance.cash, balance.available_cash

    def equity(self) -> int:
        """Return cash and shares at the last prices; at the close, at the closing values."""
        worth = self.closing_value if self.is_over else self.market.last_price
        return self.cash()[0] + sum(
            self.shares(symbol)[0] * worth(symbol) for symbol in self.market.exchange.listings
        )

    def closing_value(self, symbol: str) -> int:
        """Return what a share is worth at the close, rounded down; the last price where nothing was traded."""
        quantity = value = 0
        for fill in reversed(self.market.tape):
            if fill.at_ms < self.market.trading_ms - WINDOW_MS:
                break
            if fill.symbol == symbol:
                quantity += fill.quantity
                value += fill.price * fill.quantity
        return value // quantity if quantity else self.market.last_price(symbol)

    def outcome(self) -> Outcome:
        """Return how the game stands at the close."""
        listings = [self._listing_outcome(company) for company in self.market.companies]
        equity = self.equity()
        gains = [
            (listing.value - listing.base_price) * BASIS_POINTS // listing.base_price for listing in listings
        ]
        return Outcome(
            equity=equity,
            return_bps=(equity - self.initial_cash) * BASIS_POINTS // self.initial_cash,
            house_return_bps=sum(gains) // len(gains),
            fills=len(self._book.fills),
            listings=tuple(listings),
        )

    def _listing_outcome(self, company: SimulatedCompany) -> ListingOutcome:
        symbol = company.symbol
        value = self.closing_value(symbol)
        flows = sum(
            -fill.price * fill.quantity if self.side_of(fill) is Side.BUY else fill.price * fill.quantity
            for fill in self._book.fills
            if fill.symbol == symbol
        )
        return ListingOutcome(
            symbol=symbol,
            base_price=company.base_price,
            value=value,
            fundamental=self.market.fundamental(symbol),
            profit=flows + self.shares(symbol)[0] * value,
        )

    def side_of(self, fill: Fill) -> Side:
        """Return on which side the player was in a fill of theirs."""
        return fill.taker_side if fill.taker_account == PLAYER else fill.taker_side.opposite

    def order_id_of(self, fill: Fill) -> str:
        """Return the player's order in a fill of theirs."""
        return str(fill.taker if fill.taker_account == PLAYER else fill.maker)

    # Time and commands ----------------------------------------------------------------------------------

    def advance(self, until_ms: int) -> None:
        """Let the market go on to a time; at its end everything that rests is cancelled."""
        self.market.advance(until_ms)
        self._read_tape()
        if self.is_over:
            for order in list(self._book.open.values()):
                self._end(order, CancelReason.CLOSED)

    def submit(
        self,
        client_order_id: str,
        symbol: str,
        side: Side,
        type_: OrderType,
        price: int | None,
        quantity: int,
    ) -> Answer:
        """Place an order at the time the game has reached. A repeat of the same one places nothing."""
        body = (symbol, side, type_, price, quantity)
        if client_order_id in self._book.by_client_id:
            order_id, first = self._book.by_client_id[client_order_id]
            if first != body:
                return Answer(code=RejectCode.CLIENT_ORDER_ID_REUSED)
            return Answer(order_id, is_duplicate=True)
        if len(self._book.open) >= OPEN_ORDERS_MAX:
            return Answer(code=RejectCode.TOO_MANY_OPEN_ORDERS)
        order_id = f"{PLAYER}-{len(self._book.orders) + 1}"
        events = self.market.submit(PLAYER, order_id, symbol, side, type_, price, quantity)
        if (code := _refusal(events)) is not None:
            return Answer(code=code)
        order = PracticeOrder(
            order_id, client_order_id, symbol, side, type_, price, quantity, created_at=self.now_ms
        )
        self._book.orders[order_id] = self._book.open[order_id] = order
        self._book.by_client_id[client_order_id] = (order_id, body)
        self._apply(events)
        return Answer(order_id)

    def amend(self, order_id: str, price: int | None, quantity: int | None) -> Answer:
        """Change an open order at the time the game has reached."""
        events = self.market.amend(PLAYER, order_id, price, quantity)
        return self._answered(order_id, events)

    def cancel(self, order_id: str) -> Answer:
        """End an open order."""
        return self._answered(order_id, self.market.cancel(PLAYER, order_id))

    def cancel_all(self) -> Answer:
        """End all of the player's open orders."""
        return self._answered("", self.market.cancel_all(PLAYER))

    def _answered(self, order_id: str, events: Sequence[Event]) -> Answer:
        code = _refusal(events)
        if code is None:
            self._apply(events)
        return Answer(order_id, code)

    # The player's records -------------------------------------------------------------------------------

    def _apply(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Amended) and event.account == PLAYER:
                order = self._book.orders[str(event.order_id)]
                order.price, order.quantity = event.price, event.quantity
        self._read_tape()
        for event in events:
            if isinstance(event, Canceled) and event.account == PLAYER:
                self._end(self._book.orders[str(event.order_id)], event.reason)

    def _read_tape(self) -> None:
        """Take over the fills the player was part of since the last time."""
        tape = self.market.tape
        for index in range(self._book.tape_read, len(tape)):
            fill = tape[index]
            if PLAYER in (fill.taker_account, fill.maker_account):
                self._book.fills.append(fill)
                self._filled(self._book.orders[self.order_id_of(fill)], fill)
        self._book.tape_read = len(tape)

    def _filled(self, order: PracticeOrder, fill: Fill) -> None:
        order.filled += fill.quantity
        order.value += fill.price * fill.quantity
        order.status = OrderStatus.FILLED if order.filled == order.quantity else OrderStatus.PARTIALLY_FILLED
        if not order.is_open:
            self._close(order)

    def _end(self, order: PracticeOrder, reason: CancelReason) -> None:
        order.status, order.reason = OrderStatus.CANCELED, reason
        self._close(order)

    def _close(self, order: PracticeOrder) -> None:
        del self._book.open[order.order_id]
        self._book.ended.append(order)


def _refusal(events: Sequence[Event]) -> RejectCode | None:
    first = events[0] if events else None
    return first.code if isinstance(first, Rejected) else None
