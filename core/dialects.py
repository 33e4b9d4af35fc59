"""The one table that says how a logical type is spelled in each engine, and the few phrases that differ.

A database's name appears here and in its own extractor or loader module, nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

HUB_ENGINE = "postgresql"
"""The engine of the hub's own store."""
UNREADABLE = "\x1a"
"""SUBSTITUTE, which Unicode and ASCII keep for a character that was lost: a landed cell that begins with it had a value that
its source can no longer tell (an error cell of a workbook). It is held as unreadable, whatever its column's type."""
MAX_DIGITS = 38
"""The most digits that a `number` may have, since the engines between source and receiver keep no more."""
LOGICAL_TYPES = ("string", "integer", "number", "boolean", "date", "timestamp", "time")


@dataclass(frozen=True)
class LogicalType:
    """A column type without an engine. `length` counts characters; `precision` and `scale` belong to `number`."""

    name: str
    length: int | None = None
    precision: int = 18
    scale: int = 2


_SQL_TYPES: Mapping[str, Mapping[str, str]] = {
    "duckdb": {
        "string": "varchar",
        "integer": "bigint",
        "number": "decimal({p},{s})",
        "boolean": "boolean",
        "date": "date",
        "timestamp": "timestamp",
        "time": "varchar",
    },
    "postgresql": {
        "string": "text",
        "integer": "bigint",
        "number": "numeric({p},{s})",
        "boolean": "boolean",
        "date": "date",
        "timestamp": "timestamp",
        "time": "text",
    },
    "mysql": {
        "string": "varchar({n})",
        "integer": "bigint",
        "number": "decimal({p},{s})",
        "boolean": "tinyint(1)",
        "date": "date",
        "timestamp": "datetime(6)",
        "time": "varchar({n})",
    },
    "mssql": {
        "string": "nvarchar({n})",
        "integer": "bigint",
        "number": "decimal({p},{s})",
        "boolean": "bit",
        "date": "date",
        "timestamp": "datetime2(6)",
        "time": "nvarchar({n})",
    },
    "oracle": {
        "string": "varchar2({n} char)",
        "integer": "number(19)",
        "number": "number({p},{s})",
        "boolean": "number(1)",
        "date": "date",
        "timestamp": "timestamp(6)",
        "time": "varchar2({n} char)",
    },
    "sqlite": {
        "string": "text",
        "integer": "integer",
        "number": "decimal({p},{s})",
        "boolean": "boolean",
        "date": "date",
        "timestamp": "datetime",
        "time": "text",
    },
}
_QUOTES: Mapping[str, tuple[str, str]] = {"mysql": ("`", "`"), "mssql": ("[", "]")}
_DEFAULT_TEXT_LENGTH = 255


def spell_sql_type(kind: LogicalType, engine: str) -> str:
    """The type's name in an engine (`duckdb`, `postgresql`, `mysql`, `mssql`, `oracle`, `sqlite`): `decimal(12,2)`,
    `varchar(50)`."""
    return _SQL_TYPES[engine][kind.name].format(p=kind.precision, s=kind.scale, n=kind.length or _DEFAULT_TEXT_LENGTH)


def arrow_type(kind: LogicalType) -> pa.DataType:
    """The Arrow type in which a logical type travels. Times of day travel as text, since sources hold more than 24 h."""
    types: dict[str, pa.DataType] = {
        "string": pa.string(),
        "integer": pa.int64(),
        "number": pa.decimal128(kind.precision, kind.scale),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
        "time": pa.string(),
    }
    return types[kind.name]


def quote_identifier(name: str, engine: str) -> str:
    """An identifier in an engine's own quotes, with the closing one doubled inside."""
    opening, closing = _QUOTES.get(engine, ('"', '"'))
    return f"{opening}{name.replace(closing, closing * 2)}{closing}"
