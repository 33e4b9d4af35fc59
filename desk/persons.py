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
from core.hashing import hash_values
from core.people import require_two_people
from core.settings import get_settings
from core.store import postgres
from core.store.ledger import Ledger, Row
from desk import brake_release
from pipeline.publishing import publish
from quality.mask import mask_value

LOCK_NUMBERS = 7_202_001
SUFFIX, LAST = 4, 999
KINDS = ("1", "2", "9")
_NAME = re.compile(r"\S(?:.{0,48}\S)?")
_NUMBERED_ENTITIES = (("staff", "staff_no"), ("student", "student_no"))
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


def give_number(ledger: Ledger, who: Applicant, by: str, serial: int | None = None) -> Row:
    """Give the next free number of a unit: its last four characters and three digits. Returns `{person_no, skipped}`. It opens
    nothing until a second person has agreed (`approve_number`).

    One allocation at a time: units that share their last four characters share the serials (F18). Serials whose number
    somebody has, or ever had, are skipped and named; a serial that is asked for is refused instead.

    Raises:
        Denied: HUB720 unknown or closed unit, HUB721 short unit code, HUB722 no serial left, HUB723 the serial asked for is
            taken, HUB724 the facts about the person are wrong, HUB727 without a reason.
    """
    _validate_applicant(who)
    _require_reason(who.unit_code, who.reason)
    with ledger.transaction() as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK_NUMBERS])
        _validate_unit(connection, who.unit_code)
        suffix = who.unit_code[-SUFFIX:]
        taken = _list_taken_numbers(connection, suffix)
        if serial is not None and (not 1 <= serial <= LAST or f"{suffix}{serial:03d}" in taken):
            raise Denied("HUB723", f"{suffix}{serial:03d}", unit=who.unit_code)
        last = _read_last_serial(connection, suffix)
        wanted = [serial] if serial is not None else list(range(last + 1, LAST + 1))
        free = next((number for number in wanted if f"{suffix}{number:03d}" not in taken), None)
        if free is None:
            raise Denied("HUB722", who.unit_code, suffix=suffix, last=LAST)
        number = f"{suffix}{free:03d}"
        connection.execute(
            "insert into ops.external_person (person_no, name, kind, unit_code, valid_from, valid_to, linked_staff_no,"
            " given_by, given_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [number, who.name, who.kind, who.unit_code, who.valid_from, who.valid_to, who.linked_staff_no, by, ledger.clock()],
        )
        told = {"unit": who.unit_code, "kind": who.kind, "until": who.valid_to.isoformat()}  # no name: it is kept for ever
        asked = {"kind": "number", "subject": number, "asked": told, "content_hash": _hash_applicant(number, who)}
        brake_release.write_request(connection, ledger, {**asked, "reason": who.reason, "requested_by": by})
    return {"person_no": number, "unit": who.unit_code, "skipped": [f"{suffix}{n:03d}" for n in wanted if n < free]}


def approve_number(ledger: Ledger, number: str, by: str) -> Row:
    """The Information Management Centre lets an external person browse (YWLC07/4).

    Raises:
        Denied: HUB725 when there is no such number, HUB704 when the person who gave it would approve it, HUB793 when it is
            another person's, unit's or time's by now.
    """
    names = "name, unit_code, kind, valid_from, valid_to, linked_staff_no"
    row = ledger.fetch_row(f"select {names}, given_by, approved_by from ops.external_person where person_no = %s", [number])
    if row is None:
        raise Denied("HUB725", number)
    require_two_people(row["given_by"], by, number)
    asked = ledger.fetch_row("select * from ops.request where kind = 'number' and subject = %s and state = 'open'", [number])
    with ledger.transaction() as connection:
        if asked:  # one that was given before requests were kept has none
            if asked["content_hash"] != _hash_applicant(number, Applicant(**{name: row[name] for name in names.split(", ")})):
                raise Denied("HUB793", number, by=asked["requested_by"])
            publish.record_approval(connection, asked, by, ledger.clock())
        connection.execute(
            "update ops.external_person set approved_by = %s, approved_at = %s where person_no = %s and approved_by is null",
            [by, ledger.clock(), number],
        )
    return ledger.single("select person_no, approved_by, approved_at from ops.external_person where person_no = %s", [number])


def _hash_applicant(number: str, who: Applicant) -> str:
    """The digest of what a second person agrees to: whose number, of which unit, until when."""
    return hash_values("number", number, who.name, who.kind, who.unit_code, who.valid_from, who.valid_to, who.linked_staff_no)


def link_numbers(ledger: Ledger, number: str, other: str, by: str, reason: str) -> Row:
    """Decide that two numbers are one person: every number of the second's person moves to the first's, from tonight on.

    Raises:
        Denied: HUB725 when a number is not known, HUB726 for a number with itself, HUB727 without a reason.
    """
    _require_reason(number, reason)
    if number == other:
        raise Denied("HUB726", number)
    with ledger.transaction() as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK_NUMBERS])
        person, joining = _find_person(connection, number), _find_person(connection, other)
        moved = sorted({number, *_list_numbers(connection, joining)})
        _record_decision(ledger, connection, [(each, person, joining) for each in moved], ("L", by, reason))
    return {"person_id": person, "numbers": moved}


def unlink_number(ledger: Ledger, number: str, by: str, reason: str) -> Row:
    """Decide that a number is a person of its own, from tonight on.

    Raises:
        Denied: HUB725 when it is not known, HUB726 when the person is named after it, HUB727 without a reason.
    """
    _require_reason(number, reason)
    with ledger.transaction() as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK_NUMBERS])
        before = _find_person(connection, number)
        own = f"P{number}"
        if before == own and len(_list_numbers(connection, own)) > 1:
            raise Denied("HUB726", number)
        _record_decision(ledger, connection, [(number, own, None if before == own else before)], ("U", by, reason))
    return {"person_id": own, "numbers": [number]}


def list_conflicts(ledger: Ledger) -> list[Row]:
    """Everything about people that waits for a decision, both sides of each."""
    return ledger.rows("select * from hub_current.person_conflict order by kind, number, other_number")


def list_preentries(ledger: Ledger) -> list[Row]:
    """Teachers whom the academic system entered before HR had them, open ones first."""
    order = "position(state in 'XDPMWC'), first_seen_on, staff_no"
    return ledger.rows(f"select * from hub_current.staff_preentry order by {order}")


def list_roles(ledger: Ledger, number: str) -> list[Row]:
    """The roles of the person who has a number, in force first.

    Raises:
        Denied: HUB725 when nobody has it.
    """
    found = ledger.rows(
        "select r.*, n.basis from hub_current.person_role r join hub_current.person_number n using (number)"
        " where r.person_id = (select person_id from hub_current.person_number where number = %s)"
        " order by r.is_active desc, r.role, r.number",
        [number],
    )
    if not found:
        raise Denied("HUB725", number)
    return found


def _validate_applicant(who: Applicant) -> None:
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


def _validate_unit(connection: postgres.Connection, unit: str) -> None:
    if len(unit) < SUFFIX:
        raise Denied("HUB721", unit, least=SUFFIX)
    known = (
        _has_table(connection, "org_unit")
        and connection.execute("select is_valid from hub_current.org_unit where unit_code = %s", [unit]).fetchone()
    )
    if not known or not known[0]:
        raise Denied("HUB720", unit)


def _list_taken_numbers(connection: postgres.Connection, suffix: str) -> set[str]:
    """Every seven-character number that begins with these characters and that anybody has or ever had."""
    found = {
        str(row[0])
        for row in connection.execute("select person_no from ops.external_person where left(person_no, 4) = %s", [suffix])
    }
    for entity, column in _NUMBERED_ENTITIES:
        if _has_table(connection, entity):
            query = sql.SQL("select distinct {} from {} where left({}, 4) = %s and length({}) = 7").format(
                sql.Identifier(column), sql.Identifier("hub", entity), sql.Identifier(column), sql.Identifier(column)
            )
            found |= {str(row[0]) for row in connection.execute(query, [suffix])}
    return found


def _read_last_serial(connection: postgres.Connection, suffix: str) -> int:
    row = connection.execute(
        "select coalesce(max(right(person_no, 3)::int), 0) from ops.external_person where left(person_no, 4) = %s", [suffix]
    ).fetchone()
    return int(str(row[0])) if row else 0


def _has_table(connection: postgres.Connection, entity: str) -> bool:
    row = connection.execute("select to_regclass(%s) is not null", [f"hub.{entity}"]).fetchone()
    return bool(row and row[0])


def _require_reason(number: str, reason: str) -> None:
    if not reason.strip():
        raise Denied("HUB727", number)


def _find_person(connection: postgres.Connection, number: str) -> str:
    """The person of a number by the newest decision, else as published."""
    row = connection.execute(
        "select coalesce((select d.person_id from ops.person_decision d where d.number = n.number"
        " order by d.decision_id desc limit 1), n.person_id) from hub_current.person_number n where n.number = %s",
        [number],
    ).fetchone()
    if row is None:
        raise Denied("HUB725", number)
    return str(row[0])


def _list_numbers(connection: postgres.Connection, person: str) -> list[str]:
    rows = connection.execute(
        "select number from (select n.number, coalesce((select d.person_id from ops.person_decision d"
        " where d.number = n.number order by d.decision_id desc limit 1), n.person_id) as person_id"
        " from hub_current.person_number n) now where person_id = %s order by number",
        [person],
    )
    return [str(row[0]) for row in rows]


def _record_decision(
    ledger: Ledger,
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
            [(number, person, other, action, reason, by, ledger.clock()) for number, person, other in rows],
        )


def count_persons(ledger: Ledger) -> Row:
    """How many people, numbers, open questions and waiting teachers there are."""
    return ledger.single(
        "select (select count(*) from hub_current.person) as persons,"
        " (select count(*) from hub_current.person_number) as numbers,"
        " (select count(*) from hub_current.person where is_staff and is_student) as staff_who_study,"
        " (select count(*) from hub_current.person_conflict) as conflicts,"
        " (select count(*) from hub_current.staff_preentry where state in ('P', 'M', 'D', 'X')) as waiting_teachers,"
        " (select count(*) from ops.external_person) as external_numbers,"
        " (select count(*) from ops.external_person where approved_by is null) as unapproved_numbers"
    )


def mask_rows(catalog: Catalog, entity: str, rows: Sequence[Row]) -> list[Row]:
    """The rows with their personal values as they may be shown, and codes with their names."""
    columns = {column.name: column for column in catalog.entity(entity).columns}
    zh = get_settings().lang == "zh"
    names = {(code.list, code.code): code.name_zh if zh else code.name_en for code in catalog.codes}
    return [
        {
            name: _format_value(columns[name], value, names) if name in columns else value
            for name, value in row.items()
            if name in columns or name == "basis"
        }
        for row in rows
    ]


def _format_value(column: Column, value: Any, names: Mapping[tuple[str, str], str]) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if column.code_list:
        return f"{value} {names.get((column.code_list, str(value)), '')}".strip()
    masking = replace(column, name=column.name.removeprefix("other_"))
    return mask_value(masking, value.isoformat() if isinstance(value, date) else str(value))
