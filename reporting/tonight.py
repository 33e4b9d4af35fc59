"""Did tonight run: the newest night, what of it needs a person, what nobody has signed, and how far each flow is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from contracts.catalog import Catalog
from core.errors import HubError, MachineFault, merge_errors
from core.store.ledger import LOCK_RUNS, Ledger, Row
from pipeline.delivery import signoff

_AT_WORK = (
    "select 1 from pg_locks where locktype = 'advisory' and classid = %s and objsubid = 2"
    " and objid::bigint = (hashtext(%s)::bigint & 4294967295) and granted"
)
_UNFINISHED_STEPS = (
    "select s.* from (select distinct on (verb, subject) * from ops.step where verb <> 'report'"
    " and run_id in (select run_id from ops.run where started_at >= %s and kind not in ('verify', 'try'))"
    " order by verb, subject, step_id desc) s where s.state <> 'done' order by s.step_id"
)
_EVALUATION_VERBS = {"conform", "check", "brake"}
_SETTLED_STATES = {"accepted", "off", "outside"}


def read_newest_night(ledger: Ledger, catalog: Catalog) -> Row | None:
    """`{run, as_of, begun, ended, state, problems, unsigned_feeds, unsigned_rows}` of the newest night, None before the first.

    `state` is `done`, `failed` (something needs a person), `running` (a process is at work on it) or `open` (begun, not ended,
    and no process is at work on it: it was cut off, or an orchestrator goes on with it). `problems` are the errors that still
    stand since it began, those of later runs of the same day included.
    """
    run = ledger.fetch_row("select * from ops.run where kind = 'night' order by started_at desc limit 1")
    if run is None:
        return None
    at_work = run["state"] == "running" and ledger.fetch_row(_AT_WORK, [LOCK_RUNS, run["run_id"]]) is not None
    unsigned = signoff.list_unsigned(ledger, catalog)
    problems = merge_errors(list_problems(ledger, run["started_at"], at_work))
    ended = {"done": "failed" if problems else "done", "failed": "failed"}
    return {
        "run": run["run_id"],
        "as_of": run["as_of"],
        "begun": run["started_at"],
        "ended": run["ended_at"],
        "state": ended.get(run["state"], "running" if at_work else "open"),
        "problems": problems,
        "unsigned_feeds": len(unsigned),
        "unsigned_rows": sum(row["rows"] for row in unsigned),
    }


def list_problems(ledger: Ledger, since: Any, at_work: bool = False) -> list[HubError]:
    """Why steps of the runs begun since a moment did not come to their end, as the last try of each left it. A step under way
    is none while a process is at work."""
    rows = ledger.rows(_UNFINISHED_STEPS, [since])
    return [build_problem(row) for row in rows if not (at_work and row["state"] == "running")]


def list_stopped_entities(ledger: Ledger, catalog: Catalog) -> set[str]:
    """The entities that stand at their last version: a brake waits for a person, or the newest night could not judge them."""
    waiting = ledger.rows("select distinct subject from ops.brake where state in ('tripped', 'requested')")
    run = ledger.fetch_row("select started_at from ops.run where kind = 'night' order by started_at desc limit 1")
    steps = ledger.rows(_UNFINISHED_STEPS, [run["started_at"]]) if run else []
    unjudged = {row["subject"] for row in steps if row["verb"] in _EVALUATION_VERBS}
    return ({row["subject"] for row in waiting} | unjudged) & catalog.entities.keys()


def build_problem(step: Mapping[str, Any]) -> HubError:
    """The error of a step that is not done; one that was killed, or failed without saying why, has one as well."""
    if step["error_code"]:
        told = step["error"] or {}
        return HubError(step["error_code"], told.get("where", step["subject"]), **told.get("facts", {}))
    return MachineFault("HUB847" if step["state"] == "running" else "HUB848", step["subject"], verb=step["verb"])


def list_flow_states(
    feeds: Sequence[Mapping[str, Any]], systems: Sequence[Mapping[str, Any]], held_back: Set[str], catalog: Catalog
) -> list[Row]:
    """One row a flow of what `hub status` knows: how many feeds its receivers have accepted, which have not, and a state:
    `failed` when a source did not give or a receiver did not take, `never` when nothing was ever sent, `stopped` when an entity
    of its source is among those `held_back` at their last version, `waiting`, `done`."""
    braked = {system for entity in held_back for system in catalog.systems_of(entity)}
    down = {row["code"] for row in systems if row["state"] == "failed"}
    result = []
    for code in sorted({row["flow"] for row in feeds}):
        mine = [row for row in feeds if row["flow"] == code and row["state"] not in ("off", "outside")]
        waiting = [row for row in mine if row["state"] not in _SETTLED_STATES]
        sources = {row["source"] for row in mine}
        refused = any(row["state"] in ("refused", "abandoned", "partly") for row in mine)
        found = {
            "off": not mine,
            "failed": refused or bool(sources & down),
            "never": all(row["state"] == "never" for row in mine),
            "stopped": bool(sources & braked),
            "waiting": bool(waiting),
        }
        result.append(
            {
                "flow": code,
                "title": catalog.flows.get(code, {}).get("title_zh", code),
                "title_en": catalog.flows.get(code, {}).get("title_en", code),
                "feeds": len(mine),
                "accepted": sum(row["state"] == "accepted" for row in mine),
                "waiting": [f"{row['edge']}.{row['dataset']}" for row in waiting],
                "down": sorted(sources & down),
                "state": next((state for state, holds in found.items() if holds), "done"),
            }
        )
    return result
