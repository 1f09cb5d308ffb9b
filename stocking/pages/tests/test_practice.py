"""The page of practice and the board of the day."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import User
from games.models import DailyAttempt
from games.practice import daily
from stocking.base.units import now_ms
from trading.tests.ledger_rows import user_row

pytestmark = pytest.mark.django_db


def attempt(user: User, return_bps: int, *, days_ago: int = 0) -> None:
    day = daily.day_of(now_ms()) - timedelta(days=days_ago)
    DailyAttempt.objects.create(
        user=user, day=day, started_at=1, finished_at=2, return_bps=return_bps, equity=1, fills=1
    )


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return re.sub(r"\s+", " ", answer.content.decode())


def test_a_visitor_is_shown_the_way_in(client: Client) -> None:
    page = text_of(client, "/practice/?seed=77")
    assert "체험하기로 바로 연습하기" in page
    assert 'value="/practice/?seed=77"' in page  # back here, with the seed
    assert "data-practice-screen" not in page


def test_a_player_is_shown_what_to_play(client: Client) -> None:
    client.force_login(user_row("나야나"))
    page = text_of(client, "/practice/?seed=77")
    assert "오늘의 시드 도전하기" in page
    assert re.search(r'name="seed"[^>]*value="77"', page)
    # Without scripts the order form of practice leads nowhere near the gate.
    assert 'action="/practice/"' in page
    assert "/orders/submit/" not in page


def test_the_board_of_a_day(client: Client) -> None:
    me, other = user_row("나야나"), user_row("다른이")
    attempt(me, 120)
    attempt(other, 345)
    attempt(other, -50, days_ago=1)
    client.force_login(me)
    today = text_of(client, "/practice/")
    assert re.findall(r'<a href="/players/[^"]*">([^<]*)</a>', today) == ["다른이", "나야나"]
    assert "순위 없이 다시 해 보기" in today
    day = daily.day_of(now_ms())
    before = text_of(client, f"/practice/?day={day - timedelta(days=1)}")
    assert re.findall(r'<a href="/players/[^"]*">([^<]*)</a>', before) == ["다른이"]
    assert f"?day={day}" in before
    board = client.get("/api/practice/daily").json()
    assert [(row["rank"], row["nickname"], row["is_me"]) for row in board["rows"]] == [
        (1, "다른이", False),
        (2, "나야나", True),
    ]
    assert board["me"] == {"rank": 2, "return_bps": 120, "fills": 1}


@pytest.mark.parametrize(
    "query",
    [
        "day=",
        "day=x",
        "day=9999-12-31",
        "day=0001-01-01",
        "seed=0",
        "seed=-1",
        "seed=%EC%9D%BC",
        "seed=12345678",
    ],
)
def test_what_makes_no_sense_is_passed_over(client: Client, query: str) -> None:
    client.force_login(user_row("나야나"))
    page = text_of(client, f"/practice/?{query}")
    assert 'value="" placeholder="비워 두면 무작위"' in page
