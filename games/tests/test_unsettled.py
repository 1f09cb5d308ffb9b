"""A game that cannot be settled does not stop the next one; its results come when they can, or never."""

import logging
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from chat.models import Message
from games import services
from games.control import game_cancel
from games.core.schedule import SETTLING_MS_MIN, GameView, Phase
from games.models import Game
from games.seeding import catalogue_seed
from games.services import game_finish, game_hold, game_tick
from stocking.base.alarms import alarm_counts
from stocking.base.units import now_ms
from trading.engine import listing_drain
from trading.gate.answers import Refused, Who
from trading.gate.client import gate
from trading.models import Listing, Market, Portfolio
from trading.services import market_resume, market_suspend

pytestmark = pytest.mark.django_db(transaction=True)

CYCLE, PREPARE, TRADING = 720_000, 60_000, 540_000


@pytest.fixture(autouse=True)
def _cycle(settings: Any) -> None:
    settings.GAME_CYCLE_SECONDS = CYCLE // 1_000
    settings.GAME_PREPARE_SECONDS = PREPARE // 1_000
    settings.GAME_TRADING_SECONDS = TRADING // 1_000
    settings.GAME_START = "aligned"


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the games whose results were asked for."""
    made: list[int] = []
    monkeypatch.setattr(services, "_drained_listeners", [lambda game: made.append(game.number)])
    return made


@pytest.fixture
def boundary() -> int:
    catalogue_seed()
    past = now_ms() - 10 * CYCLE
    return past - past % CYCLE


def drain(game: Game) -> None:
    for listing in Listing.objects.filter(market=game.market):
        while listing_drain(listing.pk):
            pass


def tick(now: int, **options: Any) -> Game:
    game = game_tick(now_ms=now, **options)
    assert game is not None
    return game


def settling(boundary: int) -> Game:
    """A game whose time is over and whose listings have not applied their end markers."""
    tick(boundary)
    tick(boundary + PREPARE)
    game = tick(boundary + PREPARE + TRADING)
    assert game.phase == Phase.SETTLING
    return game


def keys(game: Game) -> list[str]:
    found = Message.objects.filter(key__startswith=f"game:{game.number}:").order_by("pk")
    return [message.key.rpartition(":")[2] for message in found]


def test_the_next_game_begins_on_time_and_the_results_come_later(
    boundary: int, results: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    old = settling(boundary)
    assert tick(boundary + CYCLE - 1).number == old.number
    caplog.set_level(logging.CRITICAL)
    new = tick(boundary + CYCLE)
    assert new.number > old.number
    assert new.phase == Phase.PREPARING
    assert new.trading_at == boundary + CYCLE + PREPARE
    old.refresh_from_db()
    assert (old.phase, old.is_held, old.is_live, old.held_at) == (
        Phase.SETTLING, True, None, boundary + CYCLE,
    )  # fmt: skip
    assert alarm_counts()["game_held"] == 1
    assert "game_held" in caplog.text
    assert keys(old) == ["preparing", "trading", "settling", "held"]
    for later in (1_000, 2_000):
        tick(boundary + CYCLE + later)
    assert results == []
    drain(old)
    new = tick(boundary + CYCLE + 5_000)
    old.refresh_from_db()
    assert results == [old.number]
    assert (old.phase, old.closed_at) == (Phase.INTERMISSION, boundary + CYCLE + 5_000)
    assert Market.objects.get(pk=old.number).is_settled
    assert keys(old) == ["preparing", "trading", "settling", "held", "intermission"]
    assert (new.phase, new.is_live) == (Phase.PREPARING, True)
    assert tick(boundary + CYCLE + PREPARE).phase == Phase.TRADING
    assert results == [old.number]


def test_results_that_fail_for_ever_do_not_stop_the_next_game(
    boundary: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Game) -> None:
        raise RuntimeError("a bug in the results")

    monkeypatch.setattr(services, "_drained_listeners", [fail])
    old = settling(boundary)
    drain(old)
    elsewhere: list[int] = []
    tick(boundary + CYCLE - 1_000, finish=elsewhere.append)
    new = tick(boundary + CYCLE, finish=elsewhere.append)
    assert new.number > old.number
    assert elsewhere == [old.number] * 2, "it is still being tried"
    tick(boundary + CYCLE + 1_000)  # here the bug strikes; the clock goes on
    assert tick(boundary + CYCLE + PREPARE).phase == Phase.TRADING


def test_after_a_silence_a_game_has_its_time_to_settle(boundary: int, results: list[int]) -> None:
    old = settling(boundary)
    late = boundary + 3 * CYCLE + 300_000
    assert tick(late, is_first=True).number == old.number
    assert tick(late + SETTLING_MS_MIN - 1).number == old.number
    drain(old)
    assert tick(late + SETTLING_MS_MIN - 1).number > old.number
    assert results == [old.number]
    assert not Game.objects.filter(held_at__isnull=False).exists()


def test_no_results_are_made_of_a_suspended_market(boundary: int, results: list[int]) -> None:
    old = settling(boundary)
    market_suspend(market=old.market, reason="a test")
    drain(old)
    assert tick(boundary + CYCLE - 1).phase == Phase.SETTLING
    assert not game_finish(number=old.number, now_ms=boundary + CYCLE - 1)
    new = tick(boundary + CYCLE)
    assert new.number > old.number
    tick(boundary + CYCLE + 1_000)
    assert results == []
    market_resume(market=old.market)
    tick(boundary + CYCLE + 2_000)
    assert results == [old.number]


@pytest.mark.unaudited
def test_no_results_are_made_of_a_ledger_that_is_wrong(boundary: int, results: list[int]) -> None:
    old = settling(boundary)
    drain(old)
    Portfolio.objects.filter(pk=Portfolio.objects.filter(market=old.market)[0].pk).update(cash=1)
    assert tick(boundary + CYCLE - 1).phase == Phase.SETTLING
    assert results == []
    assert Market.objects.get().is_suspended
    assert "won were given" in Market.objects.get().suspension_reason


def test_a_game_is_held_once_and_finished_once(boundary: int, results: list[int]) -> None:
    old = settling(boundary)
    stale = Game.objects.get()
    assert game_hold(game=old, now_ms=1)
    assert not game_hold(game=stale, now_ms=2)
    drain(old)
    assert game_finish(number=old.number, now_ms=3)
    assert game_finish(number=old.number, now_ms=4)
    assert not game_hold(game=stale, now_ms=5)
    old.refresh_from_db()
    assert (old.held_at, old.closed_at) == (1, 3)
    assert results == [old.number]


@pytest.mark.parametrize("moment", [0, PREPARE, PREPARE + TRADING])
def test_a_canceled_game_has_no_results(boundary: int, results: list[int], moment: int) -> None:
    tick(boundary)
    if moment:
        tick(boundary + PREPARE)
    game = tick(boundary + moment)
    assert game_cancel(game=game, now_ms=boundary + moment + 1, reason="a test")
    assert not game_cancel(game=game, now_ms=boundary + moment + 2, reason="a test")
    account = Portfolio.objects.first().user_id
    order = {"symbol": "HRE", "side": "buy", "type": "limit", "price": 100_000, "quantity": 1}
    assert gate().submit(Who(account=account), client_order_id="a", **order) == Refused("market_closed")
    drain(game)
    assert tick(boundary + CYCLE - 1).number == game.number
    game.refresh_from_db()
    assert (game.phase, game.canceled_at) == (Phase.INTERMISSION, boundary + moment + 1)
    ended = boundary + (moment + 1 if moment == PREPARE else PREPARE + TRADING)
    assert (game.closes_at, Market.objects.get().closes_at) == (ended, ended)
    assert Market.objects.get().is_settled
    game_finish(number=game.number, now_ms=1)
    assert tick(boundary + CYCLE).number > game.number
    assert results == []
    assert keys(game)[-1] == "canceled"


def test_a_held_game_can_be_canceled_and_the_present_one_goes_on(boundary: int, results: list[int]) -> None:
    old = settling(boundary)
    new = tick(boundary + CYCLE)
    assert game_cancel(game=old, now_ms=boundary + CYCLE + 1, reason="a test")
    drain(old)
    tick(boundary + CYCLE + 1_000)
    assert Market.objects.get(pk=old.number).is_settled
    new.refresh_from_db()
    assert (new.phase, new.is_live) == (Phase.PREPARING, True)
    assert results == []


def test_staff_cancel_a_game_in_the_admin(boundary: int, client: Client) -> None:
    game = settling(boundary)
    client.force_login(User.objects.get(nickname="운영자"))
    url = f"/admin/games/game/{game.pk}/control/cancel/"
    client.post(url, {"reason": " ", "revision": 0})
    game.refresh_from_db()
    assert game.canceled_at is None, "a reason must be given"
    for _ in range(2):
        client.post(url, {"reason": "점검", "revision": 0})
    game.refresh_from_db()
    assert game.canceled_at is not None
    assert client.get(f"/api/games/{game.number}").json()["canceled"] is True
    assert "취소된 게임" in client.get(f"/games/{game.number}/").content.decode()
    drain(game)


def test_the_view_says_whether_a_game_is_held() -> None:
    game = Game(phase=Phase.SETTLING, trading_at=1, closes_at=2, next_game_at=3, settling_at=2, held_at=3)
    assert game.view == GameView(Phase.SETTLING, game.times, 2, True, None, 2)
    game.phase = Phase.INTERMISSION
    assert not game.view.is_held
