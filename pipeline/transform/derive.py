"""Derive: the rows of an entity that the hub itself makes, by one SELECT over other entities as they will stand after
this night. From here on it is checked, braked, published and rolled back like any other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from contracts.contract import HUB, TONIGHT, Entity
from contracts.sql import one_select
from core.engine import engine
from core.hashing import digest, file_digest, texts_digest
from core.row_set import Rows
from core.store.ledger import Output
from pipeline.context import Night
from pipeline.transform.conform import CODES, code_views, identified, once, outputs, write

Known = Mapping[str, tuple[Rows, str]]


def derive(night: Night, name: str, known: Known) -> Output:
    """Make the rows of a derived entity and return `{file, rows, systems}` as `conform` does; equal input is not made twice.

    `known` gives for every entity its rows as they will stand (accepted tonight, held ones with their last good
    value; of the derived entity itself those of the last version) and a hash of them.

    Raises:
        ContractError: HUB107 when the SELECT fails or gives other columns than the contract.
    """
    entity = night.catalog.entity(name)
    night.progress("conform", name)
    file = night.catalog.conform_file(name, HUB)
    inputs = {other: known[other] for other in sorted(night.catalog.inputs_of(name))}
    hashes = {other: content for other, (_, content) in inputs.items()}
    today = night.run.as_of if night.catalog.reads_date(name) else None
    codes = texts_digest([*night.catalog.code_lists, *night.catalog.code_maps])
    work = digest("derive", repr(entity.columns), texts_digest([file]), hashes, str(today), codes)
    return once(night, name, work, lambda path: _settled(night, name, _derive(night, entity, file, inputs, path)))


def _settled(night: Night, name: str, made: Output) -> Output:
    """What was made, or what was made before if that is the same to the byte: another date need not give other rows, and
    what was judged of them stands."""
    before = night.ledger.latest("conform", name).get(name)
    if before is None or not Path(before["file"]).is_file():
        return made
    return before if file_digest(Path(before["file"])) == file_digest(Path(made["file"])) else made


def _derive(night: Night, entity: Entity, file: Path, inputs: Known, path: Path) -> Output:
    given = {f"{HUB}.{other}" for other in (*night.catalog.entities, TONIGHT)}
    sql = one_select.read(file, "duckdb", (given | CODES).__contains__)
    names = [column.name for column in entity.columns]
    with engine(entity.name) as db:
        code_views(db, night.catalog)
        _views(db, night, inputs)
        columns, changed = identified(entity, HUB, outputs(db, sql, file, names))
        cut = [f"case when {condition} then '{name}' end" for name, condition in changed.items()]
        faults = f"nullif(concat_ws(',', {', '.join(cut)}), '')" if cut else "cast(null as varchar)"
        rows = f"row_number() over (order by {', '.join(f'q.{name}' for name in names)}) - 1"
        body = f"select {columns}, {rows} as source_row, {faults} as unreadable from ({sql}) q"
        return write(db, body, [HUB], path, order="source_row")


def _views(db: duckdb.DuckDBPyConnection, night: Night, inputs: Known) -> None:
    """Views `hub.<entity>` (business columns and `source_system`) and `hub.tonight` (`as_of`, the business date)."""
    db.execute(f"create schema {HUB}")
    for name, (rows, _) in inputs.items():
        columns = [column.name for column in night.catalog.entity(name).columns]
        db.execute(f"create view {HUB}.{name} as {rows.query([*columns, 'source_system'])}")
    db.execute(f"create view {HUB}.{TONIGHT} as select date '{night.run.as_of.isoformat()}' as as_of")
