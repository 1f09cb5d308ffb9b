"""Several queries that must agree with each other, while others write."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction


@contextmanager
def one_instant() -> Iterator[None]:
    """Read the database as of one instant, from its first query on, without keeping writers out."""
    if connection.in_atomic_block:  # the caller's transaction is the instant
        yield
        return
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with transaction.atomic():
            yield
        return
    sqlite: Any = connection
    sqlite.ensure_connection()  # a connection knows its mode once it is made
    mode, sqlite.transaction_mode = sqlite.transaction_mode, "DEFERRED"
    try:
        with transaction.atomic():
            yield
    finally:
        sqlite.transaction_mode = mode
