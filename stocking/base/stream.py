"""Versioned topics on the bus: publishing, snapshots, and the registries that the one WebSocket consumer serves.

A topic's version rises by one with each message. A snapshot plus the updates after it equals a fresh snapshot.
Publishing may be lost (the bus remembers nobody who is away); a client that sees a gap subscribes again.
"""

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec
import redis
import redis.asyncio
from django.conf import settings

Kind = Literal["replace", "append", "upsert"]

CHANNEL_PREFIX = "stream:"

SCRIPTS = Path(__file__).parent / "scripts"
_PUBLISH = (SCRIPTS / "stream_publish.lua").read_text()
_PUBLISH_MANY = (SCRIPTS / "stream_publish_many.lua").read_text()
_SNAPSHOT = (SCRIPTS / "stream_snapshot.lua").read_text()
_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Topic:
    """How one family of topics keeps and shows its data.

    `limit` bounds what an append or upsert topic keeps; `batched` makes an append update a list of items;
    `private` topics are one per user and need a login; `snapshot` rebuilds the data from the database when
    the bus has none (a list for append, oldest first; a mapping by key for upsert; any value for replace).
    """

    name: str
    kind: Kind
    limit: int = 200
    batched: bool = False
    newest_first: bool = False
    private: bool = False
    ttl_seconds: int = 0
    parameters: int = 0
    snapshot: Callable[[str], Any] | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A topic's data (JSON text) as of a version."""

    version: int
    data: str


_topics: dict[str, Topic] = {}
_operations: dict[str, Callable[[Any, dict[str, Any]], Awaitable[None]]] = {}


def register_topic(name: str, *, kind: Kind, **options: Any) -> None:
    """Make `name` (and `name:PARAMETER…` when `parameters` > 0) a topic that clients may subscribe to."""
    _topics[name] = Topic(name, kind, **options)


def register_op(name: str, handler: Callable[[Any, dict[str, Any]], Awaitable[None]]) -> None:
    """Let the WebSocket consumer pass messages `{"op": name}` to `handler(consumer, message)`."""
    _operations[name] = handler


def operation(name: str) -> Callable[[Any, dict[str, Any]], Awaitable[None]] | None:
    """Return the handler of an op, if there is one."""
    return _operations.get(name)


def is_private(name: str) -> bool:
    """Return whether this is the name of a family of which every user has a topic of their own."""
    family = _topics.get(name)
    return family is not None and family.private


def topic_of(topic: str) -> Topic | None:
    """Return the family that a topic's full name belongs to, or None when there is no such topic."""
    name, *parameters = topic.split(":")
    family = _topics.get(name)
    if family is None or len(parameters) != family.parameters + family.private:
        return None
    if not all(part.isascii() and part.isalnum() and len(part) <= 16 for part in parameters):
        return None
    return family


def _require_topic(topic: str) -> Topic:
    family = topic_of(topic)
    if family is None:
        raise ValueError(f"no topic is registered for {topic!r}")
    return family


def channel_of(topic: str) -> str:
    """Return the channel of the bus that carries a topic."""
    return f"{CHANNEL_PREFIX}{topic}"


def _keys(topic: str) -> list[str]:
    return [f"topic:{topic}:version", f"topic:{topic}:data"]


@cache
def bus() -> redis.Redis:
    """Return this process's client of the bus. Lost replies are not retried: publishing may be lost."""
    return redis.Redis.from_url(settings.BUS_REDIS_URL, socket_timeout=5, socket_connect_timeout=2)


@cache
def _publish_script() -> Any:
    return bus().register_script(_PUBLISH)


@cache
def _publish_many_script() -> Any:
    return bus().register_script(_PUBLISH_MANY)


def _stored_items(family: Topic, data: Any) -> list[bytes | str]:
    """Return the script's trailing arguments: what the snapshot keeps of this message."""
    if family.kind == "replace":
        return []
    if family.kind == "append":
        return [_encode(item) for item in data]
    items: list[bytes | str] = []
    for key, item in data.items():
        items += [str(key), _encode(item)]
    return items


def _shown(family: Topic, data: Any, *, everything: bool) -> Any:
    """Return the data of a message as clients see it."""
    if family.kind == "upsert":
        return list(data.values())
    if family.kind == "append":
        if not everything and not family.batched:
            return data[0]
        return list(reversed(data)) if family.newest_first else data
    return data


def _publish(topic: str, data: Any, message_type: str) -> None:
    family = _require_topic(topic)
    everything = message_type == "snapshot"
    arguments = [
        family.kind, message_type, channel_of(topic), family.name if family.private else topic,
        family.limit, family.ttl_seconds, _encode(_shown(family, data, everything=everything)),
        *_stored_items(family, data),
    ]  # fmt: skip
    _publish_script()(keys=_keys(topic), args=arguments)


def publish(topic: str, data: Any) -> None:
    """Publish an update: a value (replace), an item or for batched topics items oldest first (append), or
    a mapping of items by key (upsert).
    """
    family = _require_topic(topic)
    if family.kind == "append" and not family.batched:
        data = [data]
    _publish(topic, data, "update")


def publish_private(name: str, messages: Iterable[tuple[int, Any]]) -> None:
    """Publish to the private topics of many users in one step: pairs of user and item, each user's in order."""
    family = _topics[name]
    of_users: dict[int, list[bytes]] = {}
    for user_id, message in messages:
        of_users.setdefault(user_id, []).append(_encode(message))
    if of_users:
        arguments: list[Any] = [channel_of(""), name, family.limit, family.ttl_seconds]
        for user_id, items in of_users.items():
            arguments += (f"{name}:{user_id}", len(items), *items)
        _publish_many_script()(args=arguments)


def publish_snapshot(topic: str, data: Any) -> None:
    """Replace all of a topic's data and send it to the subscribers as a snapshot (a new game begins)."""
    _publish(topic, data, "snapshot")


def subscriber_counts(topics: Iterable[str]) -> dict[str, int]:
    """Return for each topic the number of processes that have a live subscriber for it."""
    names = list(topics)
    if not names:
        return {}
    counts = bus().pubsub_numsub(*[channel_of(topic) for topic in names])
    return {topic: int(count) for topic, (_, count) in zip(names, counts, strict=True)}


def _parse(family: Topic, answer: list[Any]) -> Snapshot | None:
    version, present, *items = answer
    if not present:
        return None
    texts = [item.decode() if isinstance(item, bytes) else item for item in items]
    if family.kind == "replace":
        return Snapshot(version, texts[0])
    if family.newest_first:
        texts.reverse()
    return Snapshot(version, "[" + ",".join(texts) + "]")


def _rebuilt(family: Topic, topic: str, version: int) -> Snapshot:
    """Return the snapshot from the database for a topic of which the bus has nothing."""
    data = family.snapshot(topic) if family.snapshot else None
    if data is None:
        data = {} if family.kind == "upsert" else [] if family.kind == "append" else None
    return Snapshot(version, _encode(_shown(family, data, everything=True)).decode())


def snapshot(topic: str) -> Snapshot:
    """Return a topic's data and version, from the bus or else rebuilt from the database."""
    family = _require_topic(topic)
    answer = bus().eval(_SNAPSHOT, 2, *_keys(topic), family.kind)
    return _parse(family, answer) or _rebuilt(family, topic, answer[0])


def snapshot_data(topic: str) -> Any:
    """Return a topic's data as Python values."""
    return msgspec.json.decode(snapshot(topic).data)


_async_buses: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Any]" = weakref.WeakKeyDictionary()


def async_bus() -> Any:
    """Return the running event loop's client of the bus."""
    loop = asyncio.get_running_loop()
    client = _async_buses.get(loop)
    if client is None:
        client = redis.asyncio.Redis.from_url(
            settings.BUS_REDIS_URL, socket_timeout=5, socket_connect_timeout=2
        )
        _async_buses[loop] = client
    return client


async def snapshot_async(topic: str) -> Snapshot:
    """Return a topic's data and version without blocking the event loop."""
    from channels.db import database_sync_to_async

    family = _require_topic(topic)
    answer = await async_bus().eval(_SNAPSHOT, 2, *_keys(topic), family.kind)
    found = _parse(family, answer)
    if found is None:
        found = await database_sync_to_async(_rebuilt)(family, topic, answer[0])
    return found


def newest_items(topic: str, count: int) -> list[Any]:
    """Return the newest items that the bus keeps of an append topic, oldest first."""
    items: Any = bus().lrange(_keys(topic)[1], -count, -1)
    return [msgspec.json.decode(item) for item in items]


def is_kept(topic: str) -> bool:
    """Return whether the bus keeps data of this topic; after a new start of the bus it does not."""
    return bool(bus().exists(_keys(topic)[1]))


def forget(topics: Mapping[str, Any] | Iterable[str]) -> None:
    """Drop what the bus keeps of these topics; the versions go on."""
    for topic in topics:
        bus().delete(_keys(topic)[1])
