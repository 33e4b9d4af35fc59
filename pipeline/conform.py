"""Conform: the landed rows of every system that gives an entity, through one SELECT each, as canonical rows."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from core.dialects import spelling
from core.engine import engine, literal
from core.engine import write as write_rows
from core.errors import ContractError
from core.ids import digest, texts_digest
from core.ledger import Output, Step
from core.settings import settings
from loaders import landing
from loaders.landing import Landed
from pipeline.context import Night
from pipeline.landing_views import create_view
from schemas import one_select
from schemas.catalog import Catalog
from schemas.contract import Entity
from schemas.queries import GATHERING, tables_of

MAPS = "maps"
CODES = frozenset({"codes.map", "codes.code"})
"""The views of codes that every SELECT of this room may read."""
_VIEW = "select 1 from duckdb_views() where database_name = current_database() and schema_name = ? and view_name = ?"
PROVENANCE = ("source_system", "source_key", "source_row", "unreadable")


def conform(night: Night, name: str, landed: dict[str, Landed]) -> Output:
    """Map an entity's rows and return `{file, rows, systems, complete}`; equal input is not mapped twice.

    `landed` holds the newest landing of every source dataset. The file is Parquet: the entity's columns in contract order,
    then `source_system`, `source_key`, `source_row`, `unreadable`.

    Raises:
        ContractError: HUB107 when a SELECT fails or gives other columns than the contract, HUB160 to HUB162 when it is none.
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
    codes = texts_digest(sorted(catalog.codes_folder.rglob("*.csv")))
    return digest("conform", repr(entity.columns), systems, texts_digest(files), contents, contracts, codes)


def _conform(night: Night, entity: Entity, systems: list[str], landed: dict[str, Landed], path: Path) -> Output:
    with engine(entity.name) as db:
        code_views(db, night.catalog.codes_folder)
        parts = [_select(db, night, entity, system, landed) for system in systems]
        body = " union all by name ".join(parts) if parts else _nothing(entity)
        return write(db, body, systems, path)


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
    if "unreadable" not in given and (carried := _carrying(sql, tables[0])):
        sql, given = carried, [*given, "unreadable"]
    faults, join = _unreadable(sql, entity, tables[0], "unreadable" in given)
    return f"select {identified(entity, system)}, q.{landing.ROW}, {faults} as unreadable from ({sql}) q {join}"


def outputs(db: duckdb.DuckDBPyConnection, sql: str, file: Path, wanted: list[str]) -> list[str]:
    """The names of a SELECT's output columns, which are `wanted` and perhaps `unreadable`.

    Raises:
        ContractError: HUB107 when it fails or gives others.
    """
    where = f"sql/conform/{file.parent.name}/{file.name}"
    try:
        given = [name for name, *_ in db.execute(f"describe {sql}").fetchall()]
    except duckdb.Error as error:
        raise ContractError("HUB107", where, problem=_first_line(error)) from error
    if [name for name in given if name != "unreadable"] != wanted:
        raise ContractError("HUB107", where, problem=f"{', '.join(given)} <> {', '.join(wanted)}")
    return given


def identified(entity: Entity, system: str) -> str:
    """The projections of an entity's typed columns over `q`, then `source_system` and `source_key`."""
    columns = ", ".join(f"cast(q.{c.name} as {spelling(c.type, 'duckdb')}) as {c.name}" for c in entity.columns)
    key_null = " or ".join(f"q.{key} is null" for key in entity.key)
    key = " || '|' || ".join(f"cast(q.{key} as varchar)" for key in entity.key)
    return f"{columns}, '{system}' as source_system, case when {key_null} then null else {key} end as source_key"


def _unreadable(sql: str, entity: Entity, main: tuple[str, str], own: bool) -> tuple[str, str]:
    """The expression that names unreadable cells by the entity's columns, and the join that it needs."""
    used = uses(sql, frozenset(column.name for column in entity.columns))
    source = "q.unreadable" if own else "v.unreadable"
    cases = [
        f"case when list_contains(string_split({source}, ','), '{cell}') then '{column}' end"
        for cell, columns in used.items()
        for column in (columns or [entity.key[0]])
    ]
    join = "" if own else f"left join {main[0]}.{main[1]} v on v.{landing.ROW} = q.{landing.ROW}"
    return (
        f"case when {source} is not null then nullif(concat_ws(',', {', '.join(cases)}), '') end" if cases else "null"
    ), join


@functools.lru_cache(maxsize=1024)
def _carrying(sql: str, main: tuple[str, str]) -> str | None:
    """The SELECT with the main table's `unreadable` beside its `source_row`, which saves joining that table to itself; None
    unless each row is plainly one row of that table."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    if not isinstance(tree, exp.Select):
        return None
    base = tree.find(exp.From)
    if base is None or base.parent is not tree or not isinstance(base.this, exp.Table):
        return None
    if (base.this.db, base.this.name) != main or any(tree.args.get(name) for name in GATHERING) or tree.find(exp.AggFunc):
        return None
    row = next((one for one in tree.selects if one.alias_or_name == landing.ROW), None)
    row = row.this if isinstance(row, exp.Alias) else row
    if not isinstance(row, exp.Column) or row.name != landing.ROW or row.table != base.this.alias_or_name:
        return None
    return str(tree.select(exp.column("unreadable", table=row.table)).sql("duckdb"))


@functools.lru_cache(maxsize=1024)
def uses(sql: str, names: frozenset[str]) -> dict[str, list[str]]:
    """Source column -> entity columns made from it, as far as the outermost projections tell; `[]` when only further in."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    uses: dict[str, list[str]] = {column.name: [] for column in tree.find_all(exp.Column)}
    for select in tree.find_all(exp.Select):
        for projection in select.expressions:
            if projection.alias_or_name in names:
                for column in projection.find_all(exp.Column):
                    if projection.alias_or_name not in uses[column.name]:
                        uses[column.name].append(projection.alias_or_name)
    return uses


def code_views(db: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """`codes.code` (every list) and `codes.map` (each system's own codes -> the hub's), for SELECTs to read."""
    db.execute("create schema if not exists codes")
    tables = {
        "code": (sorted(folder.glob("*.csv")), ("list", "code", "name_zh", "name_en")),
        "map": (sorted((folder / MAPS).glob("*.csv")), ("system", "list", "source_code", "code")),
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
