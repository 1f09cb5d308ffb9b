"""People who trade with a bot in a game made of rows, so that ledger, candles and clock agree."""

from dataclasses import dataclass, field

from accounts.models import User
from games.models import Game, News
from ranking.services import results_compute
from ranking.tests.conftest import INITIAL_CASH, OPENS_AT, Arena, user_make
from trading.models import SEQUENCE_BITS, Candle, Holding, Listing, Order, Portfolio, Trade


@dataclass
class Floor:
    """Lets people trade with the bot, and keeps ledger, candles and clock right on the way."""

    arena: Arena
    numbers: dict[int, int] = field(default_factory=dict)

    def player(self, nickname: str) -> User:
        user = user_make(nickname)
        Portfolio.objects.create(
            market=self.arena.market, user=user, initial_cash=INITIAL_CASH, cash=INITIAL_CASH
        )
        return user

    def trade(
        self, user: User, side: str, quantity: int, price: int, at: int, *, listing: Listing | None = None,
        maker: bool = False, ordered_at: int | None = None,
    ) -> Trade:  # fmt: skip
        """Let the user buy or sell `at` ms after the opening, as taker or as maker."""
        listing = listing or self.arena.alpha
        other_side = "sell" if side == "buy" else "buy"
        mine = self._order(listing, user, side, quantity, price, at if ordered_at is None else ordered_at)
        theirs = self._order(listing, self.arena.bot, other_side, quantity, price, at)
        number = self.numbers[listing.pk] = self.numbers.get(listing.pk, 0) + 1
        first, second = (mine, theirs) if maker else (theirs, mine)
        value = price * quantity
        sign = 1 if side == "buy" else -1
        portfolio = Portfolio.objects.get(market=self.arena.market, user=user)
        portfolio.cash -= sign * value
        portfolio.save()
        holding, _ = Holding.objects.get_or_create(listing=listing, user=user)
        holding.quantity += sign * quantity
        holding.save()
        self.price(listing, price, at, quantity)
        return Trade.objects.create(
            id=listing.pk << SEQUENCE_BITS | number, listing=listing, sequence=second.sequence, maker_order=first,
            taker_order=second, maker=first.user, taker=second.user, taker_side=second.side, price=price,
            quantity=quantity, traded_at=OPENS_AT + at,
        )  # fmt: skip

    def price(self, listing: Listing, price: int, at: int, quantity: int = 1) -> None:
        """Say what a share last cost at that time."""
        start = OPENS_AT + at - (OPENS_AT + at) % 5_000
        Candle.objects.update_or_create(
            listing=listing,
            start=start,
            defaults={"open": price, "high": price, "low": price, "close": price, "volume": quantity},
        )
        Listing.objects.filter(pk=listing.pk).update(last_price=price)

    def _order(self, listing: Listing, user: User, side: str, quantity: int, price: int, at: int) -> Order:
        order = self.arena.order(listing, user, side, quantity, price, quantity)
        Order.objects.filter(pk=order.pk).update(created_at=OPENS_AT + at)
        return order

    def news(self, direction: str, at: int, listing: Listing | None = None) -> News:
        listing = listing or self.arena.alpha
        return News.objects.create(
            game=self.arena.game, company=listing.company, direction=direction, magnitude_bps=300,
            headline=f"{listing.company.name} 소식", at_ms=OPENS_AT + at, published_at=OPENS_AT + at,
        )  # fmt: skip

    def end(self) -> Game:
        """Make the results, and return the game."""
        assert results_compute(market=self.arena.market)
        return self.arena.game


def played_game(floor: Floor) -> dict[str, User]:
    """Play a game in which one made a market, one knew how to read, one came back, and one only lost."""
    maker, reader, phoenix, loser = (
        floor.player(name) for name in ("조성개미", "속보개미", "불사개미", "물린개미")
    )
    floor.trade(phoenix, "buy", 500, 10_000, 10_000)
    floor.trade(loser, "buy", 100, 10_000, 11_000)
    for number in range(6):
        side = "sell" if number % 2 else "buy"
        floor.trade(maker, side, 20, 10_000 + 10 * (number % 2), 20_000 + 1_000 * number, maker=True)
    floor.price(floor.arena.alpha, 9_000, 60_000)  # phoenix: -5.00 %
    floor.news("good", 100_000)
    floor.trade(reader, "buy", 400, 9_100, 101_500)
    floor.news("bad", 200_000)
    floor.price(floor.arena.alpha, 9_600, 199_000)
    floor.trade(reader, "sell", 400, 9_600, 202_500)
    floor.trade(loser, "sell", 100, 9_500, 203_000)
    floor.price(floor.arena.alpha, 10_500, 400_000)  # phoenix: +2.50 %
    return {user.nickname: user for user in (maker, reader, phoenix, loser)}
