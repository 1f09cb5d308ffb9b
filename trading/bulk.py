"""Many rows into one table by few statements: the cheapest form each database has.

SQLite takes the values as parameters. The MySQL driver would escape each value in Python and paste it into the
text of the statement; here that text is made directly, twice as fast as the driver makes it. It is safe by
construction: numbers go through `%d` or, fractions, through `%e`, which take nothing else, and texts may only consist
of letters, digits, `_` and `-`, which every text of the ledger does (ids, and words from enumerations).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import Any, TypeVar

from django.db import connection

from trading.core.invariants import require

ROWS_A_STATEMENT = 500
_PLAIN = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
Row = TypeVar("Row")


def chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Return the rows in parts that fit one statement each."""
    for start in range(0, len(rows), ROWS_A_STATEMENT):
        yield rows[start : start + ROWS_A_STATEMENT]


@dataclass(frozen=True)
class BulkInsert:
    """How rows get into one table. Rows that exist are an error, are skipped, or take over `changes`.

    `texts` names the columns of words, `fractions` those of floating-point numbers, which are kept to the last bit; the
    others hold whole numbers. `conflict` names the unique key that `changes` goes by.
    """

    table: str
    columns: tuple[str, ...]
    texts: tuple[str, ...] = ()
    fractions: tuple[str, ...] = ()
    conflict: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    skip_existing: bool = False

    def execute(self, cursor: Any, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert the rows, in their order."""
        write = self._write_literals if connection.vendor == "mysql" else self._write_parameters
        for chunk in chunks(rows):
            write(cursor, chunk)

    def _write_literals(self, cursor: Any, rows: Sequence[tuple[Any, ...]]) -> None:
        if self.texts:
            plain = "".join(chain.from_iterable(map(self._texts_of, rows)))
            require(_PLAIN.fullmatch(plain) is not None, f"{self.table}: a text that is no plain word")
        places = "(" + ",".join(map(self._place, self.columns)) + ")"
        # Without arguments the driver takes the statement as it is.
        cursor.execute(f"{self._head} {','.join([places % row for row in rows])}{self._tail}")

    def _write_parameters(self, cursor: Any, rows: Sequence[tuple[Any, ...]]) -> None:
        places = "(" + ",".join(["%s"] * len(self.columns)) + ")"
        statement = f"{self._head} {','.join([places] * len(rows))}{self._tail}"
        cursor.execute(statement, list(chain.from_iterable(rows)))

    def _place(self, name: str) -> str:
        if name in self.texts:
            return "'%s'"
        return "%.17e" if name in self.fractions else "%d"

    @cached_property
    def _texts_of(self) -> Callable[[tuple[Any, ...]], tuple[str, ...]]:
        indexes = [self.columns.index(name) for name in self.texts]
        if len(indexes) == 1:
            return lambda row: (row[indexes[0]],)
        return itemgetter(*indexes)

    @cached_property
    def _head(self) -> str:
        verb = "INSERT"
        if self.skip_existing:
            verb = "INSERT IGNORE" if connection.vendor == "mysql" else "INSERT OR IGNORE"
        return f"{verb} INTO {self.table} ({', '.join(map(_quoted, self.columns))}) VALUES"

    @cached_property
    def _tail(self) -> str:
        names = list(map(_quoted, self.changes))
        if not names:
            return ""
        if connection.vendor == "mysql":
            return " ON DUPLICATE KEY UPDATE " + ", ".join(f"{name} = VALUES({name})" for name in names)
        keys = ", ".join(map(_quoted, self.conflict))
        changes = ", ".join(f"{name} = excluded.{name}" for name in names)
        return f" ON CONFLICT ({keys}) DO UPDATE SET {changes}"


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
