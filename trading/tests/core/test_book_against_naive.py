"""The fast book and the naive book give the same events, and hold the same orders, whatever happens."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from trading.core.book import Book, order_digest
from trading.core.commands import Amend, Cancel, CancelAll, Close, Command, Submit
from trading.core.orders import Order, OrderType, Side
from trading.tests.core.naive_book import NaiveBook

SEED = 20_240_501


def assert_same_state(book: Book, naive: NaiveBook) -> None:
    for side in Side:
        assert book.depth(side) == naive.depth(side)
    fast = [
        (order.order_id, order.price, order.quantity, order.filled, order.filled_value, order.priority)
        for order in book.orders.values()
    ]
    slow = [
        (order.order_id, order.price, order.quantity, order.filled, order.filled_value, order.priority)
        for order in naive.by_priority()
    ]
    assert fast == slow, "the same open orders, in time priority"
    bid, ask = book.best_bid, book.best_ask
    assert bid is None or ask is None or bid < ask, "never crossed"


def copies(book: Book) -> list[Order]:
    return [
        Order(
            order.order_id,
            order.account,
            order.side,
            order.type,
            order.price,
            order.quantity,
            order.filled,
            order.filled_value,
            order.priority,
        )
        for order in book.orders.values()
    ]


def random_command(random: Random, sequence: int, known: int, accounts: int, spread: int) -> Command:
    """A command that is valid on its face; ids of cancels and amends may well be of ended orders."""
    draw = random.random()
    order_id = max(1, known - random.randrange(100))
    account = order_id % accounts
    side = random.choice((Side.BUY, Side.SELL))
    price = 100 + random.randrange(-spread, spread + 1)
    if draw < 0.50:
        type_ = OrderType.MARKET if random.random() < 0.1 else OrderType.LIMIT
        new_id = known + 1
        quantity = random.randrange(1, 20)
        return Submit(sequence, new_id, new_id % accounts, side, type_, price, quantity, sequence)
    if draw < 0.72:
        new_price = price if random.random() < 0.5 else None
        new_quantity = random.randrange(1, 25) if new_price is None or random.random() < 0.5 else None
        return Amend(
            sequence, order_id, account, side, new_price, new_quantity, random.randrange(5), sequence
        )
    if draw < 0.996:
        return Cancel(sequence, order_id, account, sequence)
    return CancelAll(sequence, account, sequence)


def test_a_hundred_thousand_seeded_commands() -> None:
    random = Random(SEED)
    book, naive = Book("AAA"), NaiveBook("AAA")
    known = trades = 0
    for sequence in range(1, 100_001):
        # Prices close together trade much, prices far apart build a deep book.
        spread = 4 if sequence % 20_000 < 17_000 else 20
        command = random_command(random, sequence, known, accounts=7, spread=spread)
        known += isinstance(command, Submit)
        events = book.apply(command)
        assert events == naive.apply(command), f"seed {SEED}, command {sequence}: {command}"
        trades += len(events) - 1
        if sequence % 5_000 == 0:
            assert_same_state(book, naive)
            restored = Book("AAA")
            restored.restore(copies(book))
            assert restored.digest() == book.digest()
            book = restored  # and go on with it: a restored book is as good as the first
    assert trades > 20_000
    assert book.apply(Close(100_001, 0)) == naive.apply(Close(100_001, 0))
    assert not book.orders


commands = st.lists(
    st.one_of(
        st.tuples(
            st.just("submit"),
            st.integers(0, 3),
            st.sampled_from(list(Side)),
            st.sampled_from([OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET]),
            st.integers(1, 9),
            st.integers(1, 9),
        ),
        st.tuples(
            st.just("amend"),
            st.integers(0, 30),
            st.one_of(st.none(), st.integers(1, 9)),
            st.one_of(st.none(), st.integers(1, 12)),
        ),
        st.tuples(st.just("cancel"), st.integers(0, 30)),
        st.tuples(st.just("cancel_all"), st.integers(0, 3)),
    ),
    max_size=40,
)


def to_commands(drawn: list[tuple[Any, ...]]) -> list[Command]:
    """Number the drawn commands; amends and cancels refer to the orders submitted, counted from the last."""
    result: list[Command] = []
    submitted: list[Submit] = []
    for sequence, (kind, *rest) in enumerate(drawn, start=1):
        if kind == "submit":
            account, side, type_, price, quantity = rest
            submit = Submit(sequence, sequence, account, side, type_, price, quantity, sequence)
            submitted.append(submit)
            result.append(submit)
        elif kind == "cancel_all":
            result.append(CancelAll(sequence, rest[0], sequence))
        elif submitted:
            target = submitted[-1 - rest[0] % len(submitted)]
            if kind == "amend":
                _, price, quantity = rest
                result.append(
                    Amend(
                        sequence, target.order_id, target.account, target.side, price, quantity, 0, sequence
                    )
                )
            else:
                result.append(Cancel(sequence, target.order_id, target.account, sequence))
    return result


@settings(max_examples=300, deadline=None)
@given(commands)
def test_any_commands(drawn: list[tuple[Any, ...]]) -> None:
    book, naive = Book("AAA"), NaiveBook("AAA")
    for command in to_commands(drawn):
        assert book.apply(command) == naive.apply(command), command
        assert_same_state(book, naive)
    assert book.digest() == sum(order_digest(order) for order in book.orders.values())


@settings(max_examples=100, deadline=None)
@given(commands, st.integers(1, 5))
def test_closing_in_chunks_is_closing_at_once(drawn: list[tuple[Any, ...]], chunk: int) -> None:
    at_once, in_chunks = Book("AAA"), Book("AAA")
    listed = to_commands(drawn)
    for command in listed:
        at_once.apply(command)
        in_chunks.apply(command)
    canceled = []
    while part := in_chunks.close_chunk(chunk):
        assert len(part) <= chunk
        canceled += part
    assert canceled == at_once.apply(Close(len(listed) + 1, 0))[:-1]
    assert not in_chunks.orders
    assert not in_chunks.depth(Side.BUY)
    assert not in_chunks.depth(Side.SELL)
