"""Allowances: bursts, filling up, all or none, many at once, and a bus that is away."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from stocking.base import stream, throttles
from stocking.base.errors import ApplicationError
from stocking.base.throttles import Allowance, Limit, LocalThrottle, throttle_give_back, throttle_take

SLOW = Limit(3, 3_000)


def taken(*allowances: Allowance) -> int:
    """Return 0, or for how many milliseconds the request is refused."""
    try:
        throttle_take(*allowances)
    except ApplicationError as error:
        return int(error.extra["retry_after_ms"]) if error.code == "rate_limited" else -1
    return 0


def test_after_the_burst_it_says_how_long_to_wait() -> None:
    one = Allowance("login:a", SLOW)
    assert [taken(one) for _ in range(3)] == [0, 0, 0]
    assert 995_000 < taken(one) <= 1_000_000
    assert taken(Allowance("login:b", SLOW)) == 0, "another's allowance"


def test_what_was_refused_costs_nothing() -> None:
    account, address = Allowance("account", Limit(1, 1_000)), Allowance("address", Limit(2, 2_000))
    assert taken(account, address) == 0
    assert taken(account, address) > 0
    assert taken(address) == 0, "the refused one took nothing from the address"
    assert taken(address) > 0


def test_an_allowance_fills_up_and_is_forgotten_when_it_is_full() -> None:
    quick = Allowance("quick", Limit(1, 0.02))
    assert taken(quick) == 0
    assert stream.bus().pttl("throttle:quick") <= 20
    waits = 0
    while taken(quick):
        waits += 1
        assert waits < 10_000


def test_giving_back() -> None:
    one = Allowance("login:a", SLOW)
    for _ in range(10):
        assert taken(one) == 0
        throttle_give_back(one)
    assert not stream.bus().exists("throttle:login:a"), "a full allowance takes no memory"
    throttle_give_back(one)
    assert [taken(one) for _ in range(4)][:3] == [0, 0, 0]
    assert taken(one) > 0, "what nobody took cannot be given back"


def test_of_many_at_once_exactly_the_burst_is_let_through() -> None:
    one = Allowance("orders:a", Limit(20, 100_000))
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: taken(one), range(80)))
    assert waits.count(0) == 20


def test_without_the_bus_the_process_limits_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    away = redis.Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2)
    monkeypatch.setattr(throttles, "_script", away.register_script)
    monkeypatch.setattr(throttles, "_local", LocalThrottle())
    one = Allowance("login:a", SLOW)
    assert [taken(one) for _ in range(3)] == [0, 0, 0]
    assert taken(one) > 0
    throttle_give_back(one)
    assert taken(one) == 0


@given(st.lists(st.integers(0, 400), max_size=60), st.integers(1, 5), st.integers(1, 50))
def test_in_no_window_more_than_a_burst_and_what_filled_up(
    pauses: list[int], amount: int, each_ms: int
) -> None:
    local, limit = LocalThrottle(), Limit(amount, amount * each_ms / 1_000)
    now, through = 0.0, []
    for pause in pauses:
        now += pause
        wait = local.take([Allowance("x", limit)], now)
        if wait:
            assert local.take([Allowance("x", limit)], now + wait - 1.001) > 0
        else:
            through.append(now)
    for i, start in enumerate(through):
        for j in range(i, len(through)):
            assert j - i + 1 <= amount + (through[j] - start) / each_ms + 1e-6


def test_memory_is_bounded() -> None:
    local = LocalThrottle(keys_max=10)
    for number in range(1_000):
        assert local.take([Allowance(f"address:{number}", SLOW)]) == 0
    assert len(local._full_at) == 10
