"""Small entities and their conformed rows as real Parquet files, for the tests of the check step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.catalog import Catalog
from contracts.contract import Column, Entity, Rule, Severity
from core.dialects import LogicalType, arrow_type
from core.engine import fetch_arrow_table, open_engine
from core.layers import Layer, Layers
from core.row_set import RowSet
from quality.base import CheckRequest, CheckResult

TEXT = LogicalType("string")
MONEY = LogicalType("number", precision=12, scale=2)
DAY = LogicalType("date")
WHOLE = LogicalType("integer")

Row = Mapping[str, Any]


def column(name: str, kind: LogicalType = TEXT, pii: str = "P0") -> Column:
    return Column(name, name, name, kind, pii=pii)


def rule(kind: str, *columns: str, severity: Severity = "error", **facts: Any) -> Rule:
    name = "key" if len(columns) > 1 else columns[0] if columns else facts["file"]
    return Rule(f"thing.{name}.{kind}", kind, columns, severity, facts)


def entity(
    columns: Sequence[Column], rules: Iterable[Rule] = (), key: tuple[str, ...] = ("no",), held: float = 100.0
) -> Entity:
    return Entity("thing", "物", "1.0.0", tuple(columns), key, ("hr",), tuple(rules), held_percent=held)


def table(columns: Sequence[Column], rows: Sequence[Row], key: tuple[str, ...] = ("no",)) -> pa.Table:
    """Conformed rows: what a row leaves out is NULL, `source_row` counts from 1."""
    keys = ["|".join(map(str, cells)) if None not in cells else None for cells in ([row.get(k) for k in key] for row in rows)]
    arrays = {c.name: pa.array([row.get(c.name) for row in rows], arrow_type(c.type)) for c in columns}
    return pa.table(
        {
            **arrays,
            "source_system": pa.array([row.get("source_system", "hr") for row in rows], pa.string()),
            "source_key": pa.array(keys, pa.string()),
            "source_row": pa.array([row.get("source_row", n) for n, row in enumerate(rows, 1)], pa.int64()),
            "unreadable": pa.array([row.get("unreadable") for row in rows], pa.string()),
        }
    )


def question(
    folder: Path,
    of: Entity,
    rows: Sequence[Row],
    *,
    known: Mapping[str, pa.Table] | None = None,
    codes: Mapping[str, Sequence[str]] | None = None,
    checks: Mapping[str, str] | None = None,
) -> CheckRequest:
    """A question in a folder of its own, with code lists as CSV and SQL checks as files."""
    out, lists, sql = folder / "out", folder / "schemas" / "codes", folder / "sql" / "checks"
    for path in (out, lists, sql):
        path.mkdir(parents=True)
    pq.write_table(table(of.columns, rows, of.key), folder / "conformed.parquet")
    lines = ["list,code,name_zh,name_en,parent,valid_from,valid_to"]
    lines += [f"{name},{code},名,name,,,2001-01-01" for name, values in (codes or {}).items() for code in values]
    (lists / "test.csv").write_text("\n".join(lines) + "\n", "utf-8")
    for stem, text in (checks or {}).items():
        (sql / f"{stem}.sql").write_text(text, "utf-8")
    for name, parent in (known or {}).items():
        pq.write_table(parent, folder / f"{name}.parquet")
    catalog = Catalog({}, {of.name: of}, {}, {}, {}, layers=Layers((Layer("home", folder),)))
    beside = {name: RowSet(folder / f"{name}.parquet") for name in known or {}}
    return CheckRequest(of, catalog, folder / "conformed.parquet", beside, out)


def accepted(asked: CheckRequest, verdict: CheckResult) -> pa.Table:
    """The rows that an answer accepts, with the conformed columns."""
    with open_engine("accepted") as db:
        return fetch_arrow_table(db, RowSet(asked.conformed, verdict.left_out).query()).drop(["file_row_number"])


def failing(verdict: CheckResult) -> dict[str, list[int]]:
    """Source rows by the rule that they failed; rules that all rows satisfy are left out."""
    found: dict[str, list[int]] = {}
    for row in pq.read_table(verdict.failures).to_pylist():
        found.setdefault(row["rule_id"], []).append(row["source_row"])
    return {name: sorted(rows) for name, rows in found.items()}


def source_rows(path: Path) -> list[int]:
    return list(pq.read_table(path, columns=["source_row"])["source_row"].to_pylist())
