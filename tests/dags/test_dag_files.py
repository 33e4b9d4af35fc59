"""The DAG files: short, without errors, one DAG for what the catalogue holds, and one red DAG for what cannot be read."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from contracts.catalog import load_catalog, read_catalog
from core.settings import ROOT

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

Parse = Callable[[], "DagBag"]
Home = Callable[[Path], Path]
NOT_DAG_FILES = {"__init__.py", "alarms.py", "asking.py", "steps.py", "timetables.py"}


@pytest.fixture
def copied_home(tmp_path: Path, hub_home: Home) -> Path:
    """The shipped contracts in a folder where they may be broken."""
    for room in ("schemas", "sql"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return hub_home(tmp_path)


def test_dag_files_are_short_and_helpers_are_not_scanned() -> None:
    for path in (ROOT / "dags").glob("*.py"):
        if path.name not in NOT_DAG_FILES:
            assert len(path.read_text("utf-8").splitlines()) <= 80, path.name
    ignored = (ROOT / "dags" / ".airflowignore").read_text("utf-8").splitlines()
    assert {line for line in ignored if not line.startswith("#")} == NOT_DAG_FILES


def test_every_system_and_flow_of_the_catalogue_has_its_dag(dag_bag: Parse) -> None:
    bag, known = dag_bag(), load_catalog()
    feeds = {f"feed__{feed.flow.lower()}" for feed in known.feeds.values()}
    feeds |= {f"feed__{feed.flow.lower()}_{feed.schedule}" for feed in known.feeds.values() if feed.schedule != "nightly"}
    feeds |= {"feed__sjgxlc08", "feed__sjgxlc12", "feed__sjgxlc13"}  # their systems only receive
    feeds |= {f"realtime__{system}" for system in known.realtime_systems()}
    checks = {f"check__{feed.edge.lower()}" for feed in known.feeds.values() if feed.checked_before_use}
    assert checks == {"check__e01", "check__e03", "check__e18", "check__e31"}  # SJGXLC02/3 and SJGXLC04/1 before /4 and /2
    feeds |= checks
    assert bag.import_errors == {}
    assert (
        set(bag.dags)
        == {"nightly", "upkeep", "obligations"} | {f"ingest__{system}" for system in known.source_systems()} | feeds
    )
    assert {"ingest__hr", "feed__sjgxlc01", "feed__sjgxlc04_payday"} <= set(bag.dags)


def test_every_dag_says_in_chinese_what_it_is_and_runs_one_at_a_time(dag_bag: Parse) -> None:
    for dag in dag_bag().dags.values():
        assert any("\u4e00" <= letter <= "\u9fff" for letter in dag.dag_display_name), dag.dag_id
        assert dag.doc_md, dag.dag_id
        assert dag.tags, dag.dag_id
        assert (dag.catchup, dag.max_active_runs) == (False, 1), dag.dag_id
        for task in dag.tasks:
            assert any("\u4e00" <= letter <= "\u9fff" for letter in task.task_display_name), f"{dag.dag_id}.{task.task_id}"
        for task in dag.tasks:  # of a refresh the next slot is minutes away
            assert task.retries == (0 if "refresh" in task.task_id else 3), task.task_id


def test_a_new_version_starts_the_feeds(dag_bag: Parse) -> None:
    from dags.steps import HUB_VERSION

    dags = dag_bag().dags
    producers = {dag.dag_id for dag in dags.values() for task in dag.tasks if HUB_VERSION in task.outlets}
    consumers = {dag.dag_id for dag in dags.values() if _waits_for(dag, HUB_VERSION)}
    assert {"nightly", "ingest__hr", "feed__sjgxlc04_payday"} <= producers
    named = {dag_id for dag_id in dags if dag_id.startswith("feed__") and "_" not in dag_id.removeprefix("feed__")}
    assert named - consumers == {"feed__sjgxlc08", "feed__sjgxlc12", "feed__sjgxlc13"}


def test_each_of_the_fifteen_flows_has_a_dag_of_its_name(dag_bag: Parse) -> None:
    assert {f"feed__sjgxlc{number:02}" for number in range(1, 16)} <= set(dag_bag().dags)


def test_a_flow_that_only_receives_is_confirmed_after_the_flows_that_deliver_to_it(dag_bag: Parse) -> None:
    from dags.steps import build_delivery_asset

    dags = dag_bag().dags
    expected = {
        "08": ({"e07", "e21", "e33", "e59"}, ("SJGXLC01", "SJGXLC02", "SJGXLC03", "SJGXLC07")),
        "12": ({"e11", "e25", "e35"}, ("SJGXLC01", "SJGXLC02", "SJGXLC03")),
        "13": ({"e12", "e26", "e36"}, ("SJGXLC01", "SJGXLC02", "SJGXLC03")),
    }
    for number, (edges, givers) in expected.items():
        dag = dags[f"feed__sjgxlc{number}"]
        assert set(dag.task_ids) == {f"confirm__{edge}" for edge in edges}
        for giver in givers:
            assert _waits_for(dag, build_delivery_asset(giver))
            sent = [task for task in dags[f"feed__{giver.lower()}"].tasks if build_delivery_asset(giver) in task.outlets]
            assert [task.task_id for task in sent] == ["close"]


def _waits_for(dag: Any, asset: Any) -> bool:
    condition = getattr(dag.timetable, "asset_condition", None)
    return asset in getattr(condition, "objects", ())


def test_a_broken_contract_becomes_one_red_dag_and_the_others_stay(copied_home: Path, dag_bag: Parse, metadata: None) -> None:
    before = set(dag_bag().dags)
    (copied_home / "schemas" / "sources" / "hr" / "leave_record.odcs.yaml").write_text("schema: [\n", "utf-8")
    read_catalog.cache_clear()
    bag = dag_bag()
    assert bag.import_errors == {}
    assert set(bag.dags) == before | {"broken__leave_record"}
    broken = bag.dags["broken__leave_record"]
    assert "HUB101 leave_record.odcs.yaml" in (broken.doc_md or "")
    assert broken.test().state == "failed"


def test_a_broken_calendar_becomes_a_red_dag(copied_home: Path, dag_bag: Parse) -> None:
    (copied_home / "schemas" / "calendar" / "2027-2028.yaml").write_text("terms: soon\n", "utf-8")
    bag = dag_bag()
    assert bag.import_errors == {}
    assert {"broken__2027-2028", "nightly"} <= set(bag.dags)


def test_a_delivery_time_that_no_dag_serves_becomes_a_red_dag(copied_home: Path, dag_bag: Parse) -> None:
    path = next((copied_home / "schemas" / "feeds").glob("*/e05_*.odcs.yaml"))
    content = path.read_text("utf-8")
    assert "customProperties:" in content
    head, tail = content.split("properties:", 1)
    path.write_text(_with_schedule(head + "properties:" + tail, "hourly"), "utf-8")
    read_catalog.cache_clear()
    bag = dag_bag()
    placeholder = bag.dags[f"broken__{path.name.removesuffix('.odcs.yaml')}"]
    assert "HUB182" in (placeholder.doc_md or "")
    assert "hourly" in (placeholder.doc_md or "")
    assert "feed__sjgxlc01" in bag.dags


def _with_schedule(contract: str, schedule: str) -> str:
    import yaml

    data = yaml.safe_load(contract)
    extras = data["schema"][0].setdefault("customProperties", [])
    extras.append({"property": "schedule", "value": schedule})
    return yaml.safe_dump(data, allow_unicode=True)
