"""The rows of an entity as the hub's last version has them: the file that the publish of them was staged from, else one that
is read from the hub.

A version's rows never change, so either serves every run until a later version changes the entity.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from core.row_set import RowSet, restore_row_set
from core.settings import get_settings
from core.store.ledger import Output, Row
from loaders import hub
from pipeline.context import RunContext


def find_staged_change(run: RunContext, name: str) -> Output | None:
    """The staged change that became the entity's newest version (`publishing.diff`), by the publish's own record, which is
    written in its transaction; None when that version came about otherwise. Its files may be gone."""
    newest = _find_newest_version(run, name)
    return newest["made"] if newest else None


def load_last_rows(run: RunContext, name: str) -> tuple[RowSet, str]:
    """An entity's rows (business columns, `source_system`, `source_key`) and a text that names their version."""
    newest = _find_newest_version(run, name) or {"version": 0, "run_id": "", "made": None}
    told = f"{name}@{newest['version']}"
    made = newest["made"] or {}
    if "rows" in made and (staged := restore_row_set(made["rows"])).has_all_files:
        return staged, told
    # The run is named too: a hub that was restored from a copy uses its numbers again.
    path = get_settings().work / "standing" / f"{name}.{newest['version']}.{newest['run_id']}.parquet"
    if not path.is_file():
        _read_from_hub(run, name, path)
    return RowSet(path), told


def _find_newest_version(run: RunContext, name: str) -> Row | None:
    """Number, run and staged change of the newest version that changed an entity."""
    return run.ledger.fetch_row(
        "select v.version, v.run_id, s.output -> 'made' -> %s as made from ops.version v left join ops.step s"
        " on s.run_id = v.run_id and s.verb = 'publish' and s.subject = 'hub' and s.state = 'done'"
        " and (s.output ->> 'version')::bigint = v.version where v.entities ? %s order by v.version desc limit 1",
        [name, name],
    )


def _read_from_hub(run: RunContext, name: str, path: Path) -> None:
    entity = run.catalog.entity(name)
    columns = ", ".join(column.name for column in entity.columns)
    schema = hub.build_schema(entity, {"source_system": pa.string(), "source_key": pa.string()})
    query = f"select {columns}, source_system, source_key from hub.{name} where to_version is null"
    with run.ledger.transaction() as connection:
        hub.write_rows(connection, query, schema, path)
