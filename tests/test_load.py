"""The load tests, in short forms, against one instance: what they measure elsewhere must hold here too."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from stocking.launch.measure import DEFAULTS
from tests.instance import Instance

pytestmark = [pytest.mark.flow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    """Return an instance as a measurement has it."""
    with Instance(settings=DEFAULTS) as started:
        yield started


def figures(instance: Instance, *arguments: str) -> dict[str, Any]:
    """Run a command against the instance and return its last line."""
    result: dict[str, Any] = json.loads(instance.manage(*arguments).splitlines()[-1])
    return result


def test_what_is_accepted_over_http_is_in_the_ledger(instance: Instance) -> None:
    result = figures(instance, "loadtest", "--users", "6", "--orders", "50")
    assert (result["accepted"], result["rejected"], result["errors"]) == (300, 0, 0)
    assert (result["settled"], result["missing"], result["doubled"]) == (300, 0, 0)
    assert result["audit_ok"], result["audit_faults"]
    assert 0 < result["p50_ms"] <= result["p95_ms"] <= result["p99_ms"]
    assert result["processor_percent"]["web"] > 0 and result["processor_percent"]["load_generator"] > 0


def test_sockets_get_every_update_and_those_that_do_not_read_are_dropped(instance: Instance) -> None:
    result = figures(
        instance, "loadtest_sockets", "--sockets", "20", "--books", "1", "--rate", "200", "--stalled", "2",
        "--seconds", "8",
    )  # fmt: skip
    assert (result["missing"], result["gaps"], result["readers_lost"]) == (0, 0, 0)
    assert result["delivered"] == 18 * result["published"] > 0
    assert result["dropped"] == 2
    assert 0 < result["delivery_p50_ms"] <= result["delivery_p99_ms"]


def test_a_fill_is_timed_on_the_player_s_own_socket(instance: Instance) -> None:
    result = figures(instance, "loadtest", "--users", "5", "--orders", "20", "--rate", "60")
    assert (result["accepted"], result["errors"], result["missing"]) == (100, 0, 0)
    assert result["fills_heard"] > 10
    assert 0 < result["post_to_fill_p50_ms"] <= result["post_to_fill_p99_ms"]


def test_a_journey_from_the_sign_up_to_the_logout(instance: Instance) -> None:
    result = figures(instance, "loadtest", "--journey", "--users", "3", "--orders", "5")
    assert result["errors"] == 0, result["errors_by_kind"]
    assert (result["accepted"], result["rejected"], result["settled"], result["missing"]) == (15, 0, 15, 0)
    assert result["sign_up_p50_ms"] > result["p50_ms"] and result["log_out_p50_ms"] > 0
    assert result["audit_ok"], result["audit_faults"]
