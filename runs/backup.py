"""Backup: the store of one moment, and the hub's own files, in one folder that can be carried to another machine.

It may be made while a night is at work: the tables are of one snapshot, and a file never changes once the ledger names it. The
folder is written under another name and renamed when it is whole.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import Denied, HubError, MachineFault
from core.hashing import hash_file, hash_values, system_clock
from core.process.privacy import restrict_permissions
from core.release import VERSION
from core.settings import get_settings
from core.store.connections import get_connection, list_connections, list_switched_off
from core.store.ledger import open_ledger
from core.store.postgres import Connection
from desk.upload import format_receipt_number
from runs import backup_files as files
from runs import backup_manifest as manifests
from runs import backup_tables as store
from runs.backup_manifest import Manifest, Named, Report

_WRITTEN = frozenset({".yaml", ".csv", ".sql", ".toml"})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_WHYS = {
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.EROFS: "read_only",
    errno.ENOENT: "no_folder",
    errno.ENOTDIR: "no_folder",
    errno.ENAMETOOLONG: "long",
}


@dataclass(frozen=True)
class Made:
    """A finished backup: where it is, what it says of itself, and how long it took."""

    folder: Path
    manifest: Manifest
    seconds: float


def make_backup(folder: Path, report: Report) -> Made:
    """Write a backup into `folder`, which is not there yet or empty.

    Raises:
        Fault: HUB856 the disk is full, HUB857 `pg_dump` cannot do it, HUB858 the folder cannot be used. Nothing is left then.
        Denied: HUB854 when another backup is writing there. Unavailable: HUB201.
    """
    began, folder = time.monotonic(), folder.absolute()
    restrict_permissions()
    with explain_write_errors(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise MachineFault("HUB858", str(folder), problem_key="backup.why.taken", file=folder.name)
        with _open_draft(folder) as draft:
            manifest = _fill_draft(draft, report)
            manifests.write_manifest(draft, manifest)
            os.sync()
            draft.rename(folder)
    return Made(folder, manifest, time.monotonic() - began)


@contextlib.contextmanager
def explain_write_errors(folder: Path) -> Iterator[None]:
    """Say in words why something cannot be written."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise MachineFault("HUB856", str(folder), free=_measure_free_megabytes(folder)) from None
        why = _WHYS.get(error.errno or 0, "other")
        raise MachineFault(
            "HUB858",
            str(folder),
            problem_key=f"backup.why.{why}",
            file=str(error.filename or folder),
            kind=type(error).__name__,
        ) from None


def _measure_free_megabytes(folder: Path) -> int:
    """Megabytes that are free where a folder is to be."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(there).free >> 20


@contextlib.contextmanager
def _open_draft(folder: Path) -> Iterator[Path]:
    """A folder beside the wanted one, for one process at a time; what is not renamed in the end is removed."""
    draft = folder.with_name(f".{folder.name}.part")
    draft.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(draft, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Denied("HUB854", str(folder)) from None
        for left in draft.iterdir():  # of one that was killed
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        try:
            yield draft
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    finally:
        os.close(lock)


def _fill_draft(draft: Path, report: Report) -> Manifest:
    """Everything but the manifest, and the manifest that says so."""
    ledger = open_ledger()
    with store.open_snapshot(ledger.url) as (link, seen):
        moment = system_clock()
        structure = store.write_structure(ledger.url, seen, draft)
        names, tables = store.list_tables(link), []
        for place, name in enumerate(names):
            report("tables", place, len(names))
            tables.append(store.unload_table(link, name, draft))
        report("tables", len(names), len(names))
        counters, promised = store.read_counters(link), _read_promised(link)
        [version] = store.fetch_one(link, "select coalesce(max(version), 0) from ops.version")
        [server] = store.fetch_one(link, "show server_version")
        migrations = [str(row[0]) for row in link.execute("select name from ops.migration order by name").fetchall()]
    copied = files.copy_files(promised, draft, report)
    return Manifest(
        format=manifests.FORMAT,
        product=VERSION,
        made_at=moment.isoformat(),
        snapshot=seen,
        server=str(server),
        version=int(version),
        migrations=migrations,
        var=str(get_settings().var),
        contracts=hash_contracts(),
        structure=structure,
        tables=tables,
        sequences=counters,
        files=copied.files,
        connections=_list_connections(),
        damaged=copied.damaged,
        gone=copied.gone,
    )


def hash_contracts() -> str:
    """A digest over the contracts and SQL that this hub works by."""
    home = get_settings().home
    paths = [path for room in ("schemas", "sql") for path in (home / room).rglob("*") if path.suffix in _WRITTEN]
    return hash_values([(str(path.relative_to(home)), hash_file(path)) for path in sorted(paths)])


def _list_connections() -> list[Named]:
    """The connections by name, without an address: they must be given again."""
    off, named = list_switched_off(), []
    for id in list_connections():
        try:
            named.append(Named(id, "off" if id in off else get_connection(id).family))
        except HubError:
            named.append(Named(id, ""))
    return named


def _read_promised(link: Connection) -> files.Promised:
    """What the ledger, at the connection's snapshot, says of the hub's files."""
    landed = _fetch_rows(
        link,
        "select output ->> 'folder', output ->> 'content', step_id in (select max(step_id) from ops.step where verb = 'extract'"
        " and state = 'done' group by subject) from ops.step where verb = 'extract' and state = 'done'"
        " and output ? 'folder' and output ? 'content'",
    )
    hashes = {f"landing/{folder}/{files.ROWS}": content for folder, content, _ in landed}
    needed = {f"landing/{folder}/{files.ROWS}" for folder, _, newest in landed if newest}
    handed_in = "select dataset, upload_id, stored, sha256 from ops.upload where stored is not null"
    hashes |= {
        f"uploads/{data}/{format_receipt_number(id)}/{name}": told for data, id, name, told in _fetch_rows(link, handed_in)
    }
    told_of = "select system_code, file, sha256 from ops.notice where file <> ''"
    hashes |= {f"notices/{system}/{name}": told for system, name, told in _fetch_rows(link, told_of)}
    sent = _fetch_rows(link, "select folder, content_hash, state in ('prepared', 'sent') from ops.delivery")
    needed |= {f"{folder}/upserts.parquet" for folder, _, is_open in sent if is_open}
    kept = _fetch_rows(link, "select kept_in, bool_or(state = 'open') from ops.held group by 1")
    var = get_settings().var
    held = {str(Path(path).relative_to(var)): is_open for path, is_open in kept if Path(path).is_relative_to(var)}
    needed |= {path for path, is_open in held.items() if is_open}
    return files.Promised(hashes, {folder: told for folder, told, _ in sent}, tuple(held), frozenset(needed))


def _fetch_rows(link: Connection, query: str) -> list[tuple[Any, ...]]:
    return link.execute(query.encode()).fetchall()
