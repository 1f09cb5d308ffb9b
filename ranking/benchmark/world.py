"""A game at the moment its trading ends, made of rows: N players with a fill, shares and a resting order each.

The rows are those that trading would have left behind; the audit before the results would find any that are not.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from django.db import connection, transaction

from accounts.models import User
from games.models import Game
from ranking.core.rating import Rating, mmr_of
from ranking.core.tiers import tier_reached
from trading.core.book import DIGEST_MODULUS
from trading.models import SEQUENCE_BITS, Company, Listing, Market
from trading.projection import OrderRow
from trading.services import market_create
from trading.settlement import HOLDINGS, ORDERS, PORTFOLIOS, TRADES

CASH_WON = 10_000_000
BASE_PRICE_WON = 10_000
TICK_WON = 10
SHARES_MAX = 900
BUYS_A_SELL = 50
TRADING_MS = 540_000
ROWS_A_STATEMENT = 500
BOTS_CASH_WON = 10**12
DRIFT_TICKS = 2
PRICE_TICKS_MAX = 200
NEW_SHARE = 0.1


@dataclass(slots=True)
class _Tape:
    """What one listing's trading has left: orders, trades, who holds what."""

    listing: Listing
    opens_at: int
    orders: list[OrderRow] = field(default_factory=list)
    trades: list[tuple[object, ...]] = field(default_factory=list)
    sold: int = 0
    value: int = 0

    def order(
        self, user: int, side: str, price: int, quantity: int, filled: int, value: int, at: int
    ) -> OrderRow:
        """Add an order as it stands at the end."""
        sequence = len(self.orders) + 1
        row = OrderRow(
            self.listing.pk, sequence, user, 1, f"b{sequence}", side, "limit", price, quantity, filled, value,
            "filled" if filled == quantity else "open", "", sequence, at,
        )  # fmt: skip
        self.orders.append(row)
        return row

    def trade(self, maker: OrderRow, taker: OrderRow, at: int) -> None:
        """Add the one fill of a taker."""
        number = len(self.trades) + 1
        self.trades.append(
            (
                self.listing.pk << SEQUENCE_BITS | number, self.listing.pk, taker.sequence, maker.id, taker.id,
                maker.user_id, taker.user_id, taker.side, taker.price, taker.quantity, at,
            )
        )  # fmt: skip
        self.sold += taker.quantity
        self.value += taker.price * taker.quantity


def closing_game(
    *, players: int, listings: int, seed: int, now_ms: int, new_share: float = NEW_SHARE
) -> Game:
    """Make a game of so many players whose trading ends now, `new_share` of them in their first game.

    Needs an empty database.
    """
    draws = Random(seed)
    bot = User.objects.create(nickname="봇", nickname_key="봇", is_bot=True)
    users = _users(players, draws, new_share)
    companies = [
        Company.objects.create(
            symbol=f"C{n:02d}", name=f"C{n}", name_en=f"C{n}", sector="-", description="-",
            base_price=BASE_PRICE_WON,
        )
        for n in range(listings)
    ]  # fmt: skip
    opens_at = now_ms - TRADING_MS
    market = market_create(companies=companies, opens_at=opens_at, closes_at=now_ms, initial_cash=CASH_WON)
    tapes = [_Tape(listing, opens_at) for listing in market.listings.order_by("pk")]
    with transaction.atomic():
        _accounts_write(market, bot.pk, _trade(tapes, users, bot.pk, draws), tapes)
        for tape in tapes:
            _tape_write(tape)
    return Game.objects.create(
        market=market, phase=Game.Phase.SETTLING, seed=seed, trading_at=opens_at, closes_at=now_ms,
        next_game_at=now_ms + 120_000, started_at=opens_at, settling_at=now_ms, is_live=True,
    )  # fmt: skip


def _users(count: int, draws: Random, new_share: float) -> list[int]:
    """Store players who have played before, but for the share that is new."""
    rows = []
    for number in range(count):
        user = User(nickname=f"p{number}", nickname_key=f"p{number}")
        if draws.random() >= new_share:
            rating = Rating(draws.gauss(25, 6), draws.uniform(1, 6))
            user.rating_mean, user.rating_deviation = rating.mean, rating.deviation
            user.mmr, user.games_played = mmr_of(rating), draws.randint(1, 500)
            user.tier = tier_reached(user.mmr).value
        rows.append(user)
    User.objects.bulk_create(rows, batch_size=ROWS_A_STATEMENT)
    return list(User.objects.filter(is_bot=False).order_by("pk").values_list("pk", flat=True))


def _trade(tapes: list[_Tape], users: list[int], bot: int, draws: Random) -> list[tuple[int, int, int, int]]:
    """Let every player buy from the bot once, and leave an order behind; return who, where, how many, for what."""
    bought: list[tuple[int, int, int, int]] = []
    for part, tape in enumerate(tapes):
        mine, price = users[part :: len(tapes)], BASE_PRICE_WON
        for start in range(0, len(mine), BUYS_A_SELL):
            block = [(user, draws.randint(1, SHARES_MAX)) for user in mine[start : start + BUYS_A_SELL]]
            moved = price + TICK_WON * draws.randint(-DRIFT_TICKS, DRIFT_TICKS)
            price = max(BASE_PRICE_WON - PRICE_TICKS_MAX * TICK_WON, min(BASE_PRICE_WON, moved))
            at = tape.opens_at + TRADING_MS * start // len(mine)
            total = sum(quantity for _, quantity in block)
            maker = tape.order(bot, "sell", price, total, total, total * price, at)
            for user, quantity in block:
                taker = tape.order(user, "buy", price, quantity, quantity, quantity * price, at)
                tape.trade(maker, taker, at)
                bought.append((user, tape.listing.pk, quantity, quantity * price))
        tape.listing.last_price = price
        for number, user in enumerate(mine):
            side, away = ("buy", -1) if number % 2 else ("sell", 1)
            limit = price + away * TICK_WON * draws.randint(1, PRICE_TICKS_MAX // 4)
            tape.order(user, side, limit, 1, 0, 0, tape.opens_at + TRADING_MS - 1)
    return bought


def _accounts_write(
    market: Market, bot: int, bought: list[tuple[int, int, int, int]], tapes: Iterable[_Tape]
) -> None:
    spent = sum(value for *_, value in bought)
    with connection.cursor() as cursor:
        PORTFOLIOS.execute(
            cursor,
            [(market.pk, bot, BOTS_CASH_WON, BOTS_CASH_WON + spent)]
            + [(market.pk, user, CASH_WON, CASH_WON - value) for user, _, _, value in sorted(bought)],
        )
        HOLDINGS.execute(
            cursor,
            [(tape.listing.pk, bot, 2 * tape.sold, tape.sold, tape.sold * BASE_PRICE_WON) for tape in tapes]
            + [(listing, user, 0, quantity, value) for user, listing, quantity, value in sorted(bought)],
        )


def _tape_write(tape: _Tape) -> None:
    with connection.cursor() as cursor:
        ORDERS.execute(
            cursor,
            [
                (
                    row.id, row.listing_id, row.user_id, row.epoch, row.client_order_id, row.side, row.type,
                    row.price, row.quantity, row.filled_quantity, row.filled_value, row.status, row.reason,
                    row.priority, row.created_at,
                )
                for row in tape.orders
            ],
        )  # fmt: skip
        TRADES.execute(cursor, tape.trades)
    listing = tape.listing
    listing.checkpoint, listing.trade_count, listing.volume = len(tape.orders), len(tape.trades), tape.sold
    listing.book_digest = sum(row.digest() for row in tape.orders if row.is_open) % DIGEST_MODULUS
    listing.save()
