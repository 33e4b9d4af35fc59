"""Rows by COPY in its binary form: what stands in the table is what was given, for every type that the hub has."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from psycopg import sql

from core.dialects import LogicalType, arrow_type, spell_sql_type
from core.store import postgres

KINDS: dict[str, tuple[LogicalType, st.SearchStrategy[Any]]] = {
    "text": (LogicalType("string"), st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=20)),
    "whole": (LogicalType("integer"), st.integers(-(2**63), 2**63 - 1)),
    "money": (
        LogicalType("number", precision=12, scale=2),
        st.decimals(Decimal("-9999999999.99"), Decimal("9999999999.99"), places=2, allow_nan=False),
    ),
    "wide": (
        LogicalType("number", precision=38, scale=10),
        st.integers(-(10**38) + 1, 10**38 - 1).map(lambda number: Decimal(f"{number}E-10")),
    ),
    "yes": (LogicalType("boolean"), st.booleans()),
    "day": (LogicalType("date"), st.dates(date(1, 1, 1), date(9999, 12, 31))),
    "moment": (LogicalType("timestamp"), st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31))),
}


@pytest.mark.parametrize("name", KINDS)
def test_values_stand_as_they_were_given(postgres_server: str, name: str) -> None:
    kind, values = KINDS[name]
    with postgres.connect(postgres_server) as connection:

        @effort(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
        @given(st.lists(st.none() | values, max_size=30))
        def holds(cells: list[Any]) -> None:
            rows = pa.table({"n": pa.array(range(len(cells)), pa.int64()), "v": pa.array(cells, arrow_type(kind))})
            connection.execute("drop table if exists pg_temp.given")
            connection.execute(f"create temporary table given (n bigint, v {spell_sql_type(kind, 'postgresql')})".encode())
            assert postgres.copy_in(connection, sql.Identifier("given"), ["n", "v"], rows.to_reader(7)) == len(cells)
            assert [v for (v,) in connection.execute("select v from given order by n").fetchall()] == cells

        holds()


def test_rows_come_out_in_order_and_in_large_batches_however_long_one_is(postgres_server: str, tmp_path: Path) -> None:
    """A row of three megabytes with line breaks and quotes among short ones."""
    long = (
        "select n, case when n = 30001 then repeat(E'一\"\\n', 600000) else 'x' || n end"
        " from generate_series(1, 60000) n order by n"
    )
    schema = pa.schema({"n": pa.int64(), "v": pa.string()})
    with postgres.connect(postgres_server) as connection:
        batches = list(postgres.copy_out(connection, long, schema, tmp_path / "rows.csv"))
    found = pa.Table.from_batches(batches, schema)
    assert found["n"].to_pylist() == list(range(1, 60001))
    assert found["v"][30000].as_py() == '一"\n' * 600000
    assert found["v"][59999].as_py() == "x60000"
    assert len(batches) <= 3
