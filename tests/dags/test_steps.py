"""Tasks: which errors are tried again, what a log may say, and what runs after a failure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from under_test import without_deadline

from core.errors import Braked, HubError, Refused, Unavailable
from core.settings import ROOT
from core.store.ledger import open_ledger

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

FACTS = {
    "HUB203": {"reason": "OperationalError"},
    "HUB303": {"table": "T_RY", "owner": "人事处"},
}


def raised(error: Exception) -> Exception:
    from dags.steps import raise_one_line

    def work() -> None:
        raise error

    with pytest.raises(Exception) as caught:
        raise_one_line(work)()
    return caught.value


def test_only_an_unavailable_system_is_tried_again() -> None:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException

    again = raised(Unavailable("HUB203", "hr.staff", **FACTS["HUB203"]))
    assert isinstance(again, AirflowException)
    assert not isinstance(again, AirflowFailException)
    assert str(again).startswith("HUB203 hr.staff: ")
    for error in (Refused("HUB303", "hr.staff", **FACTS["HUB303"]), Braked("HUB303", "staff", **FACTS["HUB303"])):
        assert isinstance(raised(error), AirflowFailException)


def test_a_driver_s_text_never_reaches_the_log() -> None:
    from airflow.sdk.exceptions import AirflowFailException

    try:
        try:
            raise ValueError("Failing row contains (11010119900307277X)")
        except ValueError as cause:
            raise Refused("HUB303", "hr.staff", **FACTS["HUB303"]) from cause
    except HubError as error:
        known = raised(error)
    unknown = raised(ValueError("Failing row contains (11010119900307277X)"))
    for error in (known, unknown):
        assert isinstance(error, AirflowFailException)
        assert error.__cause__ is None
        assert error.__suppress_context__
        assert "11010119900307277X" not in str(error)
    assert "HUB889" in str(unknown)
    assert "test_steps.py:" in str(unknown)


def test_the_coded_line_comes_first_and_whole_and_what_to_do_next_below_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    error = Unavailable("HUB203", "hr.staff", **FACTS["HUB203"])
    raised(error)
    assert [record.getMessage() for record in caplog.records] == [error.line(), f"→ {error.describe_next_step()}"]
    caplog.clear()
    unknown = raised(ValueError("Failing row contains (11010119900307277X)"))
    first, then, trace = (record.getMessage() for record in caplog.records)
    assert first == str(unknown)
    assert first.endswith(then.removeprefix("→ "))
    assert "test_steps.py:" in trace
    assert "11010119900307277X" not in trace


def test_what_failed_of_a_part_is_told_before_what_went_through(caplog: pytest.LogCaptureFixture) -> None:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException

    from dags.steps import log_part
    from runs.part_result import PartResult

    caplog.set_level("INFO")
    errors: list[HubError] = [
        Unavailable("HUB203", "hr.staff", **FACTS["HUB203"]),
        Refused("HUB303", "hr.unit", **FACTS["HUB303"]),
    ]
    with pytest.raises(AirflowException, match="HUB203") as failure:
        log_part(lambda: PartResult({}, errors, ["已取 hr.post：3 行。"]))()
    assert not isinstance(failure.value, AirflowFailException)
    shown = [record.getMessage() for record in caplog.records]
    assert [line for line in shown if not line.startswith("→")] == [*(error.line() for error in errors), "已取 hr.post：3 行。"]
    caplog.clear()
    log_part(lambda: PartResult({}, [], ["已取 hr.post：3 行。"]))()
    assert [record.getMessage() for record in caplog.records] == ["已取 hr.post：3 行。"]


def states(dag_run: Any) -> dict[str, str]:
    return {instance.task_id: str(instance.state) for instance in dag_run.get_task_instances()}


@pytest.mark.usefixtures("metadata")
def test_a_night_without_any_source_is_red_but_still_publishes_announces_and_closes(
    dag_bag: Callable[[], DagBag], hub_home: Callable[[Path], Path]
) -> None:
    hub_home(ROOT)
    dag_run = without_deadline(dag_bag().dags["nightly"]).test(logical_date=datetime(2026, 9, 6, 18, 0, tzinfo=UTC))
    found = states(dag_run)
    assert str(dag_run.state) == "failed"
    assert {state for task, state in found.items() if task.startswith("extract__")} == {"failed"}
    assert found["complete"] == "upstream_failed"
    assert (found["open"], found["announce"], found["close"]) == ("success", "success", "success")
    assert found["publish"] in {"success", "failed"}
    run = open_ledger().fetch_row("select kind, as_of, state from ops.run")
    assert run is not None
    assert (run["kind"], str(run["as_of"]), run["state"]) == ("night", "2026-09-07", "failed")


@pytest.mark.usefixtures("metadata")
def test_nothing_runs_when_the_run_cannot_be_opened(
    dag_bag: Callable[[], DagBag], hub_home: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_URL", "nonsense")
    hub_home(ROOT)
    found = states(dag_bag().dags["ingest__hr"].test())
    assert found.pop("open") == "failed"
    assert set(found.values()) == {"upstream_failed"}
