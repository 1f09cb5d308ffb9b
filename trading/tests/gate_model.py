"""A reference gate on top of the pure core: it knows fills only as far as they were settled and released.

The core's own `Exchange` applies each command at once. Here commands wait, as in a listing's stream, and the gate goes
on deciding by what it knew before: orders filled as far as published, one amend in flight, a cancel on its way.
"""

from dataclasses import dataclass, field

from trading.core.book import Book
from trading.core.commands import Amend, Cancel, CancelAll, Command, Submit
from trading.core.events import AmendRejected, Canceled, Event, Traded
from trading.core.exchange import Listing, check_quantity_and_price
from trading.core.ledger import Position, Settlement, amend_extra_hold, order_hold
from trading.core.orders import OrderType, Side
from trading.core.rejects import RejectCode
from trading.core.ticks import daily_limits, protection_price


@dataclass
class KnownOrder:
    """An order as the gate knows it."""

    name: str
    account: str
    symbol: str
    sequence: int
    side: Side
    type: OrderType
    price: int
    quantity: int
    filled: int = 0
    is_open: bool = True
    is_amending: bool = False
    is_cancelling: bool = False


@dataclass
class KnownListing:
    """A listing: what the gate has of it, what waits, and the book behind."""

    terms: Listing
    given: int = 0
    waiting: list[Command] = field(default_factory=list)
    positions: dict[str, Position] = field(default_factory=dict)


class GateModel:
    """Each command returns its refusal's code or None, and takes the hold."""

    def __init__(
        self, symbols: tuple[str, ...], players: tuple[str, ...], base_price: int, cash: int, shares: int
    ) -> None:
        lower, upper = daily_limits(base_price)
        self.listings = {
            symbol: KnownListing(Listing(symbol, base_price, lower, upper, base_price, Book(symbol)))
            for symbol in symbols
        }
        for listing in self.listings.values():
            listing.positions = {player: Position(shares, shares * base_price) for player in players}
        self.cash = dict.fromkeys(players, cash)
        self.shares = {player: dict.fromkeys(symbols, shares) for player in players}
        self.orders: dict[str, KnownOrder] = {}

    def _append(self, listing: KnownListing, command: Command) -> None:
        listing.given += 1
        listing.waiting.append(command)

    def _take(self, player: str, symbol: str, side: Side, hold: int) -> RejectCode | None:
        if side is Side.BUY:
            if hold > self.cash[player]:
                return RejectCode.INSUFFICIENT_CASH
            self.cash[player] -= hold
        else:
            if hold > self.shares[player][symbol]:
                return RejectCode.INSUFFICIENT_SHARES
            self.shares[player][symbol] -= hold
        return None

    def submit(
        self, name: str, player: str, symbol: str, side: Side, price: int | None, quantity: int
    ) -> RejectCode | None:
        """Place an order; `name` is what it is called from then on. No price: a market order."""
        listing = self.listings.get(symbol)
        if listing is None:
            return RejectCode.UNKNOWN_SYMBOL
        terms = listing.terms
        if terms.is_halted:
            return RejectCode.HALTED
        kind = OrderType.MARKET if price is None else OrderType.LIMIT
        if price is None:
            price = protection_price(side, terms.last_price, terms.lower_limit, terms.upper_limit)
        code = check_quantity_and_price(terms, price, quantity)
        code = code or self._take(player, symbol, side, order_hold(side, price, quantity))
        if code is None:
            sequence = listing.given + 1
            self._append(listing, Submit(sequence, sequence, player, side, kind, price, quantity, 0))
            self.orders[name] = KnownOrder(name, player, symbol, sequence, side, kind, price, quantity)
        return code

    def _found(self, player: str, name: str) -> tuple[KnownOrder | None, RejectCode | None]:
        order = self.orders.get(name)
        if order is None or order.account != player:
            return None, RejectCode.ORDER_NOT_FOUND
        return order, None if order.is_open else RejectCode.ORDER_NOT_OPEN

    def amend(self, player: str, name: str, price: int | None, quantity: int | None) -> RejectCode | None:
        """Amend an order by what is known of it."""
        order, code = self._found(player, name)
        if order is None or code is not None:
            return code
        if order.is_cancelling or order.type is not OrderType.LIMIT:
            return RejectCode.ORDER_NOT_OPEN
        if order.is_amending:
            return RejectCode.AMEND_PENDING
        listing = self.listings[order.symbol]
        if listing.terms.is_halted:
            return RejectCode.HALTED
        new_price = order.price if price is None else price
        new_quantity = order.quantity if quantity is None else quantity
        if new_quantity <= order.filled:
            return RejectCode.INVALID_QUANTITY
        code = check_quantity_and_price(listing.terms, new_price, new_quantity)
        if code is not None:
            return code
        extra = amend_extra_hold(
            order.side, order.price, order.quantity, order.filled, new_price, new_quantity
        )
        code = self._take(player, order.symbol, order.side, extra)
        if code is None:
            command = Amend(listing.given + 1, order.sequence, player, order.side, price, quantity, extra, 0)
            self._append(listing, command)
            order.is_amending = True
        return code

    def cancel(self, player: str, name: str) -> RejectCode | None:
        """Cancel an order; what is on its way already is accepted again and adds nothing."""
        order, code = self._found(player, name)
        if order is None or code is not None:
            return code
        if not order.is_cancelling:
            listing = self.listings[order.symbol]
            self._append(listing, Cancel(listing.given + 1, order.sequence, player, 0))
            order.is_cancelling = True
        return None

    def cancel_all(self, player: str, symbol: str | None) -> RejectCode | None:
        """Cancel what is open of a player, in one listing or in all."""
        if symbol is not None and symbol not in self.listings:
            return RejectCode.UNKNOWN_SYMBOL
        mine = [
            order
            for order in self.orders.values()
            if order.account == player and order.is_open and symbol in (None, order.symbol)
        ]
        for concerned in {order.symbol for order in mine}:
            listing = self.listings[concerned]
            self._append(listing, CancelAll(listing.given + 1, player, 0))
        for order in mine:
            order.is_cancelling = True
        return None

    def settle(self, symbol: str, count: int) -> None:
        """Apply up to `count` of what waits, in one batch, and let the gate know of it."""
        listing = self.listings[symbol]
        commands, listing.waiting = listing.waiting[:count], listing.waiting[count:]
        settlement = Settlement(listing.positions)  # type: ignore[arg-type]
        events: list[Event] = []
        for command in commands:
            events += listing.terms.book.apply(command)
        settlement.add_all(events)
        for player, delta in settlement.deltas.items():
            self.cash[player] += delta.available_cash  # type: ignore[index]
            self.shares[player][symbol] += delta.available_shares  # type: ignore[index]
        self._learn(listing, commands, events)

    def _learn(self, listing: KnownListing, commands: list[Command], events: list[Event]) -> None:
        ended = set()
        for event in events:
            if isinstance(event, Traded):
                listing.terms.last_price = event.price
                for key, left in (
                    (event.maker, event.maker_open_quantity),
                    (event.taker, event.taker_open_quantity),
                ):
                    self._order(listing, key).filled += event.quantity
                    if not left:
                        ended.add(key)
            elif isinstance(event, Canceled):
                ended.add(event.order_id)
        for command in commands:
            if isinstance(command, Amend):
                order = self._order(listing, command.order_id)
                order.is_amending = False
                if not any(isinstance(e, AmendRejected) and e.order_id == command.order_id for e in events):
                    order.price = order.price if command.price is None else command.price
                    order.quantity = order.quantity if command.quantity is None else command.quantity
        for key in ended:
            self._order(listing, key).is_open = False

    def _order(self, listing: KnownListing, key: object) -> KnownOrder:
        return next(
            order
            for order in self.orders.values()
            if order.symbol == listing.terms.symbol and order.sequence == key
        )
