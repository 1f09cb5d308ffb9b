"""The awards' definitions, row by row."""

import pytest

from ranking.core.awards import (
    COMEBACK_LOW_BPS,
    INVESTED_BPS_MIN,
    MAKER_FILLS_MIN,
    REACTION_MS,
    AwardKind,
    Headline,
    NewOrder,
    Record,
    Won,
    awards_of,
    median,
    reactions_of,
)

STOCK, OTHER = 1, 2
GOOD = Headline(STOCK, True, 10_000)
BAD = Headline(STOCK, False, 50_000)


def won(kind: AwardKind, *records: Record) -> Won | None:
    return next((each for each in awards_of(records) if each.kind is kind), None)


def test_nobody_wins_where_nobody_did_anything() -> None:
    assert awards_of([]) == []
    assert awards_of([Record(1, 0), Record(2, -50)]) == []


def test_liquidity_goes_to_who_was_traded_with_the_most() -> None:
    few = Record(1, 0, maker_fills=MAKER_FILLS_MIN - 1, maker_value=9_000_000)
    less = Record(2, 500, maker_fills=50, maker_value=3_000_000)
    most = Record(3, -900, maker_fills=MAKER_FILLS_MIN, maker_value=4_000_000)
    assert won(AwardKind.LIQUIDITY, few, less, most) == Won(
        AwardKind.LIQUIDITY, 3, 4_000_000, MAKER_FILLS_MIN
    )


def test_reaction_goes_to_the_shortest_typical_time() -> None:
    lucky = Record(1, 0, reactions=[50])
    steady = Record(2, 0, reactions=[1_500, 2_000, 1_000])
    wild = Record(3, 0, reactions=[100, 9_000])
    assert won(AwardKind.REACTION, lucky, steady, wild) == Won(AwardKind.REACTION, 2, 1_500, 3)
    assert won(AwardKind.REACTION, lucky) is None


def test_comeback_goes_to_the_longest_way_up_that_ended_without_a_loss() -> None:
    short = Record(1, 400, low_bps=COMEBACK_LOW_BPS)
    long = Record(2, 0, low_bps=-1_200)
    still_down = Record(3, -1, low_bps=-5_000)
    never_down = Record(4, 9_000, low_bps=COMEBACK_LOW_BPS + 1)
    assert won(AwardKind.COMEBACK, short, long, still_down, never_down) == Won(AwardKind.COMEBACK, 2, 1_200)


def test_steady_goes_to_the_smallest_drawdown_of_who_took_a_risk_and_gained() -> None:
    loser = Record(1, 0, drawdown_bps=0, invested_bps=9_000)
    timid = Record(2, 10, drawdown_bps=0, invested_bps=INVESTED_BPS_MIN - 1)
    steady = Record(3, 10, drawdown_bps=40, invested_bps=INVESTED_BPS_MIN)
    wild = Record(4, 900, drawdown_bps=41, invested_bps=9_000)
    assert won(AwardKind.STEADY, loser, timid, steady, wild) == Won(AwardKind.STEADY, 3, 40)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_of_equals_the_better_return_wins_then_the_older_account(order: tuple[int, ...]) -> None:
    records = [Record(5, 10, low_bps=-300), Record(7, 110, low_bps=-200), Record(6, 110, low_bps=-200)]
    found = won(AwardKind.COMEBACK, *(records[place] for place in order))
    assert found == Won(AwardKind.COMEBACK, 6, 310)


def test_awards_come_in_the_order_of_their_kinds() -> None:
    all_round = Record(
        1,
        100,
        low_bps=-500,
        drawdown_bps=5,
        invested_bps=9_999,
        maker_fills=9,
        maker_value=9,
        reactions=[1, 2],
    )
    assert [each.kind for each in awards_of([all_round])] == list(AwardKind)


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ([NewOrder(1, STOCK, True, 11_200, 5)], {1: [1_200]}),
        ([NewOrder(1, STOCK, True, 10_000 + REACTION_MS, 5)], {1: [REACTION_MS]}),
        ([NewOrder(1, STOCK, True, 10_001 + REACTION_MS, 5)], {}),  # too late
        ([NewOrder(1, STOCK, True, 10_000, 5)], {}),  # before anybody could know
        ([NewOrder(1, OTHER, True, 11_200, 5)], {}),  # another stock
        ([NewOrder(1, STOCK, False, 11_200, 5)], {}),  # against the news
        ([NewOrder(1, STOCK, True, 11_200, 0)], {}),  # never traded
        # The first order decides: neither a wrong nor an idle one is made good by the next.
        ([NewOrder(1, STOCK, False, 11_000, 5), NewOrder(1, STOCK, True, 12_000, 5)], {}),
        ([NewOrder(1, STOCK, True, 11_000, 0), NewOrder(1, STOCK, True, 12_000, 5)], {}),
        (
            [NewOrder(1, STOCK, True, 11_000, 1), NewOrder(2, STOCK, True, 12_000, 5)],
            {1: [1_000], 2: [2_000]},
        ),
        # Bad news is met by selling; each piece counts on its own.
        ([NewOrder(1, STOCK, True, 11_000, 1), NewOrder(1, STOCK, False, 50_700, 1)], {1: [1_000, 700]}),
    ],
)
def test_reactions(orders: list[NewOrder], expected: dict[int, list[int]]) -> None:
    assert reactions_of([GOOD, BAD], orders) == expected


def test_the_median_of_an_even_number_is_their_mean() -> None:
    assert (median([5]), median([9, 1]), median([3, 9, 1])) == (5, 5, 3)
