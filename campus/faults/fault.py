"""A fault of the rehearsal: which cell or row it spoils, and what a check must say because of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from campus.simulate.arrays import Bools, Ints, kernels

CellChange = Callable[[list[Any]], Sequence[Any]]
"""The new cells of a column, from the old ones."""
ExpectedFinding = tuple[str, str, str]
"""Entity, rule and severity of something that must be found."""
RowKey = Callable[[Mapping[str, Any]], str]
"""The canonical key of a source row, parts joined with `|`."""


@dataclass(frozen=True)
class Defect:
    """A defect of one cell, or of one row that is added.

    Attributes:
        dataset, column: where; the column by its physical name.
        cells: old cells of the chosen rows -> new ones.
        entity, rules, severity: what must be found; of a copy that differs, its dataset stands for the entity.
        person: the physical column that names whom it concerns.
        only: a column and the value that a row must have to be chosen.
        never: a column and the beginning that its value must not have.
        adds: the spoilt row comes on top of the sound one. drops: the row is taken away.
        also: entity, rule and severity of what else must be found; the key follows from the same row.
        since: the same for what is found only where the hub has had the row before.
    """

    dataset: str
    column: str
    cells: CellChange
    entity: str
    rules: tuple[str, ...]
    person: str
    severity: str = "error"
    only: tuple[str, str] | None = None
    never: tuple[str, str] | None = None
    adds: bool = False
    drops: bool = False
    also: tuple[ExpectedFinding, ...] = ()
    since: tuple[ExpectedFinding, ...] = ()

    def select_candidates(self, rows: pa.Table) -> Bools:
        """Which rows may be chosen."""
        fits = np.ones(rows.num_rows, np.bool_)
        if self.only is not None:
            fits &= kernels.fill_null(kernels.equal(rows[self.only[0]], self.only[1]), False).to_numpy()
        if self.never is not None:
            fits &= ~kernels.fill_null(kernels.starts_with(rows[self.never[0]], self.never[1]), False).to_numpy()
        return fits

    def spoil_rows(self, rows: pa.Table, chosen: Ints) -> pa.Table:
        """The table with the chosen rows spoilt or taken away, or with spoilt copies of them at the end."""
        if self.drops:
            return rows.take(np.setdiff1d(np.arange(rows.num_rows), chosen))
        base = rows.take(chosen) if self.adds else rows
        at = np.arange(len(chosen)) if self.adds else chosen
        old = base[self.column].take(at).to_pylist()
        spoilt = replace_cells(base, self.column, at, self.cells(old))
        return pa.concat_tables([rows, spoilt]) if self.adds else spoilt


def replace_cells(rows: pa.Table, column: str, at: Ints, cells: Sequence[Any]) -> pa.Table:
    """The table with other cells at the given rows of a column."""
    mask = np.zeros(rows.num_rows, np.bool_)
    mask[at] = True
    kind = rows.schema.field(column).type
    in_order = [cells[position] for position in np.argsort(at, kind="stable")]
    changed = kernels.replace_with_mask(rows[column].combine_chunks(), pa.array(mask), pa.array(in_order, kind))
    return rows.set_column(rows.column_names.index(column), column, changed)


def fill(value: Any) -> CellChange:
    return lambda old: [value] * len(old)


def fill_each(template: str) -> CellChange:
    return lambda old: [template.format(position) for position in range(len(old))]
