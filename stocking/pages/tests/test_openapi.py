"""The API's description: every call and code that exists is in it, none that does not, and answers look as it says."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from chat.services import announce
from games.models import Game
from stocking.base.errors import CODES
from stocking.pages.openapi import codes_of, document
from trading.core.rejects import RejectCode
from trading.tests.ledger_rows import ledger_rows, user_row

# Served in front of Django by order entry, which has no URL patterns.
ENTRY_CALLS = {
    ("/api/orders", "post"), ("/api/orders", "delete"), ("/api/orders/{order_id}", "patch"),
    ("/api/orders/{order_id}", "delete"),
}  # fmt: skip
# Served by Django, for more than a GET.
UNSAFE_CALLS = {
    ("/api/chat/mutes", "post"), ("/api/chat/mutes/{player}", "delete"), ("/api/chat/reports", "post"),
}  # fmt: skip
UNSAFE_ONLY = {"/api/chat/mutes/{player}", "/api/chat/reports"}
UNDESCRIBED = {"/api/openapi.json", "/api/docs"}
# Given by the edges for any call, so they are described once, with the error object.
EVERYWHERE = {"forbidden", "method_not_allowed", "server_error", "unavailable"}
# Given over the socket alone.
SOCKET_ONLY = {
    "message_refused",
    "logged_in_elsewhere",
    "session_ended",
    "chat_silenced",
    "practice_not_found",
    "practice_full",
    "practice_unavailable",
}


def routes(patterns: list[Any], prefix: str = "/") -> list[str]:
    found: list[str] = []
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += routes(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and path.startswith("/api/"):
            found.append(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path))
    return found


def test_every_call_is_described_and_none_that_does_not_exist() -> None:
    described = {(path, method) for path, calls in document()["paths"].items() for method in calls}
    without = UNDESCRIBED | UNSAFE_ONLY
    existing = {(path, "get") for path in routes(get_resolver().url_patterns) if path not in without}
    assert described == existing | ENTRY_CALLS | UNSAFE_CALLS


def test_every_code_is_described() -> None:
    error = document()["components"]["schemas"]["Error"]
    assert set(error["properties"]["code"]["enum"]) == CODES
    assert {code.value for code in RejectCode} <= CODES
    told = {
        code for calls in document()["paths"].values() for call in calls.values() for code in codes_of(call)
    }
    assert told == CODES - EVERYWHERE - SOCKET_ONLY


def test_every_code_has_an_answer_of_its_status() -> None:
    for path, calls in document()["paths"].items():
        for method, call in calls.items():
            described = " ".join(answer["description"] for answer in call["responses"].values())
            assert all(code in described for code in codes_of(call)), (path, method)


def test_every_path_parameter_is_described() -> None:
    for path, calls in document()["paths"].items():
        for method, call in calls.items():
            named = {parameter["name"] for parameter in call["parameters"] if parameter["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path)), (path, method)


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        mine = {node["$ref"]} if "$ref" in node else set()
        return mine.union(*(references(value) for value in node.values()))
    if isinstance(node, list):
        return set().union(*(references(value) for value in node)) if node else set()
    return set()


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    prefix = "#/components/schemas/"
    assert references(document()) == {prefix + name for name in document()["components"]["schemas"]}


TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict, "null": type(None)}


def check(value: Any, schema: dict[str, Any], place: str) -> None:
    """Hold a value against its schema: types, choices, and no field more or less."""
    if "anyOf" in schema:
        schema = schema["anyOf"][1 if value is None else 0]
    if "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    assert type(value) in [TYPES[kind] for kind in kinds], f"{place}: {value!r} is not {kinds}"
    assert value in schema.get("enum", [value]), f"{place}: {value!r}"
    if isinstance(value, list):
        for item in value:
            check(item, schema["items"], f"{place}[]")
    if isinstance(value, dict):
        assert set(schema["required"]) <= set(value) <= set(schema["properties"]), f"{place}: {set(value)}"
        for name, field in value.items():
            check(field, schema["properties"][name], f"{place}.{name}")


@pytest.mark.django_db
def test_answers_look_as_described(client: Client) -> None:
    me, other = user_row(), user_row()
    client.force_login(me)
    rows = ledger_rows()
    market = rows.market
    Game.objects.create(
        market=market, phase="trading", seed=1, trading_at=market.opens_at, closes_at=market.closes_at,
        next_game_at=market.closes_at + 1,
    )  # fmt: skip
    rows.cash(me, 9_000_000)
    rows.hold(me, "AAA", 1, 10_000)
    rows.trade(me, other)
    order = rows.order(me)
    rows.candle("AAA", 5_000, (1, 1, 1, 1), 1)
    announce(text="곧 시작해요.")
    named = {"order_id": order.public_id, "symbol": "AAA", "number": str(market.pk)}
    for path, calls in document()["paths"].items():
        if "get" not in calls:
            continue
        address = path.format(**named)
        answer = client.get(address)
        assert answer.status_code == 200, (address, answer.content)
        schema = calls["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        check(answer.json(), schema, address)


@pytest.mark.django_db
def test_the_description_and_the_page_are_served(client: Client) -> None:
    assert client.get("/api/openapi.json").json() == document()
    page = client.get("/api/docs").content.decode()
    for path in document()["paths"]:
        assert path in page
    for code in CODES:
        assert f'id="code-{code}"' in page
