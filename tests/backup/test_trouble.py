"""What goes wrong with a backup or a restore leaves no half of either, and is said in a line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from signing import signed_in
from test_move import content, quiet, two_nights

from core.errors import Denied, HubError, MachineFault, Refused
from core.settings import get_settings
from core.store.ledger import get_half_restored_mark, open_ledger
from runs import backup_manifest as manifests
from runs import backup_tables as store
from runs.backup import make_backup
from runs.restore import check_backup, is_occupied, restore_backup

KILLED = Path(__file__).parent / "killed.py"


def spoil(path: Path) -> None:
    """Change one byte in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


@pytest.fixture
def backed(moved: Any) -> Any:
    """A university of two nights with its backup, seen from the new machine."""
    two_nights(moved.here)
    make_backup(moved.backup, quiet)
    moved.over_there()
    return moved


def untouched(moved: Any) -> bool:
    """Whether the new machine has neither store nor files."""
    with psycopg.connect(moved.url) as connection:
        [schemas] = connection.execute("select count(*) from pg_namespace where nspname in ('ops', 'hub')").fetchone() or (
            None,
        )
    return schemas == 0 and not [path for path in moved.var.glob("*") if path.name != "secrets"]


def test_a_damaged_backup_is_refused_by_name_and_nothing_is_touched(backed: Any, tmp_path: Path) -> None:
    landed = str(min(backed.backup.rglob("rows.parquet")).relative_to(backed.backup))
    parts = ["manifest.json", "structure/before.sql", "tables/hub.staff.copy.zst", "tables/ops.step.copy.zst", landed]
    for number, (part, how) in enumerate((part, how) for part in parts for how in (spoil, Path.unlink)):
        copy = tmp_path / f"copy-{number}"
        shutil.copytree(backed.backup, copy)
        how(copy / part)
        code = "HUB850" if (part, how) == ("manifest.json", Path.unlink) else "HUB851"
        for work in (check_backup, restore_backup):
            with pytest.raises(HubError) as caught:
                work(copy, quiet)
            assert (caught.value.code, caught.value.facts.get("thing", part)) == (code, part)
    assert untouched(backed)


def test_tables_that_were_changed_with_their_hashes_are_found_by_their_content(backed: Any) -> None:
    told = manifests.read_manifest(backed.backup)
    tables = [
        manifests.Table(table.name, table.rows, "0:0", table.part) if table.name == "hub.staff" else table
        for table in told.tables
    ]
    manifests.write_manifest(backed.backup, manifests.Manifest(**{**_fields(told), "tables": tables}))
    with pytest.raises(Refused) as caught:
        restore_backup(backed.backup, quiet)
    assert (caught.value.code, caught.value.facts["thing"]) == ("HUB851", "hub.staff")
    assert untouched(backed)


def _fields(told: manifests.Manifest) -> dict[str, Any]:
    return {name: getattr(told, name) for name in told.__struct_fields__}


def test_a_backup_of_a_newer_release_is_refused(backed: Any) -> None:
    told = _fields(manifests.read_manifest(backed.backup))
    for newer in ({"product": "99.0.0"}, {"migrations": ["9999_later.sql"]}, {"format": 2}):
        manifests.write_manifest(backed.backup, manifests.Manifest(**{**told, **newer}))
        with pytest.raises(Denied) as caught:
            restore_backup(backed.backup, quiet)
        assert caught.value.code == "HUB852"
    assert untouched(backed)


def test_a_hub_that_is_there_stays_unless_it_is_given_up(moved: Any) -> None:
    here = moved.here
    here.night(1)
    make_backup(moved.backup, quiet)
    before = here.hub()
    here.hire(("T0101", "李新", "女", "U1"))
    here.night(2)
    lost = {path.name for path in (here.var / "deliveries").iterdir()}
    with pytest.raises(Denied) as caught:
        restore_backup(moved.backup, quiet)
    assert caught.value.code == "HUB853"
    assert len(here.hub()) == len(before) + 1
    here.forget()
    restore_backup(moved.backup, quiet, replace=True)
    assert here.hub() == before
    assert {path.name for path in (here.var / "deliveries").iterdir()} < lost
    assert here.night(2).problems[0].code == "HUB618"
    assert [row[0] for row in here.received()] == [row[0] for row in here.hub()] == [row[0] for row in before] + ["T0101"]


def test_files_without_a_store_are_somebodys(backed: Any) -> None:
    (backed.var / "uploads" / "hr.staff").mkdir(parents=True)
    assert is_occupied()
    with pytest.raises(Denied, match="HUB853"):
        restore_backup(backed.backup, quiet)


def test_nobody_is_restored_over_while_at_work(backed: Any) -> None:
    restore_backup(backed.backup, quiet)
    with open_ledger().hold_exclusive(), pytest.raises(Denied) as caught:
        restore_backup(backed.backup, quiet, replace=True)
    assert caught.value.code == "HUB854"
    assert not get_half_restored_mark().exists()


def killed(moved: Any, verb: str, folder: Path, moment: str) -> None:
    done = subprocess.run(
        [sys.executable, str(KILLED), verb, str(folder), moment],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ},
    )
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


def test_a_killed_backup_leaves_none_and_the_next_is_whole(moved: Any) -> None:
    moved.here.night(1)
    for moment in ("tables:0", "tables:9", "files:0", "files:3"):
        killed(moved, "backup", moved.backup, moment)
        assert not moved.backup.exists()
    make_backup(moved.backup, quiet)
    check_backup(moved.backup, quiet)
    assert [path.name for path in moved.backup.parent.iterdir() if "backup" in path.name] == ["backup"]


def test_a_restore_that_is_killed_before_the_store_changes_leaves_the_hub_as_it_was(moved: Any) -> None:
    here = moved.here
    here.night(1)
    make_backup(moved.backup, quiet)
    here.night(2)
    before, rows = content(here.hub_url), here.hub()
    for moment in ("files:0", "files:5", "tables:0", "tables:9", "prove:0", "prove:20"):
        killed(moved, "restore", moved.backup, moment)
        here.forget()
        assert content(here.hub_url) == before
    here.hire(("T0101", "李新", "女", "U1"))
    assert here.night(3).problems == []
    assert len(here.hub()) == len(rows) + 1
    restore_backup(moved.backup, quiet, replace=True)
    assert here.hub() == rows
    assert not [path.name for path in here.var.iterdir() if path.name.startswith(".re")]


def test_a_restore_that_is_killed_between_store_and_files_keeps_everybody_out_until_it_is_done(moved: Any) -> None:
    here = moved.here
    two_nights(here)
    rows, landed = here.hub(), len(list((here.var / "landing").rglob("rows.parquet")))
    make_backup(moved.backup, quiet)
    moved.over_there()
    for night in (None, 3):
        if night:
            here.night(night)
        for moment in ("commit", "exchange:1", "exchange:2"):
            killed(moved, "restore", moved.backup, moment)
            here.forget()
            with pytest.raises(MachineFault) as caught:
                open_ledger()
            assert (caught.value.code, caught.value.facts["folder"]) == ("HUB855", str(moved.backup))
            assert not is_occupied()
        restore_backup(moved.backup, quiet)
        assert here.hub() == rows
        assert len(list((get_settings().var / "landing").rglob("rows.parquet"))) == landed
        assert not [path.name for path in get_settings().var.iterdir() if path.name.startswith(".re")]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a quarter megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a small file system needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_leaves_no_half_of_a_backup(moved: Any, small_disk: Path) -> None:
    two_nights(moved.here)
    with pytest.raises(MachineFault) as caught:
        make_backup(small_disk / "backup", quiet)
    assert caught.value.code == "HUB856"
    assert list(small_disk.iterdir()) == []


def test_a_full_disk_leaves_the_new_machine_as_it_was(backed: Any, small_disk: Path) -> None:
    (small_disk / "letters").write_bytes(b"x" * (200 << 10))
    backed.var = small_disk / "var"
    backed.over_there()
    with pytest.raises(MachineFault) as caught:
        restore_backup(backed.backup, quiet)
    assert caught.value.code == "HUB856"
    assert untouched(backed)


@pytest.mark.parametrize(("place", "why"), [("taken", "taken"), ("file/backup", "no_folder"), ("/proc/backup", "no_folder")])
def test_a_folder_that_cannot_be_used_is_said_in_words(moved: Any, tmp_path: Path, place: str, why: str) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "letter.txt").write_text("mine")
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineFault) as caught:
        make_backup(tmp_path / place, quiet)
    assert (caught.value.code, caught.value.facts["problem_key"]) == ("HUB858", f"backup.why.{why}")
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["letter.txt"]


def test_a_file_that_is_not_as_the_ledger_says_is_told_and_the_rest_is_kept(moved: Any) -> None:
    here = moved.here
    two_nights(here)
    first, *_, last = sorted((here.var / "landing").rglob("rows.parquet"))
    spoil(first)
    shutil.rmtree(last.parent)
    made = make_backup(moved.backup, quiet).manifest
    assert str(first.relative_to(here.var)) in made.damaged
    assert made.gone == [str(last.relative_to(here.var))]
    moved.over_there()
    assert restore_backup(moved.backup, quiet).manifest == made


def test_the_commands_say_what_was_done_and_what_is_left(backed: Any) -> None:
    hub = [sys.executable, "-m", "cli.main"]

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*hub, *words], capture_output=True, text=True, check=False, env={**os.environ})

    sound = run("restore", str(backed.backup), "--check", "--json")
    assert sound.returncode == 0 and json.loads(sound.stdout)["version"] == 2
    backed.monkeypatch.delenv("AIRFLOW_CONN_DST_LIBRARY")
    done = run("restore", str(backed.backup))
    assert (done.returncode, done.stderr.count("HUB")) == (0, 0), done.stderr
    assert "还要做的" in done.stdout and "src_hr" not in done.stdout and "hub lint" in done.stdout
    assert "1 个连接要重新登记（备份里没有地址和口令）：dst_library。" in done.stdout
    again = run("restore", str(backed.backup))
    assert again.returncode == 1 and again.stderr.startswith("HUB853")
    stranger = run("restore", str(backed.backup), "--replace", "--yes")
    assert stranger.returncode == 1 and stranger.stderr.startswith("HUB780")
    backed.monkeypatch.setenv("HUB_TOKEN", signed_in("王工"))
    unasked = run("restore", str(backed.backup), "--replace")
    assert unasked.returncode == 1 and unasked.stderr.startswith("HUB853")
    over = run("restore", str(backed.backup), "--replace", "--yes", "--json")
    assert over.returncode == 0 and json.loads(over.stdout)["abandoned"] == []
    [told] = open_ledger().rows(
        "select output ->> 'by' as by from ops.step where verb = 'restore' order by step_id desc limit 1"
    )
    assert told["by"] == "王工"
    made = run("backup", f"{backed.backup}-2", "--json")
    assert made.returncode == 0 and json.loads(made.stdout)["version"] == 2
    none = run("restore", str(backed.var))
    assert none.returncode == 1 and none.stderr.startswith("HUB850")


def test_what_pg_dump_cannot_do_is_said_and_no_list_of_processes_shows_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pg_dump"
    program.write_text('#!/bin/sh\necho "$@" >words; printenv PGPASSWORD >secret; echo "server version mismatch" >&2; exit 1\n')
    program.chmod(0o700)
    monkeypatch.setattr(store, "_find_pg_dump", lambda: str(program))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MachineFault) as caught:
        store.write_structure("postgresql://hub:Geheim-4711@db.invalid/hub?sslmode=require", "1-1", tmp_path)
    assert (caught.value.code, caught.value.facts["problem"]) == ("HUB857", "server version mismatch")
    assert "db.invalid" in (tmp_path / "words").read_text() and "Geheim" not in (tmp_path / "words").read_text()
    assert (tmp_path / "secret").read_text().strip() == "Geheim-4711"


def test_a_digest_is_of_every_value_and_of_no_order(moved: Any) -> None:
    values = [(1, "甲", None), (2, "乙", "x"), (3, "甲", "")]
    exchanged = [(1, "乙", None), (2, "甲", "x"), (3, "甲", "")]
    blank = [(1, "甲", ""), (2, "乙", "x"), (3, "甲", "")]
    told = []
    with psycopg.connect(moved.url) as connection:
        for rows in (values, values[::-1], exchanged, blank, values[:2]):
            connection.execute("drop table if exists public.shuffled")
            connection.execute("create table public.shuffled (n int, name text, note text)")
            with connection.cursor() as cursor:
                cursor.executemany("insert into public.shuffled values (%s, %s, %s)", rows)
            told.append(store.hash_table(connection, "public.shuffled"))
    assert told[0] == told[1] and len(set(told)) == 4
