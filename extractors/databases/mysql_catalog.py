"""What a MySQL or MariaDB server's own catalogue says of its tables: which there are, their keys, and their empty dates."""

from __future__ import annotations

from extractors.base import SourceColumn, classify_type

COLUMNS = """
    select column_name, column_type, is_nullable, column_comment, extra, column_default, character_set_name, numeric_precision,
        numeric_scale
    from information_schema.columns
    where table_schema = coalesce(%s, database()) and table_name = %s
    order by ordinal_position
"""
ESTIMATE = "select table_rows from information_schema.tables where table_schema = coalesce(%s, database()) and table_name = %s"
EXISTS = "select 1 from information_schema.tables where table_schema = coalesce(%s, database()) and table_name = %s"
TABLES = """
    select table_name from information_schema.tables
    where table_schema = database() and table_type not in ('SEQUENCE', 'SYSTEM VIEW')
    order by table_name
"""
KEY = """
    select s.index_name, s.column_name
    from information_schema.statistics s
    join information_schema.columns c
        on c.table_schema = s.table_schema and c.table_name = s.table_name and c.column_name = s.column_name
    where s.table_schema = coalesce(%s, database()) and s.table_name = %s and s.non_unique = 0
        and s.index_name not in (
            select n.index_name
            from information_schema.statistics n
            left join information_schema.columns k
                on k.table_schema = n.table_schema and k.table_name = n.table_name and k.column_name = n.column_name
            where n.table_schema = s.table_schema and n.table_name = s.table_name
                and (k.is_nullable is null or k.is_nullable = 'YES' or n.sub_part is not null)
        )
    order by s.index_name <> 'PRIMARY', s.index_name, s.seq_in_index
"""
"""The columns of every unique index without NULL and prefixes, the primary key first."""


def build_column(name: str, kind: str, nullable: str, title: str, extra: str, default: str | None) -> SourceColumn:
    """A column as `COLUMNS` describes it."""
    return SourceColumn(
        name, kind, classify_type(kind), nullable == "YES", title, "on update" in extra.lower(), _find_zero_date(kind, default)
    )


def _find_zero_date(kind: str, default: str | None) -> str:
    """The zero date that a column has by default where nobody gave a day; with a time of day where the type has one."""
    zero = (default or "").strip("'")
    return zero if kind.startswith(("date", "timestamp")) and zero.startswith("0000-00-00") else ""
