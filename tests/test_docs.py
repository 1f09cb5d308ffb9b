"""The documentation says what is there, and nothing that is not: its tables are compared with the code.

A table to be compared stands between `<!-- table: name -->` and `<!-- end -->`; the first backticked text of each
row is what it documents.
"""

import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import find_commands
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.tasks import BEAT_SCHEDULE as ACCOUNTS_SCHEDULE
from games.tasks import BEAT_SCHEDULE as GAMES_SCHEDULE
from ranking.tasks import BEAT_SCHEDULE as RANKING_SCHEDULE
from stocking.base import alarms, consumers, stream
from stocking.base.errors import CODES, http_status
from stocking.launch.plan import Plan
from stocking.launch.programs import service_programs
from stocking.pages.openapi import document
from trading.core.events import CancelReason
from trading.core.orders import OrderStatus
from trading.core.rejects import RejectCode
from trading.metrics import families as trading_families
from trading.models import Order
from trading.tasks import BEAT_SCHEDULE as TRADING_SCHEDULE

REPOSITORY = Path(__file__).resolve().parent.parent
OUR_APPS = ("accounts", "chat", "trading", "games", "ranking", "base", "pages")
PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])

_TABLE = re.compile(r"<!-- table: (?P<name>[\w ]+) -->\n(?P<rows>.*?)<!-- end -->", re.DOTALL)
_CELL = re.compile(r"(?<!\\)\|")


def read(name: str) -> str:
    """Return a file of the repository."""
    return (REPOSITORY / name).read_text(encoding="utf-8")


def table(document_name: str, name: str) -> dict[str, list[str]]:
    """Return a marked table: the first cell's backticked text, and the other cells of its row."""
    [found] = [match for match in _TABLE.finditer(read(document_name)) if match["name"] == name]
    rows: dict[str, list[str]] = {}
    for line in found["rows"].strip().splitlines()[2:]:
        cells = [cell.strip().replace("\\|", "|") for cell in _CELL.split(line.strip().strip("|"))]
        match = re.match(r"`([^`]+)`", cells[0])
        assert match, f"{document_name}, table {name}: {line!r} begins with no backticked name"
        assert match[1] not in rows, f"{document_name}, table {name}: {match[1]} stands there twice"
        rows[match[1]] = cells[1:]
    return rows


def assert_same(documented: Iterable[str], real: Iterable[str]) -> None:
    """Compare two sets of names with a message that says which to add and which to remove."""
    missing, invented = set(real) - set(documented), set(documented) - set(real)
    assert not missing, f"not documented: {sorted(missing)}"
    assert not invented, f"documented, but not there: {sorted(invented)}"


# Codes and states ---------------------------------------------------------------------------------


def test_codes() -> None:
    codes = table("docs/protocol.md", "codes")
    assert_same(codes, CODES)
    assert {code: int(cells[0]) for code, cells in codes.items()} == {
        code: http_status(code) for code in CODES
    }
    assert {str(code) for code in RejectCode} <= CODES


def test_codes_come_in_the_order_in_which_the_api_checks_them() -> None:
    order = list(table("docs/protocol.md", "codes"))
    rules = [
        str(code) for code in RejectCode if code not in (RejectCode.RECOVERING, RejectCode.OUTCOME_UNKNOWN)
    ]
    assert [code for code in order if code in rules] == rules


def test_order_states() -> None:
    assert_same(table("docs/protocol.md", "reasons"), {str(reason) for reason in CancelReason})
    statuses = table("docs/protocol.md", "statuses")
    assert_same(statuses, Order.Status.values)
    assert_same(statuses, {str(status) for status in OrderStatus})


def test_replay_events() -> None:
    source = read("trading/core/replay.py")
    assert_same(table("docs/protocol.md", "events"), re.findall(r'"event": "(\w+)"', source))


# HTTP ---------------------------------------------------------------------------------------------


def routes(resolver: URLResolver | None = None, before: str = "/") -> Iterator[tuple[str, URLPattern]]:
    """Yield the address, with `{name}` for its parameters, and the pattern of each route that is ours."""
    for pattern in (resolver or get_resolver()).url_patterns:
        address = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin" and "allauth" not in str(pattern.urlconf_name):
                yield from routes(pattern, address)
        elif "^" not in address and "\\Z" not in address:
            yield re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", address), pattern


def test_calls() -> None:
    described: dict[str, dict[str, Any]] = document()["paths"]
    calls = {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}
    # The description does not describe itself.
    own = {"GET /api/openapi.json", "GET /api/docs"}
    assert_same(table("docs/protocol.md", "calls"), calls | own)
    addresses = {call.split()[1] for call in calls | own}
    assert_same(addresses, {address for address, _ in routes() if address.startswith("/api/")})


def test_pages() -> None:
    documented = set(table("docs/protocol.md", "pages"))
    ours = {address for address, _ in routes() if not address.startswith("/api/")}
    # Those of the admin, and of providers' logins, are documented where we say something about them.
    others = {"/admin/"}
    assert_same(documented - others, ours)
    resolver = get_resolver()
    for address in documented:
        assert resolver.resolve(re.sub(r"{\w+}", "1", address))


# The socket -----------------------------------------------------------------------------------------


def test_topics() -> None:
    documented = table("docs/protocol.md", "topics")
    kinds = {}
    for name, cells in documented.items():
        family, *parameters = name.split(":")
        kinds[family] = (cells[0], len(parameters))
    real = {name: (topic.kind, topic.parameters) for name, topic in stream._topics.items()}
    assert kinds == real


def test_ops() -> None:
    source = inspect.getsource(consumers.StreamConsumer._handle)
    built_in = set(re.findall(r'op == "(\w+)"', source))
    for choices in re.findall(r"op in \(([^)]*)\)", source):
        built_in |= set(re.findall(r'"(\w+)"', choices))
    assert {"ping", "subscribe", "unsubscribe"} <= built_in
    assert_same(table("docs/protocol.md", "ops"), built_in | set(stream._operations))


def test_close_codes() -> None:
    real = {str(value) for name, value in vars(consumers).items() if name.startswith("CLOSE_")}
    assert_same(table("docs/protocol.md", "close codes"), real)


# Commands, settings, processes ------------------------------------------------------------------------


def test_management_commands() -> None:
    real: set[str] = set()
    for label in OUR_APPS:
        real |= set(find_commands(str(Path(apps.get_app_config(label).path) / "management")))
    assert_same(table("docs/protocol.md", "commands"), real)


def test_make_targets() -> None:
    makefile = read("Makefile")
    [declared] = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert_same(table("docs/operations.md", "make"), declared.split())
    assert "make run" in read("README.md")
    assert "make test" in read("README.md")


def settings_read() -> dict[str, set[str]]:
    """Return each setting that a settings module reads from the environment, with its defaults as far as plain."""
    found: dict[str, set[str]] = {}
    for path in sorted((REPOSITORY / "stocking" / "settings").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        for name, rest in re.findall(r'\benv\.\w+\(\s*"([A-Z0-9_]+)"([^)]*)\)', source):
            plain = re.search(r'default="([^"]+)"|default=([1-9][\d_]*|True|False)\b', rest)
            found.setdefault(name, set())
            if plain:
                found[name].add(plain[1] or plain[2])
    return found


def test_settings() -> None:
    documented, real = table("docs/settings.md", "settings"), settings_read()
    assert len(real) > 10
    assert_same(documented, real)
    for name, defaults in real.items():
        if len(defaults) == 1:
            assert documented[name][0] == f"`{defaults.pop()}`", name


def test_other_variables() -> None:
    sources = [*REPOSITORY.glob("stocking/**/*.py"), *REPOSITORY.glob("tests/*.py"), REPOSITORY / "manage.py"]
    sources += [
        *REPOSITORY.glob("tests/security/*.py"),
        *REPOSITORY.glob("trading/tests/*.py"),
        REPOSITORY / "stocking/launch/install.sh",
    ]
    sources += [REPOSITORY / "docker-compose.yml"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources if path != Path(__file__))
    documented = table("docs/settings.md", "variables")
    for name in documented:
        assert re.search(rf"\b{name}\b", text), f"nothing reads {name}"
    for name in re.findall(r'environ(?:ment)?(?:\.get\(|\[|\.setdefault\()"([A-Z_]+)"', text):
        assert name in {*documented, *settings_read(), "PATH"}, f"{name} is not documented"


def test_processes(tmp_path: Path) -> None:
    launched = {program.name for program in service_programs(Plan(REPOSITORY, tmp_path, 8000))}
    assert_same(table("docs/operations.md", "processes"), launched | {"gate", "bus"})


def test_periodic_tasks() -> None:
    schedules = (TRADING_SCHEDULE, GAMES_SCHEDULE, RANKING_SCHEDULE, ACCOUNTS_SCHEDULE)
    schedule: list[dict[str, Any]] = [entry for each in schedules for entry in each.values()]
    documented = table("docs/operations.md", "periodic")
    assert_same(documented, {entry["task"] for entry in schedule})
    for entry in schedule:
        assert documented[entry["task"]][1] == f"`{entry['options']['queue']}`"


def test_alarms_and_metrics() -> None:
    assert_same(table("docs/operations.md", "alarms"), alarms.KINDS)
    counted = {
        metric.name
        for metric in (consumers.sockets_open, consumers.sockets_dropped)
        for metric in metric.collect()
    }
    read_from_stores = {family.name for family in trading_families()}
    assert_same(table("docs/operations.md", "metrics"), counted | read_from_stores)


# Security -------------------------------------------------------------------------------------------------


def test_the_tests_that_security_names_are_there() -> None:
    for name, test in re.findall(r"`([\w./-]+\.py)::(\w+)`", read("docs/security.md")):
        assert re.search(rf"^(?:async )?def {test}\(", read(name), re.MULTILINE), f"{name} has no {test}"


# The pages themselves -----------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target:
            name, _, anchor = target.partition("#")
            linked = (page.parent / name).resolve() if name else page
            assert linked.exists(), f"{target} is not there"
            if anchor:
                assert anchor in anchors(linked), f"{target}: no such heading"
    for name in re.findall(r"`([\w./-]+/[\w.-]+\.(?:py|lua|js|sh|md|html|conf|yml))`", text):
        assert (REPOSITORY / name).exists() or name.startswith("var/"), f"{name} is not there"


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as they are made for Markdown on the web."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_decisions_are_listed_and_have_their_parts() -> None:
    pages = sorted((REPOSITORY / "docs" / "adr").glob("[0-9]*.md"))
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", read("docs/adr/README.md"))
    assert listed == [page.name for page in pages]
    for page in pages:
        text, number = page.read_text(encoding="utf-8"), int(page.name[:4])
        assert text.startswith(f"# {number}. ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
            "Status",
            "Context",
            "Decision",
            "Consequences",
        ]


def test_the_changelog_has_a_place_for_the_next_change() -> None:
    assert re.search(r"^## \[Unreleased\]$", read("CHANGELOG.md"), re.MULTILINE)


def test_vendored_files_are_named_with_their_versions_and_licences() -> None:
    notice = read("NOTICE")
    for directory in sorted((REPOSITORY / "static" / "vendor").iterdir()):
        assert (directory / "LICENSE").is_file()
        name, version = (directory / "VERSION").read_text(encoding="utf-8").split()[:2]
        assert f"{name} {version}, in static/vendor/{directory.name}" in notice
