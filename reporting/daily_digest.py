"""The digest: what a department should know this morning, and what the technician should. Counts and where to look.

A department is told of its own rows that are held, of its deadlines that come near or have passed, of deliveries from or to
its system that were not accepted, and of brakes. Nothing to say makes no digest. No personal value can get in: only names of
systems, entities, rules and feeds, counts and dates are read here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from contracts.catalog import Catalog
from core.messages import translate
from core.settings import get_settings
from core.store.ledger import Ledger
from pipeline.delivery import latency
from reporting import action_items as attention
from reporting import display_names, figures, status
from reporting.obligations import select_pressing

TECHNICIAN = "it"
BAD_STATES = ("refused", "prepared", "sent")
RULES_SHOWN = 8


@dataclass(frozen=True)
class DailyDigest:
    """One message: `department` is a system's code or `it`; `points` are its lines, in the language asked for."""

    department: str
    title: str
    points: tuple[str, ...]

    @property
    def body(self) -> str:
        return "\n".join(f"- {point}" for point in self.points)


def build_digests(
    ledger: Ledger, catalog: Catalog, obligations: Sequence[Mapping[str, Any]], day: date, language: str | None = None
) -> list[DailyDigest]:
    """The digests of a morning, by department, the technician's last; those with nothing to say are left out."""
    facts = DigestFacts.now(ledger, catalog, obligations)
    departments = sorted({code for code in catalog.systems if catalog.systems[code].get("kind") != "hub"})
    made = [
        DailyDigest(code, _build_title(catalog, code, day, language), tuple(_build_points(facts, code, language)))
        for code in departments
    ]
    made.append(
        DailyDigest(
            TECHNICIAN,
            _build_title(catalog, TECHNICIAN, day, language),
            tuple(_build_technician_points(facts, ledger, language)),
        )
    )
    return [digest for digest in made if digest.points]


@dataclass(frozen=True)
class DigestFacts:
    """What all digests are made of, asked once."""

    known: Catalog
    held: list[dict[str, Any]]
    held_rows: dict[str, int]
    feeds: list[dict[str, Any]]
    brakes: list[dict[str, Any]]
    systems: list[dict[str, Any]]
    obligations: list[Mapping[str, Any]]
    attention: list[dict[str, Any]]

    @classmethod
    def now(cls, ledger: Ledger, catalog: Catalog, obligations: Sequence[Mapping[str, Any]]) -> DigestFacts:
        days = [int(number) for number in catalog.reminders["days_before"]]
        feeds = [row for row in status.list_feeds(ledger, catalog) if row["state"] in BAD_STATES]
        held = [row for row in status.count_held_by_rule(ledger, catalog) if row["severity"] == "error"]
        return cls(
            catalog,
            held,
            figures.count_held_rows(ledger),
            feeds,
            status.list_brakes(ledger),
            status.list_systems(ledger, catalog),
            select_pressing(obligations, days),
            attention.list_action_items(ledger, catalog),
        )


def get_recipient_name(catalog: Catalog, department: str, language: str | None = None) -> str:
    """Whom the digest of a department goes to."""
    tongue = language or get_settings().lang
    return translate("digest.technician", tongue) if department == TECHNICIAN else catalog.owner(department, tongue)


def _build_title(catalog: Catalog, department: str, day: date, language: str | None) -> str:
    tongue = language or get_settings().lang
    return translate("digest.title", tongue, department=get_recipient_name(catalog, department, tongue), day=day)


def _build_points(facts: DigestFacts, code: str, language: str | None) -> list[str]:
    points = [_format_obligation(item, language) for item in facts.obligations if _is_told(item, code)]
    held = [row for row in facts.held if row["source_system"] == code]
    if held:
        rows = facts.held_rows.get(code, 0)
        points.append(translate("digest.held", language, rows=rows, rules=len(held), system=code))
        points += [_format_rule(facts, row, language) for row in held[:RULES_SHOWN]]
    points += [_format_feed(facts, row, language) for row in facts.feeds if code in (row["source"], row["target"])]
    points += [attention.format_action_item(point, language) for point in facts.attention if _is_concerned(point, code)]
    entities = set(facts.known.entities_of(code))
    points += [status.format_brake(row, language) for row in facts.brakes if row["subject"] in entities]
    return points


def _build_technician_points(facts: DigestFacts, ledger: Ledger, language: str | None) -> list[str]:
    points = [line for row in facts.systems for line in row["errors"]]
    points += [_format_feed(facts, row, language) for row in facts.feeds]
    points += [attention.format_action_item(point, language) for point in facts.attention]
    points += [status.format_brake(row, language) for row in facts.brakes]
    if facts.held:
        rows = sum(facts.held_rows.values())
        codes = sorted({row["source_system"] for row in facts.held})
        systems = translate("status.list_mark", language).join(
            display_names.get_system_name(facts.known, code, language) for code in codes
        )
        points.append(translate("digest.held_all", language, rows=rows, systems=systems))
    points += [_format_obligation(item, language) for item in facts.obligations]
    for row in latency.list_refreshes(ledger):
        if row["last_error"]:
            points.append(
                translate(
                    "digest.refresh",
                    language,
                    system=display_names.get_system_name(facts.known, row["system"], language),
                    code=row["last_error"],
                    day=row["as_of"],
                )
            )
    for row in status.list_alerts(ledger):
        if row["state"] == "not_sent":
            names = {"department": row["department"], "name": get_recipient_name(facts.known, row["department"], language)}
            points.append(translate("digest.unsent", language, day=row["as_of"], **names))
    return points


def _is_concerned(point: Mapping[str, Any], code: str) -> bool:
    """Whether a department is told of a point: a check is the technician's own affair."""
    return point["kind"] != "unchecked" and code in (point["source"], point["target"])


def _is_told(item: Mapping[str, Any], code: str) -> bool:
    """Whether a department is told of a deadline: what the hub did not look at is no fault of theirs."""
    return item["state"] != "unseen" and code in item["departments"]


def _format_obligation(item: Mapping[str, Any], language: str | None) -> str:
    what = item["text_zh"] if (language or get_settings().lang) == "zh" else item["what"]
    past = "over" if item["recurring"] else "missing"
    words = {"missing": past, "unseen": "unseen"}
    key = words.get(item["state"], "today" if item["days_left"] == 0 else "due")
    counts = "" if item["needed"] is None else translate("digest.counts", language, found=item["found"], needed=item["needed"])
    facts = {"deadline": item["deadline"], "what": what, "due_on": item["due_on"], "days": abs(item["days_left"])}
    return translate(f"digest.{key}", language, **facts, counts=counts)


def _format_rule(facts: DigestFacts, row: Mapping[str, Any], language: str | None) -> str:
    why = status.explain_held_row(facts.known, row, language)
    name = display_names.get_entity_title(facts.known, row["entity"], language)
    return translate("digest.rule", language, entity=name, rows=row["rows"], why=why, since=row["first_seen"])


def _format_feed(facts: DigestFacts, row: Mapping[str, Any], language: str | None) -> str:
    told = {
        "feed": display_names.get_feed_title(facts.known, f"{row['edge']}.{row['dataset']}", language),
        **{end: display_names.get_system_name(facts.known, row[end], language) for end in ("source", "target")},
        "state": translate(f"report.state_{row['state']}", language),
    }
    return translate("digest.feed_why" if row["reason"] else "digest.feed", language, **told, reason=row["reason"])
