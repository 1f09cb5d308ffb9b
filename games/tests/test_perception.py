"""What bots believe: news late, each in its own time; rumours in part, and only until they are answered."""

from random import Random
from statistics import fmean

import pytest

from games.core.bots import BotKind
from games.core.news import DELAY_MAX_MS, DELAY_MIN_MS, NewsKind, Piece
from games.core.perception import Perception

BASE = 100_000
BOTS = range(1, 30)


@pytest.fixture
def perception() -> Perception:
    return Perception(seed=9, seconds=300, draws=Random)


def believed(perception: Perception, pieces: list[Piece], now_ms: int) -> list[int]:
    """Return what each bot's belief differs by from what it would be without the news."""

    def value(bot: int, told: list[Piece]) -> int:
        belief = perception.belief(
            bot_seed=bot, kind=BotKind.VALUE, symbol="AAA", base_price=BASE, pieces=told, now_ms=now_ms
        )
        return belief.value

    return [value(bot, pieces) - value(bot, []) for bot in BOTS]


def test_each_bot_notices_a_report_in_its_own_time(perception: Perception) -> None:
    news = [Piece(0, NewsKind.REPORT, 300, 60_000)]
    assert set(believed(perception, news, 60_000 + DELAY_MIN_MS - 1)) == {0}
    meanwhile = believed(perception, news, 70_000)
    assert 0 < sum(move > 0 for move in meanwhile) < len(BOTS)
    assert min(believed(perception, news, 60_000 + DELAY_MAX_MS)) > 0.02 * BASE


def test_a_rumour_is_believed_in_part_and_moves_no_hidden_value(perception: Perception) -> None:
    rumour = [Piece(0, NewsKind.RUMOUR, 300, 60_000)]
    report = [Piece(0, NewsKind.REPORT, 300, 60_000)]
    assert (
        0.2 < fmean(believed(perception, rumour, 81_000)) / fmean(believed(perception, report, 81_000)) < 0.6
    )
    truth = perception.fundamental("AAA", BASE, [], 81_000)
    assert perception.fundamental("AAA", BASE, rumour, 81_000) == truth
    assert perception.fundamental("AAA", BASE, report, 81_000) > truth


@pytest.mark.parametrize("kind", [NewsKind.CONFIRMATION, NewsKind.DENIAL])
def test_an_answer_takes_the_rumours_place(perception: Perception, kind: NewsKind) -> None:
    is_true = kind is NewsKind.CONFIRMATION
    rumour = Piece(0, NewsKind.RUMOUR, 300, 60_000)
    answer = Piece(1, kind, 300 if is_true else -300, 100_000, answers=0)
    before = believed(perception, [rumour, answer], 100_000)
    assert min(before) > 0
    after = believed(perception, [rumour, answer], 121_000)
    report = believed(perception, [Piece(1, NewsKind.REPORT, 300, 100_000)], 121_000)
    assert after == (report if is_true else [0] * len(BOTS))
    truth = perception.fundamental("AAA", BASE, [], 121_000)
    assert (perception.fundamental("AAA", BASE, [rumour, answer], 121_000) > truth) == is_true


def test_the_time_since_the_last_news_is_the_bots_own(perception: Perception) -> None:
    news = [Piece(0, NewsKind.REPORT, 300, 60_000), Piece(1, NewsKind.REPORT, -300, 100_000)]

    def ago(now_ms: int) -> int | None:
        belief = perception.belief(
            bot_seed=1, kind=BotKind.MAKER, symbol="AAA", base_price=BASE, pieces=news, now_ms=now_ms
        )
        return belief.news_ms_ago

    assert ago(60_000) is None
    first, second = ago(99_000), ago(150_000)
    assert first is not None
    assert 39_000 - DELAY_MAX_MS <= first <= 39_000 - DELAY_MIN_MS
    assert second is not None
    assert 50_000 - DELAY_MAX_MS <= second <= 50_000 - DELAY_MIN_MS


def test_news_stirs_the_pace_for_a_while(perception: Perception) -> None:
    news = [Piece(0, NewsKind.REPORT, 300, 60_000)]
    quiet, stirred = perception.pace("AAA", [], 60_000), perception.pace("AAA", news, 60_000)
    assert stirred == pytest.approx(3 * quiet)
    late = perception.pace("AAA", news, 240_000) / perception.pace("AAA", [], 240_000)
    assert late == pytest.approx(1.0, abs=0.01)


def test_it_does_not_matter_who_asks_first() -> None:
    news = [Piece(0, NewsKind.RUMOUR, 300, 60_000)]
    forwards, backwards = (Perception(seed=9, seconds=300, draws=Random) for _ in range(2))
    times = range(0, 200_000, 20_000)
    there = [believed(forwards, news, now) for now in times]
    back = [believed(backwards, news, now) for now in reversed(times)]
    assert there == back[::-1]
