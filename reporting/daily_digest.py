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
from core.messages import text
from core.settings import settings
from core.store.ledger import Ledger
from pipeline.delivery import latency
from reporting import action_items as attention
from reporting import display_names, figures, status
from reporting.obligations import pressing

TECHNICIAN = "it"
BAD_STATES = ("refused", "prepared", "sent")
RULES_SHOWN = 8


@dataclass(frozen=True)
class Digest:
    """One message: `department` is a system's code or `it`; `points` are its lines, in the language asked for."""

    department: str
    title: str
    points: tuple[str, ...]

    @property
    def body(self) -> str:
        return "\n".join(f"- {point}" for point in self.points)


def digests(
    book: Ledger, known: Catalog, obligations: Sequence[Mapping[str, Any]], day: date, language: str | None = None
) -> list[Digest]:
    """The digests of a morning, by department, the technician's last; those with nothing to say are left out."""
    facts = Facts.now(book, known, obligations)
    departments = sorted({code for code in known.systems if known.systems[code].get("kind") != "hub"})
    made = [Digest(code, _title(known, code, day, language), tuple(_points(facts, code, language))) for code in departments]
    made.append(Digest(TECHNICIAN, _title(known, TECHNICIAN, day, language), tuple(_technical(facts, book, language))))
    return [digest for digest in made if digest.points]


@dataclass(frozen=True)
class Facts:
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
    def now(cls, book: Ledger, known: Catalog, obligations: Sequence[Mapping[str, Any]]) -> Facts:
        days = [int(number) for number in known.reminders["days_before"]]
        feeds = [row for row in status.feeds(book, known) if row["state"] in BAD_STATES]
        held = [row for row in status.held_by_rule(book, known) if row["severity"] == "error"]
        return cls(
            known,
            held,
            figures.held_rows(book),
            feeds,
            status.brakes(book),
            status.systems(book, known),
            pressing(obligations, days),
            attention.points(book, known),
        )


def addressed(known: Catalog, department: str, language: str | None = None) -> str:
    """Whom the digest of a department goes to."""
    tongue = language or settings().lang
    return text("digest.technician", tongue) if department == TECHNICIAN else known.owner(department, tongue)


def _title(known: Catalog, department: str, day: date, language: str | None) -> str:
    tongue = language or settings().lang
    return text("digest.title", tongue, department=addressed(known, department, tongue), day=day)


def _points(facts: Facts, code: str, language: str | None) -> list[str]:
    points = [_obligation(item, language) for item in facts.obligations if _is_told(item, code)]
    held = [row for row in facts.held if row["source_system"] == code]
    if held:
        rows = facts.held_rows.get(code, 0)
        points.append(text("digest.held", language, rows=rows, rules=len(held), system=code))
        points += [_rule(facts, row, language) for row in held[:RULES_SHOWN]]
    points += [_feed(facts, row, language) for row in facts.feeds if code in (row["source"], row["target"])]
    points += [attention.line(point, language) for point in facts.attention if _concerns(point, code)]
    entities = set(facts.known.entities_of(code))
    points += [status.brake_line(row, language) for row in facts.brakes if row["subject"] in entities]
    return points


def _technical(facts: Facts, book: Ledger, language: str | None) -> list[str]:
    points = [line for row in facts.systems for line in row["errors"]]
    points += [_feed(facts, row, language) for row in facts.feeds]
    points += [attention.line(point, language) for point in facts.attention]
    points += [status.brake_line(row, language) for row in facts.brakes]
    if facts.held:
        rows = sum(facts.held_rows.values())
        codes = sorted({row["source_system"] for row in facts.held})
        systems = text("status.list_mark", language).join(display_names.system(facts.known, code, language) for code in codes)
        points.append(text("digest.held_all", language, rows=rows, systems=systems))
    points += [_obligation(item, language) for item in facts.obligations]
    for row in latency.refreshes(book):
        if row["last_error"]:
            points.append(
                text(
                    "digest.refresh",
                    language,
                    system=display_names.system(facts.known, row["system"], language),
                    code=row["last_error"],
                    day=row["as_of"],
                )
            )
    for row in status.alerts(book):
        if row["state"] == "not_sent":
            names = {"department": row["department"], "name": addressed(facts.known, row["department"], language)}
            points.append(text("digest.unsent", language, day=row["as_of"], **names))
    return points


def _concerns(point: Mapping[str, Any], code: str) -> bool:
    """Whether a department is told of a point: a check is the technician's own affair."""
    return point["kind"] != "unchecked" and code in (point["source"], point["target"])


def _is_told(item: Mapping[str, Any], code: str) -> bool:
    """Whether a department is told of a deadline: what the hub did not look at is no fault of theirs."""
    return item["state"] != "unseen" and code in item["departments"]


def _obligation(item: Mapping[str, Any], language: str | None) -> str:
    what = item["text_zh"] if (language or settings().lang) == "zh" else item["what"]
    past = "over" if item["recurring"] else "missing"
    words = {"missing": past, "unseen": "unseen"}
    key = words.get(item["state"], "today" if item["days_left"] == 0 else "due")
    counts = "" if item["needed"] is None else text("digest.counts", language, found=item["found"], needed=item["needed"])
    facts = {"deadline": item["deadline"], "what": what, "due_on": item["due_on"], "days": abs(item["days_left"])}
    return text(f"digest.{key}", language, **facts, counts=counts)


def _rule(facts: Facts, row: Mapping[str, Any], language: str | None) -> str:
    why = status.reason(facts.known, row, language)
    name = display_names.entity(facts.known, row["entity"], language)
    return text("digest.rule", language, entity=name, rows=row["rows"], why=why, since=row["first_seen"])


def _feed(facts: Facts, row: Mapping[str, Any], language: str | None) -> str:
    told = {
        "feed": display_names.feed(facts.known, f"{row['edge']}.{row['dataset']}", language),
        **{end: display_names.system(facts.known, row[end], language) for end in ("source", "target")},
        "state": text(f"report.state_{row['state']}", language),
    }
    return text("digest.feed_why" if row["reason"] else "digest.feed", language, **told, reason=row["reason"])
