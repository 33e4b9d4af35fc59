"""The registers that the hub keeps itself: numbers of external persons (YWLC07/3, rule R11) and decisions about who is who.

Both are rows of the ledger, read every night like any department's dataset and published as the entities
`external_person` and `person_decision`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from psycopg import sql

from contracts.catalog import Catalog
from contracts.contract import Column
from core.errors import Denied
from core.hashing import digest
from core.people import need_two
from core.settings import settings
from core.store import postgres
from core.store.ledger import Ledger, Row
from desk import brake_release
from pipeline.publishing import publish
from quality.mask import mask

LOCK_NUMBERS = 7_202_001
SUFFIX, LAST = 4, 999
KINDS = ("1", "2", "9")
_NAME = re.compile(r"\S(?:.{0,48}\S)?")
_USED = (("staff", "staff_no"), ("student", "student_no"))
"""Entities whose numbers, in any version, are taken for good."""


@dataclass(frozen=True)
class Applicant:
    """Whom a department asks a number for, and why. Dates are inclusive; `linked_staff_no` is the earlier number of a retired
    person."""

    unit_code: str
    name: str
    kind: str
    valid_from: date
    valid_to: date
    linked_staff_no: str | None = None
    reason: str = ""


def give_number(book: Ledger, who: Applicant, by: str, serial: int | None = None) -> Row:
    """Give the next free number of a unit: its last four characters and three digits. Returns `{person_no, skipped}`. It opens
    nothing until a second person has agreed (`approve_number`).

    One allocation at a time: units that share their last four characters share the serials (F18). Serials whose number
    somebody has, or ever had, are skipped and named; a serial that is asked for is refused instead.

    Raises:
        Denied: HUB720 unknown or closed unit, HUB721 short unit code, HUB722 no serial left, HUB723 the serial asked for is
            taken, HUB724 the facts about the person are wrong, HUB727 without a reason.
    """
    _facts_right(who)
    _reasoned(who.unit_code, who.reason)
    with book.transaction() as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK_NUMBERS])
        _unit_right(connection, who.unit_code)
        suffix = who.unit_code[-SUFFIX:]
        taken = _taken(connection, suffix)
        if serial is not None and (not 1 <= serial <= LAST or f"{suffix}{serial:03d}" in taken):
            raise Denied("HUB723", f"{suffix}{serial:03d}", unit=who.unit_code)
        last = _last_serial(connection, suffix)
        wanted = [serial] if serial is not None else list(range(last + 1, LAST + 1))
        free = next((number for number in wanted if f"{suffix}{number:03d}" not in taken), None)
        if free is None:
            raise Denied("HUB722", who.unit_code, suffix=suffix, last=LAST)
        number = f"{suffix}{free:03d}"
        connection.execute(
            "insert into ops.external_person (person_no, name, kind, unit_code, valid_from, valid_to, linked_staff_no,"
            " given_by, given_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [number, who.name, who.kind, who.unit_code, who.valid_from, who.valid_to, who.linked_staff_no, by, book.clock()],
        )
        told = {"unit": who.unit_code, "kind": who.kind, "until": who.valid_to.isoformat()}  # no name: it is kept for ever
        asked = {"kind": "number", "subject": number, "asked": told, "content_hash": _content(number, who)}
        brake_release.ask(connection, book, {**asked, "reason": who.reason, "requested_by": by})
    return {"person_no": number, "unit": who.unit_code, "skipped": [f"{suffix}{n:03d}" for n in wanted if n < free]}


def approve_number(book: Ledger, number: str, by: str) -> Row:
    """The Information Management Centre lets an external person browse (YWLC07/4).

    Raises:
        Denied: HUB725 when there is no such number, HUB704 when the person who gave it would approve it, HUB793 when it is
            another person's, unit's or time's by now.
    """
    names = "name, unit_code, kind, valid_from, valid_to, linked_staff_no"
    row = book.one(f"select {names}, given_by, approved_by from ops.external_person where person_no = %s", [number])
    if row is None:
        raise Denied("HUB725", number)
    need_two(row["given_by"], by, number)
    asked = book.one("select * from ops.request where kind = 'number' and subject = %s and state = 'open'", [number])
    with book.transaction() as connection:
        if asked:  # one that was given before requests were kept has none
            if asked["content_hash"] != _content(number, Applicant(**{name: row[name] for name in names.split(", ")})):
                raise Denied("HUB793", number, by=asked["requested_by"])
            publish.agreed_to(connection, asked, by, book.clock())
        connection.execute(
            "update ops.external_person set approved_by = %s, approved_at = %s where person_no = %s and approved_by is null",
            [by, book.clock(), number],
        )
    return book.single("select person_no, approved_by, approved_at from ops.external_person where person_no = %s", [number])


def _content(number: str, who: Applicant) -> str:
    """The digest of what a second person agrees to: whose number, of which unit, until when."""
    return digest("number", number, who.name, who.kind, who.unit_code, who.valid_from, who.valid_to, who.linked_staff_no)


def link(book: Ledger, number: str, other: str, by: str, reason: str) -> Row:
    """Decide that two numbers are one person: every number of the second's person moves to the first's, from tonight on.

    Raises:
        Denied: HUB725 when a number is not known, HUB726 for a number with itself, HUB727 without a reason.
    """
    _reasoned(number, reason)
    if number == other:
        raise Denied("HUB726", number)
    with book.transaction() as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK_NUMBERS])
        person, joining = _person_of(connection, number), _person_of(connection, other)
        moved = sorted({number, *_numbers_of(connection, joining)})
        _decide(book, connection, [(each, person, joining) for each in moved], ("L", by, reason))
    return {"person_id": person, "numbers": moved}


def unlink(book: Ledger, number: str, by: str, reason: str) -> Row:
    """Decide that a number is a person of its own, from tonight on.

    Raises:
        Denied: HUB725 when it is not known, HUB726 when the person is named after it, HUB727 without a reason.
    """
    _reasoned(number, reason)
    with book.transaction() as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK_NUMBERS])
        before = _person_of(connection, number)
        own = f"P{number}"
        if before == own and len(_numbers_of(connection, own)) > 1:
            raise Denied("HUB726", number)
        _decide(book, connection, [(number, own, None if before == own else before)], ("U", by, reason))
    return {"person_id": own, "numbers": [number]}


def conflicts(book: Ledger) -> list[Row]:
    """Everything about people that waits for a decision, both sides of each."""
    return book.rows("select * from hub_current.person_conflict order by kind, number, other_number")


def preentries(book: Ledger) -> list[Row]:
    """Teachers whom the academic system entered before HR had them, open ones first."""
    order = "position(state in 'XDPMWC'), first_seen_on, staff_no"
    return book.rows(f"select * from hub_current.staff_preentry order by {order}")


def numbers(book: Ledger, number: str) -> list[Row]:
    """The roles of the person who has a number, in force first.

    Raises:
        Denied: HUB725 when nobody has it.
    """
    found = book.rows(
        "select r.*, n.basis from hub_current.person_role r join hub_current.person_number n using (number)"
        " where r.person_id = (select person_id from hub_current.person_number where number = %s)"
        " order by r.is_active desc, r.role, r.number",
        [number],
    )
    if not found:
        raise Denied("HUB725", number)
    return found


def _facts_right(who: Applicant) -> None:
    wrong = [
        name
        for name, is_right in (
            ("--name", bool(_NAME.fullmatch(who.name)) and len(who.name) >= 2),
            ("--kind", who.kind in KINDS),
            ("--valid-to", who.valid_from <= who.valid_to),
        )
        if not is_right
    ]
    if wrong:
        raise Denied("HUB724", who.unit_code, names=", ".join(wrong), kinds=", ".join(KINDS))


def _unit_right(connection: postgres.Connection, unit: str) -> None:
    if len(unit) < SUFFIX:
        raise Denied("HUB721", unit, least=SUFFIX)
    known = (
        _exists(connection, "org_unit")
        and connection.execute("select is_valid from hub_current.org_unit where unit_code = %s", [unit]).fetchone()
    )
    if not known or not known[0]:
        raise Denied("HUB720", unit)


def _taken(connection: postgres.Connection, suffix: str) -> set[str]:
    """Every seven-character number that begins with these characters and that anybody has or ever had."""
    found = {
        str(row[0])
        for row in connection.execute("select person_no from ops.external_person where left(person_no, 4) = %s", [suffix])
    }
    for entity, column in _USED:
        if _exists(connection, entity):
            query = sql.SQL("select distinct {} from {} where left({}, 4) = %s and length({}) = 7").format(
                sql.Identifier(column), sql.Identifier("hub", entity), sql.Identifier(column), sql.Identifier(column)
            )
            found |= {str(row[0]) for row in connection.execute(query, [suffix])}
    return found


def _last_serial(connection: postgres.Connection, suffix: str) -> int:
    row = connection.execute(
        "select coalesce(max(right(person_no, 3)::int), 0) from ops.external_person where left(person_no, 4) = %s", [suffix]
    ).fetchone()
    return int(str(row[0])) if row else 0


def _exists(connection: postgres.Connection, entity: str) -> bool:
    row = connection.execute("select to_regclass(%s) is not null", [f"hub.{entity}"]).fetchone()
    return bool(row and row[0])


def _reasoned(number: str, reason: str) -> None:
    if not reason.strip():
        raise Denied("HUB727", number)


def _person_of(connection: postgres.Connection, number: str) -> str:
    """The person of a number by the newest decision, else as published."""
    row = connection.execute(
        "select coalesce((select d.person_id from ops.person_decision d where d.number = n.number"
        " order by d.decision_id desc limit 1), n.person_id) from hub_current.person_number n where n.number = %s",
        [number],
    ).fetchone()
    if row is None:
        raise Denied("HUB725", number)
    return str(row[0])


def _numbers_of(connection: postgres.Connection, person: str) -> list[str]:
    rows = connection.execute(
        "select number from (select n.number, coalesce((select d.person_id from ops.person_decision d"
        " where d.number = n.number order by d.decision_id desc limit 1), n.person_id) as person_id"
        " from hub_current.person_number n) now where person_id = %s order by number",
        [person],
    )
    return [str(row[0]) for row in rows]


def _decide(
    book: Ledger,
    connection: postgres.Connection,
    rows: Sequence[tuple[str, str, str | None]],
    decision: tuple[str, str, str],
) -> None:
    """Write down `(number, its person, the other person)` for every number concerned."""
    action, by, reason = decision
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.person_decision (number, person_id, other_person_id, action, reason, decided_by, decided_at)"
            " values (%s, %s, %s, %s, %s, %s, %s)",
            [(number, person, other, action, reason, by, book.clock()) for number, person, other in rows],
        )


def summary(book: Ledger) -> Row:
    """How many people, numbers, open questions and waiting teachers there are."""
    return book.single(
        "select (select count(*) from hub_current.person) as persons,"
        " (select count(*) from hub_current.person_number) as numbers,"
        " (select count(*) from hub_current.person where is_staff and is_student) as staff_who_study,"
        " (select count(*) from hub_current.person_conflict) as conflicts,"
        " (select count(*) from hub_current.staff_preentry where state in ('P', 'M', 'D', 'X')) as waiting_teachers,"
        " (select count(*) from ops.external_person) as external_numbers,"
        " (select count(*) from ops.external_person where approved_by is null) as unapproved_numbers"
    )


def masked(catalog: Catalog, entity: str, rows: Sequence[Row]) -> list[Row]:
    """The rows with their personal values as they may be shown, and codes with their names."""
    columns = {column.name: column for column in catalog.entity(entity).columns}
    zh = settings().lang == "zh"
    names = {(code.list, code.code): code.name_zh if zh else code.name_en for code in catalog.codes}
    return [
        {
            name: _shown(columns[name], value, names) if name in columns else value
            for name, value in row.items()
            if name in columns or name == "basis"
        }
        for row in rows
    ]


def _shown(column: Column, value: Any, names: Mapping[tuple[str, str], str]) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if column.code_list:
        return f"{value} {names.get((column.code_list, str(value)), '')}".strip()
    masking = replace(column, name=column.name.removeprefix("other_"))
    return mask(masking, value.isoformat() if isinstance(value, date) else str(value))
