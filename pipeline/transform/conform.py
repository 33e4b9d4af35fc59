"""Conform: the landed rows of every system that gives an entity, through one SELECT each, as canonical rows."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import duckdb
import pyarrow as pa

from contracts.catalog import Catalog
from contracts.contract import Entity
from contracts.sql import one_select
from contracts.sql.carrying import CARRIED, Uncarried, carry
from contracts.sql.files import parsed, tables_of
from contracts.sql.lineage import uses
from contracts.sql.narrowing import changes, loses
from core.dialects import spelling
from core.engine import engine, literal
from core.engine import write as write_rows
from core.errors import ContractError
from core.hashing import digest, texts_digest
from core.keys import row_key
from core.settings import settings
from core.store.ledger import Output, Step
from loaders import landing
from loaders.landing import Landed
from pipeline.context import Night
from pipeline.transform import casts, row_accounts
from pipeline.transform.typed_views import create_view

CODES = frozenset({"codes.map", "codes.code"})
"""The views of codes that every SELECT of this room may read."""
_VIEW = "select 1 from duckdb_views() where database_name = current_database() and schema_name = ? and view_name = ?"
_ADDED = frozenset({landing.ROW, "unreadable", CARRIED})
"""Columns that a dataset has beside its own."""
PROVENANCE = ("source_system", "source_key", "source_row", "unreadable")


def conform(night: Night, name: str, landed: dict[str, Landed]) -> Output:
    """Map an entity's rows and return `{file, rows, systems, accounts, lost}` (the last two as `row_accounts`
    gives them); equal input is not mapped twice.

    `landed` holds the newest landing of every source dataset. The file is Parquet: the entity's columns in contract order,
    then `source_system`, `source_key`, `source_row`, `unreadable`.

    Raises:
        ContractError: HUB107 when a SELECT fails or gives other columns than the contract, HUB160 to HUB162 when it is none,
            HUB170, HUB172 when it hides an unreadable cell or a changed value.
    """
    entity = night.catalog.entity(name)
    night.progress("conform", name)
    systems = [system for system in night.catalog.systems_of(name) if _ready(night.catalog, name, system, landed)]
    work = _input(night.catalog, entity, systems, landed)
    return once(night, name, work, lambda path: _conform(night, entity, systems, landed, path))


def once(night: Night, name: str, work: str, make: Callable[[Path], Output]) -> Output:
    """The rows of an entity for an input hash: those that an earlier run made of it, else what `make` writes to a path.
    `made_by` of the output names the run that made them."""
    before = night.ledger.finished("conform", name, work)
    if before is not None and Path(before["file"]).is_file():
        return night.ledger.reuse(night.run.id, "conform", name, work, before)
    folder = settings().work / "conformed" / name
    folder.mkdir(parents=True, exist_ok=True)

    def made(step: Step) -> Output:
        # a file of its own: positions in it are told to others, and the same rows made again may stand in another order
        return {"made_by": night.run.id, **make(folder / f"{work}.{step.id}.parquet")}

    return night.ledger.do(night.run.id, "conform", name, work, made)


def mapped(night: Night, name: str, landed: dict[str, Landed], path: Path) -> Output:
    """Map an entity's rows as `conform` does, but to `path` and without a trace in the ledger: for a file that is only tried.

    Raises:
        ContractError: HUB107.
    """
    systems = [system for system in night.catalog.systems_of(name) if _ready(night.catalog, name, system, landed)]
    return _conform(night, night.catalog.entity(name), systems, landed, path)


def _ready(catalog: Catalog, entity: str, system: str, landed: dict[str, Landed]) -> bool:
    """Every dataset that the system's SELECT reads has landed at least once.

    Raises:
        ContractError: HUB160 to HUB162 when the file is not one portable SELECT over the system's datasets and the codes.
    """
    tables = tables_of(_text(catalog, catalog.conform_file(entity, system), system))
    return all(f"{schema}.{table}" in landed for schema, table in tables if schema != "codes")


def _text(catalog: Catalog, file: Path, system: str) -> str:
    given = {f"{system}.{dataset.name}" for dataset in catalog.sources.values() if dataset.system == system}
    return one_select.read(file, "duckdb", (given | CODES).__contains__)


def _input(catalog: Catalog, entity: Entity, systems: list[str], landed: dict[str, Landed]) -> str:
    files = [catalog.conform_file(entity.name, system) for system in systems]
    tables = sorted({pair for path in files for pair in tables_of(path.read_text("utf-8"))})
    contents = [landed[f"{schema}.{table}"].content for schema, table in tables if schema != "codes"]
    contracts = [repr(catalog.source(f"{schema}.{table}").columns) for schema, table in tables if schema != "codes"]
    codes = texts_digest([*catalog.code_lists, *catalog.code_maps])
    return digest("conform and account", repr(entity.columns), systems, texts_digest(files), contents, contracts, codes)


def _conform(night: Night, entity: Entity, systems: list[str], landed: dict[str, Landed], path: Path) -> Output:
    with engine(entity.name) as db:
        code_views(db, night.catalog)
        parts = [_select(db, night, entity, system, landed) for system in systems]
        body = " union all by name ".join(parts) if parts else _nothing(entity)
        written = write(db, body, systems, path)
        texts = {system: _text(night.catalog, night.catalog.conform_file(entity.name, system), system) for system in systems}
        return {**written, **row_accounts.account(db, entity, night.catalog, texts, path)}


def write(db: duckdb.DuckDBPyConnection, body: str, systems: Sequence[str], path: Path, order: str = "") -> Output:
    """Write the rows of a query, in an order if one is given, and return `{file, rows, systems}`."""
    draft = path.with_suffix(".part")
    write_rows(db, body, draft, order)
    counts = dict(db.execute(f"select source_system, count(*) from read_parquet({literal(draft)}) group by 1").fetchall())
    draft.replace(path)
    return {
        "file": str(path),
        "rows": sum(counts.values()),
        "systems": {system: int(counts.get(system, 0)) for system in systems},
    }


def _select(db: duckdb.DuckDBPyConnection, night: Night, entity: Entity, system: str, landed: dict[str, Landed]) -> str:
    """One system's SELECT, wrapped with provenance, as SQL text over views that now exist."""
    file = night.catalog.conform_file(entity.name, system)
    sql = _text(night.catalog, file, system)
    tables = [pair for pair in tables_of(sql) if pair[0] != "codes"]
    for schema, table in tables:
        if not db.execute(_VIEW, [schema, table]).fetchone():
            dataset = night.catalog.source(f"{schema}.{table}")
            create_view(db, dataset, landed[dataset.id].file(night.landing))
    given = outputs(db, sql, file, [*(column.name for column in entity.columns), landing.ROW])
    marked, lost = _carrying(db, sql, file, "unreadable" in given)
    columns, changed = identified(entity, system, given)
    faults = _unreadable(sql, entity, lost, changed)
    return f"select {columns}, q.{landing.ROW}, {faults} as unreadable from ({marked}) q"


def outputs(db: duckdb.DuckDBPyConnection, sql: str, file: Path, wanted: list[str]) -> dict[str, str]:
    """A SELECT's output columns, which are `wanted` and perhaps `unreadable`, with the engine's types.

    Raises:
        ContractError: HUB107 when it fails or gives others.
    """
    where = f"sql/conform/{file.parent.name}/{file.name}"
    try:
        given = {str(name): str(kind) for name, kind, *_ in db.execute(f"describe {sql}").fetchall()}
    except duckdb.Error as error:
        raise ContractError("HUB107", where, problem=_first_line(error)) from error
    if [name for name in given if name != "unreadable"] != wanted:
        raise ContractError("HUB107", where, problem=f"{', '.join(given)} <> {', '.join(wanted)}")
    return given


def identified(entity: Entity, system: str, given: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The projections of an entity's typed columns over `q`, then `source_system` and `source_key`; and the condition, by
    column, that its type would change a value of those types (`given`)."""
    kinds = {column.name: spelling(column.type, "duckdb") for column in entity.columns}
    changed = {
        name: changes(f"q.{name}", given[name], kind)
        for name, kind in kinds.items()
        if loses(given[name], kind.upper()) is not None
    }
    words = {name: "try_cast" if name in changed else "cast" for name in kinds}
    columns = ", ".join(f"{words[name]}(q.{name} as {kind}) as {name}" for name, kind in kinds.items())
    key_null = " or ".join(f"q.{key} is null" for key in entity.key)
    key = row_key([f"q.{key}" for key in entity.key])
    return f"{columns}, '{system}' as source_system, case when {key_null} then null else {key} end as source_key", changed


def _unreadable(sql: str, entity: Entity, lost: str, changed: Mapping[str, str]) -> str:
    """The names of the entity's columns that are made of unreadable cells, from those cells' names in `lost` with what is wrong
    behind each, or of which a cast has changed a value.

    What carries them names the dataset as well; an author who does it himself may name the column alone. A cell that only a
    condition looks at stands under the key.
    """
    found: dict[str, list[str]] = {f"{casts.MARK}{column.name}": [column.name] for column in entity.columns}
    for (table, cell), columns in uses(sql, frozenset(column.name for column in entity.columns)).items():
        if table.partition(".")[0] != "codes" and cell not in _ADDED:
            for name in (f"{table}.{cell}", cell):
                found.setdefault(name, []).extend(columns or [entity.key[0]])
    named = [
        f"case when regexp_matches({lost}, '(^|,)({one})(:|,|$)')"
        f" then '{column.name}' || regexp_extract({lost}, '(?:^|,)(?:{one})(:[^,]*)', 1) end"
        for column in entity.columns
        if (one := "|".join(sorted(re.escape(cell) for cell, columns in found.items() if column.name in columns)))
    ]
    faults = f"case when {lost} is not null then nullif(concat_ws(',', {', '.join(named)}), '') end"
    cut = [f"case when {condition} then '{name}' end" for name, condition in changed.items()]
    return f"nullif(concat_ws(',', {', '.join([faults, *cut])}), '')" if cut else faults


def _carrying(db: duckdb.DuckDBPyConnection, sql: str, file: Path, own: bool) -> tuple[str, str]:
    """A SELECT that gives with its rows the cells that could not be read and the columns that a cast has changed, and the
    expression over `q` that names them. What the author says of them (`own`) counts beside what can be carried.

    Raises:
        ContractError: HUB170 when cells can neither be carried nor are given, HUB172 for a cast inside that changes values.
    """
    where = f"sql/conform/{file.parent.name}/{file.name}"
    tree, names = parsed(sql).copy(), ["unreadable"] if own else []
    try:
        names += [casts.CUT] if casts.guarded(db, tree) else []
        carry(tree)
        names.append(CARRIED)
    except casts.Hidden as error:
        raise ContractError("HUB172", where, cast=str(error)) from None
    except Uncarried as error:
        if not own:
            raise ContractError("HUB170", where, reason_key=f"lint.why.{error.why}") from None
        tree = parsed(sql).copy()
        casts.guarded(db, tree)
    columns = [f"q.{name}" for name in names]
    return tree.sql("duckdb"), columns[0] if len(columns) == 1 else f"nullif(concat_ws(',', {', '.join(columns)}), '')"


def code_views(db: duckdb.DuckDBPyConnection, known: Catalog) -> None:
    """`codes.code` (every list) and `codes.map` (each system's own codes -> the hub's), for SELECTs to read."""
    db.execute("create schema if not exists codes")
    tables = {
        "code": (known.code_lists, ("list", "code", "name_zh", "name_en")),
        "map": (known.code_maps, ("system", "list", "source_code", "code")),
    }
    for name, (paths, columns) in tables.items():
        db.register("incoming", _code_rows(tuple(paths), texts_digest(paths), columns))
        db.execute(f"create table codes.{name} as select * from incoming")
        db.unregister("incoming")


@functools.lru_cache(maxsize=8)
def _code_rows(paths: tuple[Path, ...], content: str, columns: tuple[str, ...]) -> pa.Table:
    """The columns of CSV files with this content, all text. A night asks for each of two hundred SELECTs, and to find out
    how the files are written costs more than most of those."""
    if not paths:
        return pa.table({name: pa.array([], pa.string()) for name in columns})
    listed = ", ".join(literal(path) for path in paths)
    with duckdb.connect() as db:
        source = f"read_csv([{listed}], header = true, all_varchar = true, union_by_name = true)"
        return cast("pa.Table", db.sql(f"select {', '.join(columns)} from {source}").to_arrow_table())


def _nothing(entity: Entity) -> str:
    columns = [f"null::{spelling(column.type, 'duckdb')} as {column.name}" for column in entity.columns]
    kinds = {"source_row": "bigint"}
    return (
        "select "
        + ", ".join([*columns, *(f"null::{kinds.get(name, 'varchar')} as {name}" for name in PROVENANCE)])
        + " where false"
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
