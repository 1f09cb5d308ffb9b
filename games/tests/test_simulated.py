"""The simulated game: reproducible, conserving, open to people, closed at the end; and the market in it."""

from random import Random

from games.catalogue import COMPANIES
from games.core.bots import flock_sizes
from games.core.facts import totals
from games.core.news import NewsKind
from games.core.simulated import Fill, SimulatedBot, SimulatedCompany, SimulatedGame
from games.simulation import game_of_catalogue
from trading.core.events import Accepted, Rejected, Traded
from trading.core.orders import OrderType, Side
from trading.core.rejects import RejectCode

SYMBOL = "BRM"


def human_game(steps: int) -> SimulatedGame:
    """A game in which somebody orders at random between the steps."""
    game = game_of_catalogue(seed=7, seconds=60)
    game.join("me", cash=10_000_000)
    rng = Random(1)
    for turn in range(steps):
        game.advance((turn + 1) * 700)
        side = Side.BUY if rng.random() < 0.5 else Side.SELL
        type_ = OrderType.MARKET if rng.random() < 0.5 else OrderType.LIMIT
        price = game.last_price(SYMBOL) if type_ is OrderType.LIMIT else None
        game.submit("me", f"me:{turn}", SYMBOL, side, type_, price, rng.randint(1, 20))
    return game


def test_the_same_seed_gives_the_same_tape() -> None:
    tapes: list[list[Fill]] = []
    for seed in (5, 5, 6):
        game = game_of_catalogue(seed=seed, seconds=20)
        game.advance(20_000)
        tapes.append(game.tape)
    assert tapes[0] == tapes[1] != tapes[2]
    assert [fill.number for fill in tapes[0]] == list(range(1, len(tapes[0]) + 1))


def test_it_does_not_matter_in_how_many_strides_a_game_goes_on() -> None:
    at_once, in_strides = (game_of_catalogue(seed=5, seconds=20) for _ in range(2))
    at_once.advance(20_000)
    for until in (1, 499, 500, 501, 7_777, 7_000, 30_000):
        in_strides.advance(until)
    assert at_once.tape == in_strides.tape
    assert at_once.is_over
    assert in_strides.is_over
    assert in_strides.now_ms == 20_000


def test_the_same_orders_of_a_person_give_the_same_tape_and_lose_no_won() -> None:
    game = human_game(steps=40)
    before = totals(game)
    assert any("me" in (fill.taker_account, fill.maker_account) for fill in game.tape)
    assert human_game(steps=40).tape == game.tape
    game.advance(60_000)
    assert totals(game) == before, "cash and shares are conserved"


def test_a_person_orders_amends_and_cancels_between_the_steps() -> None:
    game = game_of_catalogue(seed=3, seconds=60)
    game.join("me", cash=10_000_000)
    game.advance(10_000)
    low = game.exchange.listings[SYMBOL].lower_limit
    [accepted] = game.submit("me", "me:1", SYMBOL, Side.BUY, OrderType.LIMIT, low, 10)
    assert isinstance(accepted, Accepted)
    assert accepted.time_ms == 10_000
    game.amend("me", "me:1", quantity=5)
    [resting] = game.open_orders("me")
    assert (resting.order_id, resting.open_quantity) == ("me:1", 5)
    game.cancel("me", "me:1")
    assert game.open_orders("me") == []
    game.submit("me", "me:2", SYMBOL, Side.BUY, OrderType.LIMIT, low, 1)
    game.cancel_all("me")
    assert game.open_orders("me", SYMBOL) == []

    bids, asks = game.book(SYMBOL)
    assert bids[0][0] < asks[0][0]
    events = game.submit("me", "me:3", SYMBOL, Side.BUY, OrderType.LIMIT, asks[0][0], 1)
    assert [type(event) for event in events] == [Accepted, Traded]
    assert game.tape[-1].taker_account == "me"
    assert game.tape[-1].price == asks[0][0]
    assert game.exchange.shares("me", SYMBOL) == 1


def test_refusals_come_as_from_the_exchange_and_change_nothing() -> None:
    game = game_of_catalogue(seed=3, seconds=60)
    game.join("me", cash=1_000)
    low = game.exchange.listings[SYMBOL].lower_limit
    [refusal] = game.submit("me", "me:1", SYMBOL, Side.BUY, OrderType.LIMIT, low, 1)
    assert isinstance(refusal, Rejected)
    assert refusal.code is RejectCode.INSUFFICIENT_CASH
    [refusal] = game.cancel("me", "no such order")
    assert isinstance(refusal, Rejected)
    [refusal] = game.amend("me", "no such order", quantity=1)
    assert isinstance(refusal, Rejected)


def test_at_the_end_nothing_rests_and_nothing_is_accepted() -> None:
    game = game_of_catalogue(seed=3, seconds=20)
    game.join("me", cash=10_000_000)
    game.advance(20_000)
    assert game.is_over
    assert game.book(SYMBOL) == ([], [])
    [refusal] = game.submit("me", "me:1", SYMBOL, Side.BUY, OrderType.MARKET, None, 1)
    assert isinstance(refusal, Rejected)
    assert refusal.code is RejectCode.MARKET_CLOSED
    for account, balance in game.exchange.balances.items():
        assert balance.available_cash == balance.cash, account


def test_news_is_unknown_before_it_is_out_and_then_moves_the_hidden_value() -> None:
    game = game_of_catalogue(seed=4, seconds=180)
    game.advance(1)
    assert game.news == []
    game.advance(180_000)
    assert game.news
    assert all(news.at_ms <= game.now_ms for news in game.news)
    symbols = {company.symbol for company in COMPANIES}
    assert sum(len(game.news_about(symbol)) for symbol in symbols) == len(game.news)
    news = next(news for news in game.news if news.kind is NewsKind.REPORT)
    symbol = game.companies[news.company_id].symbol
    before, after = game.fundamental(symbol, news.at_ms - 1), game.fundamental(symbol, news.at_ms)
    assert (after > before) == news.is_good


def test_many_listings_are_all_traded_by_a_larger_flock() -> None:
    companies = [SimulatedCompany(f"S{number}", f"회사{number}", "", 10_000) for number in range(7)]
    sizes = flock_sizes(len(companies))
    kinds = [kind for kind, size in sizes.items() for _ in range(size)]
    bots = [SimulatedBot(f"봇_{number}", kind, number) for number, kind in enumerate(kinds)]
    game = SimulatedGame(
        seed=1, companies=companies, bots=bots, headlines=[], trading_ms=30_000, draws=Random
    )
    game.advance(20_000)
    for company in companies:
        bids, asks = game.book(company.symbol)
        assert min(len(bids), len(asks)) >= 5, company.symbol
    assert {fill.symbol for fill in game.tape} == {company.symbol for company in companies}
