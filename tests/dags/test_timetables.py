"""The timetable: its slots over the holidays, what happens to missed ones, and how it is stored."""

from __future__ import annotations

import pendulum
import pytest

SHANGHAI = "Asia/Shanghai"


def following(kind: str, last: str | None, now: str, *, catchup: bool = False, at: str | None = "02:00") -> str:
    """The next slot in local time, after a last run (local time) and at a time of asking."""
    from airflow.timetables.base import DataInterval, TimeRestriction

    from dags.timetables import CampusTimetable

    before = DataInterval.exact(pendulum.parse(last, tz=SHANGHAI).in_timezone("UTC")) if last else None
    restriction = TimeRestriction(pendulum.datetime(2026, 1, 1, tz=SHANGHAI), None, catchup)
    timetable = CampusTimetable(kind, at=at, clock=lambda: pendulum.parse(now, tz=SHANGHAI))
    info = timetable.next_dagrun_info(last_automated_data_interval=before, restriction=restriction)
    assert info is not None
    assert info.run_after.timezone_name == "UTC"
    return info.run_after.in_timezone(SHANGHAI).format("YYYY-MM-DD HH:mm")


def test_paydays_are_the_8th_whatever_day_that_is() -> None:
    days, last = [], "2026-08-08 20:00"
    for _ in range(8):
        last = following("payday", last, last, at="20:00")
        days.append(last[:10])
    assert days == [
        "2026-09-08",
        "2026-10-08",
        "2026-11-08",
        "2026-12-08",
        "2027-01-08",
        "2027-02-08",
        "2027-03-08",
        "2027-04-08",
    ]


def test_the_night_is_every_night_holidays_too() -> None:
    assert following("daily", "2026-09-30 02:00", "2026-09-30 02:10") == "2026-10-01 02:00"
    assert following("daily", "2027-02-06 02:00", "2027-02-06 02:10") == "2027-02-07 02:00"


def test_the_latest_missed_slot_is_made_up_and_older_ones_are_not() -> None:
    assert following("daily", "2026-09-07 02:00", "2026-09-10 09:00") == "2026-09-10 02:00"
    assert following("daily", "2026-09-07 02:00", "2026-09-10 01:00") == "2026-09-09 02:00"
    assert following("payday", "2026-08-08 20:00", "2026-10-20 09:00", at="20:00") == "2026-10-08 20:00"


def test_a_dag_that_never_ran_waits_for_its_next_slot() -> None:
    assert following("daily", None, "2026-09-10 09:00") == "2026-09-11 02:00"
    assert following("payday", None, "2026-10-08 20:00", at="20:00") == "2026-10-08 20:00"


def test_a_backfill_gets_every_slot() -> None:
    assert following("daily", None, "2026-09-10 09:00", catchup=True) == "2026-01-01 02:00"
    assert following("daily", "2026-01-01 02:00", "2026-09-10 09:00", catchup=True) == "2026-01-02 02:00"


def test_nothing_after_the_end_date() -> None:
    from airflow.timetables.base import DataInterval, TimeRestriction

    from dags.timetables import CampusTimetable

    end = pendulum.datetime(2026, 9, 8, tz=SHANGHAI)
    restriction = TimeRestriction(None, end, True)
    timetable = CampusTimetable("daily", at="02:00")
    last = DataInterval.exact(pendulum.datetime(2026, 9, 7, 2, tz=SHANGHAI))
    assert timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction) is None


def test_it_is_stored_as_its_parameters_and_comes_back() -> None:
    from airflow.serialization.decoders import decode_timetable
    from airflow.serialization.encoders import encode_timetable

    from dags.timetables import CampusTimetable

    stored = encode_timetable(CampusTimetable("payday", at="20:00"))
    back = decode_timetable(stored)
    assert isinstance(back, CampusTimetable)
    assert back.serialize() == {"kind": "payday", "at": "20:00", "tz": SHANGHAI}
    assert "20:00" in back.summary


def test_windows_of_the_calendar_open_and_close() -> None:
    fees, last = [], "2026-08-01 20:00"
    for _ in range(14):
        last = following("registration_fees", last, last, at=None)
        fees.append(last)
    assert fees[:2] == ["2026-09-06 20:00", "2026-09-07 20:00"]
    assert fees[12:] == ["2026-09-18 20:00", "2027-03-07 20:00"]
    assert following("registration_results", "2026-09-18 23:45", "2026-09-18 23:50", at=None) == "2027-03-08 00:00"
    assert following("registration_results", "2026-09-07 00:15", "2026-09-07 00:16", at=None) == "2026-09-07 00:30"
    assert following("leaving_data", "2026-12-01 20:00", "2026-12-01 20:00", at=None) == "2027-06-11 20:00"
    assert following("leaving_data", "2027-06-24 20:00", "2027-06-24 20:00", at=None) == "2027-06-25 20:00"
    assert following("leaving_daily", "2027-06-25 20:00", "2027-06-25 20:00", at=None) == "2027-06-26 20:00"


def test_real_time_keeps_the_hours_of_the_offices_and_of_the_campaigns() -> None:
    assert following("realtime", "2026-09-04 18:00", "2026-09-04 18:01", at=None) == "2026-09-05 08:00"  # a Saturday: arrival
    assert following("realtime", "2026-11-13 18:00", "2026-11-13 18:01", at=None) == "2026-11-16 08:00"
    assert following("realtime", "2026-11-16 08:00", "2026-11-16 08:01", at=None) == "2026-11-16 08:05"
    assert following("realtime", "2026-11-16 08:00", "2026-11-16 09:03", at=None) == "2026-11-16 09:00"


def test_a_window_that_the_calendar_does_not_have_gives_no_slot() -> None:
    from airflow.timetables.base import DataInterval, TimeRestriction

    from dags.timetables import CampusTimetable

    last = DataInterval.exact(pendulum.datetime(2027, 7, 5, tz=SHANGHAI))
    restriction = TimeRestriction(pendulum.datetime(2026, 1, 1, tz=SHANGHAI), None, True)
    assert CampusTimetable("leaving_data").next_dagrun_info(last_automated_data_interval=last, restriction=restriction) is None


def test_an_unknown_kind_is_refused() -> None:
    from dags.timetables import CampusTimetable

    with pytest.raises(KeyError):
        CampusTimetable("fortnightly")
