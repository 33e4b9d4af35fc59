"""Restore: a backup's store and files in the place of an empty hub, or of one that a person gives up.

Everything is proved before anything changes: files are staged beside their places, the tables are loaded in one transaction and
their digests made anew. Until the commit a failure leaves the hub as it was; from then until the files are in place a mark
keeps every other command out, and the same restore goes on.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from psycopg.types.json import Jsonb

from core.calendar import local_date
from core.errors import Denied, Refused
from core.hashing import system_clock
from core.process.privacy import restrict_permissions
from core.settings import get_settings
from core.store import postgres
from core.store.ledger import get_half_restored_mark
from core.store.restored import KIND
from runs import backup_files as files
from runs import backup_manifest as manifests
from runs import backup_tables as store
from runs.backup import explain_write_errors
from runs.backup_manifest import Manifest, Report


@dataclass(frozen=True)
class Restored:
    """What was restored: the backup's manifest, the runs that were open in it and are given up, and how long it took."""

    manifest: Manifest
    abandoned: tuple[str, ...]
    seconds: float


def check_backup(folder: Path, report: Report) -> Manifest:
    """Read all of a backup and compare it with its manifest; nothing is changed.

    Raises:
        Denied: HUB850, HUB852. Refused: HUB851 for the first file that is damaged.
    """
    manifest = manifests.read_manifest(folder)
    manifests.verify_parts(folder, [*manifests.list_parts(manifest), *files.list_parts(manifest.files)], report)
    return manifest


def is_occupied() -> bool:
    """Whether something is here that a restore would take away. What a restore left half done is nothing any more."""
    return not get_half_restored_mark().exists() and not (store.is_empty(postgres.get_hub_url()) and _has_no_files())


def restore_backup(folder: Path, report: Report, replace: bool = False, by: str = "") -> Restored:
    """Put a backup in the place of this hub; with `replace` what is here goes, by the word of somebody who signed in here.

    Raises:
        Denied: HUB850, HUB852, HUB853 when something is here and stays, HUB854 when somebody is at work.
        Refused: HUB851 for the first file or table that is damaged. Fault: HUB856, HUB858. Unavailable: HUB201.
    """
    began, folder = time.monotonic(), folder.absolute()
    restrict_permissions()
    manifest = manifests.read_manifest(folder)
    if not replace and is_occupied():
        raise Denied("HUB853", "hub", var=str(get_settings().var))
    manifests.verify_parts(folder, manifests.list_parts(manifest), report)
    with _open_stage() as room, explain_write_errors(get_settings().var):
        files.stage_files(folder, manifest.files, room, report)
        with store.open_emptied(postgres.get_hub_url()) as link:
            _load_store(link, manifest, folder, report)
            abandoned = _settle_store(link, manifest, by)
            _write_mark(folder)
        finish_restore(room)
    return Restored(manifest, abandoned, time.monotonic() - began)


def _has_no_files() -> bool:
    return not any(any((get_settings().var / name).glob("*")) for name in files.FOLDERS)


@contextlib.contextmanager
def _open_stage() -> Iterator[Path]:
    """A folder in `var` for what is on its way; one that a killed restore left is emptied first."""
    room = get_settings().var / ".restore"
    with explain_write_errors(get_settings().var):
        shutil.rmtree(room, ignore_errors=True)
        room.mkdir(parents=True)
    try:
        yield room
    finally:
        if not get_half_restored_mark().exists():
            shutil.rmtree(room, ignore_errors=True)


def _write_mark(folder: Path) -> None:
    """From here on the store is the backup's, or is about to be, and the files are not."""
    try:
        get_half_restored_mark().write_text(f"{folder}\n", "utf-8")
    except OSError:
        get_half_restored_mark().unlink(missing_ok=True)
        raise


def finish_restore(room: Path) -> None:
    """Bring the staged files to their places once the store is there, and take the mark away."""
    files.exchange_folders(room, get_settings().var / ".replaced")
    get_half_restored_mark().unlink()


def _load_store(link: postgres.Connection, manifest: Manifest, folder: Path, report: Report) -> None:
    """The tables as they were, proved by their digests.

    Raises:
        Refused: HUB851 for the first table that is not what it was.
    """
    store.run_statements(link, folder / store.BEFORE)
    for place, table in enumerate(manifest.tables):
        report("tables", place, len(manifest.tables))
        store.load_table(link, table, folder)
    for counter in manifest.sequences:
        store.set_counter(link, counter)
    store.run_statements(link, folder / store.AFTER)
    for place, table in enumerate(manifest.tables):
        report("prove", place, len(manifest.tables))
        if store.hash_table(link, table.name) != (table.rows, table.digest):
            raise Refused("HUB851", str(folder), thing=table.name, problem="digest")
    report("prove", len(manifest.tables), len(manifest.tables))


def _settle_store(link: postgres.Connection, manifest: Manifest, by: str) -> tuple[str, ...]:
    """What is other on this machine, and what the next night must know: where files lie, that runs under way were cut off with
    their scratch, and that receivers may have gone on since."""
    _rewrite_paths(link, manifest.var, str(get_settings().var))
    now = system_clock()
    open_runs = link.execute(
        "update ops.run set state = 'failed', ended_at = %s where state = 'running' returning run_id", [now]
    ).fetchall()
    if store.fetch_one(link, "select to_regclass('ops.session')") != (
        None,
    ):  # who was logged in on the old machine is not here
        link.execute("update ops.session set ended_at = %s where ended_at is null", [now])
    run_id = f"{KIND}-{now:%Y%m%d-%H%M%S}"
    link.execute("insert into ops.run values (%s, %s, %s, '{}', 'done', %s, %s)", [run_id, KIND, local_date(now), now, now])
    told = {"made_at": manifest.made_at, "version": manifest.version, "product": manifest.product, "by": by}
    link.execute(
        "insert into ops.step (run_id, verb, subject, attempt, state, input_hash, output, started_at, ended_at)"
        " values (%s, %s, 'hub', 1, 'done', %s, %s, %s, %s)",
        [run_id, KIND, run_id, Jsonb(told), datetime.fromisoformat(manifest.made_at), now],
    )
    return tuple(sorted(str(row[0]) for row in open_runs))


def _rewrite_paths(link: postgres.Connection, old: str, new: str) -> None:
    """Have the ledger name files of this machine: what is not there is made again, and none is read in the folder of the hub
    that was, which may be there still."""
    if old == new:
        return
    link.execute(
        "update ops.held set kept_in = %(new)s || substr(kept_in, length(%(old)s) + 1)"
        " where starts_with(kept_in, %(old)s || '/')",
        {"old": old, "new": new},
    )
    link.execute(
        "update ops.step set output = replace(output::text, %(old)s, %(new)s)::jsonb where strpos(output::text, %(old)s) > 0",
        {name: f"{json.dumps(path, ensure_ascii=False)[:-1]}/" for name, path in (("old", old), ("new", new))},
    )
