"""Staff start, pause, resume, extend, end and cancel a game: times, what is said, what is logged, what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from chat.models import Message
from games import flock, services
from games.announcing import time_left_announce
from games.control import (
    EXTENSION_MS_MAX,
    ControlError,
    deeds_possible,
    game_cancel,
    game_end,
    game_extend,
    game_pause,
    game_resume,
    game_start,
)
from games.core.schedule import Phase
from games.models import Game, News
from games.seeding import catalogue_seed
from games.selectors import game_state
from games.services import game_close, game_open, game_tick
from stocking.base import stream
from stocking.base.errors import ApplicationError
from stocking.base.units import now_ms
from trading.engine import listing_drain
from trading.gate.answers import Accepted, Refused, Who
from trading.gate.client import gate
from trading.models import Intervention, Listing, Market

pytestmark = pytest.mark.django_db(transaction=True)

CYCLE, PREPARE, TRADING = 720_000, 60_000, 540_000
REST = CYCLE - PREPARE - TRADING
MINUTE = 60_000


@pytest.fixture(autouse=True)
def _cycle(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.GAME_CYCLE_SECONDS = CYCLE // 1_000
    settings.GAME_PREPARE_SECONDS = PREPARE // 1_000
    settings.GAME_TRADING_SECONDS = TRADING // 1_000
    settings.GAME_START = "aligned"
    monkeypatch.setattr(services, "_drained_listeners", [])


@pytest.fixture
def boundary() -> int:
    catalogue_seed()
    past = now_ms() - 10 * CYCLE
    return past - past % CYCLE


@pytest.fixture
def staff() -> User:
    return User.objects.create_superuser("staff@example.com", "관리자")


def drain(game: Game) -> None:
    for listing in Listing.objects.filter(market=game.market):
        while listing_drain(listing.pk):
            pass


def tick(now: int, **options: Any) -> Game:
    game = game_tick(now_ms=now, **options)
    assert game is not None
    return game


def trading(boundary: int) -> Game:
    tick(boundary)
    game = tick(boundary + PREPARE)
    assert game.phase == Phase.TRADING
    return game


def fresh(game: Game) -> Game:
    return Game.objects.select_related("market").get(pk=game.pk)


def told(kind: str = "system") -> list[str]:
    return list(Message.objects.filter(kind=kind).order_by("pk").values_list("text", flat=True))


def at_the_gate(game: Game) -> tuple[int, int, bool]:
    [opening, *_] = gate().openings([(game.number, game.market.listings.first().pk)]).values()
    return opening.opens_at, opening.closes_at, opening.is_paused


def test_a_pause_stops_the_clock_and_all_that_hangs_on_it(boundary: int, staff: User) -> None:
    game = trading(boundary)
    paused_at = game.trading_at + 181_000
    tick(paused_at - 1)
    said = len(told("news"))
    game_pause(number=game.number, now_ms=paused_at, reason="긴급  점검", staff=staff)
    assert at_the_gate(game)[2]
    for later in (0, game.closes_at - paused_at, CYCLE, 3 * CYCLE):
        game = tick(paused_at + later, is_first=later > 0)
        assert (game.phase, game.is_paused) == (Phase.TRADING, True)
        assert flock.bots_step(now_ms=paused_at + later) == 0
        state = game_state(time_ms=paused_at + later)
        assert state["phase_ends_at_ms"] - state["server_time_ms"] == TRADING - 181_000
        assert state["closes_at_ms"] == state["phase_ends_at_ms"]
        assert (state["paused_at_ms"], state["pause_reason"]) == (paused_at, "긴급 점검")
    assert len(told("news")) == said, "news waits"
    assert [text for text in told() if "남았어요" in text and "마감" in text] == ["마감까지 6분 남았어요."]
    assert told()[-1] == (
        f"게임 #{game.number} 일시정지 · 시계와 거래가 멈췄고, 다시 시작하면 남은 시간 그대로 이어져요."
        " · 이유: 긴급 점검"
    )
    [entry] = Intervention.objects.all()
    assert (entry.kind, entry.market_id, entry.by, entry.reason) == ("pause", game.number, staff, "긴급 점검")
    assert entry.change == {"paused_at": [None, paused_at]}


def test_a_game_goes_on_with_what_was_left(boundary: int) -> None:
    game = trading(boundary)
    paused_at, pause = game.trading_at + 200_000, 45_000
    planned = dict(News.objects.filter(game=game).values_list("pk", "at_ms"))
    tick(paused_at)
    game_pause(number=game.number, now_ms=paused_at, reason="점검")
    game_resume(number=game.number, now_ms=paused_at + pause, reason="끝")
    game = fresh(game)
    assert (game.closes_at, game.market.closes_at) == (boundary + PREPARE + TRADING + pause,) * 2
    assert game.next_game_at == boundary + CYCLE, "the rest is long enough to take it up"
    assert at_the_gate(game) == (game.trading_at, game.closes_at, False)
    assert game.trading_at == boundary + PREPARE, "trading began when it began"
    assert (game.pauses, game.pause_reason) == ([[paused_at, paused_at + pause]], "")
    for news in News.objects.filter(game=game):
        assert news.at_ms == planned[news.pk] + (pause if news.published_at is None else 0)
    assert told()[-1] == f"게임 #{game.number} 다시 시작 · 마감까지 5분 40초 남았어요. · 이유: 끝"
    assert tick(game.closes_at - 1).phase == Phase.TRADING
    assert tick(game.closes_at).phase == Phase.SETTLING
    assert game.clock_time(paused_at + pause + 5) == paused_at + 5
    assert game.clock_time(paused_at + pause - 5) == paused_at
    assert game.clock_time(paused_at - 5) == paused_at - 5


def test_marks_are_told_once_across_a_pause_and_again_after_an_extension(boundary: int) -> None:
    game = trading(boundary)
    at = game.closes_at - 59_000
    tick(at)
    game_pause(number=game.number, now_ms=at, reason="점검")
    game_resume(number=game.number, now_ms=at + 5_000, reason="끝")
    tick(at + 5_000)
    assert told().count("마감까지 1분 남았어요.") == 1
    game_extend(number=game.number, now_ms=at + 6_000, by_ms=MINUTE, reason="연장")
    assert told()[-1].startswith(f"게임 #{game.number} 시간 연장 · 1분 늘었어요. 마감까지 1분 58초 남았어요.")
    tick(fresh(game).closes_at - 60_000)
    assert told().count("마감까지 1분 남았어요.") == 2


@pytest.mark.parametrize(
    ("mode", "pause", "following"),
    [
        ("now", 45_000, CYCLE + 45_000),
        ("aligned", REST - 30_000, CYCLE),
        ("aligned", REST - 29_999, 2 * CYCLE),
        ("aligned", 2 * CYCLE, 3 * CYCLE),
    ],
)
def test_the_next_game_after_a_pause(
    boundary: int, settings: Any, mode: str, pause: int, following: int
) -> None:
    game = trading(boundary)
    settings.GAME_START = mode
    at = game.trading_at + 1
    game_pause(number=game.number, now_ms=at, reason="점검")
    assert game_state(time_ms=at + pause)["next_game_at_ms"] == boundary + following
    game_resume(number=game.number, now_ms=at + pause, reason="끝")
    assert fresh(game).next_game_at == boundary + following


def test_a_pause_in_preparation_moves_everything(boundary: int) -> None:
    game = tick(boundary)
    planned = list(News.objects.filter(game=game).order_by("pk").values_list("at_ms", flat=True))
    game_pause(number=game.number, now_ms=boundary + 10_000, reason="점검")
    assert tick(boundary + PREPARE + 1_000).phase == Phase.PREPARING
    order = {"symbol": "HRE", "side": "buy", "type": "limit", "price": 100_000, "quantity": 1}
    assert gate().submit(Who(account=1), client_order_id="a", **order) == Refused("market_paused")
    game_resume(number=game.number, now_ms=boundary + 100_000, reason="끝")
    game = fresh(game)
    assert game.trading_at == game.market.opens_at == boundary + PREPARE + 90_000
    assert game.closes_at == game.trading_at + TRADING
    assert game.pauses == [], "its trading had no pause"
    moved = list(News.objects.filter(game=game).order_by("pk").values_list("at_ms", flat=True))
    assert moved == [at + 90_000 for at in planned]
    assert at_the_gate(game) == (game.trading_at, game.closes_at, False)


def test_a_pause_in_the_intermission_holds_the_next_game(boundary: int) -> None:
    game = trading(boundary)
    tick(game.closes_at)
    drain(game)
    assert tick(game.closes_at + 1).phase == Phase.INTERMISSION
    game_pause(number=game.number, now_ms=game.closes_at + 2, reason="점검")
    for now in (boundary + CYCLE, boundary + 5 * CYCLE):
        assert tick(now, is_first=True).number == game.number
    game_resume(number=game.number, now_ms=game.closes_at + 2 + 30_000, reason="끝")
    assert fresh(game).next_game_at == boundary + CYCLE + 30_000
    assert tick(boundary + CYCLE + 30_000).number > game.number


@pytest.mark.parametrize("is_paused", [False, True])
def test_ending_early_makes_results_of_what_was_traded(boundary: int, is_paused: bool) -> None:
    game = trading(boundary)
    at = game.trading_at + 100_000
    if is_paused:
        game_pause(number=game.number, now_ms=at, reason="점검")
    game_end(number=game.number, now_ms=at + 1_000 * is_paused, reason="서버 점검")
    game = fresh(game)
    assert (game.phase, game.closes_at, game.market.closes_at) == (Phase.SETTLING, at, at)
    assert not game.is_paused
    assert not game.market.is_paused
    assert game.next_game_at == boundary + CYCLE
    assert at_the_gate(game)[1] == at
    drain(game)
    tick(at + 2_000)
    drain(game)
    assert tick(at + 3_000).phase == Phase.INTERMISSION
    assert [text.split(" · ")[0] for text in told()[-3:-1]] == [
        f"게임 #{game.number} 조기 종료",
        f"게임 #{game.number} 거래가 끝났어요. 남은 주문은 취소되고 결과를 정산하고 있어요.",
    ]


def test_starting_now_ends_a_preparation(boundary: int) -> None:
    game = tick(boundary)
    planned = list(News.objects.filter(game=game).order_by("pk").values_list("at_ms", flat=True))
    at = boundary + 20_000
    game_start(number=game.number, now_ms=at, reason="모두 모였어요")
    game = fresh(game)
    assert (game.phase, game.trading_at, game.started_at) == (Phase.TRADING, at, at)
    assert game.closes_at == at + TRADING
    assert game.next_game_at == boundary + CYCLE
    assert at_the_gate(game) == (at, at + TRADING, False)
    moved = list(News.objects.filter(game=game).order_by("pk").values_list("at_ms", flat=True))
    assert moved == [time - 40_000 for time in planned]


def test_starting_now_ends_an_intermission_even_a_paused_one(boundary: int) -> None:
    game = trading(boundary)
    tick(game.closes_at)
    drain(game)
    tick(game.closes_at + 1)
    at = game.closes_at + 5_000
    game_pause(number=game.number, now_ms=at, reason="점검")
    new = game_start(number=game.number, now_ms=at, reason="이벤트")
    assert new.number > game.number
    assert (new.trading_at, new.next_game_at) == (at + 10_000, boundary + 2 * CYCLE)
    assert not fresh(game).is_paused
    assert tick(at + 10_000).phase == Phase.TRADING
    assert fresh(new).is_registered
    with pytest.raises(ControlError):
        game_start(number=new.number, now_ms=at + 11_000, reason="또")


def test_starting_the_very_first_game(boundary: int) -> None:
    game = game_start(number=None, now_ms=boundary + 400_000, reason="개장")
    assert (game.phase, game.trading_at) == (Phase.PREPARING, boundary + 410_000)
    with pytest.raises(ControlError):
        game_start(number=None, now_ms=boundary + 400_001, reason="개장")
    assert Game.objects.count() == 1


def test_extending(boundary: int) -> None:
    game = trading(boundary)
    for by in (0, -1, EXTENSION_MS_MAX + 1):
        with pytest.raises(ApplicationError):
            game_extend(number=game.number, now_ms=game.trading_at, by_ms=by, reason="연장")
    game_extend(number=game.number, now_ms=game.trading_at, by_ms=MINUTE, reason="연장")
    game = fresh(game)
    assert game.closes_at == game.market.closes_at == boundary + PREPARE + TRADING + MINUTE
    assert at_the_gate(game)[1] == game.closes_at
    assert tick(game.closes_at - 1).phase == Phase.TRADING
    assert Intervention.objects.get().change == {"closes_at": [game.closes_at - MINUTE, game.closes_at]}


def test_what_is_due_happens_first(boundary: int) -> None:
    """The clock is late: the gate has opened, or closed, by itself before staff act."""
    game = tick(boundary)
    game_pause(number=game.number, now_ms=boundary + PREPARE + 300, reason="점검")
    game = fresh(game)
    assert (game.phase, game.is_paused) == (Phase.TRADING, True)
    game_resume(number=game.number, now_ms=boundary + PREPARE + 400, reason="끝")
    assert fresh(game).trading_at == boundary + PREPARE
    with pytest.raises(ControlError):
        game_extend(number=game.number, now_ms=fresh(game).closes_at, by_ms=MINUTE, reason="연장")
    assert tick(fresh(game).closes_at).phase == Phase.SETTLING


def test_who_has_looked_before_staff_acted_changes_nothing(boundary: int) -> None:
    stale = tick(boundary)
    game_start(number=stale.number, now_ms=boundary + 1_000, reason="바로")
    assert not game_open(game=stale, now_ms=boundary + PREPARE), "it trades already"
    stale = fresh(stale)
    game_extend(number=stale.number, now_ms=stale.closes_at - 1, by_ms=MINUTE, reason="연장")
    assert not game_close(game=stale, now_ms=stale.closes_at), "it ends later now"
    stale = fresh(stale)
    game_pause(number=stale.number, now_ms=stale.closes_at - 1, reason="점검")
    assert not game_close(game=stale, now_ms=stale.closes_at), "it stands still"
    assert not time_left_announce(game=stale, now_ms=stale.closes_at - 10_000)
    assert fresh(stale).phase == Phase.TRADING


DEEDS: dict[str, Callable[..., Any]] = {
    "pause": game_pause, "resume": game_resume, "end": game_end, "start": game_start,
    "extend": lambda **asked: game_extend(by_ms=MINUTE, **asked),
}  # fmt: skip


@pytest.mark.parametrize("deed", DEEDS)
def test_a_deed_that_is_asked_twice_is_done_once(boundary: int, deed: str) -> None:
    game = tick(boundary) if deed == "start" else trading(boundary)
    at = game.trading_at + 10_000 - MINUTE * (deed == "start")
    if deed == "resume":
        game_pause(number=game.number, now_ms=at, reason="점검")
    asked = {
        "number": game.number,
        "now_ms": at + 1,
        "reason": "한 번만",
        "revision": fresh(game).market.revision,
    }
    DEEDS[deed](**asked)
    after = fresh(game)
    with pytest.raises(ControlError):
        DEEDS[deed](**asked)
    assert fresh(game).times == after.times
    assert Intervention.objects.filter(kind=deed).count() == 1
    assert len([text for text in told() if "한 번만" in text]) == 1


@pytest.mark.parametrize("deed", DEEDS)
def test_a_deed_without_a_reason_is_refused(boundary: int, deed: str) -> None:
    game = trading(boundary)
    for reason in ("", "  ", "\u200b"):
        with pytest.raises(ApplicationError):
            DEEDS[deed](number=game.number, now_ms=game.trading_at, reason=reason)
    with pytest.raises(ApplicationError):
        game_cancel(game=game, now_ms=game.trading_at, reason="")
    assert fresh(game).times == game.times
    assert not Intervention.objects.exists()


def test_what_may_be_done_when(boundary: int) -> None:
    def possible(game: Game | None) -> set[str]:
        return {str(kind) for kind in deeds_possible(game)}

    assert possible(None) == {"start"}
    game = tick(boundary)
    assert possible(game) == {"start", "pause", "extend", "cancel"}
    game = tick(boundary + PREPARE)
    assert possible(game) == {"pause", "extend", "end", "cancel"}
    game_pause(number=game.number, now_ms=game.trading_at, reason="점검")
    assert possible(fresh(game)) == {"resume", "extend", "end", "cancel"}
    game_end(number=game.number, now_ms=game.trading_at + 5, reason="끝")
    assert possible(fresh(game)) == {"cancel"}
    new = tick(boundary + CYCLE)
    assert possible(fresh(game)) == {"cancel"}, "held"
    assert new.number > game.number
    drain(game)
    tick(boundary + CYCLE + 1)
    assert possible(fresh(game)) == set()
    assert possible(None) == set()


@pytest.mark.parametrize("is_paused", [False, True])
def test_cancelling_says_why(boundary: int, staff: User, is_paused: bool) -> None:
    game = trading(boundary)
    at = game.trading_at + 7_000
    if is_paused:
        game_pause(number=game.number, now_ms=at, reason="점검")
    assert game_cancel(game=game, now_ms=at + 1, reason="장애", staff=staff)
    game = fresh(game)
    assert (game.closes_at, game.is_paused, game.market.is_paused) == (at + (not is_paused), False, False)
    assert told("result") == [f"게임 #{game.number} 취소 · 결과와 MMR에 반영되지 않아요. · 이유: 장애"]
    assert Intervention.objects.latest("pk").kind == "cancel"
    drain(game)
    tick(at + 2)
    assert fresh(game).market.is_settled


def test_orders_on_the_gates_own_clock(settings: Any) -> None:
    """A real pause of a real game: refused while it lasts, accepted again, and closed later by as much."""
    catalogue_seed()
    settings.GAME_START = "now"
    settings.GAME_CYCLE_SECONDS, settings.GAME_PREPARE_SECONDS, settings.GAME_TRADING_SECONDS = 60, 1, 40
    player = User.objects.create_user(None, "손님", is_guest=True).pk
    game = tick(now_ms())

    def submit(name: str) -> Accepted | Refused:
        return gate().submit(
            Who(account=player), client_order_id=name, symbol="HRE", side="buy", type="limit", price=100_000, quantity=1
        )  # fmt: skip

    game_start(number=game.number, now_ms=now_ms(), reason="바로")
    assert isinstance(submit("a"), Accepted)
    planned = fresh(game).closes_at
    paused_at = now_ms()
    game_pause(number=game.number, now_ms=paused_at, reason="점검")
    assert submit("b") == Refused("market_paused")
    assert isinstance(submit("a"), Accepted), "a repeat of what was accepted"
    assert [row["status"] for row in stream.snapshot_data("market")] == ["paused"] * 3
    assert stream.snapshot_data("game")["paused_at_ms"] == paused_at
    drain(game)
    assert len(gate().open_orders(game.number, player)) == 1
    resumed_at = now_ms()
    game_resume(number=game.number, now_ms=resumed_at, reason="끝")
    assert isinstance(submit("b"), Accepted)
    assert at_the_gate(game)[1] == planned + resumed_at - paused_at
    drain(game)


# The admin ------------------------------------------------------------------------------------------


def test_staff_control_the_game_in_the_admin(staff: User, client: Client, settings: Any) -> None:
    catalogue_seed()
    settings.GAME_START = "now"
    game = game_start(number=tick(now_ms()).number, now_ms=now_ms(), reason="바로")
    client.force_login(staff)
    page = client.get("/admin/games/game/").content.decode()
    for deed in ("pause", "extend", "end", "cancel"):
        assert f"/admin/games/game/{game.number}/control/{deed}/" in page
    address = f"/admin/games/game/{game.number}/control/pause/"
    assert 'name="reason"' in client.get(address).content.decode()
    assert client.post(address, {"reason": "", "revision": 1}).status_code == 200
    assert not fresh(game).is_paused
    assert client.post(address, {"reason": "점검", "revision": 1}).status_code == 302
    assert fresh(game).is_paused
    again = client.post(address, {"reason": "점검", "revision": 1})
    assert "그사이 게임의 일정이 바뀌었어요" in again.content.decode()
    page = client.get(f"/admin/games/game/{game.number}/change/").content.decode()
    assert f"/admin/games/game/{game.number}/control/resume/" in page
    address = f"/admin/games/game/{game.number}/control/extend/"
    assert client.post(address, {"reason": "연장", "revision": 2, "minutes": 61}).status_code == 200
    before = fresh(game).closes_at
    assert client.post(address, {"reason": "연장", "revision": 2, "minutes": 2}).status_code == 302
    assert fresh(game).closes_at == before + 2 * MINUTE
    history = client.get(f"/admin/games/game/{game.number}/history/").content.decode()
    assert "점검" in history
    assert "연장" in history
    assert client.get("/admin/games/game/999999/control/pause/").status_code == 404
    assert client.get(f"/admin/games/game/{game.number}/control/seed/").status_code == 404


def test_who_may_only_look_controls_nothing(boundary: int, client: Client) -> None:
    from django.contrib.auth.models import Permission

    viewer = User.objects.create_user("viewer@example.com", "구경꾼", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_game"))
    game = trading(boundary)
    client.force_login(viewer)
    assert "/control/" not in client.get("/admin/games/game/").content.decode()
    answer = client.post(f"/admin/games/game/{game.number}/control/pause/", {"reason": "점검", "revision": 0})
    assert answer.status_code == 403
    assert not fresh(game).is_paused
    assert Market.objects.get().revision == 0
