"""Named defects for the sources, each with the exact list of what a check must find because of it.

A row-level fault spoils rows that no other fault touches, so the answer can be scored: every `Injected` is to be found,
and no other row is to be held. A system-level fault spoils a dataset, a file or a server; there the answer is a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
import pyarrow as pa

from campus.faults.fault import Defect
from campus.faults.rules import FAULTS, build_key_texts
from campus.render.datasets import DATASETS, WAITS
from campus.simulate.arrays import Ints, kernels
from campus.simulate.world import make_generator
from core.errors import Denied

ColumnCells: TypeAlias = "pa.ChunkedArray[Any]"
RENDERED = frozenset(DATASETS)
SYSTEM_FAULTS = frozenset(
    {"empty_table", "halved_table", "renamed_column", "dbf_wrong_encoding", "payroll_missing_column", "dead_database"}
)
EMPTIED, HALVED = "hr.staff_record", "academic.status_record"
"""The datasets that lose all or half of their rows."""
RENAMED_COLUMN = ("hr.staff_record", "XM", "XINGMING")


@dataclass(frozen=True)
class Injected:
    """A defect that a check must find: the row by its canonical key (parts joined with `|`), and the rule that it breaks."""

    fault: str
    system: str
    dataset: str
    entity: str
    key: str
    rule_id: str
    severity: str = "error"


def inject_faults(tables: dict[str, pa.Table], wanted: Mapping[str, int], seed: int, day: int, known: bool) -> list[Injected]:
    """Spoil rows of `tables` in place and list what must be found.

    `known` says that the hub has had these people before: then a held person keeps the last good row and nobody waits;
    on the first night the rows that refer to a held person are found too.

    Raises:
        Denied: HUB711 for a fault that does not exist.
    """
    unknown = sorted(set(wanted) - set(FAULTS) - SYSTEM_FAULTS)
    if unknown:
        raise Denied("HUB711", ", ".join(unknown), known=", ".join(sorted(set(FAULTS) | SYSTEM_FAULTS)))
    taken: set[str] = set()
    found: list[Injected] = []
    for order, (name, fault) in enumerate(FAULTS.items()):
        if wanted.get(name):
            chosen = _draw_rows(tables[fault.dataset], fault, wanted[name], taken, make_generator(seed, 200, day, order))
            found += _spoil_table(tables, name, fault, chosen, known)
    if not known:
        found += _list_waiting(tables, found)
    return found


def spoil_tables(tables: dict[str, pa.Table], wanted: Mapping[str, int]) -> None:
    """The system-level faults that concern rows and columns of one dataset, in place."""
    if "empty_table" in wanted:
        tables[EMPTIED] = tables[EMPTIED].slice(0, 0)
    if "halved_table" in wanted:
        tables[HALVED] = tables[HALVED].slice(0, tables[HALVED].num_rows // 2)
    if "payroll_missing_column" in wanted:
        tables["finance.payroll"] = tables["finance.payroll"].drop_columns(["金额"])


def _draw_rows(rows: pa.Table, fault: Defect, count: int, taken: set[str], numbers: np.random.Generator) -> Ints:
    """Rows for the fault to spoil, at random, one a person, of persons that no other fault has; they become `taken`."""
    possible = numbers.permutation(np.flatnonzero(fault.select_candidates(rows)))
    people = _trim_numbers(rows[fault.person].take(possible))
    fresh = ~kernels.is_in(people, pa.array(sorted(taken), pa.string())).to_numpy()
    _, first = np.unique(people.to_numpy().astype(str), return_index=True)
    chosen = np.intersect1d(np.flatnonzero(fresh), first)[:count]
    taken.update(str(number) for number in people.take(chosen).to_pylist())
    return np.asarray(possible[chosen])


def _trim_numbers(column: ColumnCells) -> ColumnCells:
    return cast(ColumnCells, kernels.fill_null(kernels.utf8_trim_whitespace(column), ""))


def _spoil_table(tables: dict[str, pa.Table], name: str, fault: Defect, chosen: Ints, known: bool) -> list[Injected]:
    before = tables[fault.dataset]
    tables[fault.dataset] = after = fault.spoil_rows(before, chosen)
    rows = before.take(chosen) if fault.drops else after.slice(before.num_rows) if fault.adds else after.take(chosen)
    system, _, dataset = fault.dataset.partition(".")
    told = [(fault.entity, rule, fault.severity) for rule in fault.rules]
    told += [*fault.also, *(fault.since if known else ())]
    return [
        Injected(name, system, dataset, entity, key, rule, severity)
        for entity, rule, severity in told
        for key in build_key_texts(entity, rows)
    ]


def _list_waiting(tables: Mapping[str, pa.Table], found: list[Injected]) -> list[Injected]:
    """What refers to a held student or member of staff, and therefore waits."""
    more: list[Injected] = []
    for parent, children in WAITS.items():
        held = sorted({item.key for item in found if item.entity == parent and item.severity == "error"})
        for id, column, entity, rule in children:
            rows = tables[id]
            keys = build_key_texts(entity, rows.filter(kernels.is_in(_trim_numbers(rows[column]), pa.array(held, pa.string()))))
            system, _, dataset = id.partition(".")
            more += [Injected("waiting", system, dataset, entity, key, f"{entity}.{rule}") for key in keys]
    return more
