"""The end of a game: exactly once, all or nothing, in few queries, and told to everybody it concerns."""

import threading
from collections.abc import Callable
from random import Random
from time import perf_counter
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Tier, User
from chat.models import Message
from ranking import services, tasks
from ranking.core import tiers
from ranking.core.rating import INITIAL, Entrant, Rating, mmr_of, rate
from ranking.models import ClosingValue, GameSummary, Result, Tally
from ranking.services import results_compute, results_notify, results_of_game_compute
from ranking.tests.conftest import INITIAL_CASH, OPENS_AT, Arena, arena_make
from ranking.texts import mmr_reason
from trading.core.invariants import InvariantError
from trading.models import SEQUENCE_BITS, Holding, Listing, Order, Portfolio, Trade

pytestmark = pytest.mark.django_db


def podium(arena: Arena) -> str:
    return Message.objects.get(key=f"podium:{arena.market.pk}").text


def columns() -> tuple[str, ...]:
    return ("pk", "mmr", "tier", "rating_mean", "rating_deviation", "games_played", "rated_at")


def test_the_tiers_are_those_of_the_users() -> None:
    assert list(tiers.Tier) == Tier.values


def test_results_are_ranked_by_return_and_ties_share_a_rank(arena: Arena) -> None:
    for nickname, cash in (
        ("가나", 11_000_000),
        ("다라", 9_000_000),
        ("마바", 11_000_500),
        ("사아", 10_000_000),
    ):
        arena.player(nickname, cash)
    assert results_compute(market=arena.market)
    rows = Result.objects.order_by("rank", "pk").values_list("user__nickname", "rank", "return_bps", "equity")
    assert list(rows) == [
        ("가나", 1, 1_000, 11_000_000),
        ("마바", 1, 1_000, 11_000_500),  # the same return in whole basis points
        ("사아", 3, 0, 10_000_000),
        ("다라", 4, -1_000, 9_000_000),
    ]
    assert GameSummary.objects.get().participants == 4


def test_users_wear_what_the_results_say(arena: Arena) -> None:
    winner, loser = arena.player("이긴개미", 12_000_000), arena.player("진개미", 8_000_000, fills=3)
    bystander = arena.player("구경개미", fills=0)
    results_compute(market=arena.market)
    for user in (winner, loser):
        user.refresh_from_db()
        result = Result.objects.get(user=user)
        assert (result.mmr_before, result.tier_before) == (1_000, "bronze")
        assert (result.mean_before, result.deviation_before) == (INITIAL.mean, INITIAL.deviation)
        assert user.mmr == result.mmr_after == mmr_of(Rating(user.rating_mean, user.rating_deviation))
        assert (user.tier, user.games_played) == (result.tier_after, 1)
        assert (user.rating_mean, user.rating_deviation) == (result.mean_after, result.deviation_after)
        assert user.rated_at == arena.market.closes_at
    assert winner.mmr > 1_000 > loser.mmr
    assert Result.objects.get(user=loser).fills == 3
    bystander.refresh_from_db()
    assert (bystander.mmr, bystander.games_played, bystander.rating_mean) == (1_000, 0, None)
    arena.bot.refresh_from_db()
    assert (arena.bot.mmr, arena.bot.games_played) == (1_000, 0)


def test_stored_results_rate_again_to_the_same_ratings(arena: Arena) -> None:
    for number in range(30):
        arena.player(f"개미{number:02}", 10_000_000 + (number % 7) * 100_000)
    results_compute(market=arena.market)
    stored = list(Result.objects.all())
    entrants = [Entrant(r.user_id, Rating(r.mean_before, r.deviation_before), r.return_bps) for r in stored]
    house = GameSummary.objects.get().house_return_bps
    again = rate(entrants, house_return_bps=house, random=Random(arena.market.pk))
    assert {key: outcome.rating for key, outcome in again.items()} == {
        r.user_id: Rating(r.mean_after, r.deviation_after) for r in stored
    }


def test_a_result_keeps_why_the_rating_moved(arena: Arena) -> None:
    winner, loser = arena.player("이긴개미", 12_000_000), arena.player("진개미", 8_000_000)
    Listing.objects.filter(pk=arena.alpha.pk).update(last_price=11_000)  # the house has 5 %
    results_compute(market=arena.market)
    first, last = Result.objects.get(user=winner), Result.objects.get(user=loser)
    assert (first.room_size, first.room_rank, first.house_margin_bps) == (3, 1, 1_500)
    assert (last.room_size, last.room_rank, last.house_margin_bps) == (3, 3, -2_500)
    assert first.expected_rank_tenths == last.expected_rank_tenths
    assert first.counted_percent == last.counted_percent == 100
    said = mmr_reason(first)
    assert said[0].startswith("실력이 비슷한 상대 1명, 시장과 겨뤄 3자리 중 1위, 기대 순위는 2.")
    assert said[1] == "모든 종목을 똑같이 산 시장의 수익률 +5.00%를 이겼어요."
    assert f"모두 {first.mmr_change:+}." in said[2]
    assert said[3] == "배치 게임 1/10판째라 MMR이 크게 움직이고, 아직 잠정이에요."
    assert "미치지 못했어요" in mmr_reason(last)[1]
    Result.objects.filter(pk=last.pk).update(room_size=None)
    last.refresh_from_db()
    assert mmr_reason(last) == ["함께 거래한 참가자들과 시장 수익률을 상대로 계산했어요."]


def test_the_same_two_again_and_again_gain_ever_less(arena: Arena) -> None:
    winner, loser = arena.player("이긴개미", 12_000_000), arena.player("진개미", 8_000_000)
    results_compute(market=arena.market)
    for number in range(1, 4):
        later = arena_make(arena.bot, at=720_000 * number)
        for user, cash in ((winner, 12_000_000), (loser, 8_000_000)):
            Portfolio.objects.create(market=later.market, user=user, initial_cash=INITIAL_CASH, cash=cash)
            later.trade(later.alpha, buyer=user, price=10_000, at=later.market.opens_at)
        results_compute(market=later.market)
    rows = Result.objects.filter(user=winner).order_by("market")
    assert [row.counted_percent for row in rows] == [100, 76, 62, 52]
    assert any("변동의 52%만 반영했어요" in sentence for sentence in mmr_reason(rows[3]))
    gains = [row.mean_after - row.mean_before for row in rows]
    assert gains == sorted(gains, reverse=True)


def test_the_next_game_goes_on_from_the_last_rating(arena: Arena, next_arena: Callable[[], Arena]) -> None:
    player = arena.player("꾸준개미", 12_000_000)
    results_compute(market=arena.market)
    later = next_arena()
    Portfolio.objects.create(market=later.market, user=player, initial_cash=INITIAL_CASH, cash=13_000_000)
    later.trade(later.alpha, buyer=player, price=10_000, at=later.market.opens_at)
    results_compute(market=later.market)
    first, second = Result.objects.order_by("market")
    assert (second.mmr_before, second.mean_before) == (first.mmr_after, first.mean_after)
    assert (first.games_played, second.games_played) == (1, 2)
    player.refresh_from_db()
    assert (player.mmr, player.games_played) == (second.mmr_after, 2)


def test_returns_are_tallied_by_day_week_and_all_time(arena: Arena) -> None:
    player = arena.player("꾸준개미", 10_100_001)
    results_compute(market=arena.market)  # +1.00 %
    for number, cash in enumerate(
        (9_900_000, 9_990_000), start=1
    ):  # -1.00 %, -0.10 %; the last one a day later
        later = arena_make(arena.bot, at=(720_000, 86_400_000)[number - 1])
        Portfolio.objects.create(market=later.market, user=player, initial_cash=INITIAL_CASH, cash=cash)
        later.trade(later.alpha, buyer=player, price=10_000, at=later.market.opens_at)
        results_compute(market=later.market)
    rows = Tally.objects.order_by("period", "start").values_list(
        "period", "games", "return_bps_sum", "average_bps", "best_bps"
    )
    assert list(rows) == [
        ("all", 3, -10, -4, 100),  # -3.33 rounded down
        ("day", 2, 0, 0, 100),
        ("day", 1, -10, -10, -10),
        ("week", 3, -10, -4, 100),
    ]


def test_closing_values_and_the_house_are_kept(arena: Arena) -> None:
    player = arena.player("새벽개미", 5_000_000)
    arena.hold(player, arena.alpha, 500)
    Listing.objects.filter(pk=arena.alpha.pk).update(last_price=11_000)
    results_compute(market=arena.market)
    assert list(
        ClosingValue.objects.order_by("pk").values_list("value", "return_bps", "window_quantity")
    ) == [
        (11_000, 1_000, 0),
        (50_000, 0, 0),
    ]
    assert GameSummary.objects.get().house_return_bps == 500
    assert Result.objects.get().equity == 10_500_000


def test_a_game_nobody_played_ends_too(arena: Arena) -> None:
    assert results_compute(market=arena.market)
    assert GameSummary.objects.get().participants == 0
    assert not Result.objects.exists()
    assert "참가자가 없어요" in podium(arena)
    assert results_notify(market_id=arena.market.pk) == 0


def test_a_lone_player_moves(arena: Arena) -> None:
    player = arena.player("혼자개미", 10_010_000)
    results_compute(market=arena.market)
    player.refresh_from_db()
    assert player.mmr > 1_000
    assert Result.objects.get().rank == 1


def test_tiers_rise_at_the_threshold_and_fall_below_the_buffer(arena: Arena) -> None:
    climber = arena.player("오른개미", 15_000_000, mmr=1_140, rating_mean=28.0, rating_deviation=7.0)
    faller = arena.player(
        "내린개미", 5_000_000, mmr=1_101, tier="silver", rating_mean=15.0, rating_deviation=3.65
    )
    results_compute(market=arena.market)
    results_notify(market_id=arena.market.pk)
    for user, tier in ((climber, "silver"), (faller, "bronze")):
        user.refresh_from_db()
        assert user.tier == Result.objects.get(user=user).tier_after == tier
    assert "실버 티어로 올라갔어요" in Message.objects.get(recipient=climber).text
    assert "브론즈 티어로 내려갔어요" in Message.objects.get(recipient=faller).text


def test_a_market_that_is_not_drained_is_refused(arena: Arena) -> None:
    arena.player("급한개미")
    Listing.objects.filter(pk=arena.beta.pk).update(is_closed=False)
    with pytest.raises(InvariantError, match="not drained"):
        results_compute(market=arena.market)
    assert not GameSummary.objects.exists()


# Once, and all or nothing -----------------------------------------------------------------------------


def test_a_second_call_changes_nothing(arena: Arena) -> None:
    arena.player("한번개미", 12_000_000)
    assert results_compute(market=arena.market)
    before = (list(Result.objects.values()), list(User.objects.values(*columns())), Message.objects.count())
    assert not results_compute(market=arena.market)
    results_of_game_compute(arena.game)
    assert before == (
        list(Result.objects.values()),
        list(User.objects.values(*columns())),
        Message.objects.count(),
    )


@pytest.mark.parametrize(
    "step", ["_closing_values_create", "_results_create", "users_write", "tallies_add", "podium_text"]
)
def test_dying_in_the_middle_leaves_nothing(arena: Arena, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    arena.player("끊긴개미", 12_000_000)
    before = list(User.objects.values(*columns()))
    done = getattr(services, step)

    def die(*args: object) -> None:
        done(*args)
        raise SystemExit("killed")

    monkeypatch.setattr(services, step, die)
    with pytest.raises(SystemExit):
        results_compute(market=arena.market)
    assert not GameSummary.objects.exists()
    assert not ClosingValue.objects.exists()
    assert not Result.objects.exists()
    assert not Message.objects.exists()
    assert not Tally.objects.exists()
    assert list(User.objects.values(*columns())) == before
    monkeypatch.undo()
    assert results_compute(market=arena.market)
    assert Result.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_make_the_results_once(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(services, "_notices_enqueue", sent.append)
    players = [arena.player(f"개미{number}", 10_000_000 + number) for number in range(5)]
    barrier = threading.Barrier(2, timeout=20)
    made: list[object] = []

    def work() -> None:
        try:
            barrier.wait()
            made.append(results_compute(market=arena.market))
        except BaseException as error:
            made.append(error)
            raise
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(made) == [False, True]
    assert Result.objects.count() == len(players)
    assert set(User.objects.filter(is_bot=False).values_list("games_played", flat=True)) == {1}
    assert sent == [arena.market.pk]


# What is said -----------------------------------------------------------------------------------------


def test_the_podium_names_the_first_three(arena: Arena) -> None:
    for nickname, cash in (
        ("은메달", 10_500_000),
        ("금메달", 11_234_567),
        ("동메달", 9_999_999),
        ("넷째", 1),
    ):
        arena.player(nickname, cash)
    results_compute(market=arena.market)
    message = Message.objects.get(key=f"podium:{arena.market.pk}")
    assert message.kind == "result"
    assert "1위 금메달 +12.34% · 2위 은메달 +5.00% · 3위 동메달 -0.01%" in message.text
    assert "넷째" not in message.text
    assert "4명" in message.text


def test_each_participant_is_told_once_and_alone(arena: Arena) -> None:
    winner, loser = arena.player("이긴개미", 12_000_000), arena.player("진개미", 8_000_000)
    arena.player("구경개미", fills=0)
    results_compute(market=arena.market)
    assert results_notify(market_id=arena.market.pk) == 2
    assert results_notify(market_id=arena.market.pk) == 0
    notice = Message.objects.get(recipient=winner)
    result = Result.objects.get(user=winner)
    assert notice.kind == "notice"
    assert notice.level == "good"
    assert "2명 중 1위, 수익률 +20.00%" in notice.text
    assert f"MMR 1,000 → {result.mmr_after:,} (+{result.mmr_after - 1_000})" in notice.text
    assert Message.objects.get(recipient=loser).level == "bad"
    assert Message.objects.filter(kind="notice").count() == 2


def test_notices_are_handed_on_only_after_the_commit(
    arena: Arena, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks
) -> None:
    handed: list[tuple[str, list[int], str]] = []
    sender = SimpleNamespace(send_task=lambda name, args, queue: handed.append((name, args, queue)))
    monkeypatch.setattr(services, "current_app", sender)
    arena.player("새벽개미")
    with django_capture_on_commit_callbacks(execute=False) as callbacks:
        results_compute(market=arena.market)
    assert handed == []
    for callback in callbacks:
        callback()
    assert handed == [(tasks.results_notify.name, [arena.market.pk], "default")]


def test_a_queue_that_is_away_costs_the_notices_not_the_results(
    arena: Arena, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(services, "current_app", SimpleNamespace(send_task=refuse))
    arena.player("새벽개미")
    with django_capture_on_commit_callbacks(execute=True):
        assert results_compute(market=arena.market)
    assert Result.objects.count() == 1


# Size -------------------------------------------------------------------------------------------------


def many(arena: Arena, count: int) -> None:
    """Add participants in bulk: one order filled and some shares each."""
    users = User.objects.bulk_create(
        User(nickname=f"p{number}", nickname_key=f"p{number}", password="!") for number in range(count)
    )
    Portfolio.objects.bulk_create(
        Portfolio(
            market=arena.market,
            user=user,
            initial_cash=INITIAL_CASH,
            cash=9_000_000 + number * 7_919 % 2_000_000,
        )
        for number, user in enumerate(users)
    )
    orders = [
        Order(
            id=arena.alpha.pk << SEQUENCE_BITS | number, listing=arena.alpha, user=user, epoch=1,
            client_order_id=f"c{number}", side="buy", type="limit", price=10_000, quantity=1, filled_quantity=1,
            filled_value=10_000, status="filled", priority=number, created_at=OPENS_AT,
        )
        for number, user in enumerate(users, start=1)
    ]  # fmt: skip
    Order.objects.bulk_create(orders)
    Trade.objects.bulk_create(
        Trade(
            id=order.pk, listing=arena.alpha, sequence=order.sequence, maker_order=order, taker_order=order,
            maker=arena.bot, taker=order.user, taker_side="buy", price=10_000, quantity=1, traded_at=OPENS_AT,
        )
        for order in orders
    )  # fmt: skip
    Holding.objects.bulk_create(
        Holding(listing=arena.alpha, user=user, quantity=1, cost=10_000) for user in users
    )


def test_a_thousand_participants_are_quick(arena: Arena) -> None:
    many(arena, 1_000)
    started = perf_counter()
    assert results_compute(market=arena.market)
    seconds = perf_counter() - started
    assert Result.objects.count() == 1_000
    assert User.objects.filter(games_played=1).count() == 1_000
    ordered = Result.objects.order_by("rank").values_list("mmr_after", flat=True)
    assert list(ordered) == sorted(ordered, reverse=True), "all began equal"
    assert seconds < 10, f"{seconds:.2f} s for 1,000 participants (goal: 1 s)"


def test_the_number_of_queries_does_not_grow_with_the_participants(
    arena: Arena, next_arena: Callable[[], Arena]
) -> None:
    counts = []
    # A bulk insert stays one statement up to 500 results.
    for stage, participants in ((arena, 2), (next_arena(), 50)):
        for number in range(participants):
            stage.player(f"g{stage.market.pk}p{number}", 10_000_000 + number * 10_000)
        with CaptureQueriesContext(connection) as queries:
            results_compute(market=stage.market)
        counts.append(len(queries))
    assert counts[1] == counts[0] - 1, "only in a small game it is asked who has met whom"
    assert counts[0] <= 27
