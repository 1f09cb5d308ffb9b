from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from trading.core.replay import ReplayError, replay_lines

REPLAYS = Path(__file__).parent / "replays"
MANAGE = Path(__file__).parents[3] / "manage.py"

OPEN = '{"op":"open","listing":"AAA","base_price":100000}'
CASH = '{"op":"deposit","account":"a","cash":1000000}'
BUY: dict[str, Any] = {
    "op": "submit",
    "order_id": "1",
    "account": "a",
    "listing": "AAA",
    "side": "buy",
    "type": "limit",
    "price": 100_000,
    "quantity": 1,
}


def replay(*lines: str | bytes | dict[str, Any]) -> list[dict[str, Any]]:
    texts = [json.dumps(line) if isinstance(line, dict) else line for line in lines]
    return list(replay_lines(texts))


def test_a_recorded_session_gives_its_recorded_events() -> None:
    lines = (REPLAYS / "session.jsonl").read_text().splitlines()
    expected = [json.loads(line) for line in (REPLAYS / "session.events.jsonl").read_text().splitlines()]
    assert json.loads(json.dumps(list(replay_lines(lines)))) == expected
    assert list(replay_lines(lines)) == list(replay_lines(lines))


def test_a_long_random_file_gives_the_same_events_every_time() -> None:
    random = Random(3)
    lines = [OPEN]
    for account in "abcd":
        lines.append(json.dumps({"op": "deposit", "account": account, "cash": 10**9}))
        lines.append(json.dumps({"op": "deposit", "account": account, "listing": "AAA", "shares": 10**4}))
    for number in range(3_000):
        order = {"order_id": str(number), "account": random.choice("abcd"), "listing": "AAA"}
        price, quantity = 100_000 + 100 * random.randrange(-9, 10), random.randrange(1, 50)
        side, draw = random.choice(["buy", "sell"]), random.random()
        if draw < 0.6:
            order |= {"op": "submit", "side": side, "type": "limit", "price": price, "quantity": quantity}
        elif draw < 0.7:
            order |= {"op": "submit", "side": side, "type": "market", "quantity": quantity}
        else:
            order["order_id"] = str(random.randrange(number + 1))
            order |= {"op": "cancel"} if draw < 0.8 else {"op": "amend", "price": price}
        lines.append(json.dumps(order))
    first = list(replay_lines(lines))
    assert first == list(replay_lines(lines))
    assert sum(event["event"] == "traded" for event in first) > 1_000
    accounts = first[-1]["accounts"].values()
    assert sum(account["cash"] for account in accounts) == 4 * 10**9
    assert sum(account["shares"]["AAA"] for account in accounts) == 4 * 10**4


def test_an_empty_file_has_a_state() -> None:
    assert replay() == [{"event": "state", "accounts": {}, "books": {}}]
    assert replay("", "  \n") == replay()


def test_a_deposit_before_the_listing_opens() -> None:
    state = replay('{"op":"deposit","account":"a","listing":"AAA","shares":5}', OPEN)[-1]
    assert state["accounts"]["a"]["shares"] == {"AAA": 5}


def test_an_account_without_deposit_has_nothing() -> None:
    assert replay(OPEN, BUY)[0] == {"event": "rejected", "order_id": "1", "code": "insufficient_cash"}


def test_orders_of_no_listing() -> None:
    assert replay(BUY)[0] == {"event": "rejected", "order_id": "1", "code": "unknown_symbol"}
    cancel = '{"op":"cancel","order_id":"1","account":"a"}'
    assert replay(cancel)[0] == {"event": "rejected", "order_id": "1", "code": "order_not_found"}


def test_a_market_order_may_say_null_for_its_price() -> None:
    events = replay(OPEN, CASH, BUY | {"type": "market", "price": None})
    assert [event["event"] for event in events] == ["accepted", "canceled", "state"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nonsense", "not JSON"),
        ('{"op":"open"', "not JSON"),
        (b"\xff\xfe\xfa", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a JSON object"),
        ('"open"', "not a JSON object"),
        ("{}", '"op" must be a text'),
        ('{"op":7}', '"op" must be a text'),
        ('{"op":"buy"}', 'unknown op "buy"'),
        ('{"op":"open","base_price":5}', '"listing" must be a text'),
        ('{"op":"open","listing":"","base_price":5}', '"listing" must be a text'),
        ('{"op":"open","listing":"BBB"}', '"base_price" must be an integer'),
        ('{"op":"open","listing":"BBB","base_price":true}', '"base_price" must be an integer'),
        ('{"op":"open","listing":"BBB","base_price":5.0}', '"base_price" must be an integer'),
        ('{"op":"open","listing":"BBB","base_price":NaN}', '"base_price" must be an integer'),
        ('{"op":"open","listing":"BBB","base_price":0}', "base_price must be positive"),
        ('{"op":"open","listing":"AAA","base_price":5}', "listing AAA has been opened before"),
        ('{"op":"deposit","account":"a"}', "a deposit has either"),
        ('{"op":"deposit","account":"a","cash":1,"shares":1,"listing":"AAA"}', "a deposit has either"),
        ('{"op":"deposit","account":"a","cash":-1}', '"cash" must not be negative'),
        ('{"op":"deposit","account":"a","shares":1}', '"listing" must be a text'),
        ('{"op":"deposit","account":5,"cash":1}', '"account" must be a text'),
        (BUY | {"order_id": 1}, '"order_id" must be a text'),
        (BUY | {"side": "long"}, '"side" must be one of buy, sell'),
        (BUY | {"side": ["buy"]}, '"side" must be one of buy, sell'),
        (BUY | {"type": "stop"}, '"type" must be one of limit, market'),
        (BUY | {"price": None}, "a limit order has a price"),
        (BUY | {"price": "100000"}, '"price" must be an integer'),
        (BUY | {"type": "market"}, "a market order has no price"),
        (BUY | {"quantity": None}, '"quantity" must be an integer'),
        (BUY | {"quantity": 1.5}, '"quantity" must be an integer'),
        ('{"op":"amend","order_id":"1","account":"a"}', "an amend has a price, a quantity or both"),
        ('{"op":"amend","order_id":"1","account":"a","price":"x"}', '"price" must be an integer'),
        ('{"op":"cancel","order_id":"1"}', '"account" must be a text'),
        ('{"op":"close","listing":"ZZZ"}', "listing ZZZ has not been opened"),
    ],
)
def test_a_bad_line_ends_the_replay_with_its_number(line: str | bytes | dict[str, Any], reason: str) -> None:
    with pytest.raises(ReplayError) as caught:
        replay(OPEN, "", CASH, line)
    assert caught.value.line == 4
    assert caught.value.reason.startswith(reason)


def test_a_listing_closes_once() -> None:
    close = '{"op":"close","listing":"AAA"}'
    with pytest.raises(ReplayError, match="line 3: listing AAA is closed already"):
        replay(OPEN, close, close)


def test_events_before_a_bad_line_are_given() -> None:
    events = replay_lines([OPEN, CASH, json.dumps(BUY), "nonsense"])
    assert next(events)["event"] == "accepted"
    with pytest.raises(ReplayError):
        next(events)


def manage_replay(*arguments: str, standard_input: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(MANAGE), "replay", *arguments]
    return subprocess.run(  # its exit status is what is tested
        command, input=standard_input, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_command_prints_a_line_per_event() -> None:
    done = manage_replay(str(REPLAYS / "session.jsonl"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == (REPLAYS / "session.events.jsonl").read_text()


def test_the_command_names_the_bad_line() -> None:
    done = manage_replay("-", standard_input=f"{OPEN}\n{CASH}\n{json.dumps(BUY)}\nnonsense\n")
    assert done.returncode == 1
    assert json.loads(done.stdout)["event"] == "accepted"
    assert "line 4: not JSON" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_without_its_file(tmp_path: Path) -> None:
    done = manage_replay(str(tmp_path / "missing.jsonl"))
    assert done.returncode == 1
    assert "cannot read" in done.stderr
    assert "Traceback" not in done.stderr
