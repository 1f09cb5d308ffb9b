"""A practice game: reproducible from the player's commands, its records those of the exchange, valued at the close."""

from random import Random

import pytest

from games.core.practice import OPEN_ORDERS_MAX, PLAYER, PracticeGame
from games.core.simulated import Fill
from games.simulation import game_of_catalogue
from trading.core.orders import OrderStatus, OrderType, Side
from trading.core.rejects import RejectCode

CASH = 10_000_000
SYMBOLS = ("HRE", "BRM", "SBC")


def new_game(seed: int = 3, seconds: int = 60) -> PracticeGame:
    return PracticeGame(game_of_catalogue(seed=seed, seconds=seconds), cash=CASH)


def act(game: PracticeGame, rng: Random, number: int) -> None:
    """Do something at random: order, amend, cancel, or cancel everything."""
    symbol = rng.choice(SYMBOLS)
    bids, asks = game.market.book(symbol)
    open_orders = game.open_orders()
    dice = rng.random()
    if dice < 0.7 or not open_orders:
        side = rng.choice((Side.BUY, Side.SELL))
        is_market = rng.random() < 0.4
        levels = rng.choice((bids, asks))
        price = None if is_market or not levels else rng.choice(levels)[0]
        type_ = OrderType.MARKET if price is None else OrderType.LIMIT
        game.submit(f"c{number}", symbol, side, type_, price, rng.randint(1, 40))
    elif dice < 0.85:
        order = rng.choice(open_orders)
        game.amend(order.order_id, None, order.filled + rng.randint(1, 50))
    elif dice < 0.97:
        game.cancel(rng.choice(open_orders).order_id)
    else:
        game.cancel_all()


def played(*, seed: int, slices: int, seconds: int = 60) -> PracticeGame:
    """Play with random commands every 700 ms; time passes in so many pieces in between."""
    game, rng = new_game(seed, seconds), Random(seed)
    for number, at_ms in enumerate(range(700, seconds * 1_000, 700)):
        for part in range(slices, 0, -1):
            game.advance(at_ms - 700 * (part - 1) // slices)
        act(game, rng, number)
        check_records(game)
    game.advance(seconds * 1_000)
    check_records(game)
    return game


def check_records(game: PracticeGame) -> None:
    """The player's records say what the exchange says."""
    exchange = game.market.exchange
    resting = {str(order.order_id): order for order in game.market.open_orders(PLAYER)}
    mine = {order.order_id: order for order in game.open_orders()}
    assert mine.keys() == resting.keys()
    for order_id, order in mine.items():
        assert (order.filled, order.quantity) == (resting[order_id].filled, resting[order_id].quantity)
        assert order.status == resting[order_id].status
    bought = sum(f.price * f.quantity for f in game.fills if game.side_of(f) is Side.BUY)
    sold = sum(f.price * f.quantity for f in game.fills if game.side_of(f) is Side.SELL)
    assert game.cash()[0] == CASH - bought + sold
    for symbol in SYMBOLS:
        signed = [
            f.quantity * (1 if game.side_of(f) is Side.BUY else -1) for f in game.fills if f.symbol == symbol
        ]
        assert game.shares(symbol)[0] == sum(signed)
    assert exchange.open_orders(PLAYER) == len(mine)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_commands_at_the_same_times_give_the_same_tape(seed: int) -> None:
    first, second = played(seed=seed, slices=1), played(seed=seed, slices=3)
    tape: list[Fill] = first.market.tape
    assert len(first.fills) > 10
    assert tape == second.market.tape
    assert first.outcome() == second.outcome()
    other = played(seed=seed + 10, slices=1)
    assert other.market.tape != tape


def test_what_the_player_does_moves_the_market() -> None:
    watched, traded = new_game(), new_game()
    traded.advance(5_000)
    traded.submit("c", "BRM", Side.BUY, OrderType.MARKET, None, 100)
    for game in (watched, traded):
        game.advance(20_000)
    assert watched.market.tape != traded.market.tape


def test_the_outcome_adds_up() -> None:
    outcome = played(seed=4, slices=1).outcome()
    assert sum(listing.profit for listing in outcome.listings) == outcome.equity - CASH
    assert outcome.return_bps == (outcome.equity - CASH) * 10_000 // CASH
    gains = [(row.value - row.base_price) * 10_000 // row.base_price for row in outcome.listings]
    assert outcome.house_return_bps == sum(gains) // 3


def test_one_last_trade_does_not_make_the_result() -> None:
    """Shares are worth what was paid over half a minute, not what the player pays in the last second."""
    game = new_game(seconds=60)
    game.advance(59_400)
    before, (_bids, asks) = game.market.last_price("SBC"), game.market.book("SBC")
    dearer = next(index for index, (price, _, _) in enumerate(asks) if price > before)
    quantity = sum(quantity for _, quantity, _ in asks[:dearer]) + 1
    assert game.submit("last", "SBC", Side.BUY, OrderType.LIMIT, asks[dearer][0], quantity).code is None
    assert game.market.last_price("SBC") == asks[dearer][0] > before
    game.advance(60_000)
    window = [fill for fill in game.market.tape if fill.symbol == "SBC" and fill.at_ms >= 30_000]
    shares, won = sum(f.quantity for f in window), sum(f.price * f.quantity for f in window)
    assert shares > 10 * quantity or len(window) > 10
    assert game.closing_value("SBC") == won // shares < asks[dearer][0]


def test_a_repeat_places_nothing() -> None:
    game = new_game()
    first = game.submit("c1", "BRM", Side.BUY, OrderType.LIMIT, 48_000, 3)
    again = game.submit("c1", "BRM", Side.BUY, OrderType.LIMIT, 48_000, 3)
    other = game.submit("c1", "BRM", Side.BUY, OrderType.LIMIT, 48_000, 4)
    assert (first.is_duplicate, again.is_duplicate, again.order_id) == (False, True, first.order_id)
    assert other.code is RejectCode.CLIENT_ORDER_ID_REUSED
    assert len(game.open_orders()) == 1


def test_refusals_are_those_of_the_exchange_and_change_nothing() -> None:
    game = new_game()
    order = game.submit("rests", "BRM", Side.BUY, OrderType.LIMIT, 40_000, 1)
    refused = [
        game.submit("a", "XXX", Side.BUY, OrderType.LIMIT, 100, 1),
        game.submit("b", "BRM", Side.BUY, OrderType.LIMIT, 48_001, 1),
        game.submit("c", "BRM", Side.BUY, OrderType.LIMIT, 48_000, 0),
        game.submit("d", "BRM", Side.SELL, OrderType.LIMIT, 49_000, 1),
        game.amend("player-9", 40_000, 2),
        game.amend(order.order_id, 40_000, 10**9),
        game.cancel("player-9"),
    ]
    assert [answer.code for answer in refused] == [
        "unknown_symbol", "invalid_tick", "invalid_quantity", "insufficient_shares", "order_not_found",
        "order_too_large", "order_not_found",
    ]  # fmt: skip
    check_records(game)
    assert [order.client_order_id for order in game.open_orders()] == ["rests"]


def test_orders_that_rest_are_bounded_and_end_with_the_game() -> None:
    game = new_game(seconds=60)
    for number in range(OPEN_ORDERS_MAX):
        assert game.submit(f"c{number}", "SBC", Side.BUY, OrderType.LIMIT, 7_000, 1).code is None
    assert game.submit("more", "SBC", Side.BUY, OrderType.LIMIT, 7_000, 1).code == "too_many_open_orders"
    game.advance(60_000)
    ended = game.order("player-1")
    assert ended is not None
    assert (ended.status, ended.reason) == (OrderStatus.CANCELED, "closed")
    assert game.open_orders() == []
    assert game.submit("late", "SBC", Side.BUY, OrderType.LIMIT, 7_000, 1).code == "market_closed"
