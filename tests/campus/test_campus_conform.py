"""The contracts of the systems and the SELECTs that map them, run on generated data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from campus.simulate.people import format_names, format_staff_numbers, format_student_numbers
from campus.simulate.world import World, is_present
from contracts.catalog import Catalog
from core.dialects import spell_sql_type
from pipeline.transform import row_accounts

Sources = Callable[[int], duckdb.DuckDBPyConnection]
MAPPED = [
    ("org_unit", "hr"), ("staff", "hr"), ("staff_post", "hr"), ("current_post", "hr"),
    ("campus", "academic"), ("major", "academic"), ("admin_class", "academic"), ("provisional_staff", "academic"),
    ("student", "academic"), ("student_status", "academic"), ("status_change", "academic"),
    ("major", "graduate"), ("student", "graduate"), ("student_status", "graduate"), ("status_change", "graduate"),
    ("portal_item", "portal"), ("office_item", "office"), ("admission_record", "admissions_office"),
    ("dorm_allocation", "logistics"), ("person_photo", "it_centre"),
    ("payroll_item", "finance"), ("reimbursement", "finance"), ("payment", "finance"), ("fee_status", "finance"),
    ("fee_item", "finance"), ("fee_standard", "finance"), ("student_account", "finance"), ("account_fund", "finance"),
    ("fund_change", "finance"), ("bill", "finance"), ("bill_line", "finance"), ("write_off", "finance"),
    ("write_off_line", "finance"), ("voided_payment", "finance"), ("realtime_payment", "finance"),
    ("collection_batch", "finance"), ("collection_line", "finance"), ("year_close", "finance"),
    ("welcome_checkin", "welcome"), ("registration", "registration"), ("leaving_clearance", "leaving"),
    ("card", "campus_card"), ("card_transaction", "campus_card"),
    ("award", "student_affairs"), ("discipline", "student_affairs"), ("student_contact", "student_affairs"),
    ("library_reader", "library"), ("library_loan", "library"), ("library_clearance", "library"),
    ("research_project", "research"), ("research_fund", "research"), ("research_result", "research"),
    ("employment", "employment"),
    ("term", "academic"), ("course", "academic"), ("course_section", "academic"), ("course_selection", "academic"),
]  # fmt: skip


def select(shipped: Catalog, entity: str, system: str) -> str:
    return shipped.conform_file(entity, system).read_text("utf-8")


def rows_of(db: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return db.execute(query).fetchall()


def test_every_contract_reads_and_names_the_columns_that_its_system_has(
    shipped: Catalog, tables: Mapping[int, Mapping[str, pa.Table]]
) -> None:
    assert not shipped.broken
    assert set(tables[1]) <= set(shipped.sources)
    for id, rows in tables[1].items():
        assert [column.physical for column in shipped.source(id).columns] == rows.column_names, id


def test_every_pair_of_entity_and_system_is_mapped(shipped: Catalog) -> None:
    pairs = {(entity, system) for entity in shipped.entities for system in shipped.systems_of(entity) if system != "hub"}
    registers = {source.name for source in shipped.sources.values() if source.connection == "hub"}
    assert registers == {
        "external_person",
        "person_decision",
        "grant_confirmation",
    }  # kept in the hub itself, by no department
    assert pairs - {(entity, "it_centre") for entity in registers} == set(MAPPED)


@pytest.mark.parametrize("entity, system", MAPPED)
def test_a_select_gives_the_contracts_columns_types_and_keys(
    sources: Sources, shipped: Catalog, entity: str, system: str
) -> None:
    db, contract, query = sources(5), shipped.entity(entity), select(shipped, entity, system)
    given = [(name, kind) for name, kind, *_ in rows_of(db, f"describe {query}") if name != "unreadable"]
    wanted = [(column.name, spell_sql_type(column.type, "duckdb").upper().replace(" ", "")) for column in contract.columns]
    assert given == [*wanted, ("source_row", "BIGINT")]
    keys = ", ".join(contract.key)
    assert rows_of(db, f"select {keys} from ({query}) group by all having count(*) > 1") == []
    ((rows, positions),) = rows_of(db, f"select count(*), count(distinct source_row) from ({query})")
    assert rows == positions
    assert rows != 0


@pytest.mark.parametrize("entity, system", MAPPED)
def test_a_select_drops_no_row_without_saying_why(
    sources: Sources, shipped: Catalog, tmp_path: Path, entity: str, system: str
) -> None:
    db, path, query = sources(5), tmp_path / "rows.parquet", select(shipped, entity, system)
    db.execute(f"copy (select *, '{system}' as source_system from ({query})) to '{path}' (format parquet)")
    found = row_accounts.account_rows(db, shipped.entity(entity), shipped, {system: query}, path)
    row = found["accounts"][system]
    assert (row["dropped"], row["unread"], row["added"], found["lost"]) == (0, 0, 0, None)
    assert row["read"] == row["conformed"] + row["filtered"] + row["merged"]


@pytest.mark.parametrize("entity, system", MAPPED)
def test_clean_rows_satisfy_what_the_entity_asks_of_single_cells(
    sources: Sources, shipped: Catalog, entity: str, system: str
) -> None:
    db, query = sources(5), select(shipped, entity, system)
    for column in shipped.entity(entity).columns:
        tests = []
        if column.required:
            tests.append(f"{column.name} is null")
        if column.pattern:
            tests.append(f"not regexp_matches({column.name}, '{column.pattern}')")
        if column.code_list:
            codes = f"select code from codes.code where list = '{column.code_list}'"
            tests.append(f"{column.name} is not null and {column.name} not in ({codes})")
        if column.type.name == "string" and column.type.length:
            tests.append(f"length({column.name}) > {column.type.length}")
        for test in tests:
            assert rows_of(db, f"select count(*) from ({query}) where {test}") == [(0,)], test


@pytest.mark.parametrize(
    "id",
    [
        "hr.staff_record",
        "academic.student_record",
        "finance.payment_ledger",
        "finance.legacy_fee",
        "welcome.arrival",
        "registration.batch",
        "registration.checkin_register",
        "leaving.clearance",
        "campus_card.card",
        "campus_card.card_transaction",
    ],
)
def test_no_clean_cell_is_unreadable(sources: Sources, id: str) -> None:
    assert rows_of(sources(5), f"select count(*) from {id} where unreadable is not null") == [(0,)]


@pytest.mark.parametrize(
    "entity, system, number, frame",
    [
        ("staff", "hr", "staff_no", "staff"),
        ("student", "academic", "student_no", "students"),
        ("student", "graduate", "student_no", "students"),
    ],
)
def test_every_spelling_of_a_name_becomes_the_one_name(
    sources: Sources, shipped: Catalog, worlds: Mapping[int, World], entity: str, system: str, number: str, frame: str
) -> None:
    people = getattr(worlds[1], frame)
    rows = is_present(people, 1).nonzero()[0]
    numbers = (format_staff_numbers if frame == "staff" else format_student_numbers)(worlds[1], rows).to_pylist()
    true = dict(zip(numbers, format_names({key: values[rows] for key, values in people.items()}).to_pylist(), strict=True))
    found = rows_of(sources(1), f"select {number}, name from ({select(shipped, entity, system)})")
    assert found
    assert [pair for pair in found if true[str(pair[0])] != pair[1]] == []


def test_teachers_have_the_names_that_personnel_gives_them(sources: Sources, shipped: Catalog) -> None:
    teachers, staff = select(shipped, "provisional_staff", "academic"), select(shipped, "staff", "hr")
    query = f"select count(*) from ({teachers}) t join ({staff}) s using (staff_no) where t.name is distinct from s.name"
    assert rows_of(sources(5), query) == [(0,)]


def test_a_few_new_teachers_are_entered_before_personnel_has_them(
    sources: Sources, shipped: Catalog, worlds: Mapping[int, World]
) -> None:
    teachers, staff = select(shipped, "provisional_staff", "academic"), select(shipped, "staff", "hr")
    ahead = rows_of(sources(1), f"select staff_no from ({teachers}) t anti join ({staff}) s using (staff_no)")
    later = rows_of(sources(5), f"select staff_no from ({staff})")
    assert 0 < len(ahead) <= 10
    assert set(ahead) <= set(later)


def test_some_teachers_study_for_a_doctorate_under_the_same_document(sources: Sources, shipped: Catalog) -> None:
    students, staff = select(shipped, "student", "graduate"), select(shipped, "staff", "hr")
    query = (
        f"select s.name = t.name, s.birth_date = t.birth_date, s.sex_code = t.sex_code, count(*) from ({staff}) s"
        f" join ({students}) t using (id_number) group by all"
    )
    assert rows_of(sources(1), query) == [(True, True, True, 2)]


@pytest.mark.parametrize("system", ["academic", "graduate"])
def test_new_students_are_those_of_the_latest_intake(sources: Sources, shipped: Catalog, system: str) -> None:
    query = select(shipped, "student_status", system)
    found = rows_of(sources(1), f"select distinct is_new_student, entry_month = '202609' from ({query})")
    assert sorted(found) == [(False, False), (True, True)]


@pytest.mark.parametrize("system", ["academic", "graduate"])
def test_being_in_school_follows_the_state(sources: Sources, shipped: Catalog, system: str) -> None:
    query = select(shipped, "student_status", system)
    found = rows_of(sources(1), f"select distinct state_code, in_school from ({query})")
    assert {str(code) for code, here in found if here} <= {"01", "05", "13"}
    assert {str(code) for code, here in found if not here} <= {"02", "03", "07"}


def test_an_unmapped_code_passes_as_it_came(sources: Sources, shipped: Catalog) -> None:
    query = select(shipped, "student_status", "academic").replace("academic.status_record s", "odd s")
    db = sources(2).cursor()
    db.execute("create or replace temp view odd as select * replace ('Q9' as state) from academic.status_record limit 5")
    assert rows_of(db, f"select distinct state_code, in_school from ({query})") == [("Q9", False)]


def test_the_closed_year_and_this_one_lie_side_by_side(sources: Sources, shipped: Catalog) -> None:
    query = select(shipped, "fee_status", "finance")
    found = rows_of(sources(1), f"select school_year, min(source_row) >= 0 from ({query}) group by 1 order by 1")
    assert found == [("2025-2026", False), ("2026-2027", True)]
