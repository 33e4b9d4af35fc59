"""Derive: the rows of an entity that the hub itself makes, by one SELECT over other entities as they will stand after
this night. From here on it is checked, braked, published and rolled back like any other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from contracts.contract import HUB, TONIGHT_TABLE, Entity
from contracts.sql import one_select
from core.engine import open_engine
from core.hashing import hash_file, hash_text_files, hash_values
from core.row_set import RowSet
from core.store.ledger import Output
from pipeline.context import RunContext
from pipeline.transform.conform import (
    CODE_VIEWS,
    build_projections,
    create_code_views,
    describe_outputs,
    reuse_or_make,
    write_entity_rows,
)

KnownTables = Mapping[str, tuple[RowSet, str]]


def derive_entity(run: RunContext, name: str, known: KnownTables) -> Output:
    """Make the rows of a derived entity and return `{file, rows, systems}` as `conform` does; equal input is not made twice.

    `known` gives for every entity its rows as they will stand (accepted tonight, held ones with their last good
    value; of the derived entity itself those of the last version) and a hash of them.

    Raises:
        ContractError: HUB107 when the SELECT fails or gives other columns than the contract, HUB160 to HUB162 when it is none.
    """
    entity = run.catalog.entity(name)
    run.progress("conform", name)
    file = run.catalog.conform_file(name, HUB)
    given = {f"{HUB}.{other}" for other in (*run.catalog.entities, TONIGHT_TABLE)}
    sql = one_select.read_select(file, "duckdb", (given | CODE_VIEWS).__contains__)
    inputs = {other: known[other] for other in sorted(run.catalog.inputs_of(name))}
    hashes = {other: content for other, (_, content) in inputs.items()}
    today = run.run.as_of if run.catalog.is_date_dependent(name) else None
    codes = hash_text_files([*run.catalog.code_lists, *run.catalog.code_maps])
    work = hash_values("derive", repr(entity.columns), hash_text_files([file]), hashes, str(today), codes)
    return reuse_or_make(
        run, name, work, lambda path: _reuse_equal_rows(run, name, _derive_rows(run, entity, sql, inputs, path))
    )


def _reuse_equal_rows(run: RunContext, name: str, made: Output) -> Output:
    """What was made, or what was made before if that is the same to the byte: another date need not give other rows, and
    what was judged of them stands."""
    before = run.ledger.latest("conform", name).get(name)
    if before is None or not Path(before["file"]).is_file():
        return made
    return before if hash_file(Path(before["file"])) == hash_file(Path(made["file"])) else made


def _derive_rows(run: RunContext, entity: Entity, sql: str, inputs: KnownTables, path: Path) -> Output:
    file = run.catalog.conform_file(entity.name, HUB)
    names = [column.name for column in entity.columns]
    with open_engine(entity.name) as db:
        create_code_views(db, run.catalog)
        _create_views(db, run, inputs)
        columns, changed = build_projections(entity, HUB, describe_outputs(db, sql, file, names))
        cut = [f"case when {condition} then '{name}' end" for name, condition in changed.items()]
        faults = f"nullif(concat_ws(',', {', '.join(cut)}), '')" if cut else "cast(null as varchar)"
        rows = f"row_number() over (order by {', '.join(f'q.{name}' for name in names)}) - 1"
        body = f"select {columns}, {rows} as source_row, {faults} as unreadable from ({sql}) q"
        return write_entity_rows(db, body, [HUB], path, order="source_row")


def _create_views(db: duckdb.DuckDBPyConnection, run: RunContext, inputs: KnownTables) -> None:
    """Views `hub.<entity>` (business columns and `source_system`) and `hub.tonight` (`as_of`, the business date)."""
    db.execute(f"create schema {HUB}")
    for name, (rows, _) in inputs.items():
        columns = [column.name for column in run.catalog.entity(name).columns]
        db.execute(f"create view {HUB}.{name} as {rows.query([*columns, 'source_system'])}")
    db.execute(f"create view {HUB}.{TONIGHT_TABLE} as select date '{run.run.as_of.isoformat()}' as as_of")
