"""Targets for which no server that writes can be had here: every statement that deliveries lead to is compiled and parsed in
the engine's language, values are compared over the wire where a server answers, and the rest is for
`hub selftest dst_... --write` on site."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import duckdb
import pyarrow as pa
import pymssql
import pytest
import sqlglot
from receivers import FEED, STRANGE_ROWS, Edge, build_person, edge
from sqlglot import exp

from campus.servers.stores_local import SqlServerSource
from contracts import ddl
from contracts.contract import SourceDataset
from core.errors import FeedFailed, Unavailable
from core.store.address import parse_url
from loaders import mssql
from loaders.base import open_target
from loaders.mssql import MssqlTarget
from loaders.oracle import OracleTarget, refuse_empty_text
from loaders.tables.control_totals import DUCK, cast_column, content_hash, sum_parity
from loaders.tables.table_merge import FeedTable


class Compiling:
    """Parses what a target would run. Answers only steer which statements follow: there are rows, nothing was sent before."""

    dialect: ClassVar[str]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.statements: list[exp.Expression] = []

    @contextlib.contextmanager
    def transaction(self, where: str) -> Iterator[None]:
        yield

    def compiled(self, statement: str, values: Sequence[object]) -> str:
        raise NotImplementedError

    def run(self, statement: str, *values: object) -> int:
        self.read_rows(statement, *values)
        return 1

    def read_rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        assert statement.count("%s") == len(values)
        for tree in sqlglot.parse(self.compiled(statement, values), read=self.dialect, error_level=sqlglot.ErrorLevel.RAISE):
            assert tree is not None
            self.statements.append(tree)
        if "character_maximum_length" in statement:
            return [(column.physical, None, "YES", "text", None, None) for column in FEED.columns]
        if "information_schema" in statement or "all_tab_columns" in statement:
            return [(column.physical,) for column in FEED.columns] + [("is_active",), ("ended_on",)]
        if "rows_upsert, rows_delete from" in statement:
            return [(1, 1)]
        return [(2,)] if "count(*)" in statement or "select top 1" in statement or "rownum" in statement else []


class CompilingMssql(Compiling, MssqlTarget):  # type: ignore[misc]
    dialect = "tsql"

    def compiled(self, statement: str, values: Sequence[object]) -> str:
        return mssql.rewrite_statement(statement, values)


class CompilingOracle(Compiling, OracleTarget):  # type: ignore[misc]
    dialect = "oracle"

    def compiled(self, statement: str, values: Sequence[object]) -> str:
        return self.rewrite_statement(statement)

    def _run_definition(self, statement: str) -> None:
        self.run(statement)

    def load(self, file: Path, table: str, columns: Sequence[str]) -> None:
        marks = ", ".join(["%s"] * len(columns))
        self.run(f"insert into {table} ({', '.join(columns)}) values ({marks})", *columns)


ENGINES = {"mssql": CompilingMssql, "oracle": CompilingOracle}


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("drop", ["delete", "inactive", "end_date"])
@pytest.mark.parametrize("mode", ["delta", "full"])
def test_every_statement_of_a_delivery_is_the_servers_language(
    engine: str, tmp_path: Path, drop: Literal["delete", "inactive", "end_date"], mode: Any
) -> None:
    here: Edge = edge(f"{engine}://hub:x@127.0.0.1:9/reader", tmp_path, drop=drop)
    target = ENGINES[engine](here.connection)
    delivery = here.prepared(STRANGE_ROWS, [build_person(9)] if mode == "delta" else [], mode)
    assert target.apply(delivery).already is False
    kinds = {type(tree) for tree in target.statements}
    assert ({exp.Insert, exp.Update} if engine == "mssql" else {exp.Insert, exp.Merge, exp.Create}) <= kinds
    assert exp.Delete in kinds or drop != "delete"
    assert not any("%s" in tree.sql(target.dialect) for tree in target.statements)


def test_the_statements_that_make_and_compare_are_the_servers_language(engine: str, tmp_path: Path) -> None:
    here: Edge = edge(f"{engine}://hub:x@127.0.0.1:9/reader", tmp_path)
    target = ENGINES[engine](here.connection)
    for statement in target.bookkeeping.values():
        target.run(statement)
    shape = FeedTable(here.feed, target.phrases)
    content = content_hash(here.feed, target.phrases, shape.quote_column)
    target.create_table(
        here.feed, ddl.compile_create_table(here.feed.physical, here.feed.columns, here.feed.key, engine, target.marks)
    )
    for statement in (shape.select_totals(shape.sent), f"select {content} from {shape.sent}"):
        target.read_rows(statement, here.feed.edge, here.feed.dataset)
    assert [type(tree) for tree in target.statements][:3] == [exp.Create] * 3
    assert [type(tree) for tree in target.statements][-2:] == [exp.Select] * 2


def test_oracle_names_what_is_ours_and_refuses_empty_text(tmp_path: Path) -> None:
    target = OracleTarget(parse_url("dst", "oracle://hub:x@127.0.0.1:9/reader"))
    assert target.rewrite_statement(
        'select "_hub_selftest_1".x, t.is_active from _hub_sent s where s.edge = %s and a = %s'
    ) == ('select "_hub_selftest_1".x, t."is_active" from "_hub_sent" s where s.edge = :b1 and a = :b2')
    here: Edge = edge("oracle://hub:x@127.0.0.1:9/reader", tmp_path)
    with pytest.raises(Unavailable, match=r"HUB204 .*DPY-6005"):
        here.apply(here.prepared([build_person(1)]))
    with pytest.raises(FeedFailed, match="HUB826") as error:
        refuse_empty_text("dz_reader", ["XM", "KGSJ"], [("李四", ""), (None, "x")])
    assert error.value.facts["columns"] == "KGSJ"


def test_a_value_with_the_drivers_marks_stays_a_value() -> None:
    found = mssql.rewrite_statement("select [a%d] from _hub_upserts where x = %s and y = %s", ["100%s'; drop table t --", None])
    assert found == "select [a%d] from #_hub_upserts where x = N'100%s''; drop table t --' and y = NULL"


def test_xor_by_parity_is_xor() -> None:
    """The expression that stands for the missing aggregate, on an engine that has both."""
    with duckdb.connect() as db:
        db.execute("create table t as select cast(hash(i) % 1152921504606846976 as bigint) as n from range(1000) r(i)")
        found = db.execute(f"select {sum_parity(lambda bit: f'sum(n // {bit} % 2) % 2 * {bit}')}, bit_xor(n) from t").fetchone()
        assert found is not None and int(found[0]) == found[1]
        assert db.execute(
            f"select {sum_parity(lambda bit: f'sum(n // {bit} % 2) % 2 * {bit}')} from t where false"
        ).fetchone() == (0,)


def test_the_server_spells_values_as_the_hub_does(mssql_server: str, server_room: Path) -> None:
    """Texts of keys and contents, asked over the wire, are those that DuckDB gives for the same rows."""
    dataset = SourceDataset(
        system="hr", name="t", physical="spelled", title="", owner="", version="1.0.0", connection="src_hr",
        columns=FEED.columns, key=(),
    )  # fmt: skip
    rows = [row for row in STRANGE_ROWS if row["full_name"] != " 前后空格 "]
    table = pa.table({column.physical: [row[column.name] for row in rows] for column in FEED.columns})
    SqlServerSource(server_room / "sqlserver_hr").replace_rows(dataset, table)
    at = parse_url("x", mssql_server)
    asked = ", ".join(MssqlTarget.phrases.format_value(column.type, f"t.[{column.physical}]") for column in FEED.columns[:6])
    with pymssql.connect(server=at.host, port=str(at.port), user=at.user, password=at.password, charset="UTF-8") as link:
        cursor = link.cursor()
        cursor.execute(f"select {asked} from spelled t")
        found = cursor.fetchall()
    with duckdb.connect() as db:
        db.register("rows", pa.Table.from_pylist(rows))
        wanted = db.execute(
            f"select {', '.join(DUCK.format_value(c.type, cast_column(c)) for c in FEED.columns[:6])} from rows"
        ).fetchall()
    assert sorted(found, key=str) == sorted(wanted, key=str)


def test_a_refused_port_is_tried_again(tmp_path: Path) -> None:
    here: Edge = edge("mssql://hub:x@127.0.0.1:9/reader", tmp_path)
    with pytest.raises(Unavailable, match="HUB204") as error:
        here.apply(here.prepared([build_person(1)]))
    assert error.value.__cause__ is None


def test_the_family_is_found_by_its_scheme() -> None:
    assert isinstance(open_target(parse_url("dst", "mssql://hub@host/reader")), MssqlTarget)
