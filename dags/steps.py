"""The tasks of every DAG: each calls one function of `runs.nightly` and passes on nothing but a run's id.

Errors become one line in the task's log. The chain of causes is left out because a driver's text may quote a row; only
`Unavailable` is tried again, since nothing else mends itself.
"""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import Asset, TriggerRule, chain, get_current_context, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from contracts.catalog import Catalog, load_catalog
from core.calendar import ZONE, load_calendar, local_date
from core.errors import ContractError, HubError, MachineFault
from core.faults import format_trace
from core.messages import translate
from core.process.privacy import restrict_permissions
from core.schedule import FEED_SCHEDULES, SCHEDULES
from core.settings import get_settings

if TYPE_CHECKING:
    from runs.part_result import PartResult

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger(__name__)

HUB_VERSION = Asset(name="hub_version", uri="hub://version")
ONCE_OPENED = TriggerRule.ALL_DONE_MIN_ONE_SUCCESS
"""Runs after failures as well, but not when the run itself could not be opened."""


def build_delivery_asset(flow: str) -> Asset:
    """What a flow's feeds have brought to their receivers; the checks that come before use begin with it."""
    return Asset(name=f"hub_delivered_{flow.lower()}", uri=f"hub://delivered/{flow.lower()}")


def build_dag_arguments(kind: str, **facts: str) -> dict[str, Any]:
    """The arguments that every DAG of a kind has in common; its texts come from the message catalogue."""
    return {
        "dag_display_name": translate(f"dag.{kind}.title", **facts),
        "doc_md": translate(f"dag.{kind}.doc", **facts),
        "tags": [translate(f"dag.{kind}.tag")],
        "start_date": pendulum.datetime(2026, 1, 1, tz=ZONE.key),
        "catchup": False,
        "max_active_runs": 1,
        "default_args": {"retries": 3, "retry_delay": timedelta(minutes=5), "retry_exponential_backoff": 2.0},
    }


def raise_one_line(function: Callable[P, T]) -> Callable[P, T]:
    """Turn an error into the exception that makes Airflow try again or fail. Its line is the first of the log, whole, and what
    to do next stands below it by itself, since a page cuts long lines at its edge; frames come after."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        restrict_permissions()  # by whatever service the task is run
        try:
            return function(*args, **kwargs)
        except AirflowException:
            raise
        except HubError as error:
            raise _build_failure([error]) from None
        except Exception as error:
            trace = format_trace(error)
            place = trace[-2].split(" in ")[0]
            failure = _build_failure([MachineFault("HUB889", function.__name__, kind=type(error).__name__, place=place)])
            log.error("%s", "\n".join(trace))
            raise failure from None

    return run


def log_part(function: Callable[P, PartResult]) -> Callable[P, None]:
    """A task that did a part of a cycle: what went wrong comes first, then a line for each thing that went through."""

    @raise_one_line
    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        part = function(*args, **kwargs)
        failure = _build_failure(part.problems) if part.problems else None
        for line in part.lines:
            log.info("%s", line)
        if failure:
            raise failure

    return run


def _build_failure(errors: Sequence[HubError]) -> AirflowException:
    """What to raise for errors, of which the first decides, after each was logged; with one that is tried again, when."""
    from reporting import display_names

    for error in errors:
        log.error("%s", display_names.format_error_safely(error))
        log.error("→ %s", error.describe_next_step())
    if errors[0].recovery != "retry":
        return AirflowFailException(display_names.format_error_safely(errors[0]))
    with contextlib.suppress(RuntimeError):  # not within a task
        instance = get_current_context()["ti"]
        log.warning("%s", translate("dag.again", number=instance.try_number, of=instance.max_tries + 1))
    return AirflowException(display_names.format_error_safely(errors[0]))


@task(task_id="open", task_display_name=translate("dag.task.open"))
@raise_one_line
def open_run(kind: str, scope: Sequence[str], word: str = "daily") -> str:
    """Open the run of the local date, or go on with the one that is not closed, and return its id.

    A slot that the calendar has lost since it was planned is skipped; a person's own start never is.
    """
    from runs import nightly

    return nightly.open_run(kind, get_planned_date(word), list(scope))


def get_planned_date(word: str) -> date:
    """The local date of the run at work, after a look at the calendar as it is now.

    Raises:
        AirflowSkipException: the run was planned for a day that the schedule no longer has.
    """
    dag_run = get_current_context()["dag_run"]
    day = business_date(dag_run)
    if dag_run.run_type == "scheduled" and not SCHEDULES[word].is_on(load_calendar(), day):
        raise AirflowSkipException(translate("dag.not_on", day=day))
    return day


def business_date(dag_run: Any) -> date:
    """The local date that a DAG run is for."""
    return local_date(dag_run.logical_date or dag_run.run_after)


@task
@log_part
def extract(run: str, system: str) -> PartResult:
    from runs import nightly

    return nightly.extract_part(run, system)


@task(trigger_rule=ONCE_OPENED, task_display_name=translate("dag.task.publish"))
@log_part
def publish(run: str) -> PartResult:
    from runs import nightly

    return nightly.publish_part(run)


@task(trigger_rule=ONCE_OPENED, outlets=[HUB_VERSION], task_display_name=translate("dag.task.announce"))
def announce(run: str) -> None:
    """Start the feeds. A task of its own: one stopped entity fails `publish`, and the others were published even so."""
    log.info("%s", run)


@task(task_display_name=translate("dag.task.deliver"))
@log_part
def deliver(run: str, flow: str, schedule: str) -> PartResult:
    from runs import nightly

    return nightly.deliver_part(run, flow, schedule)


@task
@raise_one_line
def confirm(edge: str) -> None:
    from runs.gathering import confirm_edge as look

    _log_summary(look(edge, business_date(get_current_context()["dag_run"])))


@task(trigger_rule=ONCE_OPENED, task_display_name=translate("dag.task.close"))
@raise_one_line
def close(run: str) -> None:
    from runs import nightly

    _log_summary(nightly.close_run(run))


@task(task_display_name=translate("dag.task.upkeep"))
@raise_one_line
def upkeep() -> None:
    from runs.retention import remove_expired as run

    _log_summary(run(business_date(get_current_context()["dag_run"])))


@task(task_display_name=translate("dag.task.morning"))
@raise_one_line
def morning() -> None:
    from reporting.daily import run_daily_job as run

    _log_summary(run(business_date(get_current_context()["dag_run"])))


@task(task_id="refresh", retries=0)
@raise_one_line
def _refresh(system: str, word: str = "realtime") -> None:
    """Bring a source's changes to its subscribers. Not tried again: the next slot is minutes away."""
    from runs.refresh import refresh_system as run

    found = run(system, get_planned_date(word))
    failure = _build_failure(found.problems) if found.problems else None
    facts = {"changed": ", ".join(found.changed) or "-", "delivered": ", ".join(found.delivered) or "-"}
    log.info("%s", translate("dag.line.refreshed", system=system, version=found.version, **facts))
    if failure:
        raise failure


def build_refresh_task(system: str, word: str = "realtime") -> Any:
    """The task that looks at a source between two nights."""
    return _refresh.override(task_display_name=translate("dag.task.refresh", name=get_system_name(system)))(system, word)


@task(retries=0, task_display_name=translate("dag.task.complain"))
def complain(line: str) -> None:
    """Fail with what is wrong in a file."""
    raise AirflowFailException(line)


def find_broken_files(catalog: Catalog) -> dict[str, HubError]:
    """File -> what is wrong in it: contracts, delivery times that no DAG serves, and the calendar."""
    found = dict(catalog.broken)
    for feed in catalog.feeds.values():
        if feed.schedule not in FEED_SCHEDULES:
            found[feed.origin] = ContractError("HUB182", feed.id, schedule=feed.schedule, known=", ".join(FEED_SCHEDULES))
    try:
        load_calendar()
    except ContractError as error:
        found[error.where] = error
    return found


def build_ingest_tasks(kind: str, systems: Sequence[str], word: str = "daily") -> Any:
    """Tasks that extract systems side by side and publish what could be taken. Returns the last one.

    The last task does nothing; it needs every other one, so that a failed system makes the whole DAG run red.
    """
    run_id: Any = open_run(kind, list(systems), word)
    taken = [
        extract.override(
            task_id=f"extract__{system}", task_display_name=translate("dag.task.extract", name=get_system_name(system))
        )(run_id, system)
        for system in systems
    ]
    rest = [publish(run_id), announce(run_id), close(run_id)]
    chain(taken, *rest)
    return [*taken, *rest] >> EmptyOperator(task_id="complete", task_display_name=translate("dag.task.complete"))


def build_delivery_tasks(flow: str, schedule: str, word: str = "daily") -> Any:
    """Tasks that deliver the datasets of a flow that have this schedule. Returns the first one."""
    run_id: Any = open_run("feed", [flow], word)
    sent, closed = deliver(run_id, flow, schedule), close.override(outlets=[build_delivery_asset(flow)])(run_id)
    sent >> closed
    [sent, closed] >> EmptyOperator(task_id="complete", task_display_name=translate("dag.task.complete"))
    return run_id


def get_system_name(system: str) -> str:
    """A system's name in the user's language."""
    known = load_catalog().systems.get(system, {})
    return str(known.get(f"name_{get_settings().lang}") or known.get("name_zh", system))


def _log_summary(summary: Mapping[str, Any]) -> None:
    log.info("%s", dict(summary))
