"""What the hub says of itself, as plain data: for the terminal, for `--json`, for the report and for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts.catalog import Catalog, catalog
from contracts.contract import HUB, Column, Entity, Rule, SourceDataset
from contracts.sql.files import tables_of
from contracts.sql.lineage import uses
from core.calendar import local_minute
from core.errors import HubError, merged
from core.messages import known, text, together
from core.store.connections import switched_off
from core.store.ledger import Ledger, Row
from pipeline.delivery import manual_apply, switches
from reporting import action_items, display_names, figures, tonight


def status(book: Ledger, catalog: Catalog) -> dict[str, Any]:
    """The hub now: `night` (see `tonight`), `version`, `published_at`, `flows[]`, `systems[]`, `feeds[]`, `held` (open held
    rows), `brakes[]`, `alerts[]` and `attention[]`."""
    newest = book.one("select version, published_at from ops.version order by version desc limit 1") or {}
    night, given, sent = tonight.tonight(book, catalog), systems(book, catalog), feeds(book, catalog)
    return {
        "night": {**night, "problems": [display_names.line(catalog, error) for error in night["problems"]]} if night else None,
        "version": newest.get("version", 0),
        "published_at": newest.get("published_at"),
        "flows": tonight.by_flow(sent, given, tonight.stopped(book, catalog), catalog),
        "systems": given,
        "feeds": sent,
        "held": sum(figures.held_rows(book).values()),
        "brakes": brakes(book),
        "alerts": alerts(book),
        "attention": action_items.points(book, catalog),
    }


def alerts(book: Ledger) -> list[Row]:
    """The newest message of each department: sent, not sent and why, or no address to send it to."""
    return book.rows(
        "select distinct on (department) department, as_of, state, points, attempts, reason, tried_at from ops.alert"
        " order by department, as_of desc"
    )


def systems(book: Ledger, catalog: Catalog) -> list[Row]:
    """Per source system: last run, rows extracted, rows held, state (`done`, `failed`, `never`, `off`), and the errors."""
    steps = book.rows(
        "select distinct on (subject) subject, verb, run_id, state, output, error_code, error, ended_at from ops.step"
        " where verb = 'extract' order by subject, step_id desc"
    )
    held = figures.held_rows(book)
    off, result = switched_off(), []
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
                "state": _worst(bad) or ("done" if mine else idle),
                "errors": [display_names.line(catalog, error) for error in merged([tonight.problem_of(step) for step in bad])],
            }
        )
    return result


def _worst(bad: Sequence[Row]) -> str:
    """What steps that are not done make of their system; empty when there are none."""
    return "" if not bad else "running" if all(step["state"] == "running" for step in bad) else "failed"


def feeds(book: Ledger, catalog: Catalog) -> list[Row]:
    """Per feed: the newest delivery (`never` before the first, `off` while the receiver is not connected
    or the edge is switched off, `reason` saying why), the version that
    its receiver has accepted, how many rows it then held, and where a person applies what is delivered, the version applied
    and how many days newer rows have waited."""
    newest = {
        (row["edge"], row["dataset"]): row
        for row in book.rows("select distinct on (edge, dataset) * from ops.delivery order by edge, dataset, prepared_at desc")
    }
    accepted = {
        (row["edge"], row["dataset"]): row
        for row in book.rows(
            "select a.*, d.rows_scope - (select count(*) from ops.refused r where (r.edge, r.dataset) = (a.edge, a.dataset))"
            " as rows from ops.accepted a join ops.delivery d using (delivery_id)"
        )
    }
    off = switched_off()
    stopped = switches.off(catalog)
    applied = {row["feed"]: row for row in manual_apply.state(book, list(catalog.feeds.values()))}
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
                **({"state": "off", "reason": stopped.get(feed.edge)} if catalog.waits(feed, off) else {}),
                "accepted_version": accepted.get(key, {}).get("version"),
                "rows": accepted.get(key, {}).get("rows"),
                "applied_version": applied.get(feed.id, {}).get("applied"),
                "days_unapplied": applied.get(feed.id, {}).get("days"),
            }
        )
    return result


def brakes(book: Ledger) -> list[Row]:
    """Brakes that wait for a person, were released and not used yet (as long as that lives), or closed themselves since
    the newest night's date, newest first."""
    rows = book.rows(
        "select * from ops.brake where state in ('tripped', 'requested')"
        " or (state = 'released' and expires_on >= (select max(as_of) from ops.run))"
        " or (state = 'moot' and closed_on >= (select max(as_of) from ops.run where kind = 'night'))"
        " order by brake_id desc"
    )
    return [{name: value for name, value in row.items() if name != "content_hash"} for row in rows]


def decisions(book: Ledger, limit: int) -> list[Row]:
    """The newest brakes that two persons have released, newest first."""
    return book.rows("select * from ops.brake where approved_by is not null order by brake_id desc limit %s", [limit])


def brake_line(row: Mapping[str, Any], language: str | None = None) -> str:
    """A brake in one line: its number, what was stopped and why, and what is to be done about it in its state."""
    why_stopped = HubError(row["reason_code"], row["subject"], **row["proposed"])
    facts = {
        "id": row["brake_id"],
        "by": row["requested_by"] or "-",
        "requested_at": local_minute(row["requested_at"]) if row.get("requested_at") else "-",
        "approved_at": local_minute(row["approved_at"]) if row.get("approved_at") else "-",
        "asked_for": row["reason"] or "-",
        "approved_by": row["approved_by"] or "-",
        "until": row["expires_on"] or "-",
        "closed_on": row["closed_on"] or "-",
        "subject": display_names.subject(catalog(), row["subject"], language),
        "why": together(display_names.what(catalog(), why_stopped, language)),
    }
    return text(f"status.brake_{row['state']}", language, **facts)


def restored_line(restores: int, people: Mapping[str, Any], language: str | None = None) -> str:
    """Of a rollback who asked, who agreed, when and why."""
    at = {
        name: local_minute(datetime.fromisoformat(people[name])) if name in people else "-"
        for name in ("requested_at", "approved_at")
    }
    return text("cli.restored", language, **{**people, **at}, restores=restores)


def held(
    book: Ledger, catalog: Catalog, entity: str | None = None, systems: Sequence[str] | None = None, limit: int = 100
) -> list[Row]:
    """Open held rows with their reasons in words, newest first; keys only, no other values.

    A difference between two departments is shown to both: `systems` finds it as keeper of the copy and as authority.
    """
    rows = book.rows(
        "select * from ops.held where state = 'open' and (%s::text is null or entity = %s)"
        " and (%s::text[] is null or array[source_system, authority] && %s::text[])"
        " order by severity, held_id desc limit %s",
        [entity, entity, _listed(systems), _listed(systems), limit],
    )
    return _explained(book, catalog, rows)


def held_counts(book: Ledger, entity: str | None = None, systems: Sequence[str] | None = None) -> dict[str, int]:
    """`{rows, entries}`: how many rows are held, each once, and how many entries `held` would list without a limit."""
    return dict(
        book.single(
            "select count(distinct (entity, source_system, source_key)) filter (where severity = 'error') as rows,"
            " count(*) as entries from ops.held where state = 'open' and (%s::text is null or entity = %s)"
            " and (%s::text[] is null or array[source_system, authority] && %s::text[])",
            [entity, entity, _listed(systems), _listed(systems)],
        )
    )


def _listed(systems: Sequence[str] | None) -> list[str] | None:
    return None if systems is None else list(systems)


def held_by_rule(book: Ledger, catalog: Catalog) -> list[Row]:
    """Open held rows counted by entity, system and rule; a difference between two systems stands under each of them."""
    rows = book.rows(
        "select entity, of.system as source_system, of.other, rule_id, severity, count(*) as rows,"
        " min(first_seen) as first_seen, max(last_seen) as last_seen from ops.held"
        " cross join lateral (values (source_system, authority), (authority, source_system)) as of (system, other)"
        " where state = 'open' and of.system is not null"
        " group by 1, 2, 3, 4, 5 order by severity, rows desc, rule_id, source_system"
    )
    return _explained(book, catalog, rows)


def _explained(book: Ledger, catalog: Catalog, rows: list[Row]) -> list[Row]:
    """The rows with `waits`, the entities at their last version that their rule looks at, and `why` in words."""
    stopped = tonight.stopped(book, catalog)
    seen = {pair: looks_at(catalog, *pair) & stopped for pair in {(row["entity"], row["rule_id"]) for row in rows}}
    waiting = [{**row, "waits": sorted(seen[row["entity"], row["rule_id"]])} for row in rows]
    return [{**row, "why": reason(catalog, row)} for row in waiting]


def looks_at(catalog: Catalog, entity: str, rule_id: str) -> set[str]:
    """The other entities that a rule compares a row with."""
    found = catalog.entities.get(entity)
    rule = next((rule for rule in found.rules if rule.id == rule_id), None) if found else None
    if rule is None or rule.kind not in ("reference", "sql"):
        return set()
    if rule.kind == "reference":
        return {str(rule.facts["entity"])} - {entity}
    file = catalog.check_file(rule.facts["file"])
    return {name for _, name in tables_of(file.read_text("utf-8"))} & catalog.entities.keys() - {entity}


def reason(catalog: Catalog, row: Mapping[str, Any], language: str | None = None) -> str:
    """Why a row is held, and that what it is compared with stands at its last version, which is not its department's doing."""
    told = why(catalog, row["entity"], row["rule_id"], language, row["source_system"])
    names = text("status.list_mark", language).join(display_names.entity(catalog, name, language) for name in row["waits"])
    return told + (text("status.waits", language, entities=names) if names else "")


def why(catalog: Catalog, entity: str, rule_id: str, language: str | None = None, system: str | None = None) -> str:
    """A rule in one plain sentence with its next step; one of the school's own is told by its contract's description.

    `entity` is the name of an entity, or of a source dataset whose copies were compared. Of a cell that could not be read, the
    tables and columns are named where it may stand, those of one system if that is given.
    """
    if entity in catalog.sources:
        return _why_differs(catalog, catalog.source(entity), rule_id, language)
    found = catalog.entities.get(entity)
    rule = next((rule for rule in found.rules if rule.id == rule_id), None) if found else None
    kind, _, character = (rule.kind if rule else rule_id.rsplit(".", 1)[-1]).partition(":")
    if rule and kind == "sql":
        return text(f"rule.{rule_id}", language) if known(f"rule.{rule_id}", language) else str(rule.facts["description"])
    names = rule.columns if rule else (rule_id.split(".")[1],)
    titles = text("status.list_mark", language).join(_title(found, name, language) for name in names)
    cells = _cells(catalog, found, names[0], system, language) if found and kind == "readable" else ""
    facts = {"column": ", ".join(names), "title": titles, "cells": cells, "character": character}
    facts |= dict.fromkeys(("list", "pattern", "entity", "minimum", "maximum"), "")
    return text(
        f"rule.{kind}",
        language,
        **{**facts, **(_facts(catalog, rule, language) if rule else {}), "column": ", ".join(names)},
    )


def _cells(catalog: Catalog, entity: Entity, column: str, system: str | None, language: str | None) -> str:
    """The source cells that a column is made from, as their departments call them; under the key stand those that only a
    condition looks at as well."""
    wanted, found = frozenset(one.name for one in entity.columns), []
    for code in catalog.systems_of(entity.name):
        if code != HUB and system in (None, code):
            used = uses(catalog.conform_file(entity.name, code).read_text("utf-8"), wanted)
            for (table, cell), made in used.items():
                dataset = catalog.sources.get(table)
                plain = next((one for one in dataset.columns if one.name == cell), None) if dataset else None
                if dataset and plain and column in (made or entity.key[:1]):
                    found.append(f"{display_names.system(catalog, code, language)} {dataset.physical}.{plain.physical}")
    return ", ".join(sorted(found)) or column


def _facts(catalog: Catalog, rule: Rule, language: str | None) -> dict[str, Any]:
    """What a rule says, its entity as people call it."""
    known = {name: fact for name, fact in rule.facts.items() if fact is not None}
    return known | ({"entity": display_names.entity(catalog, known["entity"], language)} if "entity" in known else {})


def _why_differs(catalog: Catalog, dataset: SourceDataset, rule_id: str, language: str | None) -> str:
    """Who keeps which field of whose, as both departments read it."""
    column = next((column for column in dataset.columns if rule_id == f"{dataset.id}.{column.name}.copy"), None)
    names = list(dict.fromkeys(copy.path[0] for copy in column.copies)) if column else []
    entities = [catalog.entities[name] for name in names if name in catalog.entities]
    right = sorted({system for entity in entities for system in entity.authority} - {dataset.system})
    return text(
        "rule.copy",
        language,
        keeper=display_names.system(catalog, dataset.system, language),
        authority=text("status.list_mark", language).join(display_names.system(catalog, system, language) for system in right),
        dataset=display_names.entity(catalog, dataset.id, language),
        title=display_names.titled(column.title, column.name, language) if column else rule_id,
        column=column.name if column else rule_id,
        entity=", ".join(display_names.entity(catalog, name, language) for name in names),
    )


def _title(entity: Entity | None, name: str, language: str | None) -> str:
    columns = entity.columns if entity else ()
    column: Column | None = next((column for column in columns if column.name == name), None)
    return display_names.titled(column.title, column.name, language) if column else name
