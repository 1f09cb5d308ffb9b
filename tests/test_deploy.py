"""docker-compose.yml describes the same processes as the launcher starts."""

import re
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


# Proxy ----------------------------------------------------------------------------------------------


def proxy(name: str = "nginx-locations.conf") -> str:
    return (REPOSITORY / "deploy" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("server", ["nginx.conf", "nginx-tls.conf"])
def test_the_proxy_says_itself_who_asks_and_how(server: str) -> None:
    assert "include /etc/nginx/stocking-locations.conf;" in proxy(server)
    assert "proxy_set_header" not in proxy(server), "one in a block of its own would undo all of those above"
    headers = dict(re.findall(r"^proxy_set_header (\S+) (\S+);$", proxy(), re.MULTILINE))
    assert headers["X-Forwarded-For"] == "$remote_addr", "the client's own is not passed on"
    assert headers["X-Forwarded-Proto"] == "$scheme"
    for name in ("X-Forwarded-Host", "X-Forwarded-Port", "X-Real-IP", "Forwarded"):
        assert headers[name] == '""'
    assert not re.search(r"location[^}]*proxy_set_header", proxy())


def test_metrics_are_not_there_from_outside() -> None:
    assert re.search(r"^location /metrics \{ rewrite \^ /not-here break; proxy_pass", proxy(), re.MULTILINE)


def test_the_application_believes_the_proxy_alone(services: dict[str, Any]) -> None:
    for name in ("entry", "web"):
        assert services[name]["environment"]["TRUSTED_PROXIES"] == "${TRUSTED_PROXIES:-1}"
        assert "forwarded-allow-ips" not in services[name]["command"]
    assert "--no-proxy-headers" in services["entry"]["command"]
    assert "--no-proxy-headers" in (REPOSITORY / "deploy" / "Dockerfile").read_text()


def test_a_site_for_others_has_tls(services: dict[str, Any]) -> None:
    tls = proxy("nginx-tls.conf")
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in tls
    assert "return 301 https://" in tls
    mounted = [volume.split(":")[0] for volume in services["proxy"]["volumes"]]
    mounted += re.findall(r'"(\./deploy/[\w.-]+\.conf):', proxy("tls.yml"))
    for path in mounted:
        assert (REPOSITORY / path).is_file(), path
