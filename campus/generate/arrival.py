"""How new students arrive and all undergraduates check in and register, term by term (YWLC01, YWLC04).

When somebody means to come, apply or register is drawn once a person and term; what is seen on a day follows from it, from
what has been paid and from the changes of status. Postgraduates use neither system (finding F11).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from campus.generate.money import DEFERRED, LOAN, PARTLY, UNPAID, build_fees, find_paid_days
from campus.generate.past import find_states
from campus.simulate.arrays import Bools, Frame, Ints
from campus.simulate.lists import MAJORS, UNITS
from campus.simulate.people import find_deputies
from campus.simulate.world import (
    FIRST_DAY,
    GRADUATED,
    IN_POST,
    IN_SCHOOL,
    INTAKE,
    NEVER,
    RESUMED,
    World,
    epoch_day,
    is_present,
    make_generator,
)
from campus.simulate.year import AUTUMN, BEFORE, NUMBERED, REPORT, TERMS, Term

Shares = npt.NDArray[np.float64]
PAID, GREEN, FORCED = 1, 2, 3
"""What a registration rests on."""
NONE, APPLIED, APPROVED, REFUSED = 0, 1, 2, 3
"""States of a green channel."""
_OFFICE = next(index for index, unit in enumerate(UNITS) if unit.name == "教务处")
_RETURN, _LEAVE = 12, (11, 31)


def draw_arrival_days(world: World) -> Ints:
    """The day on which each student arrives: two days in five of seven, some later, a few never; newcomers when they come."""
    share = make_generator(world.seed, 301).random(len(world.students["level"]))
    late = REPORT.last + 1 + (share * 10_000).astype(np.int64) % 10
    day = np.select([share < 0.65, share < 0.97, share < 0.994], [REPORT.first, REPORT.last, late], NEVER)
    return np.where(world.students["from_day"] > 1, world.students["from_day"], day)


def decide_green_channel(world: World) -> Ints:
    """What becomes of the application of those who cannot pay in time; `NONE` for everybody else."""
    students = world.students
    share = make_generator(world.seed, 302).random(len(students["plan"]))
    asks = np.isin(students["plan"], [LOAN, DEFERRED]) | ((students["plan"] == UNPAID) & (share > 0.7))
    return np.where(asks, np.where(share % 0.1 < 0.09, APPROVED, REFUSED), NONE)


def build_welcome(world: World) -> Frame:
    """The batch of new undergraduates that the welcome system shows: that of last year until the new ones have numbers."""
    students, earlier = world.students, world.day < NUMBERED
    entry = INTAKE - 1 if earlier else INTAKE
    members = is_present(students, world.day) & (students["level"] >= 3) & (students["entry"] == entry)
    rows = np.flatnonzero(members)
    day = np.full(len(rows), REPORT.first - 364) if earlier else draw_arrival_days(world)[rows]
    here = day <= world.day
    green = np.where(here, decide_green_channel(world)[rows] if not earlier else NONE, NONE)
    undecided = (green != NONE) & (day == world.day) & (rows % 5 == 0)
    green = np.where(undecided, APPLIED, green)
    return {
        "student": rows,
        "entry": np.full(len(rows), entry, np.int64),
        "arrived": np.where(here, day, NEVER),
        "at": (epoch_day(FIRST_DAY) + day - 1) * 86_400 + 8 * 3600 + rows * 37 % 32_400,
        "fee": np.full(len(rows), 2, np.int64) if earlier else _compute_fee_states(world)[rows],
        "green": green,
        "reviewer": np.where(green >= APPROVED, find_deputies(world.staff, _find_colleges(world, REPORT.first)[rows]), -1),
        "supervised": (green >= APPROVED).astype(np.int64),
    }


def _compute_fee_states(world: World) -> Ints:
    """JY/JNXFZK of this school year by student: 1 unpaid, 2 paid, 3 exempt, 4 partly."""
    rows = build_fees(world)
    state = np.select([rows["exempt"] == 1, rows["outstanding"] == 0, rows["received"] == 0], [3, 2, 1], 4)
    whole = np.ones(len(world.students["plan"]), np.int64)
    whole[rows["student"]] = state
    return whole


def list_shown_terms(day: int) -> tuple[Term, ...]:
    """The two latest terms whose batches are open; older ones are in the registration system's archive."""
    return tuple(term for term in TERMS if term.opened <= day)[-2:]


def find_current_term(day: int) -> Term:
    """The term of the latest check-in."""
    return [term for term in TERMS if term.checkin.first <= day][-1]


def build_registrations(world: World) -> Frame:
    """One row an undergraduate and shown term: term (index into `TERMS`), check-in, deferral, registration and its basis."""
    parts = [_register_term(world, TERMS.index(term), term) for term in list_shown_terms(world.day)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _register_term(world: World, number: int, term: Term) -> Frame:
    draws = make_generator(world.seed, 310 + number).random((5, len(world.students["plan"])))
    in_school = np.isin(find_states(world, min(term.opened, world.day)), [IN_SCHOOL, RESUMED])
    returned, leaves = _find_moves(world, term, in_school)
    checkin, excused = _draw_checkins(world, term, draws[0], returned)
    checkin[checkin >= leaves] = NEVER
    events = _draw_events(world, term, draws, checkin)
    when = np.min(events, axis=0)
    when[when >= leaves] = NEVER
    rows = np.flatnonzero(_is_member(world, term, in_school | (returned < NEVER)))
    checkin, excused, when = checkin[rows], excused[rows], when[rows]
    checked, registered = checkin <= world.day, when <= world.day
    operator = find_deputies(world.staff, _find_colleges(world, term.checkin.first)[rows])
    basis = np.where(registered, 1 + np.argmin(events, axis=0)[rows], 0)
    clerks = _find_clerks(world)
    return {
        "student": rows,
        "term": np.full(len(rows), number, np.int64),
        "checkin": np.where(checked, checkin, NEVER),
        "operator": np.where(checked, operator, -1),
        "deferred": (excused & ~checked & (world.day >= term.checkin.first)).astype(np.int64),
        "on_leave": (excused & (world.day >= term.checkin.first)).astype(np.int64),
        "registered": np.where(registered, when, NEVER),
        "basis": basis,
        "by": np.select(
            [basis == FORCED, (basis == GREEN) | ((basis == PAID) & (rows % 5 < 2))],
            [clerks[rows % max(1, len(clerks))] if len(clerks) else -1, operator],
            -1,
        ),
        "overdue": (~registered & (world.day > term.registration.last)).astype(np.int64),
    }


def _find_colleges(world: World, day: int) -> Ints:
    """The college of each student on a day: that of the major now, or the one left by the first change after that day."""
    changes = world.changes
    later = np.flatnonzero(changes["on"] - epoch_day(FIRST_DAY) + 1 > day)
    later = later[np.argsort(-changes["on"][later], kind="stable")]
    college = np.array([major.unit for major in MAJORS])[world.students["major"]]
    college[changes["student"][later]] = changes["from_unit"][later]
    return college


def _find_clerks(world: World) -> Ints:
    """The rows of those who worked in the academic affairs office on day 1; its staff may leave but does not move."""
    staff = world.staff
    return np.flatnonzero((staff["unit"] == _OFFICE) & (staff["state_first"] == IN_POST) & (staff["from_day"] == 1))


def _find_moves(world: World, term: Term, in_school: Bools) -> tuple[Ints, Ints]:
    """By student the day within the term on which one comes back who was away when the batch opened, and that of leaving."""
    changes = world.changes
    day = changes["on"] - epoch_day(FIRST_DAY) + 1
    returned, leaves = (np.full(len(world.students["plan"]), NEVER, np.int64) for _ in range(2))
    back = (
        (changes["code"] == _RETURN) & (day > term.opened) & (day <= min(world.day, term.last)) & ~in_school[changes["student"]]
    )
    gone = np.isin(changes["code"], _LEAVE) & (day > term.opened)
    np.minimum.at(returned, changes["student"][back], day[back])
    np.minimum.at(leaves, changes["student"][gone], day[gone])
    return returned, leaves


def _is_member(world: World, term: Term, in_school: Bools) -> Bools:
    students = world.students
    if term is BEFORE:
        in_school = (in_school | (students["state"] == GRADUATED)) & (students["entry"] < INTAKE)
    here = is_present(students, world.day) & (students["level"] >= 3) & (students["from_day"] <= max(1, term.last))
    return np.asarray(here & in_school)


def _draw_checkins(world: World, term: Term, share: Shares, returned: Ints) -> tuple[Ints, Bools]:
    """The day of check-in and who is excused until then: on time, some days late, after leave, or not at all."""
    students, (first, last) = world.students, term.checkin
    after = (share * 100_000).astype(np.int64)
    day = np.select(
        [share < 0.5, share < 0.945, share < 0.955, share < 0.992],
        [first, last, last + 1 + after % 4, last + 3 + after % 18],
        NEVER,
    )
    excused = (share >= 0.955) & (share < 0.992)
    new = students["entry"] == INTAKE
    if term is AUTUMN:
        day, excused = np.where(new, draw_arrival_days(world), day), excused & ~new
    came = np.maximum(
        np.where(returned < NEVER, returned, first), np.where(students["from_day"] > 1, students["from_day"], first)
    )
    return np.maximum(day, came), excused


def _draw_events(world: World, term: Term, draws: Shares, checkin: Ints) -> Ints:
    """The days on which a registration would rest on payment, on a green channel and on force, shape (3, students)."""
    students, (first, last) = world.students, term.registration
    if term is BEFORE:
        paid = np.where(students["earlier"] == 2, NEVER, first - 30)
        green = (students["earlier"] == 2) & (draws[3] < 0.4)
        forced = (students["earlier"] == 2) & (draws[4] < 0.2)
    else:
        paid = np.where(students["earlier"] == 2, NEVER, find_paid_days(students))  # old debts stop it as well (SJGXLC10/2)
        green = decide_green_channel(world) == APPROVED
        forced = np.isin(students["plan"], [UNPAID, PARTLY]) & (draws[4] < 0.06)
    planned = first + (draws[1] ** 2 * (last - first + 1)).astype(np.int64)
    by_paying = np.maximum(np.maximum(planned, paid), checkin)
    by_channel = np.where(green, np.maximum(first + 2 + (draws[2] * 7).astype(np.int64), checkin), NEVER)
    by_force = np.where(forced & bool(len(_find_clerks(world))), np.maximum(last - 1, checkin), NEVER)
    events = np.stack([by_paying, by_channel, by_force])
    return np.where(events <= term.last, events, NEVER)
