"""The days of the school year 2026-2027 on which something falls due or changes, worked out by hand from the calendar.

T is 5 September 2026, P 25 September, R0 and R1 7 and 18 September and 8 and 19 March, L 25 June 2027 (`schemas/calendar`).
"""

from __future__ import annotations

from datetime import date, timedelta

FIRST, LAST = date(2026, 8, 1), date(2027, 7, 31)
PAYDAYS = {
    "2026-08": date(2026, 8, 10),  # the 8th is a Saturday
    "2026-09": date(2026, 9, 8),
    "2026-10": date(2026, 10, 8),  # the first day after National Day
    "2026-11": date(2026, 11, 9),  # the 8th is a Sunday
    "2026-12": date(2026, 12, 8),
    "2027-01": date(2027, 1, 8),
    "2027-02": date(2027, 2, 14),  # Spring Festival to the 12th, then a Saturday; this Sunday is worked
    "2027-03": date(2027, 3, 8),
    "2027-04": date(2027, 4, 8),
    "2027-05": date(2027, 5, 10),  # the 8th is a Saturday
    "2027-06": date(2027, 6, 8),
    "2027-07": date(2027, 7, 8),
}
LATE_PAYROLL, PAYROLL_CAME = PAYDAYS["2026-12"], date(2026, 12, 10)
"""In December finance hands over the payroll two days late."""
LEAVING = date(2027, 6, 25)
TERM_ENDS = date(2027, 1, 17)
SPANS = {
    "registration_fees": (("2026-09-06", "2026-09-18"), ("2027-03-07", "2027-03-19")),
    "registration_results": (("2026-09-07", "2026-09-18"), ("2027-03-08", "2027-03-19")),
    "leaving_data": (("2027-06-11", "2027-06-25"),),
    "leaving_daily": (("2027-06-11", "2027-07-04"),),
}
"""First and last day of each time that a schedule word is on."""
NIGHTS = frozenset(
    {FIRST, *PAYDAYS.values(), PAYROLL_CAME, LEAVING, LAST}
    | {date(2026, 8, day) for day in (16, 21, 30)}
    | {date(2026, 9, day) for day in (3, 4, 5, 6, 13, 18, 25)}
    | {date(2027, 2, 28), date(2027, 3, 19), date(2027, 6, 11)}
)
"""The dates whose whole night is run: paydays, days on which a deadline can be met by what is handed over, the two days of
arrival, whose crowd no other day's brake would let pass, and one more in the lively September. On the others the calendar
is asked, what is due that evening is delivered, and the deadlines are looked at."""


def days(word: str) -> list[date]:
    """Every day of the year on which a schedule word is on."""
    if word == "payday":
        return sorted(PAYDAYS.values())
    return [day for first, last in SPANS[word] for day in between(date.fromisoformat(first), date.fromisoformat(last))]


def between(first: date, last: date) -> list[date]:
    """Every day from the first to the last, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
