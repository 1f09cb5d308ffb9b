"""The host of practice: its games' pace and places, the attempt of the day, and what it never touches."""

from concurrent.futures import Executor, Future
from typing import Any

import pytest

from accounts.models import User
from games.models import DailyAttempt
from games.practice import daily
from games.practice.asks import Ask, Look, Speed, Start, Stop, Submit
from games.practice.host import ASKS_BURST, Host
from stocking.base.units import now_ms
from trading.gate.client import gate
from trading.models import Holding, Order, Portfolio, Trade

pytestmark = pytest.mark.django_db

MINUTE_MS = 60_000
EVE, ADAM = 1, 2


class Clerk(Executor):
    """Writes at once; can be made to fail so many times."""

    failures = 0

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        if self.failures:
            self.failures -= 1
            done.set_exception(OSError("the database is away"))
        else:
            done.set_result(function(*arguments, **named))
        return done


class Room:
    """A host on a clock that the test moves, and what it has told each player."""

    def __init__(self, load_max: int = 24) -> None:
        self.now = 1_000.0
        self.told: dict[int, list[dict[str, Any]]] = {}
        self.watching: dict[int, int] = {}
        self.clerk = Clerk()
        self.host = Host(
            tell=lambda user, frame: self.told.setdefault(user, []).append(frame),
            watched=lambda users: {user: self.watching.get(user, 1) for user in users},
            clerk=self.clerk,
            load_max=load_max,
        )

    def ask(self, user: int, ask: Ask) -> dict[str, Any]:
        """Ask, and return the last that was told."""
        self.host.take(user, ask, self.now)
        self.host.turn(self.now)
        return self.told[user][-1]

    def start(self, user: int = EVE, mode: str = "free", **more: Any) -> dict[str, Any]:
        """Start a game, and return what was told of it first."""
        self.ask(user, Start(ref="s", mode=mode, **more))
        return next(frame for frame in reversed(self.told[user]) if frame["answers"])

    def wait(self, ms: float) -> None:
        """Let time pass, turning as often as the host wants to."""
        end = self.now + ms
        while self.now < end:
            self.now = min(end, self.now + max(1.0, self.host.turn(self.now)))
        self.host.turn(self.now)

    def last(self, user: int = EVE) -> dict[str, Any]:
        return self.told[user][-1]


def buy(**more: Any) -> Submit:
    return Submit(
        **(
            {
                "ref": "b",
                "client_order_id": "c1",
                "symbol": "BRM",
                "side": "buy",
                "type": "market",
                "quantity": 5,
            }
            | more
        )
    )


def player(nickname: str) -> User:
    return User.objects.create_user(None, nickname, is_guest=True)


# A game from start to end ---------------------------------------------------------------------------


def test_a_game_is_told_from_start_to_end() -> None:
    room = Room()
    first = room.start(seed=77, speed=4)
    assert (first["is_full"], first["phase"], first["seed"], first["speed"]) == (True, "trading", 77, 4)
    assert {listing["symbol"] for listing in first["listings"]} == {"HRE", "BRM", "SBC"}
    room.wait(5_000)
    answered = room.ask(EVE, buy())
    assert answered["answers"] == [{"ref": "b", "order_id": "player-1", "duplicate": False}]
    assert sum(fill["quantity"] for fill in answered["fills"]) == 5
    assert answered["account"]["holdings"][0]["quantity"] == 5
    room.wait(40_000)
    end = room.last()
    assert (end["phase"], end["is_full"], end["now_ms"]) == ("finished", True, end["closes_at_ms"])
    assert end["result"]["fills"] == len(end["fills"]) > 0
    again = room.ask(EVE, Look(ref="l"))
    assert (again["result"], again["answers"]) == (end["result"], [{"ref": "l"}])
    assert room.host.games == {}
    room.wait(130_000)
    assert room.ask(EVE, Look(ref="l"))["phase"] == "none"


def test_changes_add_up_to_everything() -> None:
    """A page that follows the changes shows what a page that asks for everything shows."""
    room = Room()
    first = room.start(seed=5)
    for number in range(20):
        room.wait(1_000)
        order = {"type": "limit", "price": 48_000 + 50 * number} if number % 2 else {}
        room.ask(EVE, buy(client_order_id=f"c{number}", quantity=1 + number, **order))
    frames = room.told[EVE]
    frames = frames[frames.index(first) :]
    assert [frame["frame"] for frame in frames] == list(range(1, len(frames) + 1))
    everything = room.ask(EVE, Look(ref="l"))
    for name in ("fills", "news"):
        heard = [item for frame in frames for item in reversed(frame.get(name, []))]
        assert heard == sorted(
            everything[name], key=lambda item: (item.get("traded_at", 0), item.get("trade_id", 0))
        )
    for symbol, trades in everything["trades"].items():
        heard = [trade for frame in reversed(frames) for trade in frame.get("trades", {}).get(symbol, [])]
        assert heard[: len(trades)] == trades
    for name in ("account", "orders"):
        latest = next(frame[name] for frame in reversed(frames) if name in frame)
        assert latest == everything[name]
    ended = {order["order_id"] for frame in frames for order in frame.get("ended", [])}
    assert not ended & {order["order_id"] for order in everything["orders"]}
    answers = [answer for frame in frames for answer in frame["answers"]]
    accepted = {answer["order_id"] for answer in answers if answer.get("order_id")}
    assert ended | {order["order_id"] for order in everything["orders"]} == accepted
    assert len(accepted) > 15


def test_a_game_runs_at_its_speed_and_waits_for_a_process_that_was_held_up() -> None:
    room = Room()
    opened = room.start(speed=2)["opens_at_ms"]
    room.wait(10_000)
    assert abs(room.last()["now_ms"] - opened - 20_000) <= 500
    room.now += 60_000  # asleep
    room.wait(500)
    assert room.last()["now_ms"] - opened < 23_000
    assert "code" not in room.ask(EVE, Speed(ref="v", speed=4))["answers"][0]
    before = room.last()["now_ms"]
    room.wait(5_000)
    assert abs(room.last()["now_ms"] - before - 20_000) <= 1_000


# Places -----------------------------------------------------------------------------------------------


def test_a_player_has_one_game_and_the_speeds_together_are_bounded() -> None:
    room = Room(load_max=4)
    first = room.start(EVE, speed=2)
    assert room.start(EVE, speed=1)["game"] == first["game"]
    assert room.ask(EVE, Speed(ref="v", speed=4))["answers"] == [{"ref": "v"}]
    assert room.start(ADAM)["answers"][0]["code"] == "practice_full"
    assert room.ask(EVE, Stop(ref="x"))["phase"] == "none"
    assert room.start(ADAM, speed=2)["phase"] == "trading"
    assert room.ask(ADAM, Speed(ref="v", speed=4))["answers"] == [{"ref": "v"}]
    assert room.start(EVE)["answers"][0]["code"] == "practice_full"


def test_asks_without_a_game_and_asks_too_often_are_refused() -> None:
    room = Room()
    assert room.ask(EVE, buy())["answers"][0]["code"] == "practice_not_found"
    codes = [room.ask(EVE, Look(ref="l"))["answers"][0].get("code") for _ in range(ASKS_BURST)]
    assert codes == [None] * (ASKS_BURST - 1) + ["rate_limited"]
    room.wait(1_000)
    assert "code" not in room.ask(EVE, Look(ref="l"))["answers"][0]


def test_a_game_nobody_watches_is_dropped() -> None:
    room = Room()
    room.start()
    room.watching[EVE] = 0
    room.wait(25_000)
    assert EVE in room.host.games
    room.watching[EVE] = 1
    room.wait(10_000)
    room.watching[EVE] = 0
    room.wait(45_000)
    assert room.host.games == {}
    assert room.last()["phase"] == "lost"


def test_players_are_told_when_the_host_ends() -> None:
    room = Room()
    room.start(EVE)
    room.start(ADAM)
    room.host.close()
    assert [room.last(user)["phase"] for user in (EVE, ADAM)] == ["lost", "lost"]
    assert room.ask(EVE, Look(ref="l"))["phase"] == "none"


# The seed of the day -------------------------------------------------------------------------------------


def finish_daily(room: Room, user: User) -> dict[str, Any]:
    room.wait(3 * MINUTE_MS + 1_000)
    return room.last(user.pk)


def test_the_first_attempt_counts_and_no_other() -> None:
    room, user = Room(), player("하루")
    assert room.start(user.pk, "daily", speed=4)["speed"] == 1
    room.wait(3_000)
    room.ask(user.pk, buy())
    end = finish_daily(room, user)
    [attempt] = DailyAttempt.objects.all()
    assert (end["phase"], end["is_counted"]) == ("finished", True)
    assert attempt.fills > 0
    assert (attempt.return_bps, attempt.fills) == (end["result"]["return_bps"], end["result"]["fills"])
    assert room.start(user.pk, "daily")["is_counted"] is False
    room.ask(user.pk, buy(quantity=100))
    finish_daily(room, user)
    assert DailyAttempt.objects.get() == attempt
    assert DailyAttempt.objects.get().return_bps == attempt.return_bps


def test_everybody_has_the_same_market_of_the_day() -> None:
    room, users = Room(), [player("하나"), player("둘")]
    for user in users:
        room.start(user.pk, "daily")
    room.wait(30_000)
    tapes = [room.host.games[user.pk].game.market.tape for user in users]
    assert tapes[0] == tapes[1]
    assert len(tapes[0]) > 5
    day = daily.day_of(0)
    assert daily.seed_of(day) == daily.seed_of(day) != daily.seed_of(daily.day_of(86_400_000))


def test_an_attempt_that_was_lost_can_be_made_again() -> None:
    user = player("다시")
    room = Room()
    room.start(user.pk, "daily")
    room.wait(10_000)
    # The process is gone without a word; its attempt is not complete.
    assert DailyAttempt.objects.get().finished_at is None
    first = room.host.games[user.pk].attempt
    other = Room()
    assert other.start(user.pk, "daily")["is_counted"] is True
    other.ask(user.pk, buy())
    finish_daily(other, user)
    assert DailyAttempt.objects.get().finished_at is not None
    # What the first process would still write, late, changes nothing.
    assert first is not None
    outcome = room.host.games[user.pk].game.outcome()
    stored = DailyAttempt.objects.get().return_bps
    assert daily.attempt_finish(first, outcome=outcome, time_ms=1) is False
    assert DailyAttempt.objects.get().return_bps == stored


def test_leaving_or_not_watching_the_game_of_the_day_does_not_end_it() -> None:
    room, user = Room(), player("나감")
    room.start(user.pk, "daily")
    room.wait(3_000)
    room.ask(user.pk, buy())
    room.watching[user.pk] = 0
    room.wait(60_000)
    assert user.pk in room.host.games
    room.ask(user.pk, Stop(ref="x"))
    room.wait(8_000)
    assert room.host.games == {}
    assert DailyAttempt.objects.get().fills > 0


def test_the_end_is_told_when_it_is_recorded() -> None:
    room, user = Room(), player("늦음")
    room.start(user.pk, "daily")
    room.ask(user.pk, buy())
    room.wait(3 * MINUTE_MS - 1_000)
    room.clerk.failures = 2
    room.wait(2_000)
    assert room.last(user.pk)["phase"] == "saving"
    assert DailyAttempt.objects.get().finished_at is None
    room.wait(6_000)
    assert room.last(user.pk)["phase"] == "finished"
    assert DailyAttempt.objects.get().finished_at is not None


def test_the_day_does_not_begin_while_the_ledger_is_away() -> None:
    room, user = Room(), player("먼저")
    room.clerk.failures = 1
    assert room.start(user.pk, "daily")["answers"][0]["code"] == "practice_unavailable"
    assert room.start(user.pk, "daily")["phase"] == "trading"


# The board -----------------------------------------------------------------------------------------------


def test_the_board_ranks_those_who_traded_with_ties_shared() -> None:
    day = daily.day_of(now_ms())
    users = [player(f"선수{number}") for number in range(5)]
    returns = [120, 300, 120, -50, 900]
    for user, bps in zip(users, returns, strict=True):
        DailyAttempt.objects.create(
            user=user,
            day=day,
            started_at=1,
            finished_at=2,
            return_bps=bps,
            equity=1,
            fills=0 if bps == 900 else 3,
        )
    DailyAttempt.objects.create(user=player("아직"), day=day, started_at=1)
    board = daily.board_get(day, users[2])
    assert [(row["rank"], row["nickname"], row["is_me"]) for row in board["rows"]] == [
        (1, "선수1", False), (2, "선수0", False), (2, "선수2", True), (4, "선수3", False),
    ]  # fmt: skip
    assert board["players"] == 4
    assert board["me"] == {"rank": 2, "return_bps": 120, "fills": 3}
    assert daily.board_get(day, users[4])["me"] == {"rank": None, "return_bps": 900, "fills": 0}
    assert daily.board_get(day)["me"] is None


# What it never touches -------------------------------------------------------------------------------------


def test_practice_leaves_gate_ledger_and_rating_alone() -> None:
    user = player("연습")
    store = gate().redis
    before = sorted(store.keys("*"))
    room = Room()
    room.start(user.pk, "daily")
    room.wait(5_000)
    room.ask(user.pk, buy())
    room.ask(user.pk, buy(client_order_id="c2", type="limit", price=40_000))
    finish_daily(room, user)
    assert sorted(store.keys("*")) == before
    for model in (Order, Trade, Portfolio, Holding):
        assert not model.objects.exists()
    user.refresh_from_db()
    assert (user.mmr, user.games_played, user.rating_mean) == (1_000, 0, None)
