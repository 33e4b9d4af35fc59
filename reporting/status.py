"""What the hub says of itself, as plain data: for the terminal, for `--json`, for the report and for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts.catalog import Catalog, load_catalog
from contracts.contract import HUB, Column, Entity, Rule, SourceDataset
from contracts.sql.files import list_tables
from contracts.sql.lineage import map_column_uses
from core.calendar import format_local_minute
from core.errors import HubError, merge_errors
from core.messages import has_message, join_sentences, translate
from core.store.connections import list_switched_off
from core.store.ledger import Ledger, Row
from pipeline.delivery import manual_apply, switches
from reporting import action_items, display_names, figures, tonight


def read_status(ledger: Ledger, catalog: Catalog) -> dict[str, Any]:
    """The hub now: `night` (see `tonight`), `version`, `published_at`, `flows[]`, `systems[]`, `feeds[]`, `held` (open held
    rows), `brakes[]`, `alerts[]` and `attention[]`."""
    newest = ledger.fetch_row("select version, published_at from ops.version order by version desc limit 1") or {}
    night, given, sent = tonight.read_newest_night(ledger, catalog), list_systems(ledger, catalog), list_feeds(ledger, catalog)
    return {
        "night": {**night, "problems": [display_names.format_error(catalog, error) for error in night["problems"]]}
        if night
        else None,
        "version": newest.get("version", 0),
        "published_at": newest.get("published_at"),
        "flows": tonight.list_flow_states(sent, given, tonight.list_stopped_entities(ledger, catalog), catalog),
        "systems": given,
        "feeds": sent,
        "held": sum(figures.count_held_rows(ledger).values()),
        "brakes": list_brakes(ledger),
        "alerts": list_alerts(ledger),
        "attention": action_items.list_action_items(ledger, catalog),
    }


def list_alerts(ledger: Ledger) -> list[Row]:
    """The newest message of each department: sent, not sent and why, or no address to send it to."""
    return ledger.rows(
        "select distinct on (department) department, as_of, state, points, attempts, reason, tried_at from ops.alert"
        " order by department, as_of desc"
    )


def list_systems(ledger: Ledger, catalog: Catalog) -> list[Row]:
    """Per source system: last run, rows extracted, rows held, state (`done`, `failed`, `never`, `off`), and the errors."""
    steps = ledger.rows(
        "select distinct on (subject) subject, verb, run_id, state, output, error_code, error, ended_at from ops.step"
        " where verb = 'extract' order by subject, step_id desc"
    )
    held = figures.count_held_rows(ledger)
    off, result = list_switched_off(), []
    for code in catalog.source_systems():
        mine = [step for step in steps if step["subject"] in catalog.sources and catalog.source(step["subject"]).system == code]
        bad = [step for step in mine if step["state"] != "done"]
        idle = "off" if catalog.connections_of(code) <= off else "never"
        result.append(
            {
                "code": code,
                "name": catalog.systems.get(code, {}).get("name_zh", code),
                "last_run": max((step["run_id"] for step in mine), default=None),
                "extracted": sum((step["output"] or {}).get("rows", 0) for step in mine),
                "held": held.get(code, 0),
                "state": _find_worst_state(bad) or ("done" if mine else idle),
                "errors": [
                    display_names.format_error(catalog, error)
                    for error in merge_errors([tonight.build_problem(step) for step in bad])
                ],
            }
        )
    return result


def _find_worst_state(bad: Sequence[Row]) -> str:
    """What steps that are not done make of their system; empty when there are none."""
    return "" if not bad else "running" if all(step["state"] == "running" for step in bad) else "failed"


def list_feeds(ledger: Ledger, catalog: Catalog) -> list[Row]:
    """Per feed: the newest delivery (`never` before the first, `off` while the receiver is not connected
    or the edge is switched off, `reason` saying why), the version that
    its receiver has accepted, how many rows it then held, and where a person applies what is delivered, the version applied
    and how many days newer rows have waited."""
    newest = {
        (row["edge"], row["dataset"]): row
        for row in ledger.rows(
            "select distinct on (edge, dataset) * from ops.delivery order by edge, dataset, prepared_at desc"
        )
    }
    accepted = {
        (row["edge"], row["dataset"]): row
        for row in ledger.rows(
            "select a.*, d.rows_scope - (select count(*) from ops.refused r where (r.edge, r.dataset) = (a.edge, a.dataset))"
            " as rows from ops.accepted a join ops.delivery d using (delivery_id)"
        )
    }
    off = list_switched_off()
    stopped = switches.find_edges_off(catalog)
    applied = {row["feed"]: row for row in manual_apply.read_apply_state(ledger, list(catalog.feeds.values()))}
    names = ("mode", "from_version", "to_version", "rows_upsert", "rows_delete", "state", "accepted_at", "reason")
    result = []
    for feed in catalog.feeds.values():
        key = (feed.edge, feed.dataset)
        row = newest.get(key, {"state": "never", "mode": feed.mode})
        result.append(
            {
                "flow": feed.flow,
                "edge": feed.edge,
                "source": feed.source,
                "target": feed.target,
                "dataset": feed.dataset,
                **{name: row.get(name) for name in names},
                **({"state": "off", "reason": stopped.get(feed.edge)} if catalog.is_switched_off(feed, off) else {}),
                "accepted_version": accepted.get(key, {}).get("version"),
                "rows": accepted.get(key, {}).get("rows"),
                "applied_version": applied.get(feed.id, {}).get("applied"),
                "days_unapplied": applied.get(feed.id, {}).get("days"),
            }
        )
    return result


def list_brakes(ledger: Ledger) -> list[Row]:
    """Brakes that wait for a person, were released and not used yet (as long as that lives), or closed themselves since
    the newest night's date, newest first."""
    rows = ledger.rows(
        "select * from ops.brake where state in ('tripped', 'requested')"
        " or (state = 'released' and expires_on >= (select max(as_of) from ops.run))"
        " or (state = 'moot' and closed_on >= (select max(as_of) from ops.run where kind = 'night'))"
        " order by brake_id desc"
    )
    return [{name: value for name, value in row.items() if name != "content_hash"} for row in rows]


def list_releases(ledger: Ledger, limit: int) -> list[Row]:
    """The newest brakes that two persons have released, newest first."""
    return ledger.rows("select * from ops.brake where approved_by is not null order by brake_id desc limit %s", [limit])


def format_brake(row: Mapping[str, Any], language: str | None = None) -> str:
    """A brake in one line: its number, what was stopped and why, and what is to be done about it in its state."""
    why_stopped = HubError(row["reason_code"], row["subject"], **row["proposed"])
    facts = {
        "id": row["brake_id"],
        "by": row["requested_by"] or "-",
        "requested_at": format_local_minute(row["requested_at"]) if row.get("requested_at") else "-",
        "approved_at": format_local_minute(row["approved_at"]) if row.get("approved_at") else "-",
        "asked_for": row["reason"] or "-",
        "approved_by": row["approved_by"] or "-",
        "until": row["expires_on"] or "-",
        "closed_on": row["closed_on"] or "-",
        "subject": display_names.get_subject_name(load_catalog(), row["subject"], language),
        "why": join_sentences(display_names.describe_error(load_catalog(), why_stopped, language)),
    }
    return translate(f"status.brake_{row['state']}", language, **facts)


def restored_line(restores: int, people: Mapping[str, Any], language: str | None = None) -> str:
    """Of a rollback who asked, who agreed, when and why."""
    at = {
        name: format_local_minute(datetime.fromisoformat(people[name])) if name in people else "-"
        for name in ("requested_at", "approved_at")
    }
    return translate("cli.restored", language, **{**people, **at}, restores=restores)


def list_held(
    ledger: Ledger, catalog: Catalog, entity: str | None = None, systems: Sequence[str] | None = None, limit: int = 100
) -> list[Row]:
    """Open held rows with their reasons in words, newest first; keys only, no other values.

    A difference between two departments is shown to both: `systems` finds it as keeper of the copy and as authority.
    """
    rows = ledger.rows(
        "select * from ops.held where state = 'open' and (%s::text is null or entity = %s)"
        " and (%s::text[] is null or array[source_system, authority] && %s::text[])"
        " order by severity, held_id desc limit %s",
        [entity, entity, _listed(systems), _listed(systems), limit],
    )
    return _explain_rows(ledger, catalog, rows)


def count_held(ledger: Ledger, entity: str | None = None, systems: Sequence[str] | None = None) -> dict[str, int]:
    """`{rows, entries}`: how many rows are held, each once, and how many entries `held` would list without a limit."""
    return dict(
        ledger.single(
            "select count(distinct (entity, source_system, source_key)) filter (where severity = 'error') as rows,"
            " count(*) as entries from ops.held where state = 'open' and (%s::text is null or entity = %s)"
            " and (%s::text[] is null or array[source_system, authority] && %s::text[])",
            [entity, entity, _listed(systems), _listed(systems)],
        )
    )


def _listed(systems: Sequence[str] | None) -> list[str] | None:
    return None if systems is None else list(systems)


def count_held_by_rule(ledger: Ledger, catalog: Catalog) -> list[Row]:
    """Open held rows counted by entity, system and rule; a difference between two systems stands under each of them."""
    rows = ledger.rows(
        "select entity, of.system as source_system, of.other, rule_id, severity, count(*) as rows,"
        " min(first_seen) as first_seen, max(last_seen) as last_seen from ops.held"
        " cross join lateral (values (source_system, authority), (authority, source_system)) as of (system, other)"
        " where state = 'open' and of.system is not null"
        " group by 1, 2, 3, 4, 5 order by severity, rows desc, rule_id, source_system"
    )
    return _explain_rows(ledger, catalog, rows)


def _explain_rows(ledger: Ledger, catalog: Catalog, rows: list[Row]) -> list[Row]:
    """The rows with `waits`, the entities at their last version that their rule looks at, and `why` in words."""
    stopped = tonight.list_stopped_entities(ledger, catalog)
    seen = {
        pair: list_compared_entities(catalog, *pair) & stopped for pair in {(row["entity"], row["rule_id"]) for row in rows}
    }
    waiting = [{**row, "waits": sorted(seen[row["entity"], row["rule_id"]])} for row in rows]
    return [{**row, "why": explain_held_row(catalog, row)} for row in waiting]


def list_compared_entities(catalog: Catalog, entity: str, rule_id: str) -> set[str]:
    """The other entities that a rule compares a row with."""
    found = catalog.entities.get(entity)
    rule = next((rule for rule in found.rules if rule.id == rule_id), None) if found else None
    if rule is None or rule.kind not in ("reference", "sql"):
        return set()
    if rule.kind == "reference":
        return {str(rule.facts["entity"])} - {entity}
    file = catalog.check_file(rule.facts["file"])
    return {name for _, name in list_tables(file.read_text("utf-8"))} & catalog.entities.keys() - {entity}


def explain_held_row(catalog: Catalog, row: Mapping[str, Any], language: str | None = None) -> str:
    """Why a row is held, and that what it is compared with stands at its last version, which is not its department's doing."""
    told = explain_rule(catalog, row["entity"], row["rule_id"], language, row["source_system"])
    names = translate("status.list_mark", language).join(
        display_names.get_entity_title(catalog, name, language) for name in row["waits"]
    )
    return told + (translate("status.waits", language, entities=names) if names else "")


def explain_rule(catalog: Catalog, entity: str, rule_id: str, language: str | None = None, system: str | None = None) -> str:
    """A rule in one plain sentence with its next step; one of the school's own is told by its contract's description.

    `entity` is the name of an entity, or of a source dataset whose copies were compared. Of a cell that could not be read, the
    tables and columns are named where it may stand, those of one system if that is given.
    """
    if entity in catalog.sources:
        return _explain_difference(catalog, catalog.source(entity), rule_id, language)
    found = catalog.entities.get(entity)
    rule = next((rule for rule in found.rules if rule.id == rule_id), None) if found else None
    kind, _, character = (rule.kind if rule else rule_id.rsplit(".", 1)[-1]).partition(":")
    if rule and kind == "sql":
        return (
            translate(f"rule.{rule_id}", language)
            if has_message(f"rule.{rule_id}", language)
            else str(rule.facts["description"])
        )
    names = rule.columns if rule else (rule_id.split(".")[1],)
    titles = translate("status.list_mark", language).join(_get_column_title(found, name, language) for name in names)
    cells = _name_source_cells(catalog, found, names[0], system, language) if found and kind == "readable" else ""
    facts = {"column": ", ".join(names), "title": titles, "cells": cells, "character": character}
    facts |= dict.fromkeys(("list", "pattern", "entity", "minimum", "maximum"), "")
    return translate(
        f"rule.{kind}",
        language,
        **{**facts, **(_collect_rule_facts(catalog, rule, language) if rule else {}), "column": ", ".join(names)},
    )


def _name_source_cells(catalog: Catalog, entity: Entity, column: str, system: str | None, language: str | None) -> str:
    """The source cells that a column is made from, as their departments call them; under the key stand those that only a
    condition looks at as well."""
    wanted, found = frozenset(one.name for one in entity.columns), []
    for code in catalog.systems_of(entity.name):
        if code != HUB and system in (None, code):
            used = map_column_uses(catalog.conform_file(entity.name, code).read_text("utf-8"), wanted)
            for (table, cell), made in used.items():
                dataset = catalog.sources.get(table)
                plain = next((one for one in dataset.columns if one.name == cell), None) if dataset else None
                if dataset and plain and column in (made or entity.key[:1]):
                    found.append(
                        f"{display_names.get_system_name(catalog, code, language)} {dataset.physical}.{plain.physical}"
                    )
    return ", ".join(sorted(found)) or column


def _collect_rule_facts(catalog: Catalog, rule: Rule, language: str | None) -> dict[str, Any]:
    """What a rule says, its entity as people call it."""
    known = {name: fact for name, fact in rule.facts.items() if fact is not None}
    return known | ({"entity": display_names.get_entity_title(catalog, known["entity"], language)} if "entity" in known else {})


def _explain_difference(catalog: Catalog, dataset: SourceDataset, rule_id: str, language: str | None) -> str:
    """Who keeps which field of whose, as both departments read it."""
    column = next((column for column in dataset.columns if rule_id == f"{dataset.id}.{column.name}.copy"), None)
    names = list(dict.fromkeys(copy.path[0] for copy in column.copies)) if column else []
    entities = [catalog.entities[name] for name in names if name in catalog.entities]
    right = sorted({system for entity in entities for system in entity.authority} - {dataset.system})
    return translate(
        "rule.copy",
        language,
        keeper=display_names.get_system_name(catalog, dataset.system, language),
        authority=translate("status.list_mark", language).join(
            display_names.get_system_name(catalog, system, language) for system in right
        ),
        dataset=display_names.get_entity_title(catalog, dataset.id, language),
        title=display_names.choose_title(column.title, column.name, language) if column else rule_id,
        column=column.name if column else rule_id,
        entity=", ".join(display_names.get_entity_title(catalog, name, language) for name in names),
    )


def _get_column_title(entity: Entity | None, name: str, language: str | None) -> str:
    columns = entity.columns if entity else ()
    column: Column | None = next((column for column in columns if column.name == name), None)
    return display_names.choose_title(column.title, column.name, language) if column else name
