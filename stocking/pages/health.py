"""Is the process alive, and can it serve: for supervisors, load balancers and `make run` itself."""

from collections.abc import Callable
from functools import cache

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from games.selectors import game_overdue_ms

TIMEOUT_SECONDS = 1.0
OVERDUE_MS_MAX = 60_000


@cache
def _store(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)


def _check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


class GameOverdueError(Exception):
    """A phase of the game should have ended long ago: nobody moves the clock."""


def _check_game() -> None:
    if game_overdue_ms() > OVERDUE_MS_MAX:
        raise GameOverdueError


CHECKS: dict[str, Callable[[], object]] = {
    "database": _check_database,
    "game": _check_game,
    "gate": lambda: _store(settings.ORDER_REDIS_URL).ping(),
    "bus": lambda: _store(settings.BUS_REDIS_URL).ping(),
}


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers. Touches nothing else, so that a lost store does not restart it."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Database, gate store and bus answer, and the game's phases follow each other: 200, else 503 with what does not.

    A phase may be a minute late before it counts: a clock that was started again has caught up by then.
    """
    checks = {}
    for name, check in CHECKS.items():
        try:
            check()
        except Exception as error:
            checks[name] = type(error).__name__
        else:
            checks[name] = "ok"
    is_ready = all(state == "ok" for state in checks.values())
    body = {"status": "ok" if is_ready else "unavailable", "checks": checks}
    return JsonResponse(body, status=200 if is_ready else 503)
