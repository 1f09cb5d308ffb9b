"""Two strangers play a whole short game, knowing nothing but HTTP and `/ws/`."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

import httpx
import pytest

from tests.instance import Instance, wait_until
from tests.player import Player

pytestmark = [pytest.mark.flow, pytest.mark.timeout(300)]

SYMBOL = "HRE"


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    """Return an instance whose games last one minute."""
    # All players of a test have one address.
    with Instance(settings={"GAME_CYCLE_SECONDS": "60", "ADDRESS_ORDER_RATE_BURST": "0"}) as started:
        yield started


@pytest.fixture
def players(instance: Instance) -> Iterator[tuple[Player, Player]]:
    """Return two who have just signed up."""
    stamp = str(time.monotonic_ns())[-6:]
    with Player(instance.base_url, f"하나{stamp}") as one, Player(instance.base_url, f"두리{stamp}") as two:
        one.sign_up(f"one{stamp}@example.com", "correct-horse-9")
        two.sign_up(f"two{stamp}@example.com", "battery-staple-9")
        yield one, two


def fresh_game(player: Player, seconds_left: float = 35) -> dict[str, Any]:
    """Wait for a game that trades and still has time left."""

    def trading() -> dict[str, Any] | None:
        game = player.get("/api/game")
        left = game["phase_ends_at_ms"] - game["server_time_ms"]
        return game if game["phase"] == "trading" and left > seconds_left * 1_000 else None

    game = wait_until(trading, 150, "a game with time left")
    assert game is not None
    return game


def listing(player: Player, symbol: str = SYMBOL) -> dict[str, Any]:
    """Return a stock's row of the market."""
    return next(row for row in player.get("/api/market")["listings"] if row["symbol"] == symbol)


def best(player: Player, side: str, symbol: str = SYMBOL) -> int:
    """Return the best price of a side, once the bots quote it."""
    level = wait_until(lambda: player.get(f"/api/market/{symbol}/book")[side], 15, f"{side} in the book")
    return int(level[0][0])


def assert_agrees(player: Player, game: int) -> None:
    """The account is what the fills say, to the won."""

    def agrees() -> bool:
        account = player.get("/api/account")
        cash, shares = player.account_from_fills(game)
        held = {row["symbol"]: row["quantity"] for row in account["holdings"]}
        return account["cash"] == cash and held == shares

    wait_until(agrees, 10, "account and fills agree")


def test_two_players_trade_until_the_results(instance: Instance, players: tuple[Player, Player]) -> None:
    one, two = players
    game = fresh_game(one)
    number = game["number"]
    list_company(instance, "NEW")  # traded from the next game on, with every process left running
    for player in players:
        player.listen(
            "me", "game", "chat", "market", f"book:{SYMBOL}", f"trades:{SYMBOL}", f"candles:{SYMBOL}:5s"
        )

    best(one, "asks")
    # With a bot: a market order is filled, and told at once.
    sent = time.monotonic()
    answer = one.order(SYMBOL, "buy", 5)
    assert answer.status_code == 202, answer.text
    assert set(answer.json()) == {"order_id", "client_order_id", "symbol", "status", "duplicate"}
    at, fill = one.wait_private("fill", order_id=answer.json()["order_id"])
    print(f"market order to fill on the socket: {(at - sent) * 1000:.0f} ms")
    assert fill["role"] == "taker" and fill["side"] == "buy"
    one.wait_private("account")

    # Between the two: one offers inside the spread or joins it, two takes from one until one is filled.
    tick = listing(one)["tick_size"]
    offer = max(best(one, "bids") + tick, best(one, "asks") - tick)
    resting = one.order(SYMBOL, "sell", 3, offer)
    assert resting.status_code == 202, resting.text
    resting_id = resting.json()["order_id"]
    sent = time.monotonic()
    assert two.order(SYMBOL, "buy", 60, min(offer, listing(two)["upper_limit"])).status_code == 202
    at, fill = one.wait_private("fill", order_id=resting_id)
    print(f"a resting order's fill on the socket: {(at - sent) * 1000:.0f} ms")
    assert fill["side"] == "sell" and fill["price"] == offer
    two.wait_private("fill")

    # Amend and cancel an order that rests.
    low = listing(two)["lower_limit"]
    order_id = two.order(SYMBOL, "buy", 2, low).json()["order_id"]
    two.wait_private("order", order_id=order_id, status="open")
    before = two.get("/api/account")["available_cash"]
    assert two.amend(order_id, quantity=4).status_code == 202
    assert two.get("/api/account")["available_cash"] == before - 2 * low
    two.wait_private("order", order_id=order_id, quantity=4)
    assert two.cancel(order_id).status_code == 202
    two.wait_private("order", order_id=order_id, status="canceled", reason="user")
    assert one.cancel(order_id).json()["code"] == "order_not_found"
    assert two.cancel(order_id).json()["code"] == "order_not_open"

    # Refused at once.
    refused = one.order(SYMBOL, "buy", 1_000, listing(one)["lower_limit"])
    assert (refused.status_code, refused.json()["code"]) == (422, "insufficient_cash")
    refused = one.order(SYMBOL, "sell", 1_000, listing(one)["upper_limit"])
    assert (refused.status_code, refused.json()["code"]) == (422, "insufficient_shares")

    # The same client_order_id: the first answer, nothing placed.
    first = two.order(SYMBOL, "buy", 1, low, client_order_id="once").json()
    again = two.order(SYMBOL, "buy", 1, low, client_order_id="once").json()
    assert again == {**first, "duplicate": True}
    assert two.order(SYMBOL, "buy", 2, low, client_order_id="once").json()["code"] == "client_order_id_reused"
    assert two.cancel_all(SYMBOL).status_code == 202
    two.wait_private("order", order_id=first["order_id"], status="canceled")

    # Chat.
    two.say({"op": "chat", "text": "안녕하세요 <b>모두</b>"})
    one.wait_message(
        lambda m: (
            m.get("topic") == "chat"
            and m["type"] == "update"
            and m["data"]["text"] == "안녕하세요 <b>모두</b>"
        ),
        "two's words on one's screen",
    )

    for player in players:
        assert_agrees(player, number)
    assert json.loads(instance.manage("audit", "--json"))["ok"]

    # Results.
    results = wait_until(lambda: result_rows(one, number), 90, "results")
    rows = {row["nickname"]: row for row in results}
    for player in players:
        row = rows[player.nickname]
        assert row["rank"] >= 1 and isinstance(row["return_bps"], int)
        assert row["mmr_before"] == 1_000 and row["mmr_after"] != row["mmr_before"]
    assert json.loads(instance.manage("audit", "--json", "--game", str(number)))["ok"]

    # The next game begins by itself, with fresh cash.
    wait_until(lambda: one.get("/api/game")["number"] == number + 1, 90, "the next game")
    assert one.get("/api/account")["cash"] == one.get("/api/account")["initial_cash"]
    for player in players:
        assert_versions_rise_by_one(player)

    # The company listed in mid-game is traded now.
    wait_until(lambda: one.get("/api/game")["phase"] == "trading", 60, "the next game's trading")
    best(one, "asks", "NEW")
    fills = one.order("NEW", "buy", 1).json()["order_id"]
    one.wait_private("fill", order_id=fills)


def list_company(instance: Instance, symbol: str) -> None:
    """Have staff list another company."""
    instance.manage(
        "shell",
        "-c",
        "from trading.models import Company; Company.objects.get_or_create("
        f"symbol='{symbol}', defaults=dict(name='새별', name_en='New', sector='s', description='d', base_price=50000))",
    )


def result_rows(player: Player, number: int) -> list[dict[str, Any]]:
    """Return a game's results once its phase says that they are there."""
    game = player.get(f"/api/games/{number}")
    return game["results"] if game["phase"] == "intermission" else []


def assert_versions_rise_by_one(player: Player) -> None:
    """On every topic each message has the version after the one before."""
    seen: dict[str, int] = {}
    for _, message in player.messages:
        if "version" in message:
            topic, version = message["topic"], message["version"]
            assert version == seen.get(topic, version - 1) + 1, f"{topic}: {version} behind {seen.get(topic)}"
            seen[topic] = version


def test_a_killed_engine_comes_back_and_the_game_goes_on(
    instance: Instance, players: tuple[Player, Player]
) -> None:
    one, _ = players
    fresh_game(one)
    best(one, "asks")
    one.listen("me")
    one.order(SYMBOL, "buy", 1)
    one.wait_private("fill")
    pid = instance.kill("engine")
    while_down = one.order(SYMBOL, "buy", 2)
    assert while_down.status_code == 202
    began = time.monotonic()
    at, _ = one.wait_private("fill", limit_seconds=30, order_id=while_down.json()["order_id"])
    print(f"kill -9 of the engine to the next fill: {at - began:.1f} s")
    instance.wait_restarted("engine", pid)
    assert json.loads(instance.manage("audit", "--json"))["ok"]


def test_a_guest_plays_at_once(instance: Instance) -> None:
    with Player(instance.base_url) as guest:
        fresh_game(guest, 10)
        best(guest, "asks")
        began = time.monotonic()
        guest.play_as_guest()
        guest.listen("me")
        assert guest.order(SYMBOL, "buy", 1).status_code == 202
        guest.wait_private("fill")
        print(f"first visit to first fill: {time.monotonic() - began:.1f} s")


# One who floods ---------------------------------------------------------------------------------------------

FLOOD_SECONDS = 4.0
FLOODING_BROWSERS = 3
CHATS = 60


def waits_of_orders(player: Player, symbol: str, price: int, until: float) -> list[float]:
    """Look and order, as a person in a hurry; return how long each order took, in milliseconds."""
    waits = []
    while time.monotonic() < until:
        player.get("/api/account")
        began = time.monotonic()
        answer = player.order(symbol, "buy", 1, price)
        waits.append((time.monotonic() - began) * 1_000)
        assert answer.status_code == 202, answer.text
        player.cancel(answer.json()["order_id"])
    return waits


def flood(player: Player, symbol: str, price: int, until: float) -> list[httpx.Response]:
    """Place orders as fast as they are answered; return the answers."""
    with Player(player.base_url) as browser:
        browser.http.cookies.update(player.http.cookies)
        answers = []
        while time.monotonic() < until:
            answers.append(browser.order(symbol, "buy", 1, price))
        return answers


def test_100_orders_and_20_chats_a_second_from_one_user_are_429_and_others_wait_as_before(
    instance: Instance, players: tuple[Player, Player]
) -> None:
    attacker, other = players
    fresh_game(other, 25)
    cheapest = min(other.get("/api/market")["listings"], key=lambda row: row["lower_limit"])
    symbol, price = cheapest["symbol"], cheapest["lower_limit"]
    attacker.listen("me")
    other.listen("chat")
    before = waits_of_orders(other, symbol, price, time.monotonic() + FLOOD_SECONDS / 2)
    until = time.monotonic() + FLOOD_SECONDS
    with ThreadPoolExecutor(FLOODING_BROWSERS) as pool:
        flooding = [pool.submit(flood, attacker, symbol, price, until) for _ in range(FLOODING_BROWSERS)]
        for number in range(CHATS):
            attacker.say({"op": "chat", "text": f"도배 {number}"})
        during = waits_of_orders(other, symbol, price, until)
        answers = [answer for each in flooding for answer in each.result()]
    told = Counter(answer.status_code for answer in answers)
    attacker.wait_message(lambda m: m.get("code") == "rate_limited", "too many chats")
    heard = [m for _, m in other.messages if m.get("topic") == "chat" and m["type"] == "update"]
    said = [m for m in heard if m["data"]["text"].startswith("도배")]
    rate = len(answers) / FLOOD_SECONDS
    print(f"{rate:.0f} orders a second from one: {dict(told)}; {len(said)} of {CHATS} chats heard")
    for name, waits in (("before", before), ("meanwhile", during)):
        print(
            f"another's order {name}: median {median(waits):.1f} ms, longest {max(waits):.0f} ms ({len(waits)})"
        )
    assert set(told) <= {202, 429, 422}
    assert told[429] > told[202] / 10
    [limited, *_] = [answer for answer in answers if answer.status_code == 429]
    assert limited.json()["code"] == "rate_limited" and int(limited.headers["Retry-After"]) >= 1
    # What the bucket holds at first, and what it was filled up with meanwhile.
    assert told[202] + told[422] <= 100 + 50 * (FLOOD_SECONDS + 2)
    assert 1 <= len(said) <= 5 + 2 * FLOOD_SECONDS
    attacker.cancel_all()
