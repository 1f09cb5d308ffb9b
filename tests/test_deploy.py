"""docker-compose.yml describes the same processes as the launcher starts."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from stocking.launch.plan import Plan
from stocking.launch.programs import service_programs
from tests.instance import REPOSITORY


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))
    found: dict[str, Any] = compose["services"]
    return found


def test_every_process_and_store_is_there(services: dict[str, Any], tmp_path: Path) -> None:
    launched = {program.name for program in service_programs(Plan(REPOSITORY, tmp_path, 8000))}
    assert launched | {"gate", "bus", "mariadb", "entry", "prepare", "proxy"} == set(services)


@pytest.mark.parametrize("worker", ["engine", "jobs", "clock"])
def test_workers_are_told_the_same(services: dict[str, Any], tmp_path: Path, worker: str) -> None:
    [launched] = [p for p in service_programs(Plan(REPOSITORY, tmp_path, 8000)) if p.name == worker]
    options = launched.command[launched.command.index("worker") + 1 :]
    assert services[worker]["command"].split() == ["celery", "-A", "stocking", "worker", *options]


def test_only_the_proxy_is_reachable_and_only_from_this_machine(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"proxy": ["127.0.0.1:${PORT:-8000}:80"]}


def test_the_gate_store_writes_every_order_to_disk(services: dict[str, Any]) -> None:
    command = services["gate"]["command"]
    assert "--appendonly yes" in command
    assert "--appendfsync always" in command
    assert "--maxmemory-policy noeviction" in command
    assert services["gate"]["volumes"] == ["gate:/data"]
