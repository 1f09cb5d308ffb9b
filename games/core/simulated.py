"""A whole game in one process: bots, news and an exchange, moved on step by step. No store, no clock, no chance.

The same seed and the same orders from outside give the same tape. Times are milliseconds since trading began.
People join with `join` and trade through `submit`, `amend` and `cancel` between two calls of `advance`; their
orders are taken at the time the game has reached.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from games.core.bots import (
    TREND_WINDOW_MS,
    BotAction,
    BotCancel,
    BotKind,
    BotView,
    RestingOrder,
    beat_of,
    decide,
    endowment,
    is_looking,
)
from games.core.draws import Draws
from games.core.news import Headline, Piece, PlannedNews, Subject, news_plan, piece_of
from games.core.perception import Perception
from trading.core.depth import Level
from trading.core.events import Event, Rejected, Traded
from trading.core.exchange import Exchange
from trading.core.invariants import require
from trading.core.orders import Account, Order, OrderId, OrderType, Side

STEP_MS = 500
BOOK_DEPTH = 10


@dataclass(frozen=True, slots=True)
class SimulatedCompany:
    """A company whose share is traded."""

    symbol: str
    name: str
    sector: str
    base_price: int
    name_en: str = ""


@dataclass(frozen=True, slots=True)
class SimulatedBot:
    """A bot; its nickname is its account in the exchange."""

    nickname: str
    kind: BotKind
    seed: int


@dataclass(frozen=True, slots=True)
class Fill:
    """A line of the tape. `number` rises by one with each fill of the game."""

    number: int
    at_ms: int
    symbol: str
    price: int
    quantity: int
    taker_side: Side
    taker: OrderId
    maker: OrderId
    taker_account: Account
    maker_account: Account


@dataclass(frozen=True, slots=True)
class _Act:
    """What a bot has decided to do in a listing."""

    bot: SimulatedBot
    symbol: str
    actions: Sequence[BotAction]


class SimulatedGame:
    """One game from the opening to the close.

    `draws` makes a seeded source of draws from a text: `random.Random`. `now_ms` is the time the game has
    reached, `tape` holds its fills, oldest first, `news` what has been published so far and `rejects` how many
    of the bots' orders were refused. `exchange` may be read for anything else; it is changed by the methods
    here alone.
    """

    def __init__(
        self,
        *,
        seed: int,
        companies: Sequence[SimulatedCompany],
        bots: Sequence[SimulatedBot],
        headlines: Sequence[Headline],
        trading_ms: int,
        draws: Callable[[str], Draws],
    ) -> None:
        require(trading_ms > 0, "a game lasts")
        self.seed = seed
        self.companies = tuple(companies)
        self.bots = tuple(bots)
        self.trading_ms = trading_ms
        self.now_ms = 0
        self.exchange = Exchange()
        self.tape: list[Fill] = []
        self.news: list[PlannedNews] = []
        self.accepted = 0
        self.rejects = 0
        self._draws = draws
        self._step = 0
        self._company_ids = {company.symbol: number for number, company in enumerate(self.companies)}
        self._perception = Perception(seed=seed, seconds=trading_ms // 1_000 + 1, draws=draws)
        self._pieces: dict[int, list[Piece]] = {number: [] for number in range(len(self.companies))}
        self._planned = deque(
            news_plan(
                subjects=[
                    Subject(number, company.name, company.sector, company.name_en)
                    for number, company in enumerate(companies)
                ],
                headlines=headlines,
                trading_at=0,
                closes_at=trading_ms,
                rng=draws(f"news:{seed}"),
            )
        )
        self._starts: dict[str, dict[str, int]] = {}
        self._ranks: dict[tuple[BotKind, str], dict[str, int]] = {}
        self._levels: dict[str, tuple[list[tuple[int, int]], list[tuple[int, int]]]] = {}
        self._prices: dict[str, deque[int]] = {
            company.symbol: deque(maxlen=TREND_WINDOW_MS // STEP_MS + 1) for company in self.companies
        }
        self._endow()

    def _endow(self) -> None:
        """Open the listings and give the bots what they start with."""
        base_prices = {company.symbol: company.base_price for company in self.companies}
        for symbol, base_price in base_prices.items():
            self.exchange.open(symbol, base_price)
        kinds: Counter[BotKind] = Counter()
        for bot in self.bots:
            beat = beat_of(kinds[bot.kind], list(base_prices))
            kinds[bot.kind] += 1
            start = endowment(bot.kind, {symbol: base_prices[symbol] for symbol in beat})
            self.exchange.deposit(bot.nickname, cash=start.cash)
            for symbol, shares in start.shares.items():
                self.exchange.deposit(bot.nickname, symbol=symbol, shares=shares)
                ranks = self._ranks.setdefault((bot.kind, symbol), {})
                ranks[bot.nickname] = len(ranks)
            self._starts[bot.nickname] = start.shares

    # People ---------------------------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether trading has ended: nothing rests and nothing is accepted any more."""
        return self.now_ms >= self.trading_ms

    def join(self, account: Account, *, cash: int) -> None:
        """Let somebody play with this much money, in won."""
        require(account not in self.exchange.balances, f"{account} has joined already")
        self.exchange.deposit(account, cash=cash)

    def submit(
        self,
        account: Account,
        order_id: OrderId,
        symbol: str,
        side: Side,
        type_: OrderType,
        price: int | None,
        quantity: int,
    ) -> list[Event]:
        """Place an order, as `Exchange.submit` does; a refusal is one `Rejected`. Ids begin with no bot's name."""
        events = self.exchange.submit(order_id, account, symbol, side, type_, price, quantity, self.now_ms)
        return self._record(symbol, events)

    def amend(
        self, account: Account, order_id: OrderId, price: int | None = None, quantity: int | None = None
    ) -> list[Event]:
        """Change an open order, as `Exchange.amend` does."""
        events = self.exchange.amend(account, order_id, price, quantity, self.now_ms)
        return self._record(self.exchange.symbol_of(order_id) or "", events)

    def cancel(self, account: Account, order_id: OrderId) -> list[Event]:
        """End an open order, as `Exchange.cancel` does."""
        return self.exchange.cancel(account, order_id, self.now_ms)

    def cancel_all(self, account: Account, symbol: str | None = None) -> list[Event]:
        """End the account's open orders, in one listing or in all."""
        return self.exchange.cancel_all(account, symbol, self.now_ms)

    # What everybody sees --------------------------------------------------------------------------------

    def book(self, symbol: str, depth: int = BOOK_DEPTH) -> tuple[list[Level], list[Level]]:
        """Return bids and asks, best first: (price, quantity, order count)."""
        book = self.exchange.listings[symbol].book
        return book.depth(Side.BUY, depth), book.depth(Side.SELL, depth)

    def last_price(self, symbol: str) -> int:
        """Return the last trade's price, the base price before any."""
        return self.exchange.listings[symbol].last_price

    def open_orders(self, account: Account, symbol: str | None = None) -> list[Order]:
        """Return the account's resting orders, oldest first in each listing."""
        return [
            order
            for listing in self.exchange.listings.values()
            if symbol in (None, listing.symbol)
            for order in listing.book.orders_of(account)
        ]

    def news_about(self, symbol: str) -> list[PlannedNews]:
        """Return the published news of a company, oldest first."""
        company_id = self._company_ids[symbol]
        return [news for news in self.news if news.company_id == company_id]

    # Time -----------------------------------------------------------------------------------------------

    def advance(self, until_ms: int) -> None:
        """Let the game go on to a time; at its end trading closes and what rests is cancelled. Never goes back."""
        until_ms = min(until_ms, self.trading_ms)
        while self._step * STEP_MS < until_ms:
            self.now_ms = max(self.now_ms, self._step * STEP_MS)
            self._take_step()
            self._step += 1
        self.now_ms = max(self.now_ms, until_ms)
        if self.is_over:
            for symbol in self.exchange.listings:
                self.exchange.close(symbol, self.now_ms)

    def fundamental(self, symbol: str, at_ms: int | None = None) -> int:
        """Return the hidden value of a share, now or at a time before; nobody may see it before the end."""
        company = self.companies[self._company_ids[symbol]]
        now_ms = self.now_ms if at_ms is None else at_ms
        pieces = self._pieces[self._company_ids[symbol]]
        return self._perception.fundamental(symbol, company.base_price, pieces, now_ms)

    def _take_step(self) -> None:
        """Publish what is due; let all bots decide on what there is now, then let them order in random turn."""
        while self._planned and self._planned[0].at_ms <= self.now_ms:
            news = self._planned.popleft()
            self._pieces[news.company_id].append(piece_of(news, news.at_ms))
            self.news.append(news)
        self._levels = {}
        for symbol, prices in self._prices.items():
            bids, asks = self.book(symbol)
            self._levels[symbol] = (_without_counts(bids), _without_counts(asks))
            prices.append(self.last_price(symbol))
        acts = [act for bot, symbols in self._looks() for act in self._decisions(bot, symbols)]
        for act in self._draws(f"turn:{self.seed}:{self._step}").sample(acts, len(acts)):
            self._do(act)

    def _looks(self) -> list[tuple[SimulatedBot, list[str]]]:
        """Return who looks where in this step."""
        rng = self._draws(f"looks:{self.seed}:{self._step}")
        paces = {
            company.symbol: self._perception.pace(company.symbol, self._pieces[number], self.now_ms)
            for number, company in enumerate(self.companies)
        }
        looks = []
        for bot in self.bots:
            symbols = [
                symbol
                for symbol in self._starts[bot.nickname]
                if is_looking(bot.kind, step_ms=STEP_MS, pace=paces[symbol], rng=rng)
            ]
            looks.append((bot, symbols))
        return looks

    def _decisions(self, bot: SimulatedBot, symbols: Sequence[str]) -> Iterable[_Act]:
        for symbol in symbols:
            rng = self._draws(f"{self.seed}:{self._step}:{bot.seed}:{symbol}")
            company = self.companies[self._company_ids[symbol]]
            actions = decide(bot.kind, self._view(bot, company, len(symbols)), rng)
            if actions:
                yield _Act(bot, symbol, actions)

    def _view(self, bot: SimulatedBot, company: SimulatedCompany, looks: int) -> BotView:
        symbol = company.symbol
        listing = self.exchange.listings[symbol]
        belief = self._perception.belief(
            bot_seed=bot.seed,
            kind=bot.kind,
            symbol=symbol,
            base_price=company.base_price,
            pieces=self._pieces[self._company_ids[symbol]],
            now_ms=self.now_ms,
        )
        bids, asks = self._levels[symbol]
        return BotView(
            base_price=listing.base_price,
            lower_limit=listing.lower_limit,
            upper_limit=listing.upper_limit,
            last_price=listing.last_price,
            price_before=self._prices[symbol][0],
            news_ms_ago=belief.news_ms_ago,
            whim=self._perception.whim(symbol, self.now_ms),
            bids=bids,
            asks=asks,
            value=belief.value,
            cash=self.exchange.available_cash(bot.nickname) // looks,
            shares=self.exchange.available_shares(bot.nickname, symbol),
            shares_target=self._starts[bot.nickname][symbol],
            position=self._ranks[bot.kind, symbol][bot.nickname],
            resting=[
                RestingOrder(str(order.order_id), order.side, order.price, order.open_quantity)
                for order in listing.book.orders_of(bot.nickname)
            ],
        )

    def _do(self, act: _Act) -> None:
        account, symbol = act.bot.nickname, act.symbol
        for index, action in enumerate(act.actions):
            if isinstance(action, BotCancel):
                events = self.exchange.cancel(account, action.order_id, self.now_ms)
            else:
                order_id = f"{account}:{self._step}:{symbol}:{index}"
                side, type_, price, quantity = action.side, action.type, action.price, action.quantity
                events = self.submit(account, order_id, symbol, side, type_, price, quantity)
            refused = bool(events) and isinstance(events[0], Rejected)
            self.rejects += refused
            self.accepted += not refused

    def _record(self, symbol: str, events: list[Event]) -> list[Event]:
        """Put the fills among these events on the tape."""
        for event in events:
            if isinstance(event, Traded):
                self.tape.append(
                    Fill(
                        number=len(self.tape) + 1,
                        at_ms=self.now_ms,
                        symbol=symbol,
                        price=event.price,
                        quantity=event.quantity,
                        taker_side=event.taker_side,
                        taker=event.taker,
                        maker=event.maker,
                        taker_account=event.taker_account,
                        maker_account=event.maker_account,
                    )
                )
        return events


def _without_counts(levels: Sequence[Level]) -> list[tuple[int, int]]:
    return [(price, quantity) for price, quantity, _ in levels]
