"""Report: what a run did, for people. One page a language, everything inside one file, and the same as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core.calendar import ZONE, format_local_minute, local_date
from core.errors import HubError, merge_errors
from core.hashing import hash_values
from core.messages import LANGUAGES, translate
from core.settings import get_settings
from core.store.ledger import Ledger, Output, Row
from pipeline.context import RunContext
from pipeline.transform import row_accounts
from reporting import action_items, display_names, figures, obligations, status, tonight
from reporting.spans import format_days, group_days

VERBS = ("extract", "conform", "check", "brake", "publish", "deliver", "reconcile", "audit")


def write_report(run: RunContext) -> Output:
    """Write `reports/<run>/report.zh.html`, `report.en.html` and `report.json`; returns `{folder}`."""
    run.progress("report", run.run.id)
    with run.ledger.hold_lock(f"report {run.run.id}"):
        return _write_as_step(run)


def _write_as_step(run: RunContext) -> Output:
    facts = collect_report_facts(run)
    work = hash_values("report", run.run.id, facts["steps"], [row["state"] for row in facts["feeds"]])
    return run.ledger.run_step(run.run.id, "report", "hub", work, lambda _: _write_files(run, facts))


def collect_report_facts(night: RunContext) -> dict[str, Any]:
    """Everything that the report shows, as plain data."""
    book, run = night.ledger, night.run
    runs = figures.list_part_runs(book, run)
    steps = book.rows(
        "select distinct on (verb, subject) verb, subject, state, output, error_code, error, started_at, ended_at from ops.step"
        " where run_id = any(%s) and verb <> 'report' order by verb, subject, step_id desc",
        [runs],
    )
    deliveries = book.rows("select * from ops.delivery where run_id = any(%s) order by flow, edge, dataset", [runs])
    extracts, entities = _list_extracts(steps), _list_entities(night, steps)
    return {
        "run": {"id": run.id, "kind": run.kind, "as_of": run.as_of, "scope": list(run.scope), **_read_times(night, steps)},
        "version": book.version(),
        "steps": [{"verb": step["verb"], "subject": step["subject"], "state": step["state"]} for step in steps],
        "flows": list_flows(night, steps, deliveries),
        "seconds": {verb: _sum_seconds([step for step in steps if step["verb"] == verb]) for verb in VERBS},
        "extracts": extracts,
        "entities": entities,
        "accounts": _list_accounts(book, steps),
        "totals": figures.sum_totals(book, extracts, entities, deliveries),
        "feeds": [{name: row[name] for name in _DELIVERY_FACTS} for row in deliveries],
        "held": status.count_held_by_rule(book, night.catalog),
        "audits": [{"entity": step["subject"], **(step["output"] or {})} for step in steps if step["verb"] == "audit"],
        "brakes": status.list_brakes(book),
        "decided": action_items.list_decisions(book, local_date(book.clock())),
        "attention": action_items.list_action_items(book, night.catalog, run.as_of),
        "obligations": obligations.list_recorded(book, night.catalog, run.as_of),
        "problems": [
            {"code": error.code, "where": error.where, "facts": error.facts}
            for error in merge_errors(
                [tonight.build_problem(step) for step in steps if step["state"] not in ("done", "running")]
            )
        ],
    }


def _read_times(run: RunContext, steps: list[Row]) -> dict[str, str]:
    """When the run began and when its last step so far ended, at the university."""
    begun = run.ledger.single("select started_at from ops.run where run_id = %s", [run.run.id])["started_at"]
    ended = max((step["ended_at"] for step in steps if step["ended_at"]), default=begun)
    return {"begun": format_local_minute(begun), "ended": format_local_minute(ended)}


def _list_accounts(ledger: Ledger, steps: Sequence[Row]) -> list[Row]:
    """Where the rows of every entity and system went; of those that were conformed `held` are kept back."""
    held = figures.count_held_conformed(ledger)
    made = [step for step in steps if step["verb"] == "conform"]
    rows = [row for step in made for row in row_accounts.list_accounts(step["subject"], step["output"] or {})]
    return [{**row, "held": held.get((row["entity"], row["system"]), 0)} for row in rows]


def _list_extracts(steps: list[Row]) -> list[Row]:
    return [
        {
            "dataset": step["subject"],
            "state": step["state"],
            "rows": (step["output"] or {}).get("rows"),
            "new_columns": (step["output"] or {}).get("new_columns", []),
        }
        for step in steps
        if step["verb"] == "extract"
    ]


_DELIVERY_FACTS = (
    "flow",
    "edge",
    "dataset",
    "source",
    "target",
    "mode",
    "from_version",
    "to_version",
    "rows_upsert",
    "rows_delete",
    "state",
    "reason",
)


def list_flows(run: RunContext, steps: list[Row], deliveries: list[Row]) -> list[Row]:
    """One row a flow: rows extracted from its system, held, changed in the hub, delivered, accepted, and seconds of work."""
    done = {(step["verb"], step["subject"]): step for step in steps}
    open_held = figures.count_held_rows(run.ledger)
    result = []
    for code in sorted({feed.flow for feed in run.catalog.feeds.values()}):
        feeds = [feed for feed in run.catalog.feeds.values() if feed.flow == code]
        systems = {feed.source for feed in feeds}
        extracts = [
            done[key]
            for key in (("extract", id) for id, d in run.catalog.sources.items() if d.system in systems)
            if key in done
        ]
        names = {name for system in systems for name in run.catalog.entities_of(system)}
        changes = [(done[key]["output"] or {}) for key in (("brake", name) for name in names) if key in done]
        sent = [row for row in deliveries if row["flow"] == code]
        mine = extracts + [
            done[key] for key in ((verb, feed.id) for feed in feeds for verb in ("deliver", "reconcile")) if key in done
        ]
        accepted, failed = (
            sum(row["state"] in ("accepted", "partly") for row in sent),
            sum(s["state"] == "failed" for s in mine),
        )
        result.append(
            {
                "flow": code,
                "title": run.catalog.flows.get(code, {}).get("title_zh", code),
                "title_en": run.catalog.flows.get(code, {}).get("title_en", code),
                "system": ", ".join(sorted(systems)),
                "extracted": sum((step["output"] or {}).get("rows", 0) for step in extracts),
                "held": sum(open_held.get(system, 0) for system in systems),
                "changed": sum(change.get(name, 0) for change in changes for name in ("inserts", "updates", "deletes")),
                "feeds": len(feeds),
                "delivered": sum(row["rows_upsert"] + row["rows_delete"] for row in sent if row["state"] != "prepared"),
                "accepted": accepted,
                "sent": len(sent),
                "failed": failed,
                "state": figures.flow_state(failed, accepted, len(sent)),
                "seconds": _sum_seconds(mine),
            }
        )
    return result


def _list_entities(run: RunContext, steps: list[Row]) -> list[Row]:
    by = {(step["verb"], step["subject"]): step for step in steps}
    result = []
    for name, entity in run.catalog.entities.items():
        outputs = {verb: (by.get((verb, name), {}).get("output") or {}) for verb in ("conform", "check", "brake")}
        states = [by[(verb, name)]["state"] for verb in ("conform", "check", "brake") if (verb, name) in by]
        result.append(
            {
                "entity": name,
                "title": entity.title,
                "rows": outputs["conform"].get("rows"),
                "held": outputs["check"].get("held_rows"),
                "warned": outputs["check"].get("warned_rows"),
                **{verb: outputs["brake"].get(verb) for verb in ("inserts", "updates", "deletes")},
                "state": next((state for state in states if state != "done"), "done" if states else "unchanged"),
            }
        )
    return result


def _sum_seconds(steps: list[Row]) -> float:
    """Sum of the steps' own durations in seconds; steps that ran side by side count each."""
    ended = [step for step in steps if step["ended_at"]]
    return float(round(sum((step["ended_at"] - step["started_at"]).total_seconds() for step in ended), 1))


def _write_files(run: RunContext, facts: dict[str, Any]) -> Output:
    folder = get_settings().var / "reports" / run.run.id
    folder.mkdir(parents=True, exist_ok=True)
    _replace_file(folder / "report.json", json.dumps(facts, ensure_ascii=False, indent=1, default=_format_json_value))
    for language in LANGUAGES:
        _replace_file(folder / f"report.{language}.html", render_html(run, facts, language))
    return {"folder": str(folder)}


def _replace_file(path: Path, content: str) -> None:
    """Write a page beside the old one and put it in its place: who reads it meanwhile sees the one or the other, whole."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(content, "utf-8")
    draft.replace(path)


def render_html(run: RunContext, facts: dict[str, Any], language: str) -> str:
    """The report as one self-contained page."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        language=language,
        title=_build_title(facts["run"], language),
        t=lambda key, **given: translate(f"report.{key}", language, **given),
        c=lambda key: translate(f"report_calendar.{key}", language),
        owed=lambda value: translate(f"screen_calendar.state_{value}", language),
        why=lambda row: status.explain_held_row(run.catalog, row, language),
        line=lambda problem: display_names.format_error(
            run.catalog, HubError(problem["code"], problem["where"], **problem["facts"]), language
        ),
        needs=lambda point: action_items.format_action_item(point, language),
        decision=lambda row: action_items.format_decision(row, language),
        brake=lambda row: status.format_brake(row, language),
        name=lambda code: display_names.get_subject_name(run.catalog, code, language),
        system=lambda code: display_names.get_system_name(run.catalog, code, language),
        feed=lambda row: display_names.get_feed_title(run.catalog, f"{row['edge']}.{row['dataset']}", language).partition(" ")[
            2
        ],
        evidence=lambda proof: display_names.format_evidence(proof, language),
        needs_title=translate("desk.attention.title", language),
        verbs=VERBS,
        counts=(*row_accounts.COUNTS, "held"),
        **{**facts, "obligations": group_days(facts["obligations"])},
        days=lambda given: format_days(given, language),
    )


def _build_title(run: Mapping[str, Any], language: str) -> str:
    kind = run["kind"] if run["kind"] in ("night", "feed") else "run"
    return translate(f"report.title_{kind}", language, scope=" ".join(run["scope"]))


def _format_json_value(value: Any) -> str:
    """A moment as ISO 8601 in the university's zone, anything else as text."""
    return value.astimezone(ZONE).isoformat() if isinstance(value, datetime) else str(value)
