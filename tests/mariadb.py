"""A private MariaDB for tests, see `stocking.launch.mariadb`."""

from collections.abc import Iterator

import pytest

from stocking.launch.mariadb import MariaDB, missing_part, private_mariadb
from tests.requirements import require_or_skip

__all__ = ["MariaDB", "mariadb", "private_mariadb"]


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """One private MariaDB for all tests of the session that ask for it; skips or fails where it is missing."""
    missing = missing_part()
    require_or_skip(missing or "", missing is None)
    with private_mariadb() as server:
        yield server
