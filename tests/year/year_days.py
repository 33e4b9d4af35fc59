"""The days of the school year 2026-2027 on which something falls due or changes, worked out by hand from the calendar.

T is 5 September 2026, P 25 September, R0 and R1 7 and 18 September and 8 and 19 March, L 25 June 2027 (`schemas/calendar`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

FIRST, LAST = date(2026, 8, 1), date(2027, 7, 31)
PAYDAYS = {
    "2026-08": date(2026, 8, 8),  # a Saturday
    "2026-09": date(2026, 9, 8),
    "2026-10": date(2026, 10, 8),  # the first day after National Day
    "2026-11": date(2026, 11, 8),  # a Sunday
    "2026-12": date(2026, 12, 8),
    "2027-01": date(2027, 1, 8),
    "2027-02": date(2027, 2, 8),  # a day of Spring Festival
    "2027-03": date(2027, 3, 8),
    "2027-04": date(2027, 4, 8),
    "2027-05": date(2027, 5, 8),  # a Saturday
    "2027-06": date(2027, 6, 8),
    "2027-07": date(2027, 7, 8),
}
LATE_PAYROLL, PAYROLL_CAME = PAYDAYS["2026-12"], date(2026, 12, 10)
"""In December finance hands over the payroll two days late."""
REGISTERED = date(2026, 9, 18)
TERM_ENDS, TERM_OVER = date(2027, 1, 17), date(2027, 1, 18)
REGISTERED_AGAIN = date(2027, 3, 19)
LEAVING_OPENS, LEAVING = date(2027, 6, 11), date(2027, 6, 25)
SPANS = {
    "registration_fees": (("2026-09-06", "2026-09-18"), ("2027-03-07", "2027-03-19")),
    "registration_results": (("2026-09-07", "2026-09-18"), ("2027-03-08", "2027-03-19")),
    "leaving_data": (("2027-06-11", "2027-06-25"),),
    "leaving_daily": (("2027-06-11", "2027-07-04"),),
}
"""First and last day of each time that a schedule word is on."""
BEDS_COME = date(2026, 9, 4)
"""The logistics group hands over the list of beds with the new students no earlier."""
NIGHTS = frozenset(
    {
        FIRST,
        date(2026, 8, 21),  # T-15: the new students have numbers
        date(2026, 8, 30),  # the last day before term
        date(2026, 9, 4),  # the day before the welcome: cards, beds, who has paid
        date(2026, 9, 6),  # arrival, whose crowd no other day's brake would let pass
        REGISTERED,
        date(2026, 9, 25),  # P: the photos are handed over; and a week's changes of courses and roles
        PAYDAYS["2026-10"],
        PAYROLL_CAME,
        PAYDAYS["2027-02"],
        REGISTERED_AGAIN,
        LEAVING_OPENS,
        LEAVING,
        LAST,
    }
)
"""The dates whose whole night is run, at 02:00 of that date."""
FEES = {
    date.fromisoformat(first) + timedelta(days=number)
    for word in ("registration_fees", "leaving_daily")
    for first, last in SPANS[word]
    for number in range((date.fromisoformat(last) - date.fromisoformat(first)).days + 1)
}
"""The days on whose evening the hub reads finance's fee data before it delivers them."""
NO_FEES = date(2026, 9, 7)
"""The one day of them on which the rehearsal's finance office has nothing that is of that day."""
TAKEN: Mapping[date, tuple[str, ...]] = {day: ("finance",) for day in {*PAYDAYS.values(), *FEES} - NIGHTS} | {
    PAYDAYS["2026-09"]: ("hr", "finance"),  # in the lively weeks more posts change than the brake lets pass at once
    PAYDAYS["2026-11"]: ("hr", "finance"),  # who reports is looked for at least every 37 days, as long as it is watched
    PAYDAYS["2027-01"]: ("hr", "finance"),
    PAYDAYS["2027-04"]: ("hr", "finance"),
    PAYDAYS["2027-05"]: ("hr", "finance"),
    date(2026, 8, 16): ("admissions_office",),  # T-20
    date(2026, 10, 5): ("it_centre",),  # T+30
    date(2026, 10, 30): ("student_affairs",),  # the last day for contact data
    date(2026, 11, 4): ("campus_card",),  # T+60
    date(2026, 11, 19): ("campus_card",),  # a whole intake's cards change hands, more than the brake lets pass at once
    date(2026, 11, 27): ("employment",),  # the last day for places of origin
    date(2026, 12, 4): ("campus_card",),  # T+90
    TERM_ENDS: ("registration",),
    TERM_OVER: ("registration",),
    date(2027, 2, 28): ("academic", "hr", "student_affairs", "finance"),  # the last day before term
}
"""The systems that are taken on the evening of a date without a whole night, before what is due that evening is delivered."""


def days(word: str) -> list[date]:
    """Every day of the year on which a schedule word is on."""
    if word == "payday":
        return sorted(PAYDAYS.values())
    return [day for first, last in SPANS[word] for day in between(date.fromisoformat(first), date.fromisoformat(last))]


def between(first: date, last: date) -> list[date]:
    """Every day from the first to the last, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
