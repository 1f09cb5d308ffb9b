"""The bots on the real gate and the real engines, and their step done twice."""

from io import StringIO
from threading import Event
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import Sum

from games import flock, services
from games.flock import bots_step
from games.models import Bot, Game, News
from games.seeding import catalogue_seed
from games.services import game_tick
from stocking.base.units import now_ms
from trading.engine import listing_drain
from trading.gate.client import gate
from trading.models import Holding, Listing, Order, Portfolio, Trade

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def game(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Game:
    """A game that trades now, for eight seconds."""
    monkeypatch.setattr(services, "_drained_listeners", [])
    catalogue_seed()
    settings.GAME_START = "now"
    settings.GAME_CYCLE_SECONDS, settings.GAME_PREPARE_SECONDS, settings.GAME_TRADING_SECONDS = 60, 1, 8
    game_tick(now_ms=now_ms(), seed=5)
    return wait_for_phase("trading")


def wait_for_phase(phase: str) -> Game:
    """Tick on the real clock until the game is in the phase."""
    deadline = now_ms() + 30_000
    while now_ms() < deadline:
        game = game_tick(now_ms=now_ms())
        assert game is not None
        drain(game)
        if game.phase == phase:
            return game
        Event().wait(0.02)
    pytest.fail(f"the game did not reach {phase}")


def drain(game: Game) -> None:
    for listing in Listing.objects.filter(market=game.market):
        while listing_drain(listing.pk):
            pass


def test_a_short_game_of_bots_alone(game: Game) -> None:
    cash = Portfolio.objects.filter(market=game.market).aggregate(cash=Sum("cash"))["cash"]
    shares = dict(
        Holding.objects.filter(listing__market=game.market)
        .values_list("listing__symbol")
        .annotate(shares=Sum("quantity"))
    )
    bots = set(Bot.objects.values_list("user_id", flat=True))
    books_seen = 0
    while now_ms() < game.closes_at - 500:
        game_tick(now_ms=now_ms())
        bots_step(now_ms=now_ms())
        drain(game)
        books_seen += 1
    for listing in Listing.objects.filter(market=game.market):
        resting = Order.objects.filter(listing=listing, status__in=Order.OPEN_STATUSES)
        bids = set(resting.filter(side="buy").values_list("price", flat=True))
        asks = set(resting.filter(side="sell").values_list("price", flat=True))
        assert len(bids) >= 5
        assert len(asks) >= 5
        assert max(bids) < min(asks)
        assert (min(asks) - max(bids)) * 10_000 // max(bids) < 150
    assert books_seen > 5
    assert Trade.objects.filter(listing__market=game.market).count() > 3
    assert set(Order.objects.values_list("user_id", flat=True)) <= bots
    assert News.objects.filter(game=game, published_at__isnull=False).exists()

    wait_for_phase("intermission")
    assert bots_step(now_ms=now_ms()) == 0
    assert not Order.objects.filter(status__in=Order.OPEN_STATUSES).exists()
    assert Portfolio.objects.filter(market=game.market).aggregate(cash=Sum("cash"))["cash"] == cash
    assert shares == dict(
        Holding.objects.filter(listing__market=game.market)
        .values_list("listing__symbol")
        .annotate(shares=Sum("quantity"))
    )
    balances = gate().balances_of(game.number, sorted(bots))
    portfolios = dict(Portfolio.objects.filter(market=game.market).values_list("user_id", "cash"))
    assert {account: balance.cash for account, balance in balances.items()} == portfolios
    call_command("audit", stdout=StringIO())


def test_a_step_done_twice_places_nothing_twice(game: Game) -> None:
    now = now_ms()
    assert bots_step(now_ms=now) > 0
    drain(game)
    placed = Order.objects.count()
    assert placed > 0
    # The book has changed, so what is decided may differ; what was placed under an id is not placed again.
    bots_step(now_ms=now)
    drain(game)
    ids = list(Order.objects.values_list("user_id", "client_order_id"))
    assert len(ids) == len(set(ids))
    resting = Order.objects.filter(status__in=Order.OPEN_STATUSES)
    quotes = list(resting.values_list("user_id", "listing_id", "side", "price"))
    assert len(quotes) == len(set(quotes)), "no maker quotes a price twice"


def test_bots_without_a_grant_and_bots_that_are_off_stay_out(game: Game, django_user_model: Any) -> None:
    late = django_user_model.objects.create_user(None, "봇_지각생", is_bot=True)
    Bot.objects.create(user=late, kind=Bot.Kind.MAKER, seed=99)
    Bot.objects.exclude(user=late).update(is_active=False)
    for step in range(6):
        bots_step(now_ms=game.trading_at + step * flock.STEP_MS)
    drain(game)
    assert not Order.objects.exists()


def test_bots_leave_a_halted_listing_alone(game: Game) -> None:
    halted = Listing.objects.get(market=game.market, symbol="HRE")
    Listing.objects.filter(pk=halted.pk).update(is_halted=True)
    for step in range(6):
        bots_step(now_ms=game.trading_at + step * flock.STEP_MS)
    drain(game)
    assert Order.objects.exists()
    assert not Order.objects.filter(listing=halted).exists()


def test_refusals_are_passed_over_and_a_closed_gate_ends_the_step(
    game: Game, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stocking.base.errors import ApplicationError

    calls: list[str] = []

    def refuse(code: str) -> Any:
        def order_submit(**_: Any) -> None:
            calls.append(code)
            raise ApplicationError(code)

        return order_submit

    monkeypatch.setattr(flock, "order_submit", refuse("insufficient_cash"))
    assert bots_step(now_ms=game.trading_at) == 0
    assert len(calls) > 1
    calls.clear()
    monkeypatch.setattr(flock, "order_submit", refuse("market_closed"))
    assert bots_step(now_ms=game.trading_at) == 0
    assert len(calls) == 1


def test_before_the_bell_no_bot_moves(settings: Any, game: Game) -> None:
    assert bots_step(now_ms=game.trading_at - 1) == 0
    assert bots_step(now_ms=game.closes_at) == 0


def test_bots_back_off_while_the_gate_is_overloaded(
    game: Game, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first refusal ends the step: nobody knocks again before the next one."""
    settings.STREAM_LIMIT = 0
    tries = []
    real = flock._send
    monkeypatch.setattr(flock, "_send", lambda *arguments: tries.append(arguments) or real(*arguments))
    steps = 6
    for step in range(steps):
        assert bots_step(now_ms=game.trading_at + step * flock.STEP_MS) == 0
    assert 0 < len(tries) <= steps
