"""From orders to ratings on the real gate and engine: what was traded is what is ranked."""

import pytest

from accounts.models import User
from games.models import Game
from games.services import game_finish
from ranking.models import ClosingValue, Result
from ranking.selectors import leaderboard_game, results_of
from trading.services import market_close
from trading.tests.market import Exchange, open_exchange


@pytest.fixture
def exchange(db: None) -> Exchange:
    """A market of one stock with a bot that owns shares, and its game."""
    exchange = open_exchange(base_price=10_000, shares={"봇": {"AAA": 5_000}})
    User.objects.filter(pk=exchange.account("봇")).update(is_bot=True)
    market = exchange.market
    Game.objects.create(
        market=market,
        phase=Game.Phase.SETTLING,
        seed=1,
        trading_at=market.opens_at,
        closes_at=market.closes_at,
        next_game_at=market.closes_at + 60_000,
        is_live=True,
    )
    return exchange


def close(exchange: Exchange) -> None:
    assert market_close(market=exchange.market, early=True)
    exchange.drain()


def test_a_game_is_played_closed_ranked_and_rated(exchange: Exchange) -> None:
    exchange.submit("봇", "sell", 100, 10_000)
    exchange.submit("산개미", "buy", 100, 10_000)  # buys cheap, and holds
    exchange.submit("봇", "sell", 50, 11_000)
    exchange.submit("늦개미", "buy", 50, 11_000)  # buys dear
    exchange.submit("봇", "buy", 50, 10_900)
    exchange.drain()
    exchange.submit("늦개미", "sell", 50)  # and sells at a loss
    exchange.submit("구경개미", "buy", 1, 9_000)  # never filled
    exchange.drain()
    live = leaderboard_game()
    assert [(row["nickname"], row["return_bps"]) for row in live["rows"]] == [("산개미", 90), ("늦개미", -5)]

    close(exchange)
    number = exchange.market.pk
    assert game_finish(number=number, now_ms=exchange.market.closes_at)
    assert ClosingValue.objects.get().value == 10_475, (
        "all was traded in the last 30 s before it really closed"
    )
    rows = results_of(number)["results"]
    assert [(row["rank"], row["nickname"], row["return_bps"], row["fills"]) for row in rows] == [
        (1, "산개미", 47, 1),
        (2, "늦개미", -5, 2),
    ]
    winner, loser = (User.objects.get(nickname=row["nickname"]) for row in rows)
    assert winner.mmr > loser.mmr
    assert winner.games_played == loser.games_played == 1
    assert User.objects.get(nickname="구경개미").games_played == 0
    assert User.objects.get(nickname="봇").games_played == 0
    assert Game.objects.get().phase == Game.Phase.INTERMISSION


def test_finishing_again_rates_nobody_again(exchange: Exchange) -> None:
    exchange.submit("봇", "sell", 10, 10_000)
    exchange.submit("산개미", "buy", 10, 10_000)
    close(exchange)
    game_finish(number=exchange.market.pk, now_ms=1)
    before = list(Result.objects.values())
    Game.objects.update(phase=Game.Phase.SETTLING)  # as after a crash between the results and the phase
    assert game_finish(number=exchange.market.pk, now_ms=2)
    assert list(Result.objects.values()) == before
    assert User.objects.get(nickname="산개미").games_played == 1
