"""What the tests of the chat share."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from stocking.base import stream


@pytest.fixture
def player(db: None) -> User:
    """A player who chats."""
    return User.objects.create_user("ant@example.com", "새벽개미", "파란-고래-7342", tier="gold")


@pytest.fixture
def other(db: None) -> User:
    """Another player."""
    return User.objects.create_user("bee@example.com", "꿀벌", "파란-고래-7342")


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What went out on the stream, as (topic, data), in order; it still goes to the bus as well."""
    seen: list[tuple[str, Any]] = []

    def recording(real: Callable[..., None]) -> Callable[..., None]:
        def record(topic: str, data: Any, **options: Any) -> None:
            seen.append((topic, data))
            real(topic, data, **options)

        return record

    monkeypatch.setattr(stream, "publish", recording(stream.publish))
    monkeypatch.setattr(stream, "publish_snapshot", recording(stream.publish_snapshot))
    return seen
