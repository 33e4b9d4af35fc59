"""Obligations: every deadline of the flow document that falls due around now, its state, and the data that show it.

A SELECT a deadline (`sql/obligations`) is asked over the hub's current rows, what receivers have accepted and what
departments have handed over. The history is append-only: a row is written when the state or the counts change. The
morning after the day due still counts for that day, being the first that can see its evening. What was met in its time
stays met, and what came late stays late, whatever the data say afterwards.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal, cast

import psycopg
import sqlglot
from psycopg.types.json import Jsonb
from sqlglot import exp

from contracts import deadlines
from contracts.catalog import Catalog, format_known_names
from contracts.deadlines import Occasion
from core.calendar import load_calendar
from core.errors import ContractError, Denied
from core.store import postgres
from core.store.ledger import Ledger, Row
from loaders import hub
from pipeline.delivery import switches

State = Literal["expected", "due_soon", "met", "late", "missing", "unseen", "off"]
_DAY, _A_YEAR = timedelta(days=1), timedelta(days=366)


@dataclass(frozen=True)
class Obligation:
    """An occasion and how it stands. `not_yet` names entities that have no contract yet, without which nothing is proved."""

    occasion: Occasion
    departments: tuple[str, ...]
    state: State
    needed: int | None = None
    found: int | None = None
    evidence: str = ""
    not_yet: tuple[str, ...] = ()
    confirmed_by: str | None = None
    note: str | None = None
    since: date | None = None
    """When this state was first written down; None: now."""

    def facts(self, catalog: Catalog, day: date) -> dict[str, Any]:
        """As plain data: for the terminal, for `--json`, for the report."""
        deadline = catalog.deadlines[self.occasion.deadline]
        return {
            "deadline": self.occasion.deadline,
            "occasion": self.occasion.name,
            "step": deadline["step"],
            "what": deadline["what"],
            "text_zh": deadline["text_zh"],
            "strength": deadline["strength"],
            "recurring": deadline["relation"] == "recurring",
            "departments": list(self.departments),
            "responsible": deadline["responsible_zh"],
            "responsible_en": deadline["responsible_en"],
            "due_on": self.occasion.due_on,
            "days_left": (self.occasion.due_on - day).days,
            "state": self.state,
            "is_new": self.since in (None, day),
            "needed": self.needed,
            "found": self.found,
            "evidence": self.evidence,
            "not_yet": list(self.not_yet),
            "by_person": deadline.get("proof") == "person",
            "confirmed_by": self.confirmed_by,
            "note": self.note,
        }


def watch_obligations(ledger: Ledger, catalog: Catalog, day: date) -> list[Obligation]:
    """Ask every occasion around a day how it stands, write down what changed, and return all, the most pressing first.

    Raises:
        ContractError: HUB736 when a SELECT fails.
    """
    hub.prepare_tables(ledger, list(catalog.entities.values()))
    wanted = _list_occasions(ledger, catalog, day)
    before = _read_newest_states(ledger, wanted)
    with ledger.transaction() as connection:
        _create_tables(connection, day - _A_YEAR)
        looks = _list_read_days(connection, day - _A_YEAR)
        asked = ((item, before.get((item.deadline, item.name))) for item in wanted)
        judged = [(_evaluate_occasion(connection, catalog, item, row, day), row) for item, row in asked]
        found = [_refine_state(catalog, item, row, looks) for item, row in judged]
    for item in found:
        _record_state(ledger, item, before.get((item.occasion.deadline, item.occasion.name)), day)
    return sorted(found, key=lambda item: (item.occasion.due_on, item.occasion.deadline, item.occasion.name))


def confirm_deadline(ledger: Ledger, catalog: Catalog, deadline: str, people: Mapping[str, str], day: date) -> dict[str, Any]:
    """Write down that a person has seen a deadline met that no data can prove; `people` has `by`, `note` and `occasion`.

    Raises:
        Denied: HUB731 no such deadline, HUB732 it is proved by data, HUB733 nobody named, HUB734 no such occasion.
    """
    by_hand = sorted(id for id, item in catalog.deadlines.items() if item.get("proof") == "person")
    if deadline not in catalog.deadlines:
        raise Denied("HUB731", deadline, known=format_known_names(deadline, catalog.deadlines))
    if deadline not in by_hand:
        raise Denied("HUB732", deadline, known=", ".join(by_hand))
    by, note = people.get("by", "").strip(), people.get("note", "").strip()
    if not by or not note:
        raise Denied("HUB733", deadline)
    open_now = [item for item in _list_occasions(ledger, catalog, day, everything=True) if item.deadline == deadline]
    chosen = [item for item in open_now if item.name == people["occasion"]] if people.get("occasion") else open_now[:1]
    if not chosen:
        raise Denied("HUB734", deadline, day=day, known=", ".join(item.name for item in open_now) or "-")
    occasion = chosen[0]
    state: State = "met" if day <= occasion.due_on + _DAY else "late"
    departments = tuple(catalog.deadlines[deadline]["departments"])
    made = Obligation(occasion, departments, state, 1, 1, "confirmed=1", confirmed_by=by, note=note)
    _record_state(ledger, made, None, day)
    return made.facts(catalog, day)


def list_recorded(ledger: Ledger, catalog: Catalog, day: date) -> list[dict[str, Any]]:
    """What the ledger last wrote of the occasions around a day, without asking the data again."""
    wanted = _list_occasions(ledger, catalog, day)
    rows = _read_newest_states(ledger, wanted)
    known = [(item, rows[key]) for item in wanted if (key := (item.deadline, item.name)) in rows]
    return [_build_obligation(item, row).facts(catalog, day) for item, row in known]


def _list_occasions(ledger: Ledger, catalog: Catalog, day: date, everything: bool = False) -> list[Occasion]:
    """The occasions that fall due from some days ago to some days ahead; none from before the hub's first version, of
    which it can know nothing."""
    if not catalog.deadlines:
        return []
    days = timedelta(days=int(catalog.reminders["watch_days"]))
    first_version = ledger.fetch_row("select as_of from ops.version order by version limit 1")
    begun = first_version["as_of"] if first_version and not everything else date.min
    year, found = load_calendar(), []
    for deadline in catalog.deadlines.values():
        if deadlines.is_per_person(deadline):
            offset = timedelta(days=int(deadline["offset_days"]))
            found += deadlines.list_person_occasions(deadline, year, _list_joining_days(ledger, day - offset - days, day))
        else:
            found += deadlines.list_occasions(deadline, year, day - days, day + days)
    return sorted((item for item in found if item.due_on >= begun), key=lambda item: (item.due_on, item.deadline))


def _list_joining_days(ledger: Ledger, first: date, last: date) -> list[date]:
    """The days on which staff joined, as far as the hub has staff."""
    if ledger.single("select to_regclass('hub_current.staff') as name")["name"] is None:
        return []
    rows = ledger.rows("select distinct joined_on from hub_current.staff where joined_on between %s and %s", [first, last])
    return [row["joined_on"] for row in rows]


def _read_newest_states(ledger: Ledger, wanted: Sequence[Occasion]) -> dict[tuple[str, str], Row]:
    rows = ledger.rows(
        "select distinct on (deadline, occasion) * from ops.obligation where occasion = any(%s)"
        " order by deadline, occasion, obligation_id desc",
        [sorted({item.name for item in wanted})],
    )
    return {(row["deadline"], row["occasion"]): row for row in rows}


def _evaluate_occasion(
    connection: postgres.Connection, catalog: Catalog, occasion: Occasion, before: Row | None, day: date
) -> Obligation:
    deadline = catalog.deadlines[occasion.deadline]
    bare = Obligation(occasion, tuple(deadline["departments"]), _decide_open_state(catalog, occasion, day))
    if before is not None and _is_final(deadline, occasion, before, day):
        return _build_obligation(occasion, before)
    file = catalog.obligation_file(occasion.deadline)
    if file is None:
        return bare
    not_yet = _list_missing_entities(catalog, file)
    if not_yet:
        return replace(bare, state="expected", not_yet=not_yet)
    needed, found, met, evidence, done_on = _run_select(connection, catalog, occasion, file, day)
    state = bare.state
    if met and (day >= occasion.begins_on or deadline["relation"] not in ("recommended_start", "configured")):
        state = _decide_met_state(deadline, occasion, done_on or day - _DAY, bare.state)
    judged = replace(bare, state=state, needed=needed, found=found, evidence=evidence)
    return _apply_switches(judged, *switches.find_deadline_edges(catalog, occasion.deadline))


def _apply_switches(item: Obligation, edges: tuple[str, ...], every: bool) -> Obligation:
    """An obligation whose edges are switched off is never met: it is `off` when all are, or when nothing else is wrong."""
    if not edges:
        return item
    state: State = "off" if every or item.state == "met" else item.state
    return replace(item, state=state, evidence=f"{item.evidence} switched_off={','.join(edges)}")


def _is_final(deadline: Mapping[str, Any], occasion: Occasion, before: Row, day: date) -> bool:
    """Whether what was written down stands for good. What was done on its day is not undone by the data of the next one; a
    day that is over and was looked at cannot be made up."""
    over = day > occasion.due_on + _DAY
    if before["confirmed_by"] or (before["state"] in ("met", "late") and over):
        return True
    if deadline["relation"] != "recurring":
        return False
    return before["state"] == "met" or (before["state"] == "missing" and over)


def _decide_met_state(deadline: Mapping[str, Any], occasion: Occasion, done_on: date, otherwise: State) -> State:
    """In time or late, by the day on which it was done. `recommended_start` and `validity` speak of what must not happen until
    a day, so they are met only when it has come."""
    if deadline["relation"] in ("recommended_start", "validity"):
        return otherwise if done_on + _DAY < occasion.due_on else "met"
    return "met" if done_on <= occasion.due_on else "late"


def _refine_state(catalog: Catalog, item: Obligation, before: Row | None, looks: Mapping[str, set[date]]) -> Obligation:
    """`missing` made `unseen` where the hub did not once try to read the department on the day or the next; and since when."""
    due, deadline = item.occasion.due_on, catalog.deadlines[item.occasion.deadline]
    if item.state == "missing" and deadlines.is_bound_to_day(deadline) and item.since is None:
        looked = {day for department in item.departments for day in looks.get(department, ())}
        if not looked & {due, due + _DAY}:
            item = replace(item, state="unseen")
    if item.since is None and before is not None and before["state"] == item.state:
        return replace(item, since=before["as_of"])
    return item


def _list_read_days(connection: postgres.Connection, since: date) -> dict[str, set[date]]:
    """System -> the business dates on which the hub tried to read it, whether it could or not."""
    rows = connection.execute(
        "select distinct split_part(s.subject, '.', 1), r.as_of from ops.step s join ops.run r using (run_id)"
        " where s.verb = 'extract' and s.state in ('done', 'failed') and r.as_of >= %s",
        [since],
    ).fetchall()
    looks: dict[str, set[date]] = {}
    for system, day in rows:
        looks.setdefault(str(system), set()).add(cast("date", day))
    return looks


def _decide_open_state(catalog: Catalog, occasion: Occasion, day: date) -> State:
    if day > occasion.due_on:
        return "missing"
    soon = timedelta(days=int(catalog.reminders["due_soon_days"]))
    return "due_soon" if occasion.due_on - day <= soon else "expected"


def _list_missing_entities(catalog: Catalog, file: Path) -> tuple[str, ...]:
    return tuple(
        sorted(_find_table_names(file.read_text("utf-8")) - set(deadlines.OBLIGATION_TABLES) - catalog.entities.keys())
    )


@functools.lru_cache(maxsize=256)
def _find_table_names(query: str) -> frozenset[str]:
    """The tables that a SELECT names, its own common table expressions left out."""
    tree = sqlglot.parse_one(query, read="postgres")
    own = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
    return frozenset(table.name for table in tree.find_all(exp.Table)) - own


@functools.lru_cache(maxsize=256)
def build_one_row_query(query: str) -> str:
    """The SELECT of a deadline as one that returns one row."""
    tree = sqlglot.parse_one(query, read="postgres")
    listed = isinstance(tree, exp.Query) and tree.named_selects == list(deadlines.LISTED_OBLIGATION_COLUMNS)
    return deadlines.build_list_count_sql(query) if listed else query


def _create_tables(connection: postgres.Connection, since: date) -> None:
    """What the SELECTs read beside the entities, as temporary tables of this transaction; business dates throughout."""
    connection.execute("set local search_path = hub_current, pg_temp")
    kinds = {"string": "text", "integer": "bigint", "date": "date"}
    columns = ", ".join(f"{name} {kinds[kind]}" for name, kind in deadlines.OBLIGATION_TABLES["occasion"])
    connection.execute(f"create temporary table occasion ({columns}) on commit drop".encode())
    connection.execute(
        "create temporary table receipt on commit drop as select edge, dataset, source, target, to_version as version,"
        " as_of as accepted_on from ops.delivery where state in ('accepted', 'partly') and as_of >= %s",
        [since],
    )
    connection.execute(
        "create temporary table landing on commit drop as select split_part(s.subject, '.', 1) as system,"
        " split_part(s.subject, '.', 2) as dataset, (s.output ->> 'rows')::bigint as landed_rows, r.as_of as landed_on,"
        " s.output ->> 'content' is distinct from lag(s.output ->> 'content') over (partition by s.subject order by s.step_id)"
        " as is_new, case when s.output ->> 'high' ~ '^[12][0-9]{3}-[01][0-9]-[0-3][0-9]'"
        " then left(s.output ->> 'high', 10)::date end as newest_on"
        " from ops.step s join ops.run r using (run_id) where s.verb = 'extract' and s.state = 'done'"
        " and r.as_of >= %s",
        [since],
    )


def _run_select(
    connection: postgres.Connection, catalog: Catalog, occasion: Occasion, file: Path, day: date
) -> tuple[int, int, bool, str, date | None]:
    enough = int(catalog.deadlines[occasion.deadline].get("enough_percent", 100))
    days = [occasion.anchor_on, occasion.begins_on, occasion.due_on, day]
    facts = [*days, occasion.school_year, occasion.term_code, f"{occasion.due_on:%Y%m}", enough]
    connection.execute("delete from occasion")
    connection.execute("insert into occasion values (%s, %s, %s, %s, %s, %s, %s, %s)", facts)
    try:
        (row,) = connection.execute(build_one_row_query(file.read_text("utf-8")).encode()).fetchall()
    except (psycopg.ProgrammingError, psycopg.DataError, ValueError) as error:
        problem = getattr(error, "sqlstate", None) or type(error).__name__
        raise ContractError("HUB736", f"sql/obligations/{file.name}", problem=problem) from error
    done_on = row[4] if len(row) > 4 and isinstance(row[4], date) else None
    return int(str(row[0])), int(str(row[1])), bool(row[2]), str(row[3]), done_on


def _build_obligation(occasion: Occasion, row: Row) -> Obligation:
    evidence = row["evidence"]
    return Obligation(
        occasion,
        tuple(row["departments"]),
        row["state"],
        row["needed"],
        row["found"],
        evidence.get("text", ""),
        tuple(evidence.get("not_yet", ())),
        row["confirmed_by"],
        row["note"],
        row["as_of"],
    )


def _record_state(ledger: Ledger, item: Obligation, before: Row | None, day: date) -> None:
    """Append the state when it, the counts or the evidence are others than before."""
    evidence = {"text": item.evidence, "not_yet": list(item.not_yet)}
    now = (item.state, item.needed, item.found, evidence, item.confirmed_by)
    names = ("state", "needed", "found", "evidence", "confirmed_by")
    if before is not None and tuple(before[name] for name in names) == now:
        return
    occasion = item.occasion
    ledger.execute(
        "insert into ops.obligation (deadline, occasion, due_on, departments, state, needed, found, evidence, version, as_of,"
        " recorded_at, confirmed_by, note) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            *(occasion.deadline, occasion.name, occasion.due_on, list(item.departments), item.state),
            *(item.needed, item.found, Jsonb(evidence), ledger.version(), day, ledger.clock(), item.confirmed_by, item.note),
        ],
    )


def select_pressing(found: Iterable[Mapping[str, Any]], days_before: Sequence[int]) -> list[Mapping[str, Any]]:
    """What people are told of today: due in so many days (or today), and not there although it was due. What recurs every day
    is told of that day and once more if it was not done: the day cannot be made up. So of what the hub did not see."""
    told = [item for item in found if not item["not_yet"]]
    open_now = [item for item in told if item["state"] in ("expected", "due_soon")]
    soon = [item for item in open_now if item["days_left"] in ((0,) if item["recurring"] else (*days_before, 0))]
    over = [item for item in told if item["state"] in ("missing", "unseen")]
    return soon + [item for item in over if item["is_new"] or (item["state"] == "missing" and not item["recurring"])]
