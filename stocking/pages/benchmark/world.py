"""A game in full swing, made of rows: many listings, players and orders, and games of the past with their results."""

from dataclasses import dataclass, field

from accounts.models import User, nickname_fold
from chat.models import Message, Moderation, Mute, Report, Silence, Word
from games.models import Bot, DailyAttempt, Game, News
from games.practice.daily import day_of
from ranking.models import Award, ClosingValue, GameReview, GameSummary, Result
from stocking.base.units import now_ms
from trading.core.ticks import daily_limits
from trading.models import (
    SEQUENCE_BITS,
    AuditReport,
    Candle,
    Company,
    Holding,
    Intervention,
    Listing,
    Market,
    Order,
    Outbox,
    Portfolio,
    Trade,
)

CASH_WON = 10_000_000
BASE_PRICE_WON = 10_000
GAME_MS = 720_000
CANDLES = 100
NEWS_A_GAME = 60
MESSAGES_A_PLAYER = 3
ROWS_A_STATEMENT = 500
PRESENT_NUMBER = 1_000_000
GRID = [0, 5_000, 10_000]
COURSE = {"prices": [BASE_PRICE_WON] * len(GRID), "hidden": [BASE_PRICE_WON] * len(GRID)}


@dataclass
class PagesWorld:
    """The present game, and what is in it. `grow` adds to it; the player who looks takes part in everything."""

    me: User
    staff: User
    market: Market
    listings: list[Listing] = field(default_factory=list)
    players: list[User] = field(default_factory=list)
    past: list[Game] = field(default_factory=list)
    orders: int = 0
    message_id: int = 0

    @classmethod
    def begin(cls) -> "PagesWorld":
        """Make a game that trades, with nobody in it but the one who looks."""
        me = User.objects.create_user("me@example.com", "보는사람")
        staff = User.objects.create_superuser("staff@example.com", "보는운영진")
        game = _game(PRESENT_NUMBER, now_ms() - 60_000, Game.Phase.TRADING)
        world = cls(me, staff, game.market, players=[me])
        Portfolio.objects.create(market=game.market, user=me, initial_cash=CASH_WON, cash=CASH_WON)
        return world

    def grow(self, *, listings: int, players: int, orders: int, games: int) -> None:
        """Add listings, players, orders (half of them mine, half of them filled) and games of the past."""
        self._listings_add(listings)
        self._players_add(players)
        self._orders_add(orders)
        for _ in range(games):
            self._past_add()
        if self.past:
            self._past_grow(orders)

    def _listings_add(self, count: int) -> None:
        for number in range(len(self.listings), len(self.listings) + count):
            company = Company.objects.create(
                symbol=f"W{number:03d}", name=f"회사{number}", name_en=f"Company {number}", sector="반도체",
                description="만들어요.", base_price=BASE_PRICE_WON,
            )  # fmt: skip
            listing = _listing(self.market, company)
            self.listings.append(listing)
            Intervention.objects.create(
                kind=Intervention.Kind.LIFT,
                market=self.market,
                listing=listing,
                reason="끝",
                by=self.staff,
                at=now_ms(),
            )
            News.objects.create(
                game_id=self.market.pk, company=company, direction="good", magnitude_bps=100, headline=f"뉴스 {number}",
                at_ms=1, published_at=now_ms(),
            )  # fmt: skip
            start = self.market.opens_at - self.market.opens_at % 5_000
            Candle.objects.bulk_create(
                Candle(listing=listing, start=start + 5_000 * n, open=1, high=2, low=1, close=2, volume=3)
                for n in range(CANDLES)
            )
            Holding.objects.bulk_create(
                Holding(listing=listing, user=user, quantity=10, cost=100_000) for user in self.players
            )

    def _players_add(self, count: int) -> None:
        first = len(self.players)
        names = [f"선수{number}" for number in range(first, first + count)]
        users = [
            User(email=f"{n}@example.com", nickname=n, nickname_key=nickname_fold(n), games_played=1, mmr=1_000 + k)
            for k, n in enumerate(names)
        ]  # fmt: skip
        User.objects.bulk_create(users, batch_size=ROWS_A_STATEMENT)
        added = list(User.objects.filter(nickname__in=names).order_by("pk"))
        self.players += added
        Portfolio.objects.bulk_create(
            (
                Portfolio(market=self.market, user=user, initial_cash=CASH_WON, cash=CASH_WON)
                for user in added
            ),
            batch_size=ROWS_A_STATEMENT,
        )
        Holding.objects.bulk_create(
            (
                Holding(listing=listing, user=user, quantity=10, cost=100_000)
                for user in added
                for listing in self.listings
            ),
            batch_size=ROWS_A_STATEMENT,
        )
        Bot.objects.bulk_create(
            Bot(user=user, kind=Bot.Kind.NOISE, seed=1, is_active=False) for user in added[: count // 5]
        )
        DailyAttempt.objects.bulk_create(
            DailyAttempt(
                user=user,
                day=day_of(now_ms()),
                started_at=1,
                finished_at=2,
                return_bps=1,
                equity=CASH_WON,
                fills=1,
            )
            for user in added
        )
        Message.objects.bulk_create(
            Message(kind="player", author=user, text=f"말 {n}", sent_at=now_ms())
            for user in added
            for n in range(MESSAGES_A_PLAYER)
        )
        self._chat_add(added)

    def _chat_add(self, added: list[User]) -> None:
        """Have each player reported, moderated, silenced once, and muted by the one who looks; and a word forbidden."""
        now = now_ms()
        said = list(Message.objects.filter(author__in=added).order_by("pk"))
        self.message_id = said[0].pk
        Mute.objects.bulk_create(Mute(user=self.me, muted=user, at=now) for user in added[1:])
        Silence.objects.bulk_create(Silence(user=user, until=1, reason="도배") for user in added)
        Report.objects.bulk_create(
            Report(message=message, reporter=self.players[0], reason="spam", at=now) for message in said
        )
        Moderation.objects.bulk_create(
            Moderation(
                kind="hide", user=message.author, message=message, reason="도배", by=self.staff, at=now
            )
            for message in said
        )
        Word.objects.bulk_create(
            Word(text=f"낱말{user.nickname}", added_by=self.staff, added_at=now) for user in added
        )

    def _orders_add(self, count: int) -> None:
        """Add pairs of orders that traded with each other, and as many that rest."""
        orders, trades, outbox = [], [], []
        for number in range(self.orders, self.orders + count, 2):
            listing = self.listings[(number // 2) % len(self.listings)]
            mine, other = self.me, self.players[number // 2 % len(self.players)]
            is_filled = number // 2 % 2 == 0
            pair = [
                self._order(listing, number + 1, mine, "buy", is_filled),
                self._order(listing, number + 2, other, "sell", is_filled),
            ]
            orders += pair
            if is_filled:
                listing.trade_count += 1
                trades.append(
                    Trade(
                        id=listing.pk << SEQUENCE_BITS | listing.trade_count,
                        listing=listing,
                        sequence=number + 2,
                        maker_order=pair[0],
                        taker_order=pair[1],
                        maker=mine,
                        taker=other,
                        taker_side="sell",
                        price=BASE_PRICE_WON,
                        quantity=1,
                        traded_at=self.market.opens_at + number,
                    )
                )
            outbox.append(Outbox(listing=listing, first=number + 1, last=number + 2, payload="{}"))
        self.orders += count
        Order.objects.bulk_create(orders, batch_size=ROWS_A_STATEMENT)
        Trade.objects.bulk_create(trades, batch_size=ROWS_A_STATEMENT)
        Outbox.objects.bulk_create(outbox, batch_size=ROWS_A_STATEMENT)
        Listing.objects.bulk_update(self.listings, ["trade_count"])

    def _order(self, listing: Listing, number: int, user: User, side: str, is_filled: bool) -> Order:
        tick = 10 * (number % 30)
        price = BASE_PRICE_WON - tick if side == "buy" else BASE_PRICE_WON + 10 + tick
        return Order(
            id=listing.pk << SEQUENCE_BITS | number, listing=listing, user=user, epoch=1, client_order_id=f"c{number}",
            side=side, type="limit", price=price, quantity=1, filled_quantity=int(is_filled),
            filled_value=price if is_filled else 0, status="filled" if is_filled else "open", priority=number,
            created_at=self.market.opens_at + number,
        )  # fmt: skip

    def _past_add(self) -> None:
        """Add a finished game in which all players took part."""
        number = len(self.past) + 1
        game = _game(number, self.market.opens_at - GAME_MS * number, Game.Phase.INTERMISSION)
        market = game.market
        AuditReport.objects.create(market=market, status="ok", first_at=1, last_at=2)
        summary = GameSummary.objects.create(
            market=market, participants=len(self.players), sequence=number, computed_at=1
        )
        for present in self.listings:
            listing = _listing(market, present.company)
            ClosingValue.objects.create(
                summary=summary, listing=listing, value=BASE_PRICE_WON, window_quantity=1, window_value=BASE_PRICE_WON,
                return_bps=0,
            )  # fmt: skip
        Result.objects.bulk_create(
            (_result(market, user, rank) for rank, user in enumerate(self.players, start=1)),
            batch_size=ROWS_A_STATEMENT,
        )
        review = GameReview.objects.create(
            summary=summary, grid=GRID, median_bps=[0] * len(GRID), curves=len(self.players), computed_at=1,
            courses={str(pk): COURSE for pk in Listing.objects.filter(market=market).values_list("pk", flat=True)},
        )  # fmt: skip
        Award.objects.bulk_create(
            Award(review=review, kind=kind, user=user, value=1, count=1)
            for kind, user in zip(Award.Kind.values, self.players, strict=False)
        )
        self.past.append(game)

    def _past_grow(self, orders: int) -> None:
        """Add to the first game of the past: results of those who came later, my fills, and news."""
        game = self.past[0]
        listing = Listing.objects.filter(market=game.market).order_by("pk").first()
        assert listing is not None
        known = set(Result.objects.filter(market=game.market).values_list("user_id", flat=True))
        later = [user for user in self.players if user.pk not in known]
        Result.objects.bulk_create(
            (_result(game.market, user, rank) for rank, user in enumerate(later, start=len(known) + 1)),
            batch_size=ROWS_A_STATEMENT,
        )
        first = listing.trade_count
        pairs = []
        for number in range(first, first + orders // 2):
            mine = self._order(listing, 2 * number + 1, self.me, "buy", is_filled=True)
            other = self._order(listing, 2 * number + 2, self.players[-1], "sell", is_filled=True)
            pairs.append((mine, other))
        Order.objects.bulk_create((order for pair in pairs for order in pair), batch_size=ROWS_A_STATEMENT)
        Trade.objects.bulk_create(
            (
                Trade(
                    id=listing.pk << SEQUENCE_BITS | number, listing=listing, sequence=other.sequence, maker_order=mine,
                    taker_order=other, maker=mine.user, taker=other.user, taker_side="sell", price=BASE_PRICE_WON,
                    quantity=1, traded_at=game.market.opens_at + number,
                )
                for number, (mine, other) in enumerate(pairs, start=first + 1)
            ),
            batch_size=ROWS_A_STATEMENT,
        )  # fmt: skip
        Listing.objects.filter(pk=listing.pk).update(trade_count=first + len(pairs))
        News.objects.bulk_create(
            News(
                game=game, company_id=listing.company_id, direction="bad", magnitude_bps=100, headline=f"뉴스 {number}",
                at_ms=1, published_at=game.market.opens_at + number,
            )
            for number in range(min(orders // 8, NEWS_A_GAME))
        )  # fmt: skip


def _result(market: Market, user: User, rank: int) -> Result:
    return Result(
        market=market,
        user=user,
        rank=rank,
        return_bps=1_000 - rank,
        initial_cash=CASH_WON,
        cash=CASH_WON,
        equity=CASH_WON,
        fills=3,
        mmr_before=1_000,
        mmr_after=1_010,
        tier_before="bronze",
        tier_after="bronze",
        mean_before=25.0,
        mean_after=25.0,
        deviation_before=8.0,
        deviation_after=8.0,
        games_played=1,
        room_size=51,
        room_rank=min(rank, 51),
        expected_rank_tenths=320,
        house_margin_bps=1_000 - rank,
        counted_percent=100,
    )


def _listing(market: Market, company: Company) -> Listing:
    lower, upper = daily_limits(BASE_PRICE_WON)
    return Listing.objects.create(
        market=market, company=company, symbol=company.symbol, base_price=BASE_PRICE_WON, lower_limit=lower,
        upper_limit=upper, last_price=BASE_PRICE_WON,
    )  # fmt: skip


def _game(number: int, opens_at: int, phase: Game.Phase) -> Game:
    """Make a game with its market; the one of the highest number is the present one."""
    closes_at = opens_at + GAME_MS * 3 // 4
    market = Market.objects.create(pk=number, opens_at=opens_at, closes_at=closes_at, initial_cash=CASH_WON)
    is_over = phase == Game.Phase.INTERMISSION
    return Game.objects.create(
        market=market, phase=phase, seed=1, trading_at=opens_at, closes_at=closes_at, next_game_at=closes_at + 120_000,
        started_at=opens_at, closed_at=closes_at if is_over else None, is_live=None if is_over else True,
    )  # fmt: skip
