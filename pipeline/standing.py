"""The rows of an entity as the hub's last version has them, kept as a file from the night that published them.

A version's rows never change, so the file serves every run until a later version changes the entity; one that is missing
is read from the hub.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa

from core.settings import settings
from loaders import hub
from pipeline.context import Night


def last(night: Night, name: str) -> tuple[Path, str]:
    """An entity's rows (business columns, `source_system`, `source_key`; Parquet) and a text that names their version."""
    made = night.ledger.one("select version, run_id from ops.version where entities ? %s order by version desc limit 1", [name])
    version, run_id = (made["version"], made["run_id"]) if made else (0, "")
    path = _file(name, version, run_id)
    if not path.is_file():
        entity = night.catalog.entity(name)
        columns = ", ".join(column.name for column in entity.columns)
        schema = hub.schema_of(entity, {"source_system": pa.string(), "source_key": pa.string()})
        query = f"select {columns}, source_system, source_key from hub.{name} where to_version is null"
        with night.ledger.transaction() as connection:
            hub.write_rows(connection, query, schema, path)
    return path, f"{name}@{version}"


def keep(name: str, version: int, run_id: str, rows: Path) -> None:
    """Keep what a run published of an entity as `version`. Only for a version that is committed."""
    path = _file(name, version, run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    shutil.copyfile(rows, draft)
    draft.replace(path)


def _file(name: str, version: int, run_id: str) -> Path:
    """The run is named too: a hub that was restored from a copy uses its numbers again."""
    return settings().work / "standing" / f"{name}.{version}.{run_id}.parquet"
