"""Who counts as a participant, and what the trades make of closing values."""

from collections.abc import Callable

import pytest

from ranking.core.valuation import Window
from ranking.selectors import closes_of, fill_counts, last_prices, standings_of
from ranking.tests.conftest import CLOSES_AT, INITIAL_CASH, Arena, user_make
from trading.models import Portfolio

pytestmark = pytest.mark.django_db


def values(arena: Arena) -> dict[int, int]:
    return {arena.alpha.pk: 11_000, arena.beta.pk: 50_000}


def test_participants_are_humans_with_a_fill(arena: Arena) -> None:
    player = arena.player("새벽개미")
    guest = arena.player("체험개미", is_guest=True)
    bystander = arena.player("구경개미", fills=0)
    arena.order(arena.alpha, bystander, "buy", 5, 9_000, 0)
    arena.trade(arena.alpha, buyer=user_make("다른봇", is_bot=True), price=10_000, at=CLOSES_AT)
    user_make("잠든개미")
    assert [standing.user_id for standing in standings_of(arena.market, values(arena))] == [
        player.pk,
        guest.pk,
    ]


def test_a_partial_fill_is_a_fill(arena: Arena) -> None:
    player = arena.player("반쪽개미", fills=0)
    arena.order(arena.beta, player, "buy", 5, 50_000, 2)
    assert len(standings_of(arena.market, values(arena))) == 1


def test_a_fill_in_another_game_does_not_count(arena: Arena, next_arena: Callable[[], Arena]) -> None:
    later = next_arena()
    veteran = arena.player("옛개미")
    Portfolio.objects.create(market=later.market, user=veteran, initial_cash=INITIAL_CASH, cash=INITIAL_CASH)
    assert standings_of(later.market, {later.alpha.pk: 1, later.beta.pk: 1}) == []


def test_equity_is_cash_and_all_shares_of_this_market(arena: Arena, next_arena: Callable[[], Arena]) -> None:
    player = arena.player("부자개미", 4_000_000)
    arena.hold(player, arena.alpha, 100)
    arena.hold(player, arena.beta, 2)
    later = next_arena()
    later.hold(player, later.alpha, 1_000_000)
    [standing] = standings_of(arena.market, values(arena))
    assert standing.equity == 4_000_000 + 100 * 11_000 + 2 * 50_000
    assert standing.return_bps == -4_800
    assert standings_of(arena.market, values(arena), user_id=player.pk) == [standing]
    assert standings_of(arena.market, values(arena), user_id=arena.bot.pk) == []


def test_fills_count_as_maker_and_as_taker(arena: Arena) -> None:
    maker, taker = arena.player("만든개미", fills=2), arena.player("받은개미", fills=1)
    trade = arena.trade(arena.beta, buyer=taker, price=50_000, at=CLOSES_AT)
    type(trade).objects.filter(pk=trade.pk).update(maker=maker)
    assert fill_counts(arena.market) == {maker.pk: 3, taker.pk: 2, arena.bot.pk: 3}


def test_closing_values_by_the_window_the_last_and_the_base_price(arena: Arena) -> None:
    buyer = arena.player("새벽개미", fills=0)
    arena.trade(arena.alpha, buyer=buyer, price=12_000, at=CLOSES_AT - 30_001, quantity=1_000)
    arena.trade(arena.alpha, buyer=buyer, price=10_000, at=CLOSES_AT - 30_000, quantity=2)
    arena.trade(arena.alpha, buyer=buyer, price=10_010, at=CLOSES_AT, quantity=1)
    arena.trade(arena.alpha, buyer=buyer, price=12_000, at=CLOSES_AT + 1, quantity=1_000)
    type(arena.alpha).objects.filter(pk=arena.alpha.pk).update(last_price=10_010)
    alpha, beta = closes_of(arena.market)
    assert (alpha.listing, alpha.window, alpha.value) == (arena.alpha, Window(3, 30_010), 10_003)
    assert (beta.listing, beta.window, beta.value) == (arena.beta, Window(0, 0), 50_000)
    assert last_prices(arena.market) == {arena.alpha.pk: 10_010, arena.beta.pk: 50_000}


def test_no_trade_in_the_window_keeps_the_last_price(arena: Arena) -> None:
    buyer = arena.player("새벽개미", fills=0)
    arena.trade(arena.alpha, buyer=buyer, price=10_500, at=CLOSES_AT - 60_000)
    type(arena.alpha).objects.filter(pk=arena.alpha.pk).update(last_price=10_500)
    assert [close.value for close in closes_of(arena.market)] == [10_500, 50_000]
