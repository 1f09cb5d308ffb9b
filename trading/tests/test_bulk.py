"""Rows reach their table as they are, on every database, and nothing that is no plain word reaches a statement."""

import pytest
from django.db import IntegrityError, connection

from trading.bulk import ROWS_A_STATEMENT, BulkInsert, chunks
from trading.core.invariants import InvariantError

pytestmark = pytest.mark.django_db(transaction=True)

PLAIN = BulkInsert("bulk_test", ("id", "word", "number"), texts=("word",))
UPSERT = BulkInsert(
    "bulk_test", ("id", "word", "number"), texts=("word",), conflict=("id",), changes=("number",)
)
SKIP = BulkInsert("bulk_test", ("id", "word", "number"), texts=("word",), skip_existing=True)


@pytest.fixture(autouse=True)
def _table() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bulk_test")
        cursor.execute("CREATE TABLE bulk_test (id bigint PRIMARY KEY, word varchar(36), number bigint)")


def _rows() -> list[tuple[int, str, int]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, word, number FROM bulk_test ORDER BY id")
        return list(cursor.fetchall())


def _write(insert: BulkInsert, rows: list[tuple[int, str, int]], *, literal: bool) -> None:
    with connection.cursor() as cursor:
        for chunk in chunks(rows):
            (insert._write_literals if literal else insert._write_parameters)(cursor, chunk)


@pytest.mark.parametrize("literal", [True, False])
def test_rows_arrive_as_they_are(literal: bool) -> None:
    rows = [(number, f"w-{number}_A", -(10**13) + number) for number in range(2 * ROWS_A_STATEMENT + 3)]
    rows.append((2**62, "", 2**62))
    _write(PLAIN, rows, literal=literal)
    assert _rows() == rows


@pytest.mark.parametrize("literal", [True, False])
def test_what_exists_is_an_error_is_skipped_or_changed(literal: bool) -> None:
    _write(PLAIN, [(1, "one", 1)], literal=literal)
    with pytest.raises(IntegrityError):
        _write(PLAIN, [(1, "other", 2)], literal=literal)
    _write(SKIP, [(1, "other", 2), (2, "two", 2)], literal=literal)
    assert _rows() == [(1, "one", 1), (2, "two", 2)]
    _write(UPSERT, [(2, "other", 3), (3, "three", 3)], literal=literal)
    assert _rows() == [(1, "one", 1), (2, "two", 3), (3, "three", 3)]


@pytest.mark.parametrize("word", ["it's", "a b", "x\\", 'x"', "x;y", "ｘ", "x\n", "%s", "-- x"])
def test_no_text_can_leave_its_place(word: str) -> None:
    with pytest.raises(InvariantError):
        _write(PLAIN, [(1, "fine", 1), (2, word, 2)], literal=True)
    assert _rows() == []


def test_only_a_number_takes_the_place_of_a_number() -> None:
    with pytest.raises(TypeError):
        _write(PLAIN, [(1, "fine", "1")], literal=True)  # type: ignore[list-item]


def test_two_text_columns_are_both_checked() -> None:
    both = BulkInsert("bulk_test", ("word", "number", "id"), texts=("word", "number"))
    with connection.cursor() as cursor, pytest.raises(InvariantError):
        both._write_literals(cursor, [("fine", "'", 1)])
