"""Ticks on the real database and the real gate: late, doubled, from two threads, after a restart in any phase."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection

from chat.models import Message
from games import services
from games.core.news import fundamental_impacts
from games.core.schedule import Phase
from games.models import Game, News
from games.seeding import catalogue_seed
from games.selectors import game_current, game_state, news_published, news_today
from games.services import game_tick
from stocking.base import stream
from stocking.base.units import now_ms
from trading.core.orders import Side
from trading.engine import listing_drain
from trading.gate.answers import Accepted, Who
from trading.gate.client import gate
from trading.models import Company, Holding, Listing, Market, Portfolio

pytestmark = pytest.mark.django_db(transaction=True)

CYCLE, PREPARE, TRADING = 720_000, 60_000, 540_000


@pytest.fixture(autouse=True)
def _cycle(settings: Any) -> None:
    settings.GAME_CYCLE_SECONDS = CYCLE // 1_000
    settings.GAME_PREPARE_SECONDS = PREPARE // 1_000
    settings.GAME_TRADING_SECONDS = TRADING // 1_000
    settings.GAME_START = "aligned"


@pytest.fixture
def listeners(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Replace what other applications have registered for the end of a game."""
    replaced: list[Any] = []
    monkeypatch.setattr(services, "_drained_listeners", replaced)
    return replaced


@pytest.fixture(autouse=True)
def _no_ranking(listeners: list[Any]) -> None:
    """Results are the ranking's own tests' matter."""


@pytest.fixture
def boundary() -> int:
    """Seed, and return a boundary some hours back, so that the gate's clock is behind every close."""
    catalogue_seed()
    past = now_ms() - 10 * CYCLE
    return past - past % CYCLE


def drain(game: Game) -> None:
    """Have the engines apply all that waits."""
    for listing in Listing.objects.filter(market=game.market):
        while listing_drain(listing.pk):
            pass


def texts(kind: str = "system") -> list[str]:
    return list(Message.objects.filter(kind=kind).order_by("pk").values_list("text", flat=True))


def keys() -> list[str]:
    return list(Message.objects.filter(key__startswith="game:").order_by("pk").values_list("key", flat=True))


def tick(now: int, **options: Any) -> Game:
    game = game_tick(now_ms=now, **options)
    assert game is not None
    return game


def test_without_companies_there_is_no_game() -> None:
    assert game_tick(now_ms=now_ms()) is None
    assert game_state()["number"] is None
    assert game_state()["phase"] == "intermission"


def test_a_game_from_preparation_to_results(boundary: int) -> None:
    game = tick(boundary + 5)
    assert (game.phase, game.trading_at, game.closes_at) == (
        Phase.PREPARING,
        boundary + PREPARE,
        boundary + PREPARE + TRADING,
    )
    assert game.is_registered
    assert game.market.opens_at == game.trading_at
    assert gate().serves(game.number)
    assert Portfolio.objects.filter(market=game.market, user__is_bot=True).count() == 13
    assert Holding.objects.filter(listing__market=game.market).count() == 39
    assert News.objects.filter(game=game, published_at=None, answers=None).count() == 9
    assert news_published() == []
    assert "항로전자(HRE) 120,000원" in texts()[0]

    assert tick(boundary + PREPARE - 1).phase == Phase.PREPARING
    assert tick(boundary + PREPARE).phase == Phase.TRADING
    assert tick(boundary + PREPARE + TRADING - 1).phase == Phase.TRADING
    game = tick(boundary + PREPARE + TRADING)
    assert game.phase == Phase.SETTLING, "the engines have not applied their end markers yet"
    drain(game)
    game = tick(boundary + PREPARE + TRADING + 1_000)
    assert game.phase == Phase.INTERMISSION
    assert game.is_live is None
    assert game.closed_at == boundary + PREPARE + TRADING + 1_000
    assert Market.objects.get(pk=game.number).is_settled
    assert texts("result") == [], "what the results are is told by those who make them"
    assert texts()[-1] == (
        f"게임 #{game.number} 결과 화면에서 순위와 수익률을 확인해 보세요. 다음 게임까지 1분 59초 남았어요."
    )
    assert tick(boundary + CYCLE - 1).number == game.number
    following = tick(boundary + CYCLE)
    assert following.number > game.number
    assert following.phase == Phase.PREPARING
    assert following.trading_at == boundary + CYCLE + PREPARE


def test_doubled_ticks_change_nothing(boundary: int) -> None:
    moments = [0, 0, 1, PREPARE, PREPARE, PREPARE + TRADING, PREPARE + TRADING, PREPARE + TRADING + 1]
    for moment in moments:
        game = tick(boundary + moment)
        tick(boundary + moment)
    drain(game)
    for _ in range(3):
        game = tick(boundary + PREPARE + TRADING + 2_000)
    assert game.phase == Phase.INTERMISSION
    assert Game.objects.count() == 1
    number = game.number
    assert keys() == [
        f"game:{number}:{what}" for what in ("preparing", "trading", "settling", "intermission")
    ]


def test_a_very_late_tick_walks_through_every_phase(boundary: int) -> None:
    first = tick(boundary)
    late = boundary + 5 * CYCLE + 100_000
    game = tick(late)
    assert (game.number, game.phase) == (first.number, Phase.SETTLING)
    drain(game)
    game = tick(late)
    assert game.number > first.number
    assert game.phase == Phase.PREPARING
    assert game.trading_at == boundary + 6 * CYCLE + PREPARE, (
        "the next boundary's, its preparation shown at once"
    )
    assert Game.objects.get(pk=first.pk).phase == Phase.INTERMISSION
    assert not any("left" in key for key in keys())


def test_a_clock_that_jumps_back_undoes_nothing(boundary: int) -> None:
    tick(boundary)
    tick(boundary + PREPARE)
    assert tick(boundary - CYCLE).phase == Phase.TRADING
    assert tick(boundary).phase == Phase.TRADING
    assert Game.objects.count() == 1


def test_mode_now_starts_at_once_and_after_a_silence_again(settings: Any, boundary: int) -> None:
    settings.GAME_START = "now"
    start = boundary + 123_456
    game = tick(start, is_first=True)
    assert game.trading_at == start + 10_000
    tick(game.closes_at)
    drain(game)
    finished = tick(game.closes_at + 500)
    assert finished.phase == Phase.INTERMISSION
    assert tick(game.closes_at + 1_000).number == game.number
    again = tick(game.closes_at + 1_000, is_first=True)
    assert again.number > game.number
    assert again.trading_at == game.closes_at + 11_000


def tick_twice_at_once(now: int) -> None:
    """Tick from two threads that start together, each with a connection of its own."""
    barrier = Barrier(2)

    def work() -> None:
        barrier.wait(10)
        try:
            game_tick(now_ms=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(work), pool.submit(work)]:
            future.result(60)


@pytest.mark.parametrize("moment", [0, PREPARE, PREPARE + TRADING])
def test_two_workers_at_once_do_it_once(boundary: int, moment: int) -> None:
    if moment:
        tick(boundary)
    tick_twice_at_once(boundary + moment)
    assert Game.objects.count() == 1
    assert Market.objects.count() == 1
    assert len(keys()) == len(set(keys())) == {0: 1, PREPARE: 2, PREPARE + TRADING: 3}[moment]
    assert News.objects.filter(answers=None).count() == 9


def test_two_workers_at_once_say_it_once(boundary: int) -> None:
    game = tick(boundary)
    tick(game.trading_at)
    tick_twice_at_once(game.closes_at - 30_000)
    assert Message.objects.filter(kind="news").count() == News.objects.count() >= 9
    assert [text for text in texts() if "남았어요" in text] == ["마감까지 30초 남았어요."]


def test_the_database_holds_that_one_game_is_live(boundary: int) -> None:
    game = tick(boundary)
    other = Market.objects.create(opens_at=1, closes_at=2, initial_cash=1)
    with pytest.raises(IntegrityError):
        Game.objects.create(
            market=other, seed=1, trading_at=1, closes_at=2, next_game_at=3, is_live=True, phase=game.phase
        )


def test_creating_is_all_or_nothing(boundary: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(services, "market_grant", fail)
        with pytest.raises(RuntimeError):
            game_tick(now_ms=boundary)
    assert not Market.objects.exists()
    assert not Message.objects.exists()
    assert tick(boundary + 1_000).phase == Phase.PREPARING


def test_a_gate_that_was_away_is_told_later(boundary: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(services, "market_register", lambda **_: False)
        assert not tick(boundary).is_registered
    assert tick(boundary + 1_000).is_registered
    assert gate().serves(Game.objects.get().number)


def test_a_game_waits_in_settling_until_every_listener_has_succeeded(
    boundary: int, listeners: list[Any]
) -> None:
    called: list[tuple[str, int, str]] = []

    def good(game: Game) -> None:
        called.append(("good", game.number, game.phase))

    def bad(game: Game) -> None:
        called.append(("bad", game.number, game.phase))
        if sum(name == "bad" for name, _, _ in called) == 1:
            raise RuntimeError("died in between")

    services.on_game_drained(good)
    services.on_game_drained(good)
    services.on_game_drained(bad)
    assert listeners == [good, bad]
    game = tick(boundary)
    end = game.closes_at
    tick(end)
    assert called == [], "the market is not drained"
    drain(game)
    with pytest.raises(RuntimeError, match="died"):
        game_tick(now_ms=end + 500)
    assert Game.objects.get().phase == Phase.SETTLING
    assert keys()[-1].endswith(":settling")
    assert tick(end + 1_000).phase == Phase.INTERMISSION
    tick(end + 1_500)
    number = game.number
    assert called == [(name, number, "settling") for name in ("good", "bad", "good", "bad")]
    assert [key for key in keys() if key.endswith(":intermission")] == [f"game:{number}:intermission"]


def test_settling_may_be_handed_elsewhere(boundary: int) -> None:
    game = tick(boundary)
    handed: list[int] = []
    tick(game.closes_at, finish=handed.append)
    assert handed == []
    drain(game)
    assert tick(game.closes_at + 1, finish=handed.append).phase == Phase.SETTLING
    assert handed == [game.number]
    assert services.game_finish(number=game.number, now_ms=game.closes_at + 2)
    assert services.game_finish(number=game.number, now_ms=game.closes_at + 3)
    assert Game.objects.get().closed_at == game.closes_at + 2
    assert not services.game_finish(number=game.number + 1, now_ms=0)


def test_an_order_resting_at_the_close_is_cancelled_before_the_results(settings: Any) -> None:
    """On the gate's own clock: a two-second game in which a player's order rests."""
    catalogue_seed()
    settings.GAME_START = "now"
    settings.GAME_CYCLE_SECONDS, settings.GAME_PREPARE_SECONDS, settings.GAME_TRADING_SECONDS = 60, 1, 2
    game = tick(now_ms())
    bot = Portfolio.objects.filter(market=game.market).order_by("pk")[0].user_id
    order = None
    while now_ms() < game.closes_at:
        tick(now_ms())
        if order is None or not isinstance(order, Accepted):
            order = gate().submit(
                Who(account=bot),
                client_order_id="a",
                symbol="HRE",
                side=Side.BUY,
                type="limit",
                price=100_000,
                quantity=7,
            )
    assert isinstance(order, Accepted)
    assert len(gate().open_orders(game.number, bot)) in (0, 1)
    tick(now_ms())
    drain(game)
    assert tick(now_ms()).phase == Phase.INTERMISSION
    assert gate().open_orders(game.number, bot) == []


# What is said ---------------------------------------------------------------------------------------


def test_the_time_left_is_said_once_at_each_mark(boundary: int) -> None:
    game = tick(boundary)
    for now in range(boundary, boundary + CYCLE, 3_000):
        if tick(now).phase == Phase.SETTLING:
            drain(game)
    said = [text for text in texts() if "남았어요" in text and "결과 화면" not in text]
    assert said == [
        "거래 시작까지 30초 남았어요.",
        "거래 시작까지 10초 남았어요.",
        *[f"마감까지 {minutes}분 남았어요." for minutes in range(8, 0, -1)],
        "마감까지 30초 남았어요.",
        "마감까지 10초 남았어요.",
        "다음 게임까지 1분 남았어요.",
        "다음 게임까지 30초 남았어요.",
        "다음 게임까지 10초 남았어요.",
    ]


def test_news_is_published_once_and_told_with_its_level(boundary: int) -> None:
    game = tick(boundary)
    tick(game.trading_at)
    plan = list(News.objects.filter(game=game).order_by("at_ms"))
    tick(plan[0].at_ms - 1)
    assert news_published() == []
    for _ in range(2):
        tick(plan[2].at_ms)
    out = news_published(game=game)
    assert [news.pk for news in out] == [plan[2].pk, plan[1].pk, plan[0].pk]
    assert all(news.published_at == plan[2].at_ms for news in out)
    messages = Message.objects.filter(kind="news").order_by("pk")
    told = [(m.text, m.level, m.symbol) for m in messages]
    assert told == [(n.headline, n.direction, n.company.symbol) for n in plan[:3]]
    symbol = out[0].company.symbol
    assert {news.company.symbol for news in news_published(symbol)} == {symbol}
    assert news_published(symbol, since_ms=plan[2].at_ms + 1) == []


def test_rumours_and_their_answers_are_stored_as_planned(boundary: int) -> None:
    """Seed 1 has two rumours of each outcome."""
    game = tick(boundary, seed=1)
    stored = {news.number: news for news in News.objects.filter(game=game)}
    kinds = Counter(news.kind for news in stored.values())
    assert kinds["confirmation"] >= 1
    assert kinds["denial"] >= 1
    for news in stored.values():
        assert news.headline_en
        if news.answers is not None:
            rumour = stored[news.answers]
            assert (rumour.kind, rumour.company_id) == ("rumour", news.company_id)
            assert (rumour.direction == news.direction) == (news.kind == "confirmation")
    moving = [news for news in stored.values() if news.kind in ("report", "confirmation")]
    pieces = [news.piece(news.at_ms - game.trading_at) for news in stored.values()]
    assert len(fundamental_impacts(pieces)) == len(moving) < len(stored)


def test_news_that_was_not_out_at_the_close_never_comes(boundary: int) -> None:
    game = tick(boundary)
    tick(game.closes_at)
    tick(game.closes_at + 1_000)
    assert not News.objects.filter(published_at__isnull=False).exists()
    assert news_today() == []


def test_the_same_seed_plans_the_same_news(boundary: int) -> None:
    games = []
    for turn in range(2):
        game = tick(boundary + turn * CYCLE, seed=77)
        games.append(game)
        tick(game.closes_at)
        drain(game)
        tick(game.closes_at + 1)
    plans = [
        [(n.company_id, n.template_id, n.headline, n.magnitude_bps, n.at_ms - game.trading_at) for n in found]
        for game in games
        for found in [News.objects.filter(game=game).order_by("at_ms")]
    ]
    assert plans[0] == plans[1]
    assert len(plans[0]) >= 9


def test_a_company_off_the_list_is_not_in_the_next_game(boundary: int) -> None:
    Company.objects.filter(symbol="SBC").update(is_listed=False)
    game = tick(boundary)
    assert set(game.market.listings.values_list("symbol", flat=True)) == {"HRE", "BRM"}


# The topic and the call -------------------------------------------------------------------------------


def test_each_phase_is_published_and_the_call_says_the_same(boundary: int, client: Any) -> None:
    versions = []
    for moment, phase in ((0, "preparing"), (PREPARE, "trading"), (PREPARE + TRADING, "settling")):
        game = tick(boundary + moment)
        snapshot = stream.snapshot("game")
        versions.append(snapshot.version)
        data = stream.snapshot_data("game")
        assert (data["number"], data["phase"]) == (game.number, phase)
        answer = client.get("/api/game")
        assert answer.status_code == 200
        body = answer.json()
        assert abs(body.pop("server_time_ms") - data.pop("server_time_ms")) < 5_000
        assert body == data
        assert set(body) >= {"number", "phase", "phase_ends_at_ms", "next_game_at_ms"}
    assert versions == [versions[0], versions[0] + 1, versions[0] + 2]
    assert client.post("/api/game").status_code in (403, 405)


def test_the_state_names_the_ends(boundary: int) -> None:
    game = tick(boundary)
    state = game_state(time_ms=boundary + 7)
    assert state == {
        "number": game.number,
        "phase": "preparing",
        "server_time_ms": boundary + 7,
        "phase_ends_at_ms": game.trading_at,
        "next_game_at_ms": boundary + CYCLE,
        "trading_at_ms": game.trading_at,
        "closes_at_ms": game.closes_at,
        "paused_at_ms": None,
        "pause_reason": "",
    }
    current = game_current()
    assert current is not None
    assert current.number == game.number


def test_impossible_lengths_stop_the_clock_with_a_reason(settings: Any, boundary: int) -> None:
    settings.GAME_CYCLE_SECONDS = 30
    with pytest.raises((ValueError, ImproperlyConfigured), match="cycle"):
        game_tick(now_ms=boundary)
