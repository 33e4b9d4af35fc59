"""The measured table: the same rows from the same seed, all of them in the source, and a day's changes as many as said."""

from __future__ import annotations

import pytest

from benchmarks import students
from campus.servers import processes

ROWS = 12_000


@pytest.fixture(scope="module")
def table(mariadb_server: str) -> str:
    url = processes.create_mariadb_database(mariadb_server, students.DATABASE)
    students.fill_table(url, ROWS)
    return url


def test_rows_do_not_depend_on_the_size_of_the_table() -> None:
    small, large = next(students.build_pieces(10)), next(students.build_pieces(300))
    assert small.equals(large.slice(0, 10))
    assert small.column_names == list(students.NAMES)
    assert len(set(large["xh"].to_pylist())) == 300


def test_pieces_add_up() -> None:
    assert [piece.num_rows for piece in students.build_pieces(250_001)] == [250_000, 1]


def test_a_few_cells_break_a_rule() -> None:
    rows = next(students.build_pieces(50_000))
    broken = [status for status in rows["xjztm"].to_pylist() if status not in students.STATUSES]
    assert set(broken) == {"99"}
    assert 5 < len(broken) < 100
    assert rows["csrq"].null_count > 0
    assert students.UNKNOWN_UNIT in rows["yxm"].to_pylist()


def test_the_source_has_every_cell(table: str) -> None:
    students.fill_table(table, ROWS)
    expected = next(students.build_pieces(ROWS))
    with students.open_connection(table) as connection, connection.cursor() as cursor:
        cursor.execute(f"select * from {students.TABLE} order by {students.KEY}")
        found = cursor.fetchall()
    assert list(found) == [tuple(row.values()) for row in expected.to_pylist()]


def test_a_day_changes_as_many_rows_as_said_and_other_rows_than_the_day_before(table: str) -> None:
    students.fill_table(table, ROWS)
    for day in (1, 2):
        told = students.change_rows(table, ROWS, day=day)
        assert told == {"updated": 120, "inserted": 12, "deleted": 12}
    with students.open_connection(table) as connection, connection.cursor() as cursor:
        cursor.execute(f"select count(*), count(distinct {students.KEY}) from {students.TABLE}")
        assert cursor.fetchone() == (ROWS, ROWS)
        cursor.execute(f"select count(*) from {students.TABLE} where updated_at >= '2026-09-08'")
        assert cursor.fetchone() == (2 * (120 + 12),)


def test_a_size_that_the_stride_divides_is_refused(table: str) -> None:
    with pytest.raises(ValueError, match="another number of rows"):
        students.change_rows(table, 2 * 7_368_787)
