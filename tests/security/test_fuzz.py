"""Requests and messages nobody would think of, generated: the API by its own description, the parsers by Hypothesis.

`STOCKING_FUZZ_CASES` says how many requests (and five times as many messages to the parsers) are tried.
"""

import json
import os
from collections import Counter
from collections.abc import Callable
from itertools import product
from typing import Any

import httpx
import pytest
from django.conf import settings
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from stocking.base.errors import ApplicationError
from stocking.pages.openapi import document
from tests.player import Player
from tests.security.speaking import Speaker
from trading import entry
from trading.audit import market_audit
from trading.tests.market import Exchange

CASES = int(os.environ.get("STOCKING_FUZZ_CASES", "60"))
MESSAGES_A_CASE = 5
# Nothing is kept from run to run: each one has its own seed, which a failure prints.
QUIET = {
    "database": None, "deadline": None, "phases": [Phase.generate, Phase.shrink],
    "suppress_health_check": list(HealthCheck),
}  # fmt: skip


# The API, by its description ----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_no_generated_request_is_a_5xx_and_every_answer_is_as_described(
    guest: Callable[[], Player], exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    import schemathesis  # here, since it takes a second to load
    from schemathesis.specs.openapi import checks

    monkeypatch.setattr(settings, "ORDER_RATE_BURST", 0)  # no limit: what is behind it is to be reached
    player = guest()
    real = {"symbol": "AAA", "number": str(exchange.market.pk)}
    real["order_id"] = player.order("AAA", "buy", 5, 90_000).json()["order_id"]
    exchange.drain()
    demanded = [
        checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance,
    ]  # fmt: skip
    schema = schemathesis.openapi.from_dict(document())
    operations = [result.ok() for result in schema.get_all_operations()]
    told: Counter[int] = Counter()

    def check(case: Any, is_known: bool) -> None:
        if is_known:  # what exists, so that more than "not found" is reached
            case.path_parameters = {
                name: real.get(name, value) for name, value in (case.path_parameters or {}).items()
            }
        answer = send(player, case)
        told[answer.status_code] += 1
        assert answer.status_code < 500, (case.as_curl_command(), answer.text)
        case.validate_response(answer, checks=demanded)

    while (
        told.total() < CASES
    ):  # a call without parameters takes less than its share, the others take it over
        share = -(-(CASES - told.total()) // (2 * len(operations)))
        for operation, mode in product(operations, schemathesis.GenerationMode):
            cases = operation.as_strategy(generation_mode=mode)
            try:
                hypothesis_settings(max_examples=share, **QUIET)(given(cases, st.booleans())(check))()
            except Unsatisfiable:  # a call without parameters has no wrong ones
                assert mode is schemathesis.GenerationMode.NEGATIVE
    print(f"{sum(told.values())} requests: {dict(sorted(told.items()))}")
    assert {200, 202, 400, 404, 422} <= set(told) or CASES < 500
    exchange.drain()
    assert [one for one in market_audit(exchange.market) if not one.ok] == []


def send(player: Player, case: Any) -> httpx.Response:
    """Send a generated request as a logged-in player's browser would."""
    request = case.as_transport_kwargs(base_url=player.base_url)
    headers = {name: value for name, value in dict(request.get("headers") or {}).items() if _is_header(value)}
    headers |= {"X-CSRFToken": player.http.cookies["csrftoken"]}
    content = request.get("data")
    if "json" in request:
        content = json.dumps(request["json"]).encode()
        headers.setdefault("Content-Type", "application/json")
    return player.http.request(
        request["method"], request["url"], params=request.get("params"), content=content, headers=headers
    )


def _is_header(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable()


# The parsers ----------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=()), max_size=40)
numbers = st.one_of(
    st.integers(),
    st.sampled_from([2**53 + 1, 2**63, -(2**63) - 1, 10**30, 0, -1]),
    st.floats(),
    st.booleans(),
    st.none(),
)
simple = st.one_of(texts, numbers)
values = st.one_of(
    simple,
    simple,
    st.lists(simple, max_size=4),
    st.dictionaries(texts, simple, max_size=3),
    st.just([[[[]]]]),
)
orders = st.fixed_dictionaries(
    {},
    optional={
        "client_order_id": st.one_of(st.from_regex(r"[A-Za-z0-9_-]{1,36}", fullmatch=True), values),
        "symbol": st.one_of(st.sampled_from(["AAA", "HRE", ""]), values),
        "side": st.one_of(st.sampled_from(["buy", "sell", "BUY"]), values),
        "type": st.one_of(st.sampled_from(["limit", "market", "stop"]), values),
        "price": st.one_of(st.integers(-10, 10**16), values),
        "quantity": st.one_of(st.integers(-10, 10**16), values),
        "more": values,
    },
)
bodies = st.one_of(
    orders.map(lambda order: json.dumps(order).encode()),
    orders.map(lambda order: json.dumps(order, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    values.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=200),
)


def decoded(decoder: Any, raw: bytes) -> Any:
    """Return what the parser of order entry makes of a body, None where it refuses; any other failure is one."""
    try:
        return entry._decoded(decoder, raw, {b"content-type": b"application/json"})
    except ApplicationError as refusal:
        return None if refusal.code == "invalid_request" else pytest.fail(refusal.code)


def assert_strict(value: Any, whole: dict[str, Any]) -> None:
    """What the parser took is exactly what was written: no number made of a text, a truth value or a fraction."""
    for name in ("price", "quantity"):
        taken, written = getattr(value, name), whole.get(name)
        assert taken is None or (type(taken) is int and type(written) is int and taken == written)
    for name in ("client_order_id", "symbol", "side", "type"):
        if hasattr(value, name):
            assert getattr(value, name) == whole[name] and getattr(value, name).isascii()


def test_no_generated_body_breaks_the_parsers_of_orders() -> None:
    taken: Counter[str] = Counter()

    @hypothesis_settings(max_examples=CASES * MESSAGES_A_CASE // 2, **QUIET)
    @given(bodies, st.sampled_from(["submit", "amend"]))
    def parse(raw: bytes, kind: str) -> None:
        decoder = entry._submit_decoder if kind == "submit" else entry._amend_decoder
        value = decoded(decoder, raw)
        taken["refused" if value is None else "taken"] += 1
        if value is not None:
            assert_strict(value, json.loads(raw))

    parse()
    print(dict(taken))
    assert taken["refused"] and taken["taken"]


asked = st.fixed_dictionaries(
    {
        "op": st.one_of(
            st.sampled_from(["ping", "subscribe", "unsubscribe", "chat", "practice", "nothing"]), texts
        )
    },
    optional={
        "topics": st.one_of(
            st.lists(st.one_of(st.sampled_from(["me", "chat", "book:AAA", "x:y:z"]), texts), max_size=4),
            values,
        ),
        "sent_at_ms": values,
        "text": numbers,  # words would be said
        "do": st.one_of(st.sampled_from(["look", "submit", "amend", "speed"]), values),
        "ref": st.one_of(st.just("a"), values),
        "quantity": values,
    },
).map(json.dumps)
unreadable = st.one_of(values.map(json.dumps), st.text(max_size=40), st.binary(max_size=100))
# Most of them leave the socket open: what cannot be read closes it, which is soon proven.
messages = st.integers(0, 11).flatmap(lambda choice: asked if choice else unreadable)


@pytest.mark.django_db(transaction=True)
def test_no_generated_message_breaks_the_socket(guest: Callable[[], Player]) -> None:
    closed: Counter[int | None] = Counter()
    with Speaker(guest()) as speaker:

        @hypothesis_settings(max_examples=CASES * MESSAGES_A_CASE // 2, **QUIET)
        @given(messages)
        def speak(message: str | bytes) -> None:
            code = speaker.say(message)
            closed[code] += 1
            assert code in (None, 4400, 4429), (code, message)

        speak()
    print({str(code): count for code, count in closed.items()})
    assert closed[None] and closed[4400]
