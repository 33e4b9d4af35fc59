"""Student affairs, library, research and employment: what they say agrees with each other and with who is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from campus.generate.university import build_world
from campus.render.datasets import render_datasets
from campus.render.offices import research
from campus.simulate.world import World, date_of
from contracts.catalog import Catalog
from core.dialects import spell_sql_type
from pipeline.transform.conform import create_code_views
from pipeline.transform.typed_views import create_view

Tables = Mapping[str, pa.Table]
Sources = Callable[[int], duckdb.DuckDBPyConnection]
STUDENTS = {
    "student_affairs.award": "XH",
    "student_affairs.sanction": "XH",
    "student_affairs.confirmed_info": "XH",
    "library.clearance": "XH",
    "employment.graduate_result": "XH",
}
STAFF = {"research.project": "XMFZRH", "research.fund": "XMFZRH", "research.result": "DYZZH"}
EVERYBODY = {"library.reader": "XGH", "library.loan": "XGH"}


def cells(rows: pa.Table, column: str) -> list[str]:
    return [str(cell).strip() for cell in rows[column].to_pylist() if cell is not None]


def conformed(db: duckdb.DuckDBPyConnection, shipped: Catalog, entity: str, system: str) -> list[dict[str, object]]:
    query = shipped.conform_file(entity, system).read_text("utf-8")
    rows: list[dict[str, object]] = db.sql(query).to_arrow_table().to_pylist()
    return rows


@pytest.mark.parametrize("day", [1, 5])
def test_everybody_named_is_a_student_or_a_member_of_staff(tables: Mapping[int, Tables], day: int) -> None:
    today = tables[day]
    students = {*cells(today["academic.student_record"], "XH"), *cells(today["graduate.student"], "XH")}
    staff = set(cells(today["hr.staff_record"], "GH"))
    for known, named in ((students, STUDENTS), (staff, STAFF), (students | staff, EVERYBODY)):
        for id, column in named.items():
            assert cells(today[id], column), id
            assert set(cells(today[id], column)) <= known, id


def test_only_undergraduates_confirm_with_student_affairs(tables: Mapping[int, Tables]) -> None:
    rows = tables[1]
    assert sorted(cells(rows["student_affairs.confirmed_info"], "XH")) == sorted(cells(rows["academic.student_record"], "XH"))


@pytest.mark.parametrize("day", [1, 2, 5])
def test_the_library_counts_what_its_ledger_holds(tables: Mapping[int, Tables], day: int) -> None:
    ledger = tables[day]["library.loan"].to_pylist()
    out = Counter(row["DZTM"] for row in ledger if row["YHRQ"] is None)
    assert out
    readers = tables[day]["library.reader"].to_pylist()
    assert {row["DZTM"]: row["YWJ"] for row in readers if row["YWJ"]} == dict(out)
    card = {row["XGH"].strip(): row for row in readers}
    leavers = tables[day]["library.clearance"].to_pylist()
    assert {row["QQBZ"] for row in leavers} == {"是", "否"}
    for row in leavers:
        mine = card.get(row["XH"], {"YWJ": 0, "QFK": 0})
        assert (row["YWJ"], row["QFK"]) == (mine["YWJ"], mine["QFK"])
        assert (row["QQBZ"] == "是") == (row["YWJ"] == 0 and row["QFK"] == 0)


def test_a_loan_changes_by_its_events_only(tables: Mapping[int, Tables]) -> None:
    before, after = ({row["JYLSH"]: row for row in tables[day]["library.loan"].to_pylist()} for day in (1, 5))
    assert set(before) < set(after)
    midnight = date_of(2)
    for key, row in after.items():
        if key not in before:
            assert row["WJSJ"].date() >= midnight
        elif row != before[key]:
            assert row["GXSJ"].date() >= midnight
            assert {name for name in row if row[name] != before[key][name]} <= {"YHRQ", "TSZT", "XJCS", "JSRQ", "GXSJ"}


def test_nobody_borrows_before_being_there_or_returns_before_borrowing(tables: Mapping[int, Tables]) -> None:
    for row in tables[5]["library.loan"].to_pylist():
        if row["DZTM"].startswith("R1"):
            assert row["WJSJ"].year * 100 + row["WJSJ"].month >= int(row["XGH"].strip()[-11:-7]) * 100 + 9
        assert row["YHRQ"] is None or row["YHRQ"] - row["WJSJ"] > timedelta(0)


def test_before_leaving_books_and_cards_come_back() -> None:
    leavers = render_datasets(build_world(400, day=292))["library.clearance"].to_pylist()
    last = [row for row in leavers if row["XH"].lstrip("BS").startswith("2023")]
    assert sum(row["JYZ"] == "已交" for row in last) >= 0.9 * len(last) > 0
    assert sum(row["QQBZ"] == "是" for row in last) >= 0.9 * len(last)


def test_a_revoked_sanction_leaves_the_feed_and_stays_in_the_entity(sources: Sources, shipped: Catalog) -> None:
    feed = shipped.feed("E51.discipline")
    file = shipped.feed_file(feed)
    assert file is not None
    keys: dict[int, set[tuple[object, ...]]] = {}
    whole: dict[int, set[tuple[object, ...]]] = {}
    for day in (1, 5):
        rows = conformed(sources(day), shipped, "discipline", "student_affairs")
        with duckdb.connect() as db:
            columns = ", ".join(f"{c.name} {spell_sql_type(c.type, 'duckdb')}" for c in shipped.entity("discipline").columns)
            db.execute(f"create table discipline ({columns}, source_system varchar)")
            names = [column.name for column in shipped.entity("discipline").columns]
            db.executemany(
                f"insert into discipline values ({', '.join('?' * len(names))}, 'student_affairs')",
                [[row[name] for name in names] for row in rows],
            )
            keys[day] = set(db.execute(f"select {', '.join(feed.key)} from ({file.read_text('utf-8')})").fetchall())
            whole[day] = set(db.execute(f"select {', '.join(feed.key)} from discipline").fetchall())
    assert keys[1] - keys[5]
    assert whole[1] <= whole[5]


def test_every_graduate_registered_has_a_place_of_origin(sources: Sources, shipped: Catalog) -> None:
    rows = conformed(sources(5), shipped, "employment", "employment")
    assert {row["graduation_year"] for row in rows} == {"2026", "2027"}
    assert all(row["origin_place_code"] and row["origin_confirmed_on"] for row in rows)
    assert {row["destination_code"] for row in rows} >= {"20", "30", "50", "60"}
    assert all((row["destination_code"] in {"50", "60"}) == (row["employer"] is None) for row in rows)


def test_projects_receive_no_more_than_planned_and_reimbursements_know_them(
    tables: Mapping[int, Tables], worlds: Mapping[int, World]
) -> None:
    plan = {row["XMBH"]: row["JHJFZE"] * 10_000 for row in tables[5]["research.project"].to_pylist()}
    received: Counter[str] = Counter()
    for row in tables[5]["research.fund"].to_pylist():
        received[row["XMBH"]] += row["BKS"]
    assert set(received) == set(plan)
    assert all(amount <= plan[key] for key, amount in received.items())
    every = set(cells(research.render_project(build_world(3_000, day=330), secret_too=True), "XMBH"))
    assert set(cells(tables[5]["finance.reimbursement"], "XMBH")) <= every


def test_what_the_research_views_give_is_public(tables: Mapping[int, Tables]) -> None:
    for id in ("research.project", "research.fund", "research.result"):
        assert set(cells(tables[5][id], "MJ")) == {"公开"}, id


def test_nothing_of_a_confidential_project_passes_even_if_the_views_show_it(
    shipped: Catalog, worlds: Mapping[int, World], tables: Mapping[int, Tables], tmp_path: Path
) -> None:
    """The office's views are the first wall, the SELECTs the second: with the first one open the entities are the same."""
    today = worlds[5]
    careless = {id: function(today, True) for id, function in SHOWING.items()}  # type: ignore[operator]
    secret = set(cells(careless["research.project"], "XMBH")) - set(cells(tables[5]["research.project"], "XMBH"))
    assert secret
    # Money and results whose own level says public, though their project's does not.
    for id in ("research.fund", "research.result"):
        rows = careless[id]
        levels = ["公开" if row["XMBH"] else row["MJ"] for row in rows.to_pylist()]
        careless[id] = rows.set_column(rows.column_names.index("MJ"), "MJ", pa.array(levels))
        assert set(cells(careless[id], "XMBH")) & secret
    with_all, as_shipped = (
        _mapped(shipped, rows, tmp_path / name) for name, rows in (("all", careless), ("public", tables[5]))
    )
    for entity in ("research_project", "research_fund", "research_result"):
        assert with_all[entity].drop_columns(["source_row"]).equals(as_shipped[entity].drop_columns(["source_row"])), entity
        assert not secret & set(cells(with_all[entity], "project_no"))


SHOWING = {
    "research.project": research.render_project,
    "research.fund": research.render_fund,
    "research.result": research.render_result,
}


def _mapped(shipped: Catalog, tables: Tables, folder: Path) -> dict[str, pa.Table]:
    """The research entities of these tables, in the order of their keys."""
    folder.mkdir()
    with duckdb.connect() as db:
        for id in SHOWING:
            rows = tables[id].append_column("source_row", pa.array(range(tables[id].num_rows), pa.int64()))
            pq.write_table(rows, folder / f"{id}.parquet")
            create_view(db, shipped.source(id), folder / f"{id}.parquet")
        create_code_views(db, shipped)
        entities = [name for name in shipped.entities if shipped.systems_of(name) == ["research"]]
        return {
            name: db.sql(shipped.conform_file(name, "research").read_text("utf-8"))
            .to_arrow_table()
            .sort_by(shipped.entity(name).key[0])
            for name in entities
        }
