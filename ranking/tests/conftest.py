"""A market whose trading is over, built from rows: what the ranking's tests start from."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from accounts.models import User, nickname_fold
from games.models import Game
from trading.models import SEQUENCE_BITS, Company, Holding, Listing, Market, Order, Portfolio, Trade

OPENS_AT = 1_000_000_000
CLOSES_AT = OPENS_AT + 540_000
INITIAL_CASH = 10_000_000


def user_make(nickname: str, **fields: object) -> User:
    """Store a user without an e-mail and without a password."""
    user = User(nickname=nickname, nickname_key=nickname_fold(nickname), password="!", **fields)
    user.save()
    return user


@dataclass
class Arena:
    """A market of two stocks, and the accounts that traded in it. Its trades are between a player and a bot."""

    market: Market
    game: Game
    alpha: Listing
    beta: Listing
    bot: User
    sequences: dict[int, int] = field(default_factory=dict)

    def player(self, nickname: str, cash: int = INITIAL_CASH, *, fills: int = 1, **fields: object) -> User:
        """Add a human who ends with this cash, after `fills` old trades of one share."""
        user = user_make(nickname, **fields)
        Portfolio.objects.create(market=self.market, user=user, initial_cash=INITIAL_CASH, cash=cash)
        for _ in range(fills):
            self.trade(self.alpha, buyer=user, price=self.alpha.last_price, at=OPENS_AT + 1)
        return user

    def hold(self, user: User, listing: Listing, quantity: int) -> None:
        """Let the user own shares at the close."""
        Holding.objects.create(listing=listing, user=user, quantity=quantity, cost=0)

    def order(self, listing: Listing, user: User, side: str, quantity: int, price: int, filled: int) -> Order:
        """Add an order, filled as far as said."""
        sequence = self.sequences[listing.pk] = self.sequences.get(listing.pk, 0) + 1
        status = "filled" if filled == quantity else "canceled"
        return Order.objects.create(
            id=listing.pk << SEQUENCE_BITS | sequence, listing=listing, user=user, epoch=1,
            client_order_id=f"c{sequence}", side=side, type="limit", price=price, quantity=quantity,
            filled_quantity=filled, filled_value=filled * price, status=status, priority=sequence,
            created_at=OPENS_AT,
        )  # fmt: skip

    def trade(self, listing: Listing, *, buyer: User, price: int, at: int, quantity: int = 1) -> Trade:
        """Let the buyer take a sell order of the bot."""
        maker = self.order(listing, self.bot, "sell", quantity, price, quantity)
        taker = self.order(listing, buyer, "buy", quantity, price, quantity)
        return Trade.objects.create(
            id=taker.pk, listing=listing, sequence=taker.sequence, maker_order=maker, taker_order=taker,
            maker=self.bot, taker=buyer, taker_side="buy", price=price, quantity=quantity, traded_at=at,
        )  # fmt: skip


def listing_make(market: Market, symbol: str, base_price: int, *, is_closed: bool = True) -> Listing:
    """Add a stock to the market, never traded."""
    company, _ = Company.objects.get_or_create(
        symbol=symbol,
        defaults={
            "name": f"{symbol}전자",
            "name_en": symbol,
            "sector": "전자",
            "description": "만들어요.",
            "base_price": base_price,
        },
    )
    return Listing.objects.create(
        market=market,
        company=company,
        symbol=symbol,
        base_price=base_price,
        lower_limit=base_price * 7 // 10,
        upper_limit=base_price * 13 // 10,
        last_price=base_price,
        is_closed=is_closed,
    )


def arena_make(bot: User, *, at: int = 0) -> Arena:
    """Add a drained game whose times are `at` ms later than the first one's."""
    market = Market.objects.create(
        opens_at=OPENS_AT + at, closes_at=CLOSES_AT + at, initial_cash=INITIAL_CASH
    )
    game = Game.objects.create(
        market=market,
        phase=Game.Phase.SETTLING,
        seed=1,
        trading_at=OPENS_AT + at,
        closes_at=CLOSES_AT + at,
        next_game_at=CLOSES_AT + at + 120_000,
        started_at=OPENS_AT + at,
    )
    alpha, beta = listing_make(market, "AAA", 10_000), listing_make(market, "BBB", 50_000)
    Portfolio.objects.create(market=market, user=bot, initial_cash=INITIAL_CASH, cash=INITIAL_CASH)
    return Arena(market, game, alpha, beta, bot)


@pytest.fixture
def arena(db: None) -> Arena:
    """A drained game in which nobody but a bot has an account yet."""
    return arena_make(user_make("시장조성봇", is_bot=True))


@pytest.fixture
def next_arena(arena: Arena) -> Callable[[], Arena]:
    """Make the game after."""
    return lambda: arena_make(arena.bot, at=720_000)
