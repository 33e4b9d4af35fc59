"""Whatever is raised about one dataset, entity or feed stays with it: a coded problem, a trace without values, the rest goes
on, and the same date is finished once the cause is mended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import psycopg
import pytest

from core import faults
from core.errors import MachineFault
from core.store.address import parse_url
from desk import brake_release
from pipeline.delivery import deliver, reconcile
from pipeline.ingest import extract
from pipeline.publishing import diff
from pipeline.transform import conform

SECRET = "110101199003071233"


class PanicException(BaseException):
    """What a library in Rust raises: no `Exception`."""


RAISED = (PanicException(SECRET), MemoryError(SECRET), RecursionError(SECRET), UnicodeDecodeError("gbk", b"\xff", 0, 1, SECRET))


def failing(original: Callable[..., Any], error: BaseException, hit: Callable[..., bool]) -> Callable[..., Any]:
    """The function, which raises instead for the arguments that `hit` chooses."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if hit(*args):
            raise error
        return original(*args, **kwargs)

    return call


def faulty_steps(university: Any) -> list[tuple[str, str, str]]:
    rows = university.ledger.rows(
        "select verb, subject, error_code, error from ops.step where state = 'failed' order by step_id"
    )
    for row in rows:
        assert row["error"]["trace"], row
        assert SECRET not in str(row)
    return [(row["verb"], row["subject"], row["error_code"]) for row in rows]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    ("room", "name", "hit", "where"),
    [
        (extract, "detect_drift", lambda dataset, _: dataset.name == "person", "hr.person"),
        (conform, "_build_select", lambda _, __, entity, *___: entity.name == "staff", "staff"),
        (diff, "_load_tables", lambda *args: any(getattr(arg, "name", "") == "staff" for arg in args), "staff"),
        (deliver, "_prepare_delivery", lambda _, feed, __: feed.edge == "E01", "E01.staff_basic"),
        (reconcile, "settle_delivery", lambda _, row, *__: row["edge"] == "E01", "E01.staff_basic"),
    ],
    ids=["read", "conform", "compare", "prepare", "receipt"],
)
def test_one_fault_is_one_coded_problem(
    university: Any, monkeypatch: pytest.MonkeyPatch, error: BaseException, room: Any, name: str, hit: Any, where: str
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(room, name, failing(getattr(room, name), error, hit))
        outcome = university.night()
    codes = {problem.code for problem in outcome.problems if problem.where == where}
    assert codes
    assert codes <= {"HUB840", "HUB841", "HUB843", "HUB845"}
    assert all(SECRET not in problem.line() for problem in outcome.problems)
    assert {problem.where for problem in outcome.problems} == {where}
    assert outcome.state == "failed"
    assert len(university.hub("org_unit")) == 5
    assert {subject for _, subject, _ in faulty_steps(university)} == {where}
    mended = university.night()
    assert (mended.problems, mended.state) == ([], "done")
    assert len(university.hub()) == len(university.received()) == 40


def refuse_in_hub(university: Any, name: str) -> None:
    """The hub's own database refuses rows of one person, as it does a character that it cannot hold."""
    with psycopg.connect(university.hub_url) as connection:
        connection.execute(
            "create function hub.refuse() returns trigger language plpgsql as"
            f" $$ begin if new.name = '{name}' then raise exception 'cannot hold %', new.name; end if; return new; end $$"
        )
        connection.execute("create trigger refuse before insert on hub.staff for each row execute function hub.refuse()")


def test_what_the_database_refuses_of_one_entity_leaves_the_others_published(university: Any) -> None:
    university.night(1)
    refuse_in_hub(university, "不收")
    university.department("update jzg set xm = '不收', gxsj = now() where gh = 'T0001'")
    university.department("update dw set dwmc = '新名' where dwh = 'U1'")
    outcome = university.night(2)
    assert [(problem.code, problem.where) for problem in outcome.problems] == [("HUB842", "staff")]
    assert outcome.state == "failed"
    assert "不收" not in str(outcome.problems[0])
    assert ("U1", "新名") in {row[:2] for row in university.hub("org_unit")}
    assert "不收" not in {row[1] for row in university.hub()}
    assert "不收" not in str(university.ledger.rows("select * from ops.step"))
    university.department("update jzg set xm = '改正', gxsj = now() where gh = 'T0001'")
    mended = university.night(2)
    assert (mended.problems, mended.state) == ([], "done")
    assert "改正" in {row[1] for row in university.received()}


def test_a_mended_source_is_read_again_by_the_run_that_met_the_fault(university: Any) -> None:
    from runs.nightly import extract_system, open_run, publish_run

    university.night(1)
    refuse_in_hub(university, "不收")
    university.department("update jzg set xm = '不收', gxsj = now() where gh = 'T0001'")
    run = open_run("night", date(2026, 9, 8))
    extract_system(run, "hr")
    with pytest.raises(MachineFault, match="HUB842"):
        publish_run(run)
    university.department("update jzg set xm = '改正', gxsj = now() where gh = 'T0001'")
    extract_system(run, "hr")
    publish_run(run)
    assert "改正" in {row[1] for row in university.hub()}


def test_a_trace_names_places_and_types_only() -> None:
    try:
        try:
            raise ValueError(SECRET)
        except ValueError:
            int(SECRET + "x")
    except ValueError as error:
        trace = faults.format_trace(error)
    assert trace[-1] == "ValueError"
    assert any(line.startswith("tests/pipeline/test_faults.py:") for line in trace)
    assert SECRET not in str(trace)


@pytest.mark.parametrize("end", [KeyboardInterrupt(), SystemExit(1)])
def test_an_order_to_end_is_no_fault(end: BaseException) -> None:
    assert faults.is_exit(end)


@pytest.mark.parametrize("password", ["a#b", "1#b", "a/b", "1/b", "a?b"])
def test_a_sign_in_a_password_is_named_without_the_password(password: str) -> None:
    with pytest.raises(MachineFault, match="HUB849") as told:
        parse_url("src_hr", f"mysql://hub:{password}secret@127.0.0.1:3306/hr")
    assert "secret" not in str(told.value) + repr(told.value)
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__ or told.value.__context__ is None


def test_a_table_that_cannot_be_made_stops_its_entity_and_no_other(university: Any) -> None:
    university.night(1)
    with psycopg.connect(university.hub_url) as connection:  # somebody's own view, so that the hub's cannot be made anew
        connection.execute("create view hub_current.mine as select * from hub_current.staff")
    contract = university.home / "schemas" / "hub" / "staff.odcs.yaml"
    note = "      - {name: note, businessName: 备注, logicalType: string, classification: P1}\n"
    contract.write_text(contract.read_text("utf-8") + note, "utf-8")
    mapping = university.home / "sql" / "conform" / "staff" / "hr.sql"
    mapping.write_text(mapping.read_text("utf-8").replace("    p.source_row", "    '新' as note,\n    p.source_row"), "utf-8")
    university.forget()
    university.department("update dw set dwmc = '新名' where dwh = 'U1'")
    outcome = university.night(2)
    assert [(problem.code, problem.where) for problem in outcome.problems] == [("HUB842", "staff")]
    assert outcome.state == "failed"
    assert faulty_steps(university) == [("publish", "staff", "HUB842")]
    assert ("U1", "新名") in {row[:2] for row in university.hub("org_unit")}
    with psycopg.connect(university.hub_url) as connection:
        connection.execute("drop view hub_current.mine")
    mended = university.night(2)
    assert [problem.code for problem in mended.problems] == ["HUB504"], "a new column changes every row"
    [brake] = university.ledger.rows("select brake_id from ops.brake")
    brake_release.request_release(university.ledger, brake["brake_id"], "zhang", "新增一列")
    brake_release.approve_release(university.ledger, brake["brake_id"], "li", date(2026, 9, 20), date(2026, 9, 8))
    mended = university.night(2)
    assert (mended.problems, mended.state) == ([], "done")
    assert {row[-1] for row in university.hub()} == {"新"}
