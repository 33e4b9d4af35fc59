"""A hub that moved to another machine is the same hub, and its next night brings every receiver up to date."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from core.hashing import hash_file
from core.settings import get_settings
from runs import backup_files as files
from runs import backup_tables as store
from runs.backup import make_backup
from runs.nightly import run_night, verify_edge
from runs.restore import check_backup, is_occupied, restore_backup


def quiet(doing: str, done: int, of: int) -> None:
    return None


def two_nights(university: Any) -> None:
    """A first night, and a second with somebody hired, somebody renamed and a row held."""
    university.night(1)
    university.hire(("T0101", "李新", "女", "U1"))
    university.department("update jzg set xm = '赵改名', gxsj = clock_timestamp() where gh = 'T0003'")
    university.department("update jzg set xb = '不详', gxsj = clock_timestamp() where gh = 'T0004'")
    university.night(2)
    assert university.held()


def content(url: str) -> dict[str, tuple[int, str]]:
    """Every table of a store with its rows and digest."""
    with psycopg.connect(url, client_encoding="utf8") as connection:
        return {name: store.hash_table(connection, name) for name in store.list_tables(connection)}


def deliveries(university: Any, day: int) -> dict[str, tuple[str, int, int, str]]:
    rows = university.ledger.rows(
        "select edge, mode, rows_upsert, rows_delete, state from ops.delivery where as_of = date '2026-09-06' + %s", [day]
    )
    return {row["edge"]: (row["mode"], row["rows_upsert"], row["rows_delete"], row["state"]) for row in rows}


def test_a_moved_hub_is_the_same_and_goes_on_by_deltas(moved: Any) -> None:
    here = moved.here
    two_nights(here)
    before, rows, held = content(here.hub_url), here.hub(), here.held()
    made = make_backup(moved.backup, quiet)
    assert (made.manifest.damaged, made.manifest.gone) == ([], [])
    assert check_backup(moved.backup, quiet) == made.manifest

    there = moved.over_there()
    assert not is_occupied()
    restore_backup(moved.backup, quiet)
    after = content(moved.url)
    touched = {"ops.run", "ops.step", "ops.held"}  # the restore itself is written down, and where held rows lie now
    assert {name: after[name] for name in after.keys() - touched} == {name: before[name] for name in before.keys() - touched}
    assert after["ops.held"][0] == before["ops.held"][0]
    assert (there.hub(), there.held()) == (rows, held)
    assert is_occupied()

    there.hire(("T0102", "钱到", "男", "U2"))
    there.department("delete from jzg where gh = 'T0005'")
    assert there.night(3).problems == []
    sent = deliveries(there, 3)
    assert {edge: (mode, upserts) for edge, (mode, upserts, _, _) in sent.items()} == dict.fromkeys(sent, ("delta", 1))
    assert {state for *_, state in sent.values()} == {"accepted"}
    assert [row[0] for row in there.received()] == [row[0] for row in there.hub()]


def test_receivers_that_were_served_after_the_backup_are_found_and_brought_right(moved: Any) -> None:
    here = moved.here
    two_nights(here)
    make_backup(moved.backup, quiet)
    here.hire(("T0103", "孙后", "男", "U3"), ("T0104", "周后", "女", "U4"))
    here.department("update jzg set xm = '吴后改', gxsj = clock_timestamp() where gh = 'T0006'")
    here.night(3)
    ahead = here.received()

    there = moved.over_there()
    restore_backup(moved.backup, quiet)
    there.department("delete from jzg where gh = 'T0103'")  # what only the lost night knew, and is no more
    there.department("update jzg set xm = '张原名', gxsj = clock_timestamp() where gh = 'T0006'")
    assert there.received() == ahead
    found = there.night(3)
    [told] = found.problems
    assert told.code == "HUB618"
    assert sorted(told.where.split(", ")) == ["E01.staff_basic", "E05.staff_basic", "E06.staff_basic"]
    assert {name: told.facts[name] for name in ("missing", "extra", "different")} == {"missing": 0, "extra": 2, "different": 1}
    wanted = [(row[0], row[1]) for row in there.hub()]
    assert [row[:2] for row in there.received()] == wanted
    assert "T0103" not in dict(wanted) and dict(wanted)["T0006"] == "张原名"
    assert {mode for mode, *_ in deliveries(there, 3).values()} == {"full"}

    there.hire(("T0105", "郑再", "男", "U5"))
    assert there.night(4).problems == []
    assert {(mode, upserts) for mode, upserts, *_ in deliveries(there, 4).values()} == {("delta", 1)}
    assert "T0105" in [row[0] for row in there.received()]


def test_a_backup_made_while_a_night_is_at_work_is_of_one_moment(moved: Any) -> None:
    here, made = moved.here, []
    here.night(1)
    here.hire(("T0101", "李新", "女", "U1"))

    def midway(verb: str, subject: str) -> None:
        if verb == "reconcile" and not made:
            made.append(make_backup(moved.backup, quiet).manifest)

    run_night(date(2026, 9, 8), midway)
    assert made and (made[0].damaged, made[0].gone) == ([], [])
    there = moved.over_there()
    found = restore_backup(moved.backup, quiet)
    assert len(found.abandoned) == 1
    assert {row["state"] for row in there.ledger.rows("select state from ops.run")} == {"done", "failed"}
    outcome = there.night(3)
    assert {problem.code for problem in outcome.problems} <= {"HUB618"}
    assert [row[0] for row in there.received()] == [row[0] for row in there.hub()]


def test_only_its_owner_gets_at_a_backup_and_no_password_is_in_it(moved: Any) -> None:
    here = moved.here
    here.night(1)
    secrets = here.var / "secrets"
    secrets.mkdir()
    (secrets / "connections.yaml").write_text("dst_nobody: mysql://reader:Geheim-4711@db.invalid/x\n")
    (here.var / ".env").write_text("HUB_URL=postgresql://hub:Geheim-4711@db.invalid/hub\n")
    made = make_backup(moved.backup, quiet).manifest
    everything = [moved.backup, *moved.backup.rglob("*")]
    assert {path.stat().st_mode & 0o777 for path in everything if path.is_dir()} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in everything if path.is_file()} == {0o600}
    told = b"".join(path.read_bytes() for path in everything if path.is_file())
    assert b"Geheim" not in told and b"db.invalid" not in told
    assert {"dst_nobody", "src_hr", "dst_academic"} <= {named.id for named in made.connections}
    tree = {path.relative_to(moved.backup).parts[0] for path in everything[1:]}
    assert tree == {"manifest.json", "manifest.sha256", "structure", "tables", "files"}


def test_files_come_back_with_their_times_and_share_what_they_shared(moved: Any) -> None:
    here = moved.here
    here.night(1)
    here.night(2)
    before = {path.relative_to(here.var): path for path in (here.var / "landing").rglob("*") if path.is_file()}
    make_backup(moved.backup, quiet)
    moved.over_there()
    restore_backup(moved.backup, quiet)
    for name, path in before.items():
        back = get_settings().var / name
        assert hash_file(back) == hash_file(path)
        assert back.stat().st_mtime_ns == path.stat().st_mtime_ns
        assert (back.stat().st_nlink > 1) == (path.stat().st_nlink > 1)
    assert not list(get_settings().var.glob(".re*"))


def test_held_rows_are_known_where_they_lie_now(moved: Any) -> None:
    two_nights(moved.here)
    make_backup(moved.backup, quiet)
    there = moved.over_there()
    restore_backup(moved.backup, quiet)
    kept = {row["kept_in"] for row in there.ledger.rows("select kept_in from ops.held")}
    assert kept and all(path.startswith(f"{moved.var}/") and Path(path).is_file() for path in kept)
    assert sorted(path.name for path in (moved.var / "work").rglob("*.parquet")) == ["held.parquet"] * len(kept)


def test_nothing_but_what_is_named_is_copied(moved: Any) -> None:
    here = moved.here
    here.night(1)
    made = make_backup(moved.backup, quiet).manifest
    assert {kept.path.partition("/")[0] for kept in made.files} <= {*files.FOLDERS, files.WORK}
    assert not [kept.path for kept in made.files if re.search(r"\.part$|/\.", kept.path)]


def test_a_receiver_of_files_several_nights_ahead_is_read_by_what_came_last(moved: Any) -> None:
    here = moved.here
    two_nights(here)
    make_backup(moved.backup, quiet)
    for day in (3, 4):
        here.hire((f"T010{day}", "孙后", "男", "U3"))
        here.night(day)

    there = moved.over_there()
    restore_backup(moved.backup, quiet)
    there.department("delete from jzg where gh in ('T0103', 'T0104')")
    assert {problem.code for problem in there.night(5).problems} == {"HUB618"}
    assert [row["equal"] for edge in there.accepted() for row in verify_edge(edge, date(2026, 9, 12))] == [True] * 3
    there.hire(("T0106", "郑再", "男", "U5"))
    assert there.night(6).problems == []
    assert [row["equal"] for edge in there.accepted() for row in verify_edge(edge, date(2026, 9, 12))] == [True] * 3


def test_nobody_is_logged_in_on_the_new_machine(moved: Any) -> None:
    book = moved.here.ledger
    with book.transaction() as connection:
        connection.execute(
            "insert into ops.account (name, plain, role, secret, made_by, made_at)"
            " values ('li', 'li', 'technician', 'x', 'a', now())"
        )
        connection.execute("insert into ops.session values (repeat('0', 64), 'li', now(), now() + interval '1 hour')")
    make_backup(moved.backup, quiet)
    there = moved.over_there()
    restore_backup(moved.backup, quiet)
    assert there.ledger.rows("select account, ended_at is null as is_in from ops.session") == [
        {"account": "li", "is_in": False}
    ]
