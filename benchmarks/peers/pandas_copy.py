"""pandas from MariaDB to PostgreSQL: `SOURCE TARGET ROWS insert|copy`.

`insert` is what the first page of every tutorial shows, `copy` the recipe of the pandas documentation that writes by COPY.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from sqlalchemy import create_engine


def copy_rows(table: Any, connection: Any, keys: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows by COPY, as the pandas documentation has it under "insertion method"."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    text.seek(0)
    with connection.connection.cursor() as cursor:
        cursor.copy_expert(f"copy {table.name} ({', '.join(keys)}) from stdin with csv", text)


def main(source: str, target: str, rows: str, way: str) -> None:
    """Read the table in pieces and append each to the target's."""
    reading, writing = create_engine(source), create_engine(target)
    query = f"select * from student order by xh limit {int(rows)}"
    with reading.connect().execution_options(stream_results=True) as connection:
        for piece in pd.read_sql(query, connection, chunksize=50_000):
            piece.to_sql("student", writing, index=False, if_exists="append", method=copy_rows if way == "copy" else None)


if __name__ == "__main__":
    main(*sys.argv[1:])
