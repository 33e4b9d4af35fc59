"""The DAGs at work: a night, its feeds, a payday and a department's repair, over the rehearsal university."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from signing import have
from under_test import without_deadline

from campus.rehearsal import Rehearsal
from contracts.catalog import load_catalog, read_catalog
from core.errors import Denied
from core.messages import translate
from core.settings import get_settings
from core.store.ledger import open_ledger
from pipeline.context import RunContext, resume_run
from pipeline.delivery import manual_apply, signoff
from runs.nightly import open_run, verify_edge

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

PERSONS = 300
NIGHT = datetime(2026, 9, 6, 18, 0, tzinfo=UTC)  # 02:00 of day 1 at the university
EVENING = datetime(2026, 9, 8, 12, 0, tzinfo=UTC)  # 20:00 of the payday
Run = Callable[[str, datetime], Any]


@pytest.fixture(scope="module")
def university(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    folder = tmp_path_factory.mktemp("university")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_VAR", str(folder / "var"))
        get_settings.cache_clear()
        read_catalog.cache_clear()
        rehearsal = Rehearsal(folder, PERSONS)
        rehearsal.start()
        yield rehearsal
        rehearsal.stop()
    get_settings.cache_clear()
    read_catalog.cache_clear()


@pytest.fixture(scope="module")
def run(university: Rehearsal) -> Run:
    """A function that runs a DAG to its end in this process and returns the DAG run."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.utils.db import initdb

    from core.settings import ROOT

    initdb()
    university.load(1)
    bag: DagBag = DagBag(str(ROOT / "dags"))
    return lambda dag_id, moment: without_deadline(bag.dags[dag_id]).test(logical_date=moment)


def states(dag_run: Any) -> dict[str, str]:
    return {instance.task_id: str(instance.state) for instance in dag_run.get_task_instances()}


def passed(dag_run: Any) -> bool:
    return str(dag_run.state) == "success" and set(states(dag_run).values()) == {"success"}


def night(kind: str, edge: str) -> RunContext:
    return resume_run(open_run(kind, NIGHT.date(), [edge]))


class Answers:
    """A technician at the page of required actions while a DAG runs in this process."""

    def __init__(self) -> None:
        self._over = threading.Event()

    def during(self, work: Callable[[], None], run: Callable[[], Any]) -> Any:
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(work)
            try:
                found = run()
            finally:
                self._over.set()
            done.result()
        return found

    def wait(self, dag_id: str) -> None:
        """Until the task is parked, holding no worker."""
        while self._parked(dag_id) is None:
            assert not self._over.wait(0.2), f"{dag_id} ended and asked nobody"

    def give(self, dag_id: str, name: str, *, yes: bool) -> None:
        """Answer as the page does: through the function of Airflow's own route."""
        from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
        from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
        from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
        from airflow.utils.session import create_session

        run_id = self._parked(dag_id)
        with create_session() as session:
            option = translate("checks.sign" if yes else "checks.refuse")
            payload = UpdateHITLDetailPayload(chosen_options=[option])
            user = SimpleAuthManagerUser(username=name, role="op")
            update_hitl_detail(dag_id, str(run_id), "check", payload, user, session)

    def time_out(self, dag_id: str) -> None:
        """The time of a look has come: the scheduler's own sweep finds it."""
        from airflow.jobs.job import Job
        from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session
        from sqlalchemy import update

        with create_session() as session:
            session.execute(
                update(TaskInstance)
                .where(TaskInstance.dag_id == dag_id, TaskInstance.task_id == "check")
                .values(trigger_timeout=NIGHT)
            )
        SchedulerJobRunner(Job()).check_awaiting_input_timeouts()

    def _parked(self, dag_id: str) -> str | None:
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session
        from sqlalchemy import select

        with create_session() as session:
            return session.scalar(
                select(TaskInstance.run_id).where(TaskInstance.dag_id == dag_id, TaskInstance.state == "awaiting_input")
            )


@pytest.fixture
def answers() -> Answers:
    return Answers()


def xcoms(dag_run: Any) -> list[Any]:
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        query = select(XComModel.value).where(XComModel.dag_id == dag_run.dag_id, XComModel.run_id == dag_run.run_id)
        return list(session.scalars(query))


def accepted(edge: str) -> set[str]:
    return {row["dataset"] for row in open_ledger().rows("select dataset from ops.accepted where edge = %s", [edge])}


def test_a_night_publishes_a_version_and_passes_nothing_but_identifiers(run: Run) -> None:
    night = run("nightly", NIGHT)
    assert passed(night)
    assert open_ledger().version() == 1
    opened = open_ledger().fetch_row("select kind, as_of, state from ops.run")
    assert opened is not None
    assert (opened["kind"], str(opened["as_of"]), opened["state"]) == ("night", "2026-09-07", "done")
    values = xcoms(night)
    assert values
    assert all(len(str(value)) <= 60 for value in values)


@pytest.mark.parametrize("flow", ["SJGXLC01", "SJGXLC02", "SJGXLC03", "SJGXLC04"])
def test_a_feed_brings_its_receivers_to_the_version(run: Run, flow: str) -> None:
    assert passed(run(f"feed__{flow.lower()}", NIGHT))
    states = open_ledger().rows("select distinct state from ops.delivery where flow = %s", [flow])
    assert [row["state"] for row in states] == ["accepted"]
    feeds = {(feed.edge, feed.dataset) for feed in load_catalog().feeds.values() if feed.flow == flow}
    found = open_ledger().rows(
        "select distinct edge, dataset from ops.accepted join ops.delivery using (edge, dataset) where flow = %s", [flow]
    )
    assert feeds == {(row["edge"], row["dataset"]) for row in found}


def test_what_is_checked_before_use_waits_for_the_technicians_answer(run: Run, answers: Answers, tmp_path: Path) -> None:
    def answer() -> None:
        answers.wait("check__e01")
        with pytest.raises(Denied, match="HUB871"):  # nobody may take it before (SJGXLC02/3, then SJGXLC02/4)
            manual_apply.take_delivered(night("pull", "E01"), "E01", tmp_path, "教务管理员")
        answers.give("check__e01", have("核查员"), yes=True)

    assert passed(answers.during(answer, lambda: run("check__e01", NIGHT)))
    mark = open_ledger().single("select * from ops.signoff where edge = 'E01'")
    assert (mark["checked_by"], mark["counts"]["feed"], mark["counts"]["equal"]) == ("核查员", "E01.staff_basic", True)
    assert signoff.validate_chain(open_ledger())["whole"]
    (taken,) = manual_apply.take_delivered(night("pull", "E01"), "E01", tmp_path, "教务管理员")
    assert taken["upserts"] == mark["counts"]["expected"]


@pytest.mark.parametrize(("name", "role"), [("admin", None), ("审计员", "auditor")])
def test_an_answer_of_somebody_who_may_not_sign_leaves_no_mark(run: Run, answers: Answers, name: str, role: str | None) -> None:
    if role:
        have(name, role)

    def answer() -> None:
        answers.wait("check__e31")
        answers.give("check__e31", name, yes=True)

    found = states(answers.during(answer, lambda: run("check__e31", NIGHT)))
    assert (found["check"], found["ready"]) == ("failed", "upstream_failed")
    assert open_ledger().rows("select 1 as found from ops.signoff where edge = 'E31'") == []


def test_an_answer_of_no_leaves_no_mark(run: Run, answers: Answers) -> None:
    def answer() -> None:
        answers.wait("check__e31")
        answers.give("check__e31", have("核查员"), yes=False)

    found = states(answers.during(answer, lambda: run("check__e31", NIGHT)))
    assert (found["check"], found["ready"]) == ("failed", "upstream_failed")
    assert open_ledger().rows("select 1 as found from ops.signoff where edge = 'E31'") == []


def test_a_mark_from_the_command_line_ends_the_wait(run: Run, answers: Answers) -> None:
    def answer() -> None:
        for signed in (False, True):  # the first look finds nobody's mark and waits on
            answers.wait("check__e03")
            if signed:
                verify_edge("E03", NIGHT.date(), "另一核查员")
            answers.time_out("check__e03")

    assert passed(answers.during(answer, lambda: run("check__e03", NIGHT)))
    assert [row["checked_by"] for row in open_ledger().rows("select * from ops.signoff where edge = 'E03'")] == ["另一核查员"]


def test_nothing_to_check_asks_nobody(run: Run) -> None:
    assert states(run("check__e01", EVENING)) == {"check": "skipped", "ready": "skipped"}


def test_payday_takes_the_payroll_first_and_then_delivers_it(run: Run) -> None:
    payroll = {(feed.edge, feed.dataset) for feed in load_catalog().feeds.values() if feed.schedule == "payday"}
    assert payroll
    assert all(dataset in accepted(edge) for edge, dataset in payroll)  # the first load came with the first version
    evening = run("feed__sjgxlc04_payday", EVENING)
    assert passed(evening)
    made = open_ledger().rows("select edge, dataset, state from ops.delivery where as_of = '2026-09-08'")
    assert {(row["edge"], row["dataset"]) for row in made if row["state"] == "accepted"} == payroll


def test_a_department_can_be_taken_again_alone(run: Run, university: Rehearsal) -> None:
    university.load(2)
    before = open_ledger().version()
    assert passed(run("ingest__hr", EVENING))
    assert open_ledger().version() == before + 1
    newest = open_ledger().fetch_row("select entities from ops.version order by version desc limit 1")
    assert newest is not None
    assert set(newest["entities"]) <= set(load_catalog().add_derived(load_catalog().entities_of("hr")))


@pytest.mark.parametrize("system", ["academic", "finance", "graduate"])
def test_every_department_has_a_dag_that_runs(run: Run, system: str) -> None:
    assert passed(run(f"ingest__{system}", EVENING))


def test_real_time_brings_a_change_to_its_readers(run: Run, university: Rehearsal) -> None:
    university.load(3)
    before = open_ledger().version()
    assert passed(run("realtime__hr", EVENING))
    assert open_ledger().version() == before + 1
    assert open_ledger().rows("select 1 as found from ops.latency where system = 'hr' limit 1")


def test_the_morning_looks_at_the_deadlines(run: Run) -> None:
    assert passed(run("obligations", EVENING))
    assert open_ledger().rows("select 1 as found from ops.obligation limit 1")


def test_upkeep_leaves_what_is_still_needed(run: Run) -> None:
    landings = sorted(get_settings().landing.glob("*/*/*"))
    assert passed(run("upkeep", EVENING))
    assert sorted(get_settings().landing.glob("*/*/*")) == landings


def test_the_rehearsal_writes_only_below_its_folder(university: Rehearsal) -> None:
    assert Path(get_settings().var).is_relative_to(university.folder)
