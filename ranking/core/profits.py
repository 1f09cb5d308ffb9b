"""Where a player's profit came from: stock by stock, and deal by deal. Whole won and shares.

A *deal* is what one sell order brought against what its shares had cost (the moving average, as the ledger keeps
it). Shares still held at the close are one more deal of their stock, at the closing value. So the profits of a
stock's deals add up to the stock's profit, and those of all stocks to what the player won or lost.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from trading.core.ledger import Position
from trading.core.orders import Side

BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class PlayerFill:
    """One side of a trade: whose order of which listing, when, how much."""

    trade_id: int
    order_id: int
    listing_id: int
    side: Side
    price: int
    quantity: int
    at: int
    is_maker: bool


@dataclass(frozen=True, slots=True)
class Deal:
    """Shares that were sold together, what they had cost and what they brought; `at` is None at the close."""

    listing_id: int
    quantity: int
    cost: int
    value: int
    at: int | None

    @property
    def profit(self) -> int:
        """What the deal won or lost."""
        return self.value - self.cost

    @property
    def profit_bps(self) -> int:
        """The profit as part of the cost, rounded down."""
        return self.profit * BASIS_POINTS // self.cost if self.cost else 0


@dataclass(frozen=True, slots=True)
class StockProfit:
    """What a player did in one stock: bought, sold, and held at the close (`left`), in shares and won."""

    listing_id: int
    fills: int
    bought_quantity: int
    bought_value: int
    sold_quantity: int
    sold_value: int
    left_quantity: int
    left_value: int

    @property
    def profit(self) -> int:
        """What the stock won or lost."""
        return self.sold_value + self.left_value - self.bought_value


def stock_review(
    listing_id: int, fills: Sequence[PlayerFill], closing_value: int
) -> tuple[StockProfit, list[Deal]]:
    """Return what came of a player's fills in one listing, which come in their order."""
    position = Position()
    bought_quantity = bought_value = sold_quantity = sold_value = 0
    deals: dict[int, Deal] = {}
    for fill in fills:
        value = fill.price * fill.quantity
        if fill.side is Side.BUY:
            position.buy(fill.quantity, value)
            bought_quantity += fill.quantity
            bought_value += value
            continue
        cost = position.sell(fill.quantity)
        sold_quantity += fill.quantity
        sold_value += value
        deal = deals.get(fill.order_id, Deal(listing_id, 0, 0, 0, fill.at))
        deals[fill.order_id] = replace(
            deal, quantity=deal.quantity + fill.quantity, cost=deal.cost + cost, value=deal.value + value
        )
    left_value = position.quantity * closing_value
    profit = StockProfit(
        listing_id=listing_id,
        fills=len(fills),
        bought_quantity=bought_quantity,
        bought_value=bought_value,
        sold_quantity=sold_quantity,
        sold_value=sold_value,
        left_quantity=position.quantity,
        left_value=left_value,
    )
    found = list(deals.values())
    if position.quantity:
        found.append(Deal(listing_id, position.quantity, position.cost, left_value, None))
    return profit, found


def best_and_worst(deals: Iterable[Deal]) -> tuple[Deal | None, Deal | None]:
    """Return the deal that won the most and the one that lost the most; None where none won, or none lost."""
    ordered = sorted(deals, key=lambda deal: -deal.profit)
    best = ordered[0] if ordered and ordered[0].profit > 0 else None
    worst = ordered[-1] if ordered and ordered[-1].profit < 0 else None
    return best, worst
