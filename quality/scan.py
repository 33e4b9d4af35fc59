"""The conformed rows as DuckDB sees them, what a rule asks about them, and the frame that Great Expectations judges.

Rows are known by their position in the Parquet file: it is there, unique and stable even when a key cannot be read. The frame
holds what the expectations ask about and no other column: text as text, numbers and dates as whole numbers, and flags.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contracts.contract import Entity, Rule
from contracts.sql import one_select
from core.dialects import quote_identifier
from core.engine import quote_literal
from core.errors import ContractError
from quality.base import CheckRequest
from quality.suite import Expectation

_SQL_TEXT_ERRORS = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)
"""Errors about the SQL text. Every other message may carry a cell, so only its class is told."""
MACHINE_ERRORS = (duckdb.OutOfMemoryException, duckdb.IOException)


def prepare_tables(db: duckdb.DuckDBPyConnection, question: CheckRequest) -> None:
    """Register what rules and checks may look at.

    `work.rows` are the rows to be judged with their `position`, `work.repeated` the positions left out, a view named like
    the entity shows those rows as a check sees them, every known entity is a view by its name, `standing.<entity>` the rows
    of the hub's last version, `codes.code` the codes. `work.missed` takes what checks miss among those.
    """
    entity, name = question.entity, _quote_name(question.entity.name)
    db.execute("create schema work")
    db.execute(
        "create view work.landed as select * rename (file_row_number as position) "
        f"from read_parquet({quote_literal(question.conformed)}, file_row_number = true)"
    )
    _find_repeated(db, entity)
    rest = "where position not in (select position from work.repeated)" if has_rows(db, "work.repeated") else ""
    db.execute(f"create view work.rows as select * from work.landed {rest}")
    db.execute(f"create view main.{name} as select * exclude (position) from work.rows")
    db.execute("create table work.missed (rule_id varchar, source_system varchar, source_key varchar)")
    db.execute("create schema standing")
    others = {other: rows for other, rows in question.known.items() if other != entity.name}
    for room, tables in (("main", others), ("standing", question.standing)):
        for other, rows in tables.items():
            db.execute(f"create view {room}.{_quote_name(other)} as {rows.query()}")
    _register_codes(db, question)


def _find_repeated(db: duckdb.DuckDBPyConnection, entity: Entity) -> None:
    """Tables `work.twice` (keys that stand in several rows) and `work.repeated`: rows that say exactly what another row of
    theirs says. One with an unreadable cell or key never counts as such."""
    key, columns = _quote_names(entity.key), _quote_names([column.name for column in entity.columns])
    whole = " and ".join(f"{_quote_name(column)} is not null" for column in entity.key)
    db.execute(f"create table work.twice as select {key} from work.landed where {whole} group by {key} having count(*) > 1")
    if not has_rows(db, "work.twice"):
        db.execute("create table work.repeated (position bigint)")
        return
    db.execute(
        "create table work.repeated as select position from ("
        f"select position, row_number() over (partition by {columns} order by source_row, source_system, position) as place "
        f"from work.landed where unreadable is null and ({key}) in (select ({key}) from work.twice)"
        ") where place > 1"
    )


def has_rows(db: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether a table has a row."""
    return db.execute(f"select 1 from {table} limit 1").fetchone() is not None


def _register_codes(db: duckdb.DuckDBPyConnection, question: CheckRequest) -> None:
    names = ("list", "code", "name_zh", "name_en")
    columns = [[getattr(code, name) for code in question.catalog.codes] for name in names]
    db.execute("create schema codes")
    unnested = ", ".join(f"unnest(?::varchar[]) as {name}" for name in names)
    db.execute(f"create table codes.code as select {unnested}", columns)


def build_frame(db: duckdb.DuckDBPyConnection, question: CheckRequest, suite: list[Expectation]) -> pa.Table:
    """The rows as the expectations ask about them: `position`, then one column for every field of the suite.

    Raises:
        ContractError: HUB105 for a check without a file, HUB106 for one that fails or returns no source position,
            HUB160 to HUB162 for one that is not one portable SELECT over these,
            HUB108 for a rule that DuckDB cannot judge, HUB104 for a reference to an entity that was not given.
    """
    fields: dict[str, str] = {}
    asked_by: dict[str, str] = {}
    run_sql_checks(db, question, suite)
    for number, expectation in enumerate(suite):
        for field in expectation.fields:
            if field not in fields:
                fields[field] = _build_field_sql(question, number, expectation, field)
                asked_by[field] = expectation.rule.id
    columns = ", ".join(f"{sql} as {_quote_name(field)}" for field, sql in fields.items())
    try:
        return _fetch_rows(db, columns)
    except MACHINE_ERRORS:
        raise
    except duckdb.Error as error:
        culprit = next((asked_by[field] for field, sql in fields.items() if _is_failing(db, sql)), question.entity.name)
        raise ContractError("HUB108", culprit, problem=describe_error(error)) from None


UNREADABLE_REASONS = ("character", "digits", "encoding")
"""Why a cell could not be read, where the reader knows more than that it is of another form."""


def find_unreadable(db: duckdb.DuckDBPyConnection, entity: Entity) -> list[tuple[Rule, npt.NDArray[np.int64]]]:
    """For every column with cells that could not be read, and every reason, its rule and those rows' positions, ascending:
    `staff.phone.readable`, `staff.phone.character:U+202E`, `staff.name.encoding`."""
    found = db.execute(
        "select name, list(position order by position) from (select position, unnest(string_split(unreadable, ',')) as name"
        " from work.rows where unreadable is not null) group by name order by name"
    ).fetchall()
    told = [(*name.partition(":")[::2], positions) for name, positions in found]
    return [
        (Rule(f"{entity.name}.{name}.{reason or 'readable'}", "readable", (name,)), np.array(positions, dtype=np.int64))
        for name, reason, positions in told
    ]


def count_missed(db: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rule id -> how many standing rows its check misses among the landed ones; rules that miss none are left out."""
    return dict(db.execute("select rule_id, count(*) from work.missed group by rule_id").fetchall())


def _fetch_rows(db: duckdb.DuckDBPyConnection, columns: str) -> pa.Table:
    cells: pa.Table = db.sql(f"select position, {columns} from work.rows order by position").to_arrow_table()
    return cells


def _is_failing(db: duckdb.DuckDBPyConnection, expression: str) -> bool:
    try:
        _fetch_rows(db, f"{expression} as cell")
    except duckdb.Error:
        return True
    return False


def _build_field_sql(question: CheckRequest, number: int, expectation: Expectation, field: str) -> str:
    if expectation.form == "flag":
        return f"coalesce({build_flag_sql(question, number, expectation)}, true)"
    if expectation.form == "between":
        return build_whole_number_sql(question.entity, field.removesuffix("#"))
    return f"cast({_quote_name(field)} as varchar)"


def build_whole_number_sql(entity: Entity, column: str) -> str:
    """A value as a whole number of its smallest unit, as `quality.suite.smallest_units` gives its bounds."""
    kind, name = entity.column(column).type, _quote_name(column)
    if kind.name == "date":
        return f"{name} - date '1970-01-01'"
    if kind.name == "timestamp":
        return f"epoch_us({name})"
    if kind.name == "number":
        return f"cast(cast({name} as decimal(38,{kind.scale})) * {10**kind.scale} as bigint)"
    return f"cast({name} as bigint)"


def build_flag_sql(question: CheckRequest, number: int, expectation: Expectation) -> str:
    """True where the rule holds, false where it is broken; NULL (which passes) where there is nothing to judge."""
    rule = expectation.rule
    if rule.kind == "sql":
        return f'position not in (select position from work."bad#{number}")'
    if rule.kind == "readable":
        return "unreadable is null"
    name = _quote_name(rule.columns[0])
    if rule.kind == "reference":
        return _build_reference_sql(question, rule.columns[0], rule.facts["entity"], rule.facts["column"])
    if rule.kind == "code":
        return _build_membership_sql(name, f"select code from codes.code where list = {quote_literal(rule.facts['list'])}")
    if rule.kind == "pattern":
        return f"regexp_full_match({name}, {quote_literal(rule.facts['pattern'])})"
    kind = question.entity.column(rule.columns[0]).type
    spelled = f"decimal(38,{kind.scale if kind.name == 'number' else 0})" if kind.name in ("integer", "number") else "varchar"
    signs = {"minimum": ">=", "maximum": "<="}
    return " and ".join(
        f"cast({name} as {spelled}) {signs[side]} cast({quote_literal(bound)} as {spelled})"
        for side, bound in expectation.limits.items()
    )


def _build_reference_sql(question: CheckRequest, column: str, parent: str, key: str) -> str:
    """A parent is looked for as it will stand; within its own entity also among the rows being judged."""
    sources = [f"main.{_quote_name(parent)}"] if parent in question.known or parent == question.entity.name else []
    if parent == question.entity.name and parent in question.known:
        sources.append(f"({question.known[parent].query([_quote_name(key)])})")
    if not sources:
        raise ContractError("HUB104", parent, kind="entity", known=", ".join(question.known))
    found = f"cast({_quote_name(key)} as varchar)"
    queries = [f"select {found} from {source} where {_quote_name(key)} is not null" for source in sources]
    return _build_membership_sql(f"cast({_quote_name(column)} as varchar)", " union all ".join(queries))


def _build_membership_sql(value: str, query: str) -> str:
    return f"({value} is null or {value} in ({query}))"


def run_sql_checks(db: duckdb.DuckDBPyConnection, question: CheckRequest, suite: Sequence[Expectation]) -> None:
    """Run the suite's SQL checks; `work."bad#<number>"` holds the positions that each returned.

    Raises:
        ContractError: HUB105 for a check without a file, HUB106 for one that fails or returns no source position.
    """
    for number, expectation in enumerate(suite):
        if expectation.rule.kind == "sql":
            _run_sql_check(db, question, number, expectation.rule)


def _run_sql_check(db: duckdb.DuckDBPyConnection, question: CheckRequest, number: int, rule: Rule) -> None:
    """Table `bad#<number>`: the positions that a check returns by row or by key; keys that have no row become `work.missed`."""
    path: Path = question.catalog.check_file(rule.facts["file"])
    if not path.is_file():
        raise ContractError("HUB105", question.entity.name, file=f"sql/checks/{path.name}")
    query = one_select.read_select(path, "duckdb", lambda table: _can_read_table(question, table))
    try:
        db.execute(f'create table work."found#{number}" as select * from (\n{query}\n)')
        columns = {name for name, *_ in db.execute(f'describe work."found#{number}"').fetchall()}
        place = "source_key" if "source_key" in columns else "source_row"
        same = f"r.source_system = bad.source_system and r.{place} = bad.{place}"
        db.execute(
            f'create table work."bad#{number}" as'
            f' select distinct r.position from work.rows r join work."found#{number}" bad on {same}'
        )
        if place == "source_key":
            db.execute(
                f"insert into work.missed select distinct {quote_literal(rule.id)}, source_system, source_key"
                f' from work."found#{number}" bad anti join work.rows r on {same}'
            )
    except MACHINE_ERRORS:
        raise
    except duckdb.Error as error:
        raise ContractError(
            "HUB106", question.entity.name, file=f"sql/checks/{path.name}", problem=describe_error(error)
        ) from None


def _can_read_table(question: CheckRequest, table: str) -> bool:
    """Whether a check may read a table: an entity as it will stand or (`standing`) as it stood, or the codes."""
    room, _, name = table.rpartition(".")
    entities = {question.entity.name, *question.known, *question.catalog.entities}
    return table == "codes.code" or (room in ("", "standing") and name in entities)


def describe_error(error: duckdb.Error) -> str:
    return str(error).splitlines()[0] if isinstance(error, _SQL_TEXT_ERRORS) else type(error).__name__


def _quote_name(name: str) -> str:
    return quote_identifier(name, "duckdb")


def _quote_names(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(map(_quote_name, names))
