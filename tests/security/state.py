"""All that a request must not change when it is refused: every row of the ledger, and what the gate holds."""

import hashlib

from django.apps import apps

from trading.gate.client import gate

# Which browser is here, how much of its allowance is used, which wake-up is on its way: no part of the game.
PASSING_KEYS = (b"session:", b"rate:", b"woken:")
PASSING_TABLES = ("Session",)


def state_hash() -> dict[str, str]:
    """Return a hash of the rows of each table and of each key of the gate store: what differs has a name."""
    hashes = {}
    for model in apps.get_models(include_auto_created=True):
        if model.__name__ not in PASSING_TABLES:
            rows = model._default_manager.order_by("pk").values_list()
            hashes[model._meta.db_table] = _hashed(repr(list(rows)).encode())
    store = gate().redis
    keys = sorted(key for key in store.scan_iter(count=1_000) if not key.startswith(PASSING_KEYS))
    pipeline = store.pipeline(transaction=False)
    for key in keys:
        pipeline.dump(key)
    for key, value in zip(keys, pipeline.execute(), strict=True):
        hashes[key.decode()] = _hashed(value)
    return hashes


def _hashed(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
