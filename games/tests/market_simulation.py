"""A bot-only game on the pure core: no database, no gate, no clock. Same seed, same tape."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from games.catalogue import BOTS, COMPANIES, HEADLINES
from games.core.bots import (
    MOOD_BPS,
    BotCancel,
    BotKind,
    BotView,
    RestingOrder,
    decide,
    endowment,
    is_looking,
)
from games.core.news import (
    MOOD_WINDOW_MS,
    Headline,
    Impact,
    PlannedNews,
    Subject,
    news_delay_ms,
    news_plan,
    seen_deviation_bps,
    value_walk,
    value_won,
)
from trading.core.events import Rejected, Traded
from trading.core.exchange import Exchange
from trading.core.orders import Side

STEP_MS = 500


@dataclass
class Tape:
    """What a simulated game leaves behind."""

    trades: list[tuple[int, str, int, int]] = field(default_factory=list)  # second, symbol, price, quantity
    accepted: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
    book_samples: list[tuple[str, int | None, int | None, int, int]] = field(default_factory=list)
    last_prices: dict[str, list[int]] = field(default_factory=dict)
    news: Sequence[PlannedNews] = ()


class MarketSimulation:
    """Runs the bots of the catalogue against each other for `seconds` of trading."""

    def __init__(self, *, seed: int, seconds: int, with_news: bool = True) -> None:
        self.seed = seed
        self.seconds = seconds
        self.exchange = Exchange()
        self.tape = Tape()
        base_prices = {company.symbol: company.base_price for company in COMPANIES}
        for symbol, base_price in base_prices.items():
            self.exchange.open(symbol, base_price)
            self.tape.last_prices[symbol] = []
        for number, bot in enumerate(BOTS):
            start = endowment(bot.kind, base_prices)
            self.exchange.deposit(number, cash=start.cash)
            for symbol, shares in start.shares.items():
                self.exchange.deposit(number, symbol=symbol, shares=shares)
        self.targets = {kind: endowment(kind, base_prices).shares for kind in BotKind}
        self.walks = {
            symbol: value_walk(seconds=seconds, rng=Random(f"value:{seed}:{symbol}"))
            for symbol in base_prices
        }
        if with_news:
            self.tape.news = news_plan(
                subjects=[Subject(i, company.name, company.sector) for i, company in enumerate(COMPANIES)],
                headlines=[
                    Headline(i, h.text, h.is_good, h.magnitude_bps, h.sector, 10)
                    for i, h in enumerate(HEADLINES)
                ],
                trading_at=0,
                closes_at=seconds * 1_000,
                rng=Random(f"news:{seed}"),
            )

    def run(self) -> Tape:
        """Trade to the end and return the tape."""
        for step in range(self.seconds * 1_000 // STEP_MS):
            for number, bot in enumerate(BOTS):
                for company_id, company in enumerate(COMPANIES):
                    rng = Random(f"{self.seed}:{step}:{number}:{company.symbol}")
                    if is_looking(bot.kind, step_ms=STEP_MS, rng=rng):
                        self._act(step, number, bot.kind, company_id, company.symbol, rng)
            if step % 2:
                self._sample()
        return self.tape

    def _act(self, step: int, number: int, kind: BotKind, company_id: int, symbol: str, rng: Random) -> None:
        now_ms = step * STEP_MS
        view = self._view(now_ms, number, kind, company_id, symbol)
        actions = decide(kind, view, rng)
        for index, action in enumerate(actions):
            if isinstance(action, BotCancel):
                events = self.exchange.cancel(number, action.order_id, now_ms)
            else:
                events = self.exchange.submit(
                    f"{step}-{number}-{symbol}-{index}",
                    number,
                    symbol,
                    action.side,
                    action.type,
                    action.price,
                    action.quantity,
                    now_ms,
                )
            for event in events:
                if isinstance(event, Traded):
                    self.tape.trades.append((now_ms // 1_000, symbol, event.price, event.quantity))
                elif isinstance(event, Rejected):
                    self.tape.rejects[str(event.code)] += 1
            self.tape.accepted += not (events and isinstance(events[0], Rejected))

    def _view(self, now_ms: int, number: int, kind: BotKind, company_id: int, symbol: str) -> BotView:
        listing = self.exchange.listings[symbol]
        impacts = [
            Impact(
                news.magnitude_bps if news.is_good else -news.magnitude_bps,
                news.at_ms + news_delay_ms(Random(f"delay:{self.seed}:{number}:{index}")),
            )
            for index, news in enumerate(self.tape.news)
            if news.company_id == company_id and news.at_ms <= now_ms
        ]
        window = now_ms // MOOD_WINDOW_MS
        mood, next_mood = (
            Random(f"mood:{self.seed}:{number}:{symbol}:{window + ahead}").gauss(0.0, MOOD_BPS[kind])
            for ahead in (0, 1)
        )
        deviation = seen_deviation_bps(
            walk=self.walks[symbol], impacts=impacts, moods=(mood, next_mood), trading_at=0, now_ms=now_ms
        )
        return BotView(
            base_price=listing.base_price,
            lower_limit=listing.lower_limit,
            upper_limit=listing.upper_limit,
            last_price=listing.last_price,
            bids=[(price, quantity) for price, quantity, _ in listing.book.depth(Side.BUY, 10)],
            asks=[(price, quantity) for price, quantity, _ in listing.book.depth(Side.SELL, 10)],
            value=value_won(listing.base_price, deviation),
            cash=self.exchange.available_cash(number) // len(COMPANIES),
            shares=self.exchange.available_shares(number, symbol),
            shares_target=self.targets[kind][symbol],
            position=number,
            resting=[
                RestingOrder(str(order.order_id), order.side, order.price, order.open_quantity)
                for order in listing.book.orders.values()
                if order.account == number
            ],
        )

    def _sample(self) -> None:
        for symbol, listing in self.exchange.listings.items():
            bids, asks = listing.book.depth(Side.BUY, 10), listing.book.depth(Side.SELL, 10)
            best_bid = bids[0][0] if bids else None
            best_ask = asks[0][0] if asks else None
            self.tape.book_samples.append((symbol, best_bid, best_ask, len(bids), len(asks)))
            self.tape.last_prices[symbol].append(listing.last_price)
