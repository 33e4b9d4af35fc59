"""Report: what a run did, for people. One page a language, everything inside one file, and the same as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core.calendar import ZONE, local_minute
from core.errors import HubError, merged
from core.hashing import digest
from core.messages import LANGUAGES, text
from core.settings import settings
from core.store.ledger import Ledger, Output, Row
from pipeline.context import Night
from pipeline.transform import row_accounts
from reporting import action_items, display_names, figures, obligations, status, tonight
from reporting.spans import days, spans

VERBS = ("extract", "conform", "check", "brake", "publish", "deliver", "reconcile", "audit")


def report(night: Night) -> Output:
    """Write `reports/<run>/report.zh.html`, `report.en.html` and `report.json`; returns `{folder}`."""
    night.progress("report", night.run.id)
    with night.ledger.turn(f"report {night.run.id}"):
        return _kept(night)


def _kept(night: Night) -> Output:
    facts = facts_of(night)
    work = digest("report", night.run.id, facts["steps"], [row["state"] for row in facts["feeds"]])
    return night.ledger.do(night.run.id, "report", "hub", work, lambda _: _report(night, facts))


def facts_of(night: Night) -> dict[str, Any]:
    """Everything that the report shows, as plain data."""
    book, run = night.ledger, night.run
    runs = figures.parts(book, run)
    steps = book.rows(
        "select distinct on (verb, subject) verb, subject, state, output, error_code, error, started_at, ended_at from ops.step"
        " where run_id = any(%s) and verb <> 'report' order by verb, subject, step_id desc",
        [runs],
    )
    deliveries = book.rows("select * from ops.delivery where run_id = any(%s) order by flow, edge, dataset", [runs])
    extracts, entities = _extracts(steps), _entities(night, steps)
    return {
        "run": {"id": run.id, "kind": run.kind, "as_of": run.as_of, "scope": list(run.scope), **_times(night, steps)},
        "version": book.version(),
        "steps": [{"verb": step["verb"], "subject": step["subject"], "state": step["state"]} for step in steps],
        "flows": flows(night, steps, deliveries),
        "seconds": {verb: _seconds([step for step in steps if step["verb"] == verb]) for verb in VERBS},
        "extracts": extracts,
        "entities": entities,
        "accounts": _accounts(book, steps),
        "totals": figures.totals(book, extracts, entities, deliveries),
        "feeds": [{name: row[name] for name in _DELIVERY} for row in deliveries],
        "held": status.held_by_rule(book, night.catalog),
        "audits": [{"entity": step["subject"], **(step["output"] or {})} for step in steps if step["verb"] == "audit"],
        "brakes": status.brakes(book),
        "attention": action_items.points(book, night.catalog, run.as_of),
        "obligations": obligations.current(book, night.catalog, run.as_of),
        "problems": [
            {"code": error.code, "where": error.where, "facts": error.facts}
            for error in merged([tonight.problem_of(step) for step in steps if step["state"] not in ("done", "running")])
        ],
    }


def _times(night: Night, steps: list[Row]) -> dict[str, str]:
    """When the run began and when its last step so far ended, at the university."""
    begun = night.ledger.single("select started_at from ops.run where run_id = %s", [night.run.id])["started_at"]
    ended = max((step["ended_at"] for step in steps if step["ended_at"]), default=begun)
    return {"begun": local_minute(begun), "ended": local_minute(ended)}


def _accounts(book: Ledger, steps: Sequence[Row]) -> list[Row]:
    """Where the rows of every entity and system went; of those that were conformed `held` are kept back."""
    held = figures.held_of_conformed(book)
    made = [step for step in steps if step["verb"] == "conform"]
    rows = [row for step in made for row in row_accounts.rows_of(step["subject"], step["output"] or {})]
    return [{**row, "held": held.get((row["entity"], row["system"]), 0)} for row in rows]


def _extracts(steps: list[Row]) -> list[Row]:
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


_DELIVERY = (
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


def flows(night: Night, steps: list[Row], deliveries: list[Row]) -> list[Row]:
    """One row a flow: rows extracted from its system, held, changed in the hub, delivered, accepted, and seconds of work."""
    done = {(step["verb"], step["subject"]): step for step in steps}
    open_held = figures.held_rows(night.ledger)
    result = []
    for code in sorted({feed.flow for feed in night.catalog.feeds.values()}):
        feeds = [feed for feed in night.catalog.feeds.values() if feed.flow == code]
        systems = {feed.source for feed in feeds}
        extracts = [
            done[key]
            for key in (("extract", id) for id, d in night.catalog.sources.items() if d.system in systems)
            if key in done
        ]
        names = {name for system in systems for name in night.catalog.entities_of(system)}
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
                "title": night.catalog.flows.get(code, {}).get("title_zh", code),
                "title_en": night.catalog.flows.get(code, {}).get("title_en", code),
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
                "seconds": _seconds(mine),
            }
        )
    return result


def _entities(night: Night, steps: list[Row]) -> list[Row]:
    by = {(step["verb"], step["subject"]): step for step in steps}
    result = []
    for name, entity in night.catalog.entities.items():
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


def _seconds(steps: list[Row]) -> float:
    """Sum of the steps' own durations in seconds; steps that ran side by side count each."""
    ended = [step for step in steps if step["ended_at"]]
    return float(round(sum((step["ended_at"] - step["started_at"]).total_seconds() for step in ended), 1))


def _report(night: Night, facts: dict[str, Any]) -> Output:
    folder = settings().var / "reports" / night.run.id
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / "report.json", json.dumps(facts, ensure_ascii=False, indent=1, default=_plain))
    for language in LANGUAGES:
        _replace(folder / f"report.{language}.html", html(night, facts, language))
    return {"folder": str(folder)}


def _replace(path: Path, content: str) -> None:
    """Write a page beside the old one and put it in its place: who reads it meanwhile sees the one or the other, whole."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(content, "utf-8")
    draft.replace(path)


def html(night: Night, facts: dict[str, Any], language: str) -> str:
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
        title=_title(facts["run"], language),
        t=lambda key, **given: text(f"report.{key}", language, **given),
        c=lambda key: text(f"report_calendar.{key}", language),
        owed=lambda value: text(f"screen_calendar.state_{value}", language),
        why=lambda row: status.reason(night.catalog, row, language),
        line=lambda problem: display_names.line(
            night.catalog, HubError(problem["code"], problem["where"], **problem["facts"]), language
        ),
        needs=lambda point: action_items.line(point, language),
        brake=lambda row: status.brake_line(row, language),
        name=lambda code: display_names.subject(night.catalog, code, language),
        system=lambda code: display_names.system(night.catalog, code, language),
        feed=lambda row: display_names.feed(night.catalog, f"{row['edge']}.{row['dataset']}", language).partition(" ")[2],
        evidence=lambda proof: display_names.evidence(proof, language),
        needs_title=text("desk.attention.title", language),
        verbs=VERBS,
        counts=(*row_accounts.COUNTS, "held"),
        **{**facts, "obligations": spans(facts["obligations"])},
        days=lambda given: days(given, language),
    )


def _title(run: Mapping[str, Any], language: str) -> str:
    kind = run["kind"] if run["kind"] in ("night", "feed") else "run"
    return text(f"report.title_{kind}", language, scope=" ".join(run["scope"]))


def _plain(value: Any) -> str:
    """A moment as ISO 8601 in the university's zone, anything else as text."""
    return value.astimezone(ZONE).isoformat() if isinstance(value, datetime) else str(value)
