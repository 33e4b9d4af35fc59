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
from contracts.sql.carrying import UNREADABLE_COLUMN, CannotCarry, carry_in_place
from contracts.sql.files import list_tables, parse_select
from contracts.sql.lineage import map_column_uses
from contracts.sql.narrowing import build_change_sql, can_lose_value
from core.dialects import spell_sql_type
from core.engine import open_engine, quote_literal
from core.engine import write_parquet as write_rows
from core.errors import ContractError
from core.hashing import hash_text_files, hash_values
from core.keys import build_row_key_sql
from core.settings import get_settings
from core.store.ledger import Output, Step
from loaders import landing
from loaders.landing import Landing
from pipeline.context import RunContext
from pipeline.transform import casts, row_accounts
from pipeline.transform.typed_views import create_view

CODE_VIEWS = frozenset({"codes.map", "codes.code"})
"""The views of codes that every SELECT of this room may read."""
_FIND_VIEW = "select 1 from duckdb_views() where database_name = current_database() and schema_name = ? and view_name = ?"
_ADDED_COLUMNS = frozenset({landing.SOURCE_ROW, "unreadable", UNREADABLE_COLUMN})
"""Columns that a dataset has beside its own."""
PROVENANCE = ("source_system", "source_key", "source_row", "unreadable")


def conform_entity(run: RunContext, name: str, landed: dict[str, Landing]) -> Output:
    """Map an entity's rows and return `{file, rows, systems, accounts, lost}` (the last two as `row_accounts`
    gives them); equal input is not mapped twice.

    `landed` holds the newest landing of every source dataset. The file is Parquet: the entity's columns in contract order,
    then `source_system`, `source_key`, `source_row`, `unreadable`.

    Raises:
        ContractError: HUB107 when a SELECT fails or gives other columns than the contract, HUB160 to HUB162 when it is none,
            HUB170, HUB172 when it hides an unreadable cell or a changed value.
    """
    entity = run.catalog.entity(name)
    run.progress("conform", name)
    systems = [system for system in run.catalog.systems_of(name) if _is_ready(run.catalog, name, system, landed)]
    work = _hash_input(run.catalog, entity, systems, landed)
    return reuse_or_make(run, name, work, lambda path: _map_rows(run, entity, systems, landed, path))


def reuse_or_make(run: RunContext, name: str, work: str, make: Callable[[Path], Output]) -> Output:
    """The rows of an entity for an input hash: those that an earlier run made of it, else what `make` writes to a path.
    `made_by` of the output names the run that made them."""
    before = run.ledger.find_finished_output("conform", name, work)
    if before is not None and Path(before["file"]).is_file():
        return run.ledger.reuse_step(run.run.id, "conform", name, work, before)
    folder = get_settings().work / "conformed" / name
    folder.mkdir(parents=True, exist_ok=True)

    def made(step: Step) -> Output:
        # a file of its own: positions in it are told to others, and the same rows made again may stand in another order
        return {"made_by": run.run.id, **make(folder / f"{work}.{step.id}.parquet")}

    return run.ledger.run_step(run.run.id, "conform", name, work, made)


def conform_unrecorded(run: RunContext, name: str, landed: dict[str, Landing], path: Path) -> Output:
    """Map an entity's rows as `conform` does, but to `path` and without a trace in the ledger: for a file that is only tried.

    Raises:
        ContractError: HUB107.
    """
    systems = [system for system in run.catalog.systems_of(name) if _is_ready(run.catalog, name, system, landed)]
    return _map_rows(run, run.catalog.entity(name), systems, landed, path)


def _is_ready(catalog: Catalog, entity: str, system: str, landed: dict[str, Landing]) -> bool:
    """Every dataset that the system's SELECT reads has landed at least once.

    Raises:
        ContractError: HUB160 to HUB162 when the file is not one portable SELECT over the system's datasets and the codes.
    """
    tables = list_tables(_read_select(catalog, catalog.conform_file(entity, system), system))
    return all(f"{schema}.{table}" in landed for schema, table in tables if schema != "codes")


def _read_select(catalog: Catalog, file: Path, system: str) -> str:
    given = {f"{system}.{dataset.name}" for dataset in catalog.sources.values() if dataset.system == system}
    return one_select.read_select(file, "duckdb", (given | CODE_VIEWS).__contains__)


def _hash_input(catalog: Catalog, entity: Entity, systems: list[str], landed: dict[str, Landing]) -> str:
    files = [catalog.conform_file(entity.name, system) for system in systems]
    tables = sorted({pair for path in files for pair in list_tables(path.read_text("utf-8"))})
    contents = [landed[f"{schema}.{table}"].content for schema, table in tables if schema != "codes"]
    contracts = [repr(catalog.source(f"{schema}.{table}").columns) for schema, table in tables if schema != "codes"]
    codes = hash_text_files([*catalog.code_lists, *catalog.code_maps])
    return hash_values("conform and account", repr(entity.columns), systems, hash_text_files(files), contents, contracts, codes)


def _map_rows(run: RunContext, entity: Entity, systems: list[str], landed: dict[str, Landing], path: Path) -> Output:
    with open_engine(entity.name) as db:
        create_code_views(db, run.catalog)
        parts = [_build_select(db, run, entity, system, landed) for system in systems]
        body = " union all by name ".join(parts) if parts else _build_empty_select(entity)
        written = write_entity_rows(db, body, systems, path)
        texts = {system: _read_select(run.catalog, run.catalog.conform_file(entity.name, system), system) for system in systems}
        return {**written, **row_accounts.account_rows(db, entity, run.catalog, texts, path)}


def write_entity_rows(db: duckdb.DuckDBPyConnection, body: str, systems: Sequence[str], path: Path, order: str = "") -> Output:
    """Write the rows of a query, in an order if one is given, and return `{file, rows, systems}`."""
    draft = path.with_suffix(".part")
    write_rows(db, body, draft, order)
    counts = dict(db.execute(f"select source_system, count(*) from read_parquet({quote_literal(draft)}) group by 1").fetchall())
    draft.replace(path)
    return {
        "file": str(path),
        "rows": sum(counts.values()),
        "systems": {system: int(counts.get(system, 0)) for system in systems},
    }


def _build_select(
    db: duckdb.DuckDBPyConnection, run: RunContext, entity: Entity, system: str, landed: dict[str, Landing]
) -> str:
    """One system's SELECT, wrapped with provenance, as SQL text over views that now exist."""
    file = run.catalog.conform_file(entity.name, system)
    sql = _read_select(run.catalog, file, system)
    tables = [pair for pair in list_tables(sql) if pair[0] != "codes"]
    for schema, table in tables:
        if not db.execute(_FIND_VIEW, [schema, table]).fetchone():
            dataset = run.catalog.source(f"{schema}.{table}")
            create_view(db, dataset, landed[dataset.id].find_file(run.landing))
    given = describe_outputs(db, sql, file, [*(column.name for column in entity.columns), landing.SOURCE_ROW])
    marked, lost = _carry_faults(db, sql, file, "unreadable" in given)
    columns, changed = build_projections(entity, system, given)
    faults = _name_unreadable_columns(sql, entity, lost, changed)
    return f"select {columns}, q.{landing.SOURCE_ROW}, {faults} as unreadable from ({marked}) q"


def describe_outputs(db: duckdb.DuckDBPyConnection, sql: str, file: Path, wanted: list[str]) -> dict[str, str]:
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


def build_projections(entity: Entity, system: str, given: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The projections of an entity's typed columns over `q`, then `source_system` and `source_key`; and the condition, by
    column, that its type would change a value of those types (`given`)."""
    kinds = {column.name: spell_sql_type(column.type, "duckdb") for column in entity.columns}
    changed = {
        name: build_change_sql(f"q.{name}", given[name], kind)
        for name, kind in kinds.items()
        if can_lose_value(given[name], kind.upper()) is not None
    }
    words = {name: "try_cast" if name in changed else "cast" for name in kinds}
    columns = ", ".join(f"{words[name]}(q.{name} as {kind}) as {name}" for name, kind in kinds.items())
    key_null = " or ".join(f"q.{key} is null" for key in entity.key)
    key = build_row_key_sql([f"q.{key}" for key in entity.key])
    return f"{columns}, '{system}' as source_system, case when {key_null} then null else {key} end as source_key", changed


def _name_unreadable_columns(sql: str, entity: Entity, lost: str, changed: Mapping[str, str]) -> str:
    """The names of the entity's columns that are made of unreadable cells, from those cells' names in `lost` with what is wrong
    behind each, or of which a cast has changed a value.

    What carries them names the dataset as well; an author who does it himself may name the column alone. A cell that only a
    condition looks at stands under the key.
    """
    found: dict[str, list[str]] = {f"{casts.CUT_PREFIX}{column.name}": [column.name] for column in entity.columns}
    for (table, cell), columns in map_column_uses(sql, frozenset(column.name for column in entity.columns)).items():
        if table.partition(".")[0] != "codes" and cell not in _ADDED_COLUMNS:
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


def _carry_faults(db: duckdb.DuckDBPyConnection, sql: str, file: Path, own: bool) -> tuple[str, str]:
    """A SELECT that gives with its rows the cells that could not be read and the columns that a cast has changed, and the
    expression over `q` that names them. What the author says of them (`own`) counts beside what can be carried.

    Raises:
        ContractError: HUB170 when cells can neither be carried nor are given, HUB172 for a cast inside that changes values.
    """
    where = f"sql/conform/{file.parent.name}/{file.name}"
    tree, names = parse_select(sql).copy(), ["unreadable"] if own else []
    try:
        names += [casts.CUT_COLUMN] if casts.guard_casts(db, tree) else []
        carry_in_place(tree)
        names.append(UNREADABLE_COLUMN)
    except casts.HiddenCast as error:
        raise ContractError("HUB172", where, cast=str(error)) from None
    except CannotCarry as error:
        if not own:
            raise ContractError("HUB170", where, reason_key=f"lint.why.{error.why}") from None
        tree = parse_select(sql).copy()
        casts.guard_casts(db, tree)
    columns = [f"q.{name}" for name in names]
    return tree.sql("duckdb"), columns[0] if len(columns) == 1 else f"nullif(concat_ws(',', {', '.join(columns)}), '')"


def create_code_views(db: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """`codes.code` (every list) and `codes.map` (each system's own codes -> the hub's), for SELECTs to read."""
    db.execute("create schema if not exists codes")
    tables = {
        "code": (catalog.code_lists, ("list", "code", "name_zh", "name_en")),
        "map": (catalog.code_maps, ("system", "list", "source_code", "code")),
    }
    for name, (paths, columns) in tables.items():
        db.register("incoming", _read_code_rows(tuple(paths), hash_text_files(paths), columns))
        db.execute(f"create table codes.{name} as select * from incoming")
        db.unregister("incoming")


@functools.lru_cache(maxsize=8)
def _read_code_rows(paths: tuple[Path, ...], content: str, columns: tuple[str, ...]) -> pa.Table:
    """The columns of CSV files with this content, all text. A night asks for each of two hundred SELECTs, and to find out
    how the files are written costs more than most of those."""
    if not paths:
        return pa.table({name: pa.array([], pa.string()) for name in columns})
    listed = ", ".join(quote_literal(path) for path in paths)
    with duckdb.connect() as db:
        source = f"read_csv([{listed}], header = true, all_varchar = true, union_by_name = true)"
        return cast("pa.Table", db.sql(f"select {', '.join(columns)} from {source}").to_arrow_table())


def _build_empty_select(entity: Entity) -> str:
    columns = [f"null::{spell_sql_type(column.type, 'duckdb')} as {column.name}" for column in entity.columns]
    kinds = {"source_row": "bigint"}
    return (
        "select "
        + ", ".join([*columns, *(f"null::{kinds.get(name, 'varchar')} as {name}" for name in PROVENANCE)])
        + " where false"
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
