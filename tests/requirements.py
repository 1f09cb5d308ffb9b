"""What some tests need beyond Python: where it is missing they are skipped, or fail where all is required."""

import os
import shutil

import pytest

REQUIRE_ALL = "STOCKING_REQUIRE_ALL"


def require_or_skip(what: str, present: object) -> None:
    """Skip the test when `present` is false, with the reason; fail it instead when STOCKING_REQUIRE_ALL=1."""
    if present:
        return
    if os.environ.get(REQUIRE_ALL) == "1":
        pytest.fail(f"{what} is not installed, and {REQUIRE_ALL}=1 asks for it", pytrace=False)
    pytest.skip(f"{what} is not installed")


def chromium() -> str:
    """Return the path of a Chromium or Chrome for browser tests."""
    names = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    require_or_skip("Chromium", found)
    assert found is not None
    return found
