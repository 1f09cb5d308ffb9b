"""Refusals and failures outside the views: JSON below /api/, a page elsewhere; health and metrics."""

import json
from typing import Any

import pytest
import redis
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path

from games.models import Game
from stocking import urls
from stocking.base.units import now_ms
from stocking.pages import errors, health
from trading.tests.ledger_rows import ledger_rows, user_row

pytestmark = pytest.mark.django_db


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a bug")


def forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def bad(request: HttpRequest) -> HttpResponse:
    raise BadRequest


urlpatterns: list[Any] = [
    path("api/broken", broken), path("broken/", broken), path("api/forbidden", forbidden),
    path("forbidden/", forbidden), path("api/bad", bad), path("bad/", bad), path("", include(urls)),
]  # fmt: skip
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500


@pytest.fixture
def calm() -> Client:
    return Client(raise_request_exception=False)


@override_settings(ROOT_URLCONF=__name__)
@pytest.mark.parametrize(
    ("name", "status", "code"),
    [("broken", 500, "server_error"), ("forbidden", 403, "forbidden"), ("bad", 400, "invalid_request")],
)
def test_failures(calm: Client, name: str, status: int, code: str) -> None:
    answer = calm.get(f"/api/{name}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    page = calm.get(f"/{name}/")
    assert page.status_code == status
    assert page["Content-Type"].startswith("text/")
    assert page.content


@pytest.mark.parametrize(
    "address", ["/api/nothing", "/api/", "/api", "/api/market/AAA/nothing", "/api/orders/1/2"]
)
@pytest.mark.parametrize("debug", [False, True])
def test_addresses_below_api_answer_json(client: Client, address: str, debug: bool) -> None:
    with override_settings(DEBUG=debug):
        answer = client.get(address)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
    assert answer.json()["message"]


@pytest.mark.parametrize(
    "address", ["/nothing/", "/stocks/ZZZ/", "/games/999/", "/games/99999999999/", "/players/없어요/"]
)
def test_pages_that_are_not_there(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404
    assert "html" in answer["Content-Type"] or "text" in answer["Content-Type"]


def test_without_a_token(rf: Any) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user_row())
    answer = strict.post("/api/market")
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    assert strict.post("/orders/cancel-all/").status_code == 403


def test_the_page_of_a_failure_needs_nothing(rf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_more: object) -> str:
        raise RuntimeError("the template is broken too")

    monkeypatch.setattr(errors, "render", fail)
    answer = errors.server_error(rf.get("/"))
    assert answer.status_code == 500
    assert "문제" in answer.content.decode()


def test_health_and_readiness(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "checks": dict.fromkeys(("database", "game", "gate", "bus"), "ok"),
    }


@pytest.mark.parametrize(
    ("late_ms", "paused", "status"), [(50_000, False, 200), (70_000, False, 503), (70_000, True, 200)]
)
def test_not_ready_when_nobody_moves_the_clock(
    client: Client, late_ms: int, paused: bool, status: int
) -> None:
    now = now_ms()
    rows = ledger_rows(opened_ms_ago=600_000, lasts_ms=600_000 - late_ms)
    Game.objects.create(
        market=rows.market,
        phase="trading",
        seed=1,
        trading_at=rows.market.opens_at,
        closes_at=now - late_ms,
        next_game_at=now + 60_000,
        is_live=True,
        paused_at=now - 100_000 if paused else None,
    )
    answer = client.get("/readyz")
    assert answer.status_code == status
    assert answer.json()["checks"]["game"] == ("ok" if status == 200 else "GameOverdueError")


def test_not_ready_without_a_store(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise redis.ConnectionError

    monkeypatch.setitem(health.CHECKS, "gate", refuse)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert json.loads(answer.content)["checks"]["gate"] == "ConnectionError"
    assert client.get("/healthz").status_code == 200


def test_metrics(client: Client) -> None:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert b"python_info" in answer.content
