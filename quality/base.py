"""The question that the check step asks and the answer it gets; paths and counts, never rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contracts.catalog import Catalog
from contracts.contract import Entity
from core.row_set import RowSet


@dataclass(frozen=True)
class CheckRequest:
    """One entity's conformed rows to be checked.

    Attributes:
        conformed: Parquet: the entity's columns in contract order, then `source_system` (text), `source_key` (text, the
            key columns joined with `|`, null when the key cannot be read), `source_row` (int64, unique in its system)
            and `unreadable` (text: comma-joined canonical column names whose cell could not be read, null when all could).
        known: for every other entity its rows as they will stand (canonical columns, `source_system`, `source_key`); what
            a reference or an SQL check may look at.
        out: an existing, empty folder for the answer's files.
        standing: for every entity that a check compares with, its rows as the hub's last version has them (canonical
            columns, `source_system`, `source_key`): `standing.<entity>` for a check.
    """

    entity: Entity
    catalog: Catalog
    conformed: Path
    known: Mapping[str, RowSet]
    out: Path
    standing: Mapping[str, RowSet] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckResult:
    """The answer.

    Attributes:
        left_out: Parquet, `position` in the conformed file of the rows that are held, and of those that only repeat another;
            all others are accepted. None when all are.
        held: Parquet, the conformed columns, rows with a failed rule of severity error.
        failures: Parquet: source_system, source_row, source_key, rule_id, kind, columns (text), severity. One row for
            every failed rule of every row, warnings too. No values. A standing row that a check misses has no source_row.
        results: one Great Expectations result JSON per rule, without values or keys.
    """

    left_out: Path | None
    held: Path
    failures: Path
    rows: int
    held_rows: int
    wrong_rows: int
    warned_rows: int
    results: Sequence[Mapping[str, Any]]
