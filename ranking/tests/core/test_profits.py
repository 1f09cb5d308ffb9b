"""Profits by stock and by deal: they add up, to the won."""

from hypothesis import given
from hypothesis import strategies as st

from ranking.core.profits import Deal, PlayerFill, best_and_worst, stock_review
from trading.core.orders import Side

STOCK = 7


def fill(number: int, side: Side, price: int, quantity: int, *, order: int = 0) -> PlayerFill:
    return PlayerFill(number, order or number, STOCK, side, price, quantity, 1_000 * number, is_maker=False)


def test_a_sale_is_measured_against_the_average_cost() -> None:
    fills = [
        fill(1, Side.BUY, 100, 10),
        fill(2, Side.BUY, 200, 10),
        fill(3, Side.SELL, 180, 5, order=9),
        fill(4, Side.SELL, 190, 5, order=9),  # the same order: one deal
        fill(5, Side.SELL, 100, 4),
    ]
    profit, deals = stock_review(STOCK, fills, closing_value=160)
    assert deals == [
        Deal(STOCK, 10, 1_500, 1_850, 3_000),
        Deal(STOCK, 4, 600, 400, 5_000),
        Deal(STOCK, 6, 900, 960, None),
    ]
    assert [deal.profit for deal in deals] == [350, -200, 60]
    assert deals[0].profit_bps == 2_333
    assert (profit.bought_quantity, profit.bought_value) == (20, 3_000)
    assert (profit.sold_quantity, profit.sold_value) == (14, 2_250)
    assert (profit.left_quantity, profit.left_value, profit.profit) == (6, 960, 210)
    assert best_and_worst(deals) == (deals[0], deals[1])


def test_no_best_without_a_gain_and_no_worst_without_a_loss() -> None:
    even, gain, loss = (Deal(STOCK, 1, 100, value, None) for value in (100, 150, 50))
    assert best_and_worst([]) == (None, None)
    assert best_and_worst([even]) == (None, None)
    assert best_and_worst([even, gain]) == (gain, None)
    assert best_and_worst([loss, even]) == (None, loss)
    assert best_and_worst([gain, Deal(STOCK, 2, 100, 150, 5)])[0] is gain, "the earlier one of equals"


STEPS = st.lists(
    st.tuples(st.booleans(), st.integers(1, 50), st.integers(1, 900), st.integers(1, 4)), max_size=30
)


@given(STEPS, st.integers(1, 900))
def test_deals_add_up_to_the_stocks_profit(
    steps: list[tuple[bool, int, int, int]], closing_value: int
) -> None:
    held, fills = 0, []
    for number, (is_buy, quantity, price, order) in enumerate(steps, start=1):
        if not is_buy and held < quantity:
            continue
        held += quantity if is_buy else -quantity
        fills.append(fill(number, Side.BUY if is_buy else Side.SELL, price, quantity, order=order))
    profit, deals = stock_review(STOCK, fills, closing_value)
    assert sum(deal.profit for deal in deals) == profit.profit
    assert sum(deal.cost for deal in deals) == profit.bought_value
    assert profit.bought_quantity == profit.sold_quantity + profit.left_quantity
    cash = sum((-1 if each.side is Side.BUY else 1) * each.price * each.quantity for each in fills)
    assert profit.profit == cash + held * closing_value
