"""What the browser tests share: one instance with short games, one Chromium for each module, where pictures go."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.veteran import PASSWORD, Veteran
from tests.browser.window import Window
from tests.identity import IdentityProvider
from tests.instance import REPOSITORY, Instance
from tests.requirements import chromium

GAME = {"GAME_CYCLE_SECONDS": "95", "GAME_PREPARE_SECONDS": "5", "GAME_TRADING_SECONDS": "72"}
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# In this order one game serves them all: what needs most of a game comes when it begins.
MODULES = (
    "test_playing",
    "test_without_scripts",
    "test_practice",
    "test_markup",
    "test_login_end",
    "test_pages",
    "test_accounts",
    "test_social",
    "test_admin",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the browser tests last and in their own order, so that their instance stands no longer than needed."""
    here = Path(__file__).parent
    mine = [item for item in items if item.path.parent == here]
    mine.sort(
        key=lambda item: (MODULES.index(item.path.stem), getattr(item, "originalname", ""), item.location[1])
    )
    items[:] = [item for item in items if item.path.parent != here] + mine


@pytest.fixture(scope="session")
def identity() -> Iterator[IdentityProvider]:
    """Return the stand-in for Kakao, Naver and Google that the instance sends its players to."""
    with IdentityProvider() as running:
        yield running


@pytest.fixture(scope="session")
def instance(identity: IdentityProvider) -> Iterator[Instance]:
    """Return a running instance whose games last little more than a minute."""
    chromium()
    social = {
        "DJANGO_SETTINGS_MODULE": "tests.identity_settings",
        "STOCKING_IDENTITY_PROVIDER": identity.base_url,
    }
    with Instance(settings=GAME | social) as started:
        print(f"instance ready in {started.ready_seconds:.1f} s")
        yield started


@pytest.fixture(scope="module")
def browser(instance: Instance) -> Iterator[Browser]:
    """Return a Chromium. It ends with the module: its event loop must not outlive it."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_OPTIONS)
        yield started
        started.close()


@pytest.fixture
def window(browser: Browser, instance: Instance) -> Iterator[Window]:
    """Return a window of one's own, for one test."""
    with Window(browser, instance.base_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def veteran(instance: Instance) -> Iterator[Veteran]:
    """Return a player who has traded in the first game there was; later tests find its results."""
    stamp = str(time.monotonic_ns())[-6:]
    with Veteran(instance.base_url, f"고수{stamp}") as player:
        player.sign_up(f"veteran{stamp}@example.com", PASSWORD)
        player.first_game = player.trade_some()
        yield player


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Return the directory for screenshots: `var/screenshots`, below STOCKING_VAR_DIR where one was given."""
    given = Path(os.environ.get("STOCKING_VAR_DIR", ""))
    # The settings of the tests may have chosen a directory that does not outlive them.
    directory = (
        given if given.name and "stocking-test" not in given.name else REPOSITORY / "var"
    ) / "screenshots"
    directory.mkdir(parents=True, exist_ok=True)
    return directory
