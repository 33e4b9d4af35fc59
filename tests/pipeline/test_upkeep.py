"""Landings go when their contract says, held rows ninety days after they were mended, and never what is still needed."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from core.settings import get_settings
from runs.retention import remove_expired

TODAY = date(2026, 12, 1)


def aged(path: Path, days: int) -> Path:
    """The path, last changed so many days before today."""
    moment = (datetime.combine(TODAY, datetime.min.time()) - timedelta(days=days, hours=-1)).timestamp()
    for place in [*path.rglob("*"), path]:
        os.utime(place, (moment, moment))
    return path


def landings(dataset: str) -> list[Path]:
    """Oldest first."""
    return sorted(get_settings().landing.glob(f"hr/{dataset}/*"))


def keep(university: Any, dataset: str, days: str) -> None:
    path = university.home / "schemas" / "sources" / "hr" / f"{dataset}.odcs.yaml"
    path.write_text(path.read_text("utf-8") + f"slaProperties: [{{property: retention, {days}}}]\n", "utf-8")
    university.forget()


def test_landings_are_kept_as_long_as_their_contract_says(university: Any) -> None:
    keep(university, "unit", "value: 5, unit: d")
    for day in (1, 2, 3):
        university.night(day)
    for dataset in ("unit", "person"):
        for folder, days in zip(landings(dataset), (40, 20, 4), strict=True):
            aged(folder, days)
    units, people = landings("unit"), landings("person")
    remove_expired(TODAY)
    assert (landings("unit"), landings("person")) == (units[2:], people[1:])
    keep(university, "person", "value: 2, unit: y")
    aged(people[1], 700)
    remove_expired(TODAY)
    assert landings("person") == people[1:]


def test_the_newest_landing_stays_however_old(university: Any) -> None:
    university.night(1)
    university.department("update dw set dwmc = '改了名' where dwh = 'U1'")
    university.night(2)
    newest = landings("unit")[-1]
    for folder in landings("unit"):
        aged(folder, 4000)
    remove_expired(TODAY)
    assert landings("unit") == [newest]
    assert university.night(3).problems == []


def test_an_interrupted_or_unknown_landing_goes_after_thirty_days(university: Any) -> None:
    university.night(1)
    strange = get_settings().landing / "hr" / "left_over" / "night-1"
    strange.mkdir(parents=True)
    remove_expired(datetime.now().date() + timedelta(days=29))
    assert strange.is_dir()
    remove_expired(datetime.now().date() + timedelta(days=31))
    assert not strange.is_dir()


def kept(university: Any) -> set[Path]:
    return {Path(row["kept_in"]) for row in university.ledger.rows("select kept_in from ops.held where entity = 'staff'")}


def test_held_rows_are_kept_while_held_and_ninety_days_more(university: Any) -> None:
    university.department("update jzg set xm = null, gxsj = now() where gh = 'T0004'")
    university.night(1)
    (old,) = kept(university)
    university.department("update jzg set xb = 'X', gxsj = now() where gh = 'T0005'")
    university.night(2)
    (held,) = kept(university)
    for path in sorted((get_settings().work / "checked").glob("*/*")):
        aged(path, 1000)
    remove_expired(TODAY)
    assert held.is_file(), "it is still held"
    assert not old.exists(), "the newest file has all that is held"

    university.department("update jzg set xm = '王五', xb = '男', gxsj = now() where gh in ('T0004', 'T0005')")
    university.night(3)  # 2026-09-09
    assert university.held() == set()
    remove_expired(date(2026, 12, 8))
    assert held.is_file()
    aged(held.parent, 1000)
    remove_expired(date(2026, 12, 9))
    assert not held.parent.exists()
    assert university.night(4).problems == []

    entries = "select count(*) as n from ops.held"
    assert university.ledger.single(entries)["n"] == 2
    remove_expired(date(2026, 9, 9) + timedelta(days=3 * 366))
    assert university.ledger.single(entries)["n"] == 2
    remove_expired(date(2026, 9, 9) + timedelta(days=3 * 366 + 1))
    assert university.ledger.single(entries)["n"] == 0


def test_what_is_open_is_never_forgotten(university: Any) -> None:
    university.department("update jzg set xm = null, gxsj = now() where gh = 'T0004'")
    university.night(1)
    remove_expired(date(2040, 1, 1))
    assert {key for _, key, _ in university.held()} == {"T0004"}
    assert all(path.is_file() for path in kept(university))


def test_the_rows_of_a_brake_go_when_nobody_needs_them(university: Any) -> None:
    university.night(1)
    university.department("delete from jzg where gh > 'T0020'")
    university.night(2)
    kept = list((get_settings().var / "brakes").glob("*.parquet"))
    assert kept
    remove_expired(TODAY)
    assert list((get_settings().var / "brakes").glob("*.parquet")) == kept, "the brake is open"
    university.populate()
    university.night(3)
    remove_expired(TODAY)
    assert list((get_settings().var / "brakes").glob("*.parquet")) == []
