"""What a SELECT makes of the rows that it reads: nothing gets lost on the way without being counted and named."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from contracts.catalog import load_catalog
from contracts.sql.carrying import UNREADABLE_COLUMN, CannotCarry, carry_unreadable
from contracts.sql.lineage import map_column_uses
from pipeline.transform import casts, row_accounts
from reporting import action_items, daily_digest, status

STAFF = "sql/conform/staff/hr.sql"
TERMS = """apiVersion: v3.1.0
kind: DataContract
id: hr.terms
name: 聘用
version: 1.0.0
status: active
domain: hr
team: {name: 人事处}
servers: [{server: src_hr, type: custom}]
schema:
  - name: terms
    physicalName: py
    businessName: 聘用
    customProperties: [{property: mode, value: snapshot}]
    properties:
      - {name: number, physicalName: gh, businessName: 工号, logicalType: string, primaryKey: true, primaryKeyPosition: 1}
      - {name: since, physicalName: rq, businessName: 起始日期, logicalType: date, physicalType: char(10)}
"""


def rewrite(university: Any, file: str, *pairs: tuple[str, str]) -> None:
    """Change a file of the home; every text must be there."""
    path = university.home / file
    content = path.read_text("utf-8")
    for old, new in pairs:
        assert old in content, old
        content = content.replace(old, new)
    path.write_text(content, "utf-8")
    university.forget()


def second_table(university: Any, join: str = "left join") -> None:
    """Staff whose date of joining stands in a table of its own."""
    university.department("drop table if exists py; create table py (gh varchar(20), rq char(10))")
    university.department("insert into py select gh, to_char(to_date(lxrq, 'YYYYMMDD'), 'YYYY-MM-DD') from jzg")
    (university.home / "schemas/sources/hr/terms.odcs.yaml").write_text(TERMS, "utf-8")
    rewrite(
        university,
        STAFF,
        ("p.joined_on", "t.since"),
        ("from hr.person p", f"from hr.person p\n{join} hr.terms t on t.number = p.staff_no"),
    )


def why(university: Any, key: str) -> dict[str, str]:
    """Rule -> reason of what is open for a key."""
    held = status.list_held(university.ledger, load_catalog())
    return {row["rule_id"]: row["why"] for row in held if row["source_key"] == key}


@pytest.mark.parametrize("join", ["left join", "join"])
def test_an_unreadable_cell_of_a_joined_table_holds_the_row(university: Any, join: str) -> None:
    second_table(university, join)
    university.department("update py set rq = '0000-00-00' where gh in ('T0003', 'T0007')")
    assert university.night(1).problems == []
    assert university.held() == {("staff", key, "staff.joined_on.readable") for key in ("T0003", "T0007")}
    assert len(university.hub()) == 38
    assert "人事系统 py.rq" in why(university, "T0003")["staff.joined_on.readable"]


CELLS = {
    "x.a": "create table x.a as select * from (values (1, 'p', 0, null), (2, null, 1, 'n'), (3, 'q', 2, null))"
    " v(id, n, source_row, unreadable)",
    "x.b": "create table x.b as select * from (values (1, null, 0, 'd,e'), (3, date '2026-01-01', 1, null))"
    " v(id, d, source_row, unreadable)",
}


@pytest.mark.parametrize(
    ("query", "lost"),
    [
        ("select a.n, b.d from x.a a join x.b b on a.id = b.id", {"x.b.d,x.b.e": 1, None: 1}),
        ("select a.n, b.d from x.a a left join x.b b on a.id = b.id", {"x.b.d,x.b.e": 1, "x.a.n": 1, None: 1}),
        ("with c as (select id, d from x.b) select a.n, c.d from x.a a, c where a.id = c.id", {"x.b.d,x.b.e": 1, None: 1}),
        ("select a.n, c.d from x.a a join (select id, d from x.b) c on a.id = c.id", {"x.b.d,x.b.e": 1, None: 1}),
        ("select a.id, max(b.d) as d from x.a a join x.b b on a.id = b.id group by a.id", {"x.b.d,x.b.e": 1, None: 1}),
        ("select distinct a.n from x.a a", {"x.a.n": 1, None: 2}),
        ("select a.n from x.a a union all select cast(b.d as varchar) from x.b b", {"x.b.d,x.b.e": 1, "x.a.n": 1, None: 3}),
        ("select c.source_code as n from codes.map c union all select b.id from x.b b", {"x.b.d,x.b.e": 1, None: 2}),
    ],
)
def test_the_rows_of_a_select_carry_the_unreadable_cells_of_all_its_tables(query: str, lost: dict[str | None, int]) -> None:
    with duckdb.connect() as db:
        db.execute("create schema x; create schema codes; create table codes.map as select '9' as source_code")
        for statement in CELLS.values():
            db.execute(statement)
        plain = db.execute(f"select count(*) from ({query})").fetchall()
        sql = carry_unreadable(sqlglot.parse_one(query, read="duckdb").assert_is(exp.Query)).sql("duckdb")
        assert dict(db.execute(f"select {UNREADABLE_COLUMN}, count(*) from ({sql}) group by 1").fetchall()) == lost
        assert db.execute(f"select count(*) from ({sql})").fetchall() == plain


@pytest.mark.parametrize(
    "query",
    [
        "select a.n from x.a a where exists (select 1 from x.b b where b.id = a.id)",
        "select a.n, (select max(b.d) from x.b b where b.id = a.id) as d from x.a a",
        "select a.n from x.a a left join x.b b on a.id in (select id from x.b)",
        "select a.n, row_number() over (partition by a.n order by a.id) as d from x.a a",
        "select a.n from x.a a cross join (select max(d) as d from x.b) b",
        "select a.n from x.a a union select b.e from x.b b",
        "select a.n from x.a a except select b.e from x.b b",
        "select a.n from x.a a semi join x.b b on a.id = b.id",
        "with c as (select id from x.b) select a.n from x.a a where a.id in (select id from c)",
    ],
)
def test_where_a_cell_cannot_be_followed_that_is_said(query: str) -> None:
    with pytest.raises(CannotCarry):
        carry_unreadable(sqlglot.parse_one(query, read="duckdb").assert_is(exp.Query))


def test_a_select_that_hides_cells_stops_its_entity_until_it_says_them_itself(university: Any) -> None:
    university.night(1)
    rewrite(
        university, STAFF, ("from hr.person p", "from hr.person p\ncross join (select max(unit_code) as last from hr.unit) u")
    )
    assert [error.code for error in university.night(2).problems] == ["HUB170"]
    assert len(university.hub()) == 40
    rewrite(university, STAFF, ("p.source_row as source_row", "p.source_row as source_row,\n    p.unreadable as unreadable"))
    university.department("update jzg set lxrq = '20190230', gxsj = now() where gh = 'T0002'")
    assert university.night(3).problems == []
    assert ("staff", "T0002", "staff.joined_on.readable") in university.held()


def test_columns_are_followed_to_their_cells_through_expressions_of_other_names() -> None:
    sql = (
        "with c as (select b.id as i, b.d as born from x.b b where b.kind = '1') select a.n as name, c.born as day, a.row"
        " from x.a a left join c on c.i = a.id"
    )
    assert map_column_uses(sql, frozenset({"name", "day"})) == {
        ("x.a", "n"): ["name"],
        ("x.a", "row"): [],
        ("x.a", "id"): [],
        ("x.b", "d"): ["day"],
        ("x.b", "id"): [],
        ("x.b", "kind"): [],
    }


ROWS = """
create table x.m as select * from (values
    ('1', 'A', 'k1', null, 0), ('2', 'A', 'k2', null, 1), ('3', 'B', 'k1', null, 2), ('4', 'B', null, 'ref', 3),
    ('5', null, 'k9', null, 4)
) v(no, kind, ref, unreadable, source_row);
create table x.r as select * from (values ('k1', 'one', cast(null as varchar), 0), ('k2', 'two', null, 1))
    v(ref, name, unreadable, source_row);
create table codes.map as select 'A' as source_code, '1' as code;
"""


@pytest.mark.parametrize(
    ("query", "counts", "lost"),
    [
        ("select m.no, m.source_row from x.m m left join x.r r on r.ref = m.ref", {}, {}),
        ("select m.no, m.source_row from x.m m where m.kind = 'A'", {"filtered": 3}, {}),
        ("select m.no, m.source_row from x.m m where m.ref = 'k1'", {"filtered": 2, "unread": 1}, {"4": "unread"}),
        (
            "select m.no, m.source_row from x.m m join x.r r on r.ref = m.ref",
            {"dropped": 1, "unread": 1},
            {"4": "unread", "5": "dropped"},
        ),
        (
            "select m.no, m.source_row from x.m m join x.r r on r.ref = m.ref where r.name = 'one'",
            {"filtered": 1, "dropped": 1, "unread": 1},
            {"4": "unread", "5": "dropped"},
        ),
        (
            "select m.no, m.source_row from x.m m join x.r r on r.ref = m.ref where m.kind = 'A'",
            {"filtered": 2, "unread": 1},
            {"4": "unread"},
        ),
        (
            "select m.no, m.source_row from x.m m join codes.map c on c.source_code = m.kind",
            {"dropped": 3},
            {"3": "dropped", "4": "dropped", "5": "dropped"},
        ),
        ("select max(m.no) as no, min(m.source_row) as source_row from x.m m group by m.kind", {"merged": 2}, {}),
        (
            "select max(m.no) as no, min(m.source_row) as source_row from x.m m group by m.kind having count(*) > 1",
            {"filtered": 1, "merged": 2},
            {},
        ),
        (
            "with c as (select m.no, m.kind, m.source_row, row_number() over (partition by m.kind order by m.no) as place"
            " from x.m m) select c.no, c.source_row from c where c.place = 1",
            {"filtered": 2},
            {},
        ),
        (
            "with c as (select m.no, m.ref, m.source_row from x.m m)"
            " select c.no, c.source_row from c join x.r r on r.ref = c.ref",
            {"dropped": 1, "unread": 1},
            {None: "dropped"},
        ),
        (
            "select m.no, m.source_row from x.m m where m.kind = 'A' union all"
            " select r.name, -1 - r.source_row from x.r r where r.ref = 'k1'",
            {"filtered": 4},
            {},
        ),
        (
            "select m.no, m.source_row from x.m m right join x.r r on r.ref = m.ref or r.ref = 'k2' and m.no = '0'",
            {"dropped": 1, "unread": 1},
            {"4": "unread", "5": "dropped"},
        ),
        (
            "select m.no, m.source_row from x.m m right join x.r r on r.ref = m.ref and m.no = '1'",
            {"dropped": 3, "unread": 1, "added": 1},
            {"2": "dropped", "3": "dropped", "4": "unread", "5": "dropped"},
        ),
        ("select m.no || r.ref as no, m.source_row from x.m m cross join x.r r", {"added": 5}, {}),
        (
            "select m.no, m.source_row from x.m m except select m.no, m.source_row from x.m m where m.kind = 'A'",
            {"dropped": 2},
            None,
        ),
    ],
)
def test_every_row_that_is_read_is_accounted_for(
    tmp_path: Path, query: str, counts: dict[str, int], lost: dict[str | None, str] | None
) -> None:
    entity: Any = SimpleNamespace(name="e", key=["no"])
    known: Any = SimpleNamespace(sources={})
    path = tmp_path / "e.parquet"
    with duckdb.connect() as db:
        db.execute(f"create schema x; create schema codes; {ROWS}")
        db.execute(f"copy (select *, 'x' as source_system from ({query})) to '{path}' (format parquet)")
        found = row_accounts.account_rows(db, entity, known, {"x": query}, path)
        row = found["accounts"]["x"]
        rows = db.execute(f"select source_key, rule_id from '{found['lost']}'").fetchall() if found["lost"] else []
    assert row["read"] + row["added"] == sum(row[name] for name in row_accounts.COUNTS if name not in ("read", "added"))
    assert {name: row[name] for name in ("filtered", "merged", "added", "dropped", "unread") if row[name]} == counts
    if lost is not None:
        assert {key: rule.rsplit(".", 1)[1] for key, rule in rows if key or None in lost} == lost
        assert len(rows) == row["dropped"] + row["unread"]


def test_rows_that_a_join_drops_are_named_by_key_and_count_as_there(university: Any) -> None:
    second_table(university, "join")
    rewrite(university, STAFF, ("= trim(p.sex)", "= trim(p.sex)\nwhere p.unit_code <> 'U5'"))
    assert university.night(1).problems == []
    assert len(university.hub()) == 32
    university.department("delete from py where gh in ('T0001', 'T0002', 'T0004')")
    outcome = university.night(2)
    assert outcome.problems == []
    assert len(university.hub()) == 32, "T0001 and T0002 are in the department's own table still"
    assert university.held() == {("staff", key, "staff.row.dropped") for key in ("T0001", "T0002")}
    [row] = [row for row in row_accounts.list_newest_accounts(university.ledger) if row["entity"] == "staff"]
    assert row == {
        "entity": "staff", "system": "hr", "read": 40, "conformed": 30, "filtered": 8, "merged": 0, "added": 0, "dropped": 2,
        "unread": 0,
    }  # fmt: skip
    shown = status.read_status(university.ledger, load_catalog())
    assert shown["held"] == 0
    [point] = [point for point in shown["attention"] if point["kind"] == "dropped"]
    assert action_items.format_action_item(point).startswith("HUB171 staff")
    digests = daily_digest.build_digests(university.ledger, load_catalog(), [], date(2026, 9, 9))
    told = [line for part in digests for line in part.points]
    assert sum("HUB171" in line for line in told) == 2, "the department and the technician"
    folder = university.var / "reports" / outcome.run_id
    told = json.loads((folder / "report.json").read_text("utf-8"))["accounts"]
    held = {key for entity, key, rule in university.held() if entity == "staff" and ".row." not in rule}
    assert {**row, "held": len(held)} in told
    assert "HUB171" in (folder / "report.zh.html").read_text("utf-8")
    university.department("insert into py select gh, '2020-01-02' from jzg where gh in ('T0001', 'T0002', 'T0004')")
    university.night(3)
    assert university.held() == set()
    assert "dropped" not in {point["kind"] for point in action_items.list_action_items(university.ledger, load_catalog())}


def test_a_row_left_out_by_a_cell_that_cannot_be_read_is_held_and_has_not_left(university: Any) -> None:
    rewrite(
        university,
        STAFF,
        ("from hr.person p", "from hr.person p"),
        ("= trim(p.sex)", "= trim(p.sex)\nwhere p.joined_on < date '2026-01-01'"),
    )
    university.night(1)
    university.department("update jzg set lxrq = '20190230', gxsj = now() where gh = 'T0002'")
    assert university.night(2).problems == []
    assert university.held() == {("staff", "T0002", "staff.row.unread")}
    assert len(university.hub()) == 40
    assert status.read_status(university.ledger, load_catalog())["held"] == 1


TYPED = """
create table x.n as select * from (values
    (0, cast(0.75 as decimal(6,2)), cast(70000 as bigint), '12.5', cast(0.5 as double)),
    (1, cast(0.50 as decimal(6,2)), cast(12 as bigint), '13', cast(1 as double)),
    (2, null, null, ' ', null)
) v(source_row, amount, size, word, part);
"""


@pytest.mark.parametrize(
    ("query", "cut"),
    [
        ("select cast(n.amount as decimal(4,1)) as a from x.n n", {0: "=a"}),
        ("select cast(n.amount as decimal(3,2)) as a from x.n n", {}),
        ("select cast(n.amount as integer) as a from x.n n", {0: "=a", 1: "=a"}),
        ("select cast(n.size as smallint) as a from x.n n", {0: "=a"}),
        ("select cast(n.size as decimal(4,2)) as a from x.n n", {0: "=a"}),
        ("select cast(n.word as integer) as a from x.n n", {0: "=a"}),
        ("select cast(n.word as varchar(2)) as a from x.n n", None),
        ("select cast(n.part as bigint) as a from x.n n", {0: "=a"}),
        ("select 1 + cast(n.amount as decimal(4,1)) as a, cast(n.size as smallint) as b from x.n n", {0: "=a,=b"}),
        ("select sum(cast(n.amount as decimal(4,1))) as a from x.n n group by n.source_row", {0: "=a"}),
        ("select cast(sum(n.amount) as decimal(4,1)) as a from x.n n group by n.source_row", {0: "=a"}),
        ("select cast(n.amount as decimal(4,1)) as a from x.n n union all select n.size from x.n n where false", {0: "=a"}),
        ("select cast(n.amount as decimal(8,2)) as a, cast(n.size as varchar) as b from x.n n", None),
        ("select cast(round(n.amount, 1) as decimal(6,1)) as a from x.n n", None),
    ],
)
def test_a_cast_that_changes_a_value_is_marked_in_its_row(query: str, cut: dict[int, str] | None) -> None:
    tree = sqlglot.parse_one(query, read="duckdb").assert_is(exp.Query)
    with duckdb.connect() as db:
        db.execute(f"create schema x; {TYPED}")
        assert casts.guard_casts(db, tree) is (cut is not None)
        if cut is not None:
            marked = [row[0] for row in db.execute(f"select {casts.CUT_COLUMN} from ({tree.sql('duckdb')})").fetchall()]
            assert sorted(mark for mark in marked if mark) == sorted(cut.values())


def test_a_cast_that_rounds_inside_a_select_is_refused() -> None:
    inside = "with c as (select cast(n.amount as decimal(4,1)) as a, n.source_row from x.n n) select c.a from c"
    asked = "select n.amount as a from x.n n where cast(n.amount as integer) = 1"
    with duckdb.connect() as db:
        db.execute(f"create schema x; {TYPED}")
        with pytest.raises(casts.HiddenCast):
            casts.guard_casts(db, sqlglot.parse_one(inside, read="duckdb").assert_is(exp.Query))
        assert not casts.guard_casts(db, sqlglot.parse_one(asked, read="duckdb").assert_is(exp.Query))


@pytest.mark.parametrize("place", ["select", "entity"])
def test_a_row_whose_value_a_cast_would_change_is_held(university: Any, place: str) -> None:
    university.department("update jzg set gz = 5000.50")
    university.department("update jzg set gz = 5000.75 where gh in ('T0003', 'T0004')")
    if place == "select":
        rewrite(university, STAFF, ("cast(p.salary as decimal(12, 2))", "cast(p.salary as decimal(8, 1))"))
    else:
        rewrite(university, "schemas/hub/staff.odcs.yaml", ('"decimal(12,2)"', '"decimal(12,1)"'))
    assert university.night(1).problems == []
    assert university.held() == {("staff", key, "staff.salary.readable") for key in ("T0003", "T0004")}
    assert {str(row[4]).rstrip("0") for row in university.hub()} == {"5000.5"}


@pytest.mark.parametrize("cells", ["ref", "ref:character:U+202E", "name,ref:digits"])
def test_a_row_of_a_joined_table_that_finds_nobody_for_an_unreadable_cell_is_named(tmp_path: Path, cells: str) -> None:
    entity: Any = SimpleNamespace(name="e", key=["no"])
    known: Any = SimpleNamespace(sources={"x.r": SimpleNamespace(key=("name",))})
    path = tmp_path / "e.parquet"
    query = "select m.no, r.name, m.source_row from x.m m left join x.r r on r.ref = m.ref"
    with duckdb.connect() as db:
        db.execute(f"create schema x; create schema codes; {ROWS}")
        db.execute("insert into x.r values (null, 'three', ?, 2), ('k3', 'four', 'name', 3)", [cells])
        db.execute(f"copy (select *, 'x' as source_system from ({query})) to '{path}' (format parquet)")
        found = row_accounts.account_rows(db, entity, known, {"x": query}, path)
        asked = f"select shown, rule_id, columns, severity, source_key, main from '{found['lost']}'"
        assert db.execute(asked).fetchall() == [("three", "e.row.unjoined", "ref", "error", None, False)]


def test_a_softened_rule_is_held_no_longer(university: Any) -> None:
    university.department("update jzg set xb = 'X', gxsj = now() where gh = 'T0001'")
    university.night(1)
    [row] = university.ledger.rows("select * from ops.held where state = 'open'")
    assert (row["severity"], row["last_seen"].day) == ("error", 7)
    assert status.read_status(university.ledger, load_catalog())["held"] == 1
    soft = ", quality: [{type: library, metric: invalidValues, mustBe: 0, severity: warning}]"
    listed = "{property: codeList, value: GB/T 2261.1}]"
    rewrite(university, "schemas/hub/staff.odcs.yaml", (listed, listed + soft))
    assert university.night(2).problems == []
    [row] = university.ledger.rows("select * from ops.held where state = 'open'")
    assert (row["severity"], row["first_seen"].day, row["last_seen"].day, row["times_seen"]) == ("warning", 7, 8, 2)
    assert len(university.hub()) == 40
    shown = status.read_status(university.ledger, load_catalog())
    assert shown["held"] == 0 == sum(system["held"] for system in shown["systems"])
    assert Path(row["kept_in"]).is_file()
