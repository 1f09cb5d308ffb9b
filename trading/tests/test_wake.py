"""A wake-up is composed by hand; a worker must find in it what Celery would have sent."""

from typing import Any

import pytest
from django.conf import settings

from stocking.base import stream
from stocking.celery import app
from trading.tests.market import open_exchange
from trading.wake import DRAIN_TASK, WAKE_EXPIRES_SECONDS, WAKES_WAITING_MAX, listings_wake, queue_of

pytestmark = pytest.mark.django_db


def taken(name: str) -> Any:
    """Take one message from a queue as a worker does."""
    with app.connection_for_read() as connection, connection.SimpleQueue(name, no_ack=True) as queue:
        return queue.get(timeout=5)


def test_a_wake_up_is_what_celery_would_send() -> None:
    assert settings.CELERY_BROKER_URL == settings.BUS_REDIS_URL
    assert not app.conf.broker_transport_options.get("global_keyprefix")
    listing = open_exchange().listings["AAA"]
    name = queue_of("AAA")
    stream.bus().delete(name)
    listings_wake([listing.pk, listing])
    app.send_task(DRAIN_TASK, args=[listing.pk], queue=name, expires=WAKE_EXPIRES_SECONDS)
    ours, again, theirs = taken(name), taken(name), taken(name)
    assert ours.payload == again.payload == theirs.payload
    assert set(ours.headers) == set(theirs.headers)
    for header in ("lang", "task", "argsrepr", "kwargsrepr", "eta", "retries", "timelimit"):
        assert ours.headers[header] == theirs.headers[header], header
    assert abs(len(ours.headers["expires"]) - len(theirs.headers["expires"])) <= 7
    assert ours.delivery_info == theirs.delivery_info
    assert ours.content_type == theirs.content_type
    assert len({ours.delivery_tag, again.delivery_tag, ours.headers["id"], again.headers["id"]}) == 2


def test_wake_ups_do_not_pile_up() -> None:
    listing = open_exchange().listings["AAA"]
    name = queue_of("AAA")
    for _ in range(3 * WAKES_WAITING_MAX):
        listings_wake([listing.pk])
    assert stream.bus().llen(name) == WAKES_WAITING_MAX
    taken(name)
    listings_wake([listing.pk, listing.pk])
    assert stream.bus().llen(name) == WAKES_WAITING_MAX
