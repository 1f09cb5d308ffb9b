"""Rows of the ledger, made directly: what the tests of reads start from."""

from dataclasses import dataclass, field
from itertools import count

from accounts.models import User
from stocking.base.units import now_ms
from trading.core.ticks import daily_limits
from trading.models import SEQUENCE_BITS, Candle, Company, Holding, Listing, Market, Order, Portfolio, Trade

INITIAL_CASH = 10_000_000
BASE_PRICES = {"AAA": 10_000, "BBB": 50_000}
_numbers = count(1)


def user_row(nickname: str = "", **fields: object) -> User:
    """Store a user with an e-mail of its own."""
    number = next(_numbers)
    return User.objects.create_user(f"player{number}@example.com", nickname or f"손님{number}", **fields)


@dataclass
class LedgerRows:
    """A market of two stocks that is open now, and what the tests put into it."""

    market: Market
    listings: dict[str, Listing]
    sequences: dict[int, int] = field(default_factory=dict)

    def order(
        self,
        user: User,
        symbol: str = "AAA",
        *,
        side: str = "buy",
        price: int = 10_000,
        quantity: int = 10,
        filled: int = 0,
        status: str = "",
        reason: str = "",
        created_at: int | None = None,
        order_type: str = "limit",
    ) -> Order:
        """Add an order; without a status it is what its fills make it."""
        listing = self.listings[symbol]
        sequence = self.sequences[listing.pk] = self.sequences.get(listing.pk, 0) + 1
        told = "filled" if filled == quantity else "partially_filled" if filled else "open"
        return Order.objects.create(
            id=listing.pk << SEQUENCE_BITS | sequence, listing=listing, user=user, epoch=1,
            client_order_id=f"c{sequence}", side=side, type=order_type, price=price, quantity=quantity,
            filled_quantity=filled, filled_value=filled * price, status=status or told, reason=reason,
            priority=sequence, created_at=self.market.opens_at + sequence if created_at is None else created_at,
        )  # fmt: skip

    def trade(
        self, buyer: User, seller: User, symbol: str = "AAA", *, price: int = 10_000, quantity: int = 1
    ) -> Trade:
        """Add a trade in which the buyer took what the seller had offered."""
        listing = self.listings[symbol]
        maker = self.order(seller, symbol, side="sell", price=price, quantity=quantity, filled=quantity)
        taker = self.order(buyer, symbol, side="buy", price=price, quantity=quantity, filled=quantity)
        listing.trade_count += 1
        listing.last_price = price
        listing.volume += quantity
        listing.save()
        return Trade.objects.create(
            id=listing.pk << SEQUENCE_BITS | listing.trade_count, listing=listing, sequence=taker.sequence,
            maker_order=maker, taker_order=taker, maker=seller, taker=buyer, taker_side="buy", price=price,
            quantity=quantity, traded_at=taker.created_at,
        )  # fmt: skip

    def hold(self, user: User, symbol: str, quantity: int, cost: int) -> Holding:
        """Let the user own shares that cost this much all together."""
        return Holding.objects.create(listing=self.listings[symbol], user=user, quantity=quantity, cost=cost)

    def cash(self, user: User, cash: int) -> Portfolio:
        """Let the user own this much cash."""
        return Portfolio.objects.create(market=self.market, user=user, initial_cash=INITIAL_CASH, cash=cash)

    def candle(self, symbol: str, start: int, prices: tuple[int, int, int, int], volume: int) -> Candle:
        """Add a candle; prices are open, high, low, close."""
        first, high, low, last = prices
        return Candle.objects.create(
            listing=self.listings[symbol],
            start=start,
            open=first,
            high=high,
            low=low,
            close=last,
            volume=volume,
        )


def ledger_rows(*, opened_ms_ago: int = 60_000, lasts_ms: int = 540_000) -> LedgerRows:
    """Store a market of the stocks AAA and BBB."""
    opens_at = now_ms() - opened_ms_ago
    market = Market.objects.create(
        opens_at=opens_at, closes_at=opens_at + lasts_ms, initial_cash=INITIAL_CASH
    )
    listings = {}
    for symbol, price in BASE_PRICES.items():
        company, _created = Company.objects.get_or_create(
            symbol=symbol,
            defaults={
                "name": f"{symbol}전자", "name_en": f"{symbol} Electronics", "sector": "반도체",
                "description": "반도체를 만들어요.", "base_price": price,
            },
        )  # fmt: skip
        lower, upper = daily_limits(price)
        listings[symbol] = Listing.objects.create(
            market=market, company=company, symbol=symbol, base_price=price, lower_limit=lower, upper_limit=upper,
            last_price=price,
        )  # fmt: skip
    return LedgerRows(market, listings)
