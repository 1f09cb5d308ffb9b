"""The page of a finished game: everything on it is there without a script, for who played and for who did not."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from ranking.reviews import review_compute
from ranking.tests.conftest import OPENS_AT, Arena, arena_make, user_make
from ranking.tests.floor import Floor, played_game
from stocking.pages.drawing import TICKS_MAX, Plot, prices_plot, returns_plot, tick_step

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor(db: None) -> Floor:
    return Floor(arena_make(user_make("시장조성봇", is_bot=True)))


@pytest.fixture
def players(floor: Floor) -> dict[str, User]:
    players = played_game(floor)
    game = floor.end()
    assert review_compute(game=game)
    type(game).objects.filter(pk=game.pk).update(phase="intermission", closed_at=game.closes_at)
    return players


def page(client: Client, arena: Arena) -> tuple[str, Any]:
    answer = client.get(f"/games/{arena.market.pk}/")
    assert answer.status_code == 200
    return answer.content.decode(), answer.context


def test_my_game_in_words_and_lines(client: Client, floor: Floor, players: dict[str, User]) -> None:
    client.force_login(players["불사개미"])
    text, context = page(client, floor.arena)
    assert [line["key"] for line in context["curves"]["lines"]] == ["AAA", "BBB", "median", "mine"]
    mine = context["curves"]["lines"][-1]
    assert mine["end"] == context["mine"]["return_bps"] == 250
    assert f'd="{mine["path"]}"' in text
    assert "+250,000원" in text, "profit by stock"
    assert "500주 · 10,000 → 10,500" in text, "the best deal"
    assert "(마감까지 보유)" in text
    assert text.count('class="mark"') == 1
    assert "대역전" in text
    assert "저점에서 +7.50%p" in text
    [alpha, beta] = context["stocks"]
    assert (alpha["share"], beta["profit"]) == ("100.0%", None)
    assert "이 종목은 거래하지 않았어요" in text
    assert [row["values"][-1] for row in context["curves"]["table"]][-1] == 250


def test_a_visitor_sees_the_game_without_a_self(
    client: Client, floor: Floor, players: dict[str, User]
) -> None:
    text, context = page(client, floor.arena)
    assert context["mine"] is None
    assert [line["key"] for line in context["curves"]["lines"]] == ["AAA", "BBB", "median"]
    assert "게임의 흐름" in text
    assert "내 손익" not in text
    assert "+1.11%" in text, "what the price did after the good news"
    assert [award["title"] for award in context["awards"]] == [
        "호가 지킴이",
        "번개 반응",
        "대역전",
        "철벽 방어",
    ]


def test_the_page_before_the_review_is_made(client: Client, floor: Floor) -> None:
    played_game(floor)
    game = floor.end()
    type(game).objects.filter(pk=game.pk).update(phase="intermission", closed_at=game.closes_at)
    text, context = page(client, floor.arena)
    assert context["result"]["is_final"]
    assert f'data-review-pending="{game.pk}"' in text
    assert "review-data" not in text
    assert len(context["rows"]) == 4


def test_nothing_hidden_is_on_the_page_of_a_running_game(client: Client, floor: Floor) -> None:
    played_game(floor)
    text, context = page(client, floor.arena)
    assert not context["review"]["is_ready"]
    assert "course-hidden" not in text
    assert "숨은 가치" not in text


def test_the_page_has_no_style_or_script_of_its_own(
    client: Client, floor: Floor, players: dict[str, User]
) -> None:
    client.force_login(players["조성개미"])
    text, _context = page(client, floor.arena)
    assert not re.search(r"\sstyle=|\son\w+=", text)
    scripts = re.findall(r"<script([^>]*)>", text)
    assert all("src=" in script or "application/json" in script for script in scripts)


# Drawing --------------------------------------------------------------------------------------------------


def test_a_path_runs_through_the_values() -> None:
    plot = Plot([0, 50, 100], low=0, high=200, height=100)
    assert plot.path([0, 100, 200]) == "M0.0 100.0L500.0 50.0L1000.0 0.0"
    assert (plot.percent(25), plot.percent(-5), plot.percent(101)) == ("25.00%", "0.00%", "100.00%")


@pytest.mark.parametrize("span", [1, 7, 99, 100, 480, 1_000, 3_333, 60_000])
def test_ticks_are_few_and_round(span: int) -> None:
    step = tick_step(span)
    assert str(step).rstrip("0") in ("1", "2", "5")
    ticks = Plot([0, 1], low=-span // 2, high=span - span // 2, height=100).ticks()
    assert 1 <= len(ticks) <= TICKS_MAX
    assert 0 in [tick.value for tick in ticks]


def test_plots_leave_air_even_where_nothing_moves() -> None:
    flat = returns_plot([0, 1], [[0, 0]], height=100)
    assert flat.low < 0 < flat.high
    still = prices_plot([0, 1], [[10_000, 10_000]], height=100)
    assert still.low < 10_000 < still.high
    assert returns_plot([0, 1], [[500, 900]], height=100).low < 0, "zero is always among them"


def test_minutes_are_marked_sparingly() -> None:
    minutes = Plot([OPENS_AT, OPENS_AT + 540_000], low=0, high=1, height=1).minutes()
    assert [minute for _x, minute in minutes] == [2, 4, 6, 8]
    assert minutes[0][0] == "22.22%"
    assert len(Plot([0, 3_600_000], low=0, high=1, height=1).minutes()) <= 6
