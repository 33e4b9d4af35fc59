"""Rows that are held of an uploaded file while the next one is judged, where every file has rows of its own (`gone: never`).

That October's payroll has no row of September mends nothing of September's. So an entry stays open until a file of its own
business date comes, or until its row does, wherever it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from contracts.catalog import Catalog
from contracts.contract import Entity
from contracts.sql.files import list_tables
from core.store import postgres

_LAST = "select max(started_at) from ops.step where verb = 'extract' and subject = %(dataset)s and state = 'done'"
_FILE = (
    "select as_of from ops.upload where dataset = %(dataset)s and state = 'taken' and given_at <= ({moment})"
    " order by upload_id desc limit 1"
)
"""The business date of the file that was in place at a moment."""
_FOUND = (
    f"{_LAST} and started_at <= (select min(started_at) from ops.step c"
    " where c.run_id = h.first_run and c.verb = 'check' and c.subject = h.entity)"
)
_ENTRIES = (
    "select h.held_id, h.source_key from ops.held h where h.entity = %(entity)s and h.source_system = %(system)s"
    f" and h.state = 'open' and ({_FILE.format(moment=_FOUND)}) <> ({_FILE.format(moment=_LAST)})"
)


def kept(connection: postgres.Connection, catalog: Catalog, entity: Entity, conformed: Path) -> Sequence[int]:
    """The open entries of an entity that tonight's file, of another business date, says nothing of."""
    if entity.gone != "never":
        return []
    found: list[tuple[Any, ...]] = []
    for system, dataset in _uploads(catalog, entity):
        facts = {"entity": entity.name, "system": system, "dataset": dataset}
        found += connection.execute(_ENTRIES.encode(), facts).fetchall()
    if not found:
        return []
    there = set(pq.read_table(conformed, columns=["source_key"])["source_key"].unique().to_pylist())
    return [int(held) for held, key in found if key not in there]


def _uploads(catalog: Catalog, entity: Entity) -> Iterator[tuple[str, str]]:
    for system in catalog.systems_of(entity.name):
        for room, table in list_tables(catalog.conform_file(entity.name, system).read_text("utf-8")):
            dataset = catalog.sources.get(f"{room}.{table}")
            if dataset and dataset.mode == "upload":
                yield system, dataset.id
