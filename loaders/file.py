"""Delivery as files in a folder: one data file per delivery, and beside it a manifest that makes it exist.

The data file is written under another name, flushed to disk and renamed; the manifest comes last in the same way. So a
reader that waits for manifests never sees half a file, and a delivery cut off at any moment is simply written again.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pyarrow.parquet as pq
from xlsxwriter.exceptions import XlsxFileError

from contracts.contract import Column, FeedDataset
from core.dialects import quote_identifier, spell_sql_type
from core.engine import quote_literal
from core.errors import FeedFailed, MachineFault
from core.store import reach
from core.store.address import ConnectionAddress
from core.store.restored import read_mark
from loaders import formats
from loaders.base import ApplyResult, ControlTotals, Delivery
from loaders.formats import OP
from loaders.tables import control_totals
from loaders.tables.control_totals import DUCK, open_workspace

Manifest = dict[str, Any]
_PLAIN_NAME = re.compile(r"[^./\\*?\[\]\s][^/\\*?\[\]\r\n]*")
"""A name that stays in its folder and names one file only."""


class FileTarget:
    """A folder, local or mounted. It keeps no rows of its own, so what a receiver has is what its files add up to."""

    family: ClassVar[str] = "file"

    def __init__(self, connection: ConnectionAddress) -> None:
        self.folder = Path(connection.path)

    def apply(self, delivery: Delivery) -> ApplyResult:
        """Write the data file and its manifest, or find both as they should be.

        A delivery without rows writes them too: silence would mean a fault.

        Raises:
            FeedFailed: HUB601 when the folder cannot be written, HUB612 and HUB613 when the format cannot hold the rows.
            Fault: HUB803, the disk is full. No half file stays.
        """
        feed = delivery.feed
        path = self._find_data_path(delivery)
        found = _read_manifest(path)
        if found and found["delivery_id"] == delivery.id and _is_intact(path, found):
            return ApplyResult(found["rows_upsert"], found["rows_delete"], already=True)
        with _translate_errors(feed), open_workspace(feed.id) as (db, folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            _create_view(db, delivery)
            made = folder / path.name  # the engine writes in the hub's own folders only
            formats.write_file(db, feed, "delivered", made, delivery.as_of)
            _find_manifest_path(path).unlink(missing_ok=True)
            with _replace_file(path) as new:
                shutil.copyfile(made, new)
                manifest = _build_manifest(delivery, path.name, new)
            with _replace_file(_find_manifest_path(path)) as new:
                new.write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return ApplyResult(manifest["rows_upsert"], manifest["rows_delete"])

    def read_receipt(self, delivery: Delivery) -> ControlTotals:
        """Totals of the file as it stands on disk, parsed anew.

        Raises:
            FeedFailed: HUB614 when file or manifest is missing, damaged, or of another delivery.
        """
        feed, path = delivery.feed, self._find_data_path(delivery)
        found = _read_manifest(path)
        if not found or found["delivery_id"] != delivery.id:
            raise FeedFailed("HUB614", feed.id, file=path.name, problem_key="damage.changed", kind="manifest")
        if not _is_intact(path, found):
            raise FeedFailed("HUB614", feed.id, file=path.name, problem_key="damage.changed", kind="SHA-256")
        with open_workspace(feed.id) as (db, _), _translate_damage(feed, path.name):
            _load_file(db, "found", feed, path, found)
            [(deleted,)] = db.execute(f"select count(*) from found where {OP} = 'D'").fetchall()
            return _compute_totals(db, feed, f"found where {OP} = 'U'", int(deleted))

    def read_totals(self, feed: FeedDataset) -> ControlTotals:
        """Totals of what the files in the folder add up to: the newest whole file and every change since.

        Raises:
            FeedFailed: HUB615 when a file in between is missing.
        """
        with open_workspace(feed.id) as (db, _), _translate_damage(feed, feed.physical):
            self._build_state(db, feed)
            return _compute_totals(db, feed, "state", 0)

    def compare_rows(self, feed: FeedDataset, expected: Path, out: Path) -> tuple[int, int, int]:
        """Compare what the files add up to with a Parquet file of all rows; see `loaders.tables.table.TableTarget.compare`."""
        with open_workspace(feed.id) as (db, _), _translate_damage(feed, feed.physical):
            self._build_state(db, feed)
            db.execute(
                f"create table found as select {control_totals.key_text(feed, DUCK, control_totals.cast_column)} as row_key,"
                f" {control_totals.content_hash(feed, DUCK, control_totals.cast_column)} as row_hash from state"
            )
            return control_totals.count_differences(db, feed, expected, out)

    def find_rows(self, feed: FeedDataset, keys: Sequence[str]) -> dict[str, list[str | None]]:
        """The rows with these key texts that the files add up to, as texts of all columns."""
        with open_workspace(feed.id) as (db, _), _translate_damage(feed, feed.physical):
            self._build_state(db, feed)
            return control_totals.find_rows(db, feed, "state", keys)

    def close(self) -> None:
        """Nothing is held."""

    def _build_state(self, db: duckdb.DuckDBPyConnection, feed: FeedDataset) -> None:
        """Make the table `state` of the rows that the files add up to."""
        names = ", ".join(quote_identifier(column.name, DUCK.engine) for column in feed.columns)
        db.execute(f"create table steps ({_define_columns(feed)}, {OP} varchar, step integer)")
        for step, (path, manifest) in enumerate(self._list_chain(feed)):
            _load_file(db, f"step_{step}", feed, path, manifest)
            db.execute(f"insert into steps select {names}, {OP}, {step} from step_{step}")
        key = ", ".join(quote_identifier(name, DUCK.engine) for name in feed.key)
        db.execute(
            f"create table state as select {names} from"
            f" (select *, row_number() over (partition by {key} order by step desc) as n from steps) where n = 1 and {OP} = 'U'"
        )

    def _list_chain(self, feed: FeedDataset) -> list[tuple[Path, Manifest]]:
        """The newest whole file (or first change) and the changes since, oldest first, without a gap. A hub that came back from
        a backup counts its versions anew: what it wrote since comes after all that it wrote before."""
        files: dict[tuple[str, int], tuple[Path, Manifest]] = {}
        for path in self.folder.glob(f"{feed.physical}.*.{formats.choose_suffix(feed)}"):
            found = _read_manifest(path)
            if found and (found["edge"], found["dataset"]) == (feed.edge, feed.dataset) and _is_intact(path, found):
                moves = found["mode"] == "full" or found["from_version"] < found["to_version"]
                if moves:
                    files[read_mark(found["delivery_id"]), int(found["to_version"])] = (path, found)
        chain: list[tuple[Path, Manifest]] = []
        at = max(files, default=None)
        while at:
            chain.append(files[at])
            found = files[at][1]
            wanted = int(found["from_version"])
            if found["mode"] == "full" or not wanted:
                break
            before = [key for key in files if key < at and key[1] == wanted]
            if not before:
                raise FeedFailed("HUB615", feed.id, version=wanted)
            at = max(before)
        return chain[::-1]

    def _find_data_path(self, delivery: Delivery) -> Path:
        """Named by both versions, so that a night without change never replaces the change before it.

        Raises:
            FeedFailed: HUB605 when the contract's name is not that of a file in the folder.
        """
        feed = delivery.feed
        if not _PLAIN_NAME.fullmatch(feed.physical):
            raise FeedFailed("HUB605", feed.id, file=feed.physical)
        return self.folder / f"{feed.physical}.{delivery.from_version}-{delivery.to_version}.{formats.choose_suffix(feed)}"


def _choose_mode(delivery: Delivery) -> str:
    """How the rows are written. A learning platform starts from a bulk bundle, so what follows nothing is one."""
    return "full" if delivery.feed.file_format == "oneroster" and delivery.from_version == 0 else delivery.mode


def _create_view(db: duckdb.DuckDBPyConnection, delivery: Delivery) -> None:
    """The view `delivered`: rows in key order, in delta mode with `_op` first (U, then D with the key only)."""
    feed = delivery.feed
    key = ", ".join(quote_identifier(name, DUCK.engine) for name in feed.key)

    def items(shown: tuple[str, ...]) -> str:
        return ", ".join(
            (
                control_totals.cast_column(column)
                if column.name in shown
                else f"cast(null as {spell_sql_type(column.type, DUCK.engine)})"
            )
            + f" as {quote_identifier(column.name, DUCK.engine)}"
            for column in feed.columns
        )

    every = tuple(column.name for column in feed.columns)
    upserts = f"from read_parquet({quote_literal(delivery.upserts)})"
    if _choose_mode(delivery) == "full":
        db.execute(f"create view delivered as select {items(every)} {upserts} order by {key}")
    else:
        gone = f"select 'D' as {OP}, {items(feed.key)} from read_parquet({quote_literal(delivery.deletes)})"
        db.execute(
            f"create view delivered as select * from (select 'U' as {OP}, {items(every)} {upserts} union all {gone})"
            f" order by {OP} desc, {key}"
        )


def _load_file(db: duckdb.DuckDBPyConnection, name: str, feed: FeedDataset, path: Path, manifest: Manifest) -> None:
    """A delivered file as a table in the contract's types; `_op` is there in every mode."""
    whole = manifest["mode"] == "full"
    names = [*([] if whole else [OP]), *(column.name for column in feed.columns)]
    file = formats.read_file(feed, path, names)
    db.register("file", file)
    op = "'U'" if whole else OP
    items = ", ".join(
        f"{_parse_column(column, feed)} as {quote_identifier(column.name, DUCK.engine)}" for column in feed.columns
    )
    db.execute(f"create table {name} as select {items}, {op} as {OP} from file")
    db.unregister("file")


def _parse_column(column: Column, feed: FeedDataset) -> str:
    value = control_totals.cast_column(column)
    if column.type.name != "boolean" or feed.file_format == "parquet":
        return value
    kind = "varchar" if feed.file_format == "oneroster" else "integer"
    return f"cast(cast({quote_identifier(column.name, DUCK.engine)} as {kind}) as boolean)"


def _define_columns(feed: FeedDataset) -> str:
    return ", ".join(
        f"{quote_identifier(column.name, DUCK.engine)} {spell_sql_type(column.type, DUCK.engine)}" for column in feed.columns
    )


def _compute_totals(db: duckdb.DuckDBPyConnection, feed: FeedDataset, relation: str, deleted: int) -> ControlTotals:
    [row] = db.execute(control_totals.build_query(feed, DUCK, control_totals.cast_column, relation)).fetchall()
    return control_totals.parse_totals(feed, row, deleted)


def _build_manifest(delivery: Delivery, name: str, written: Path) -> Manifest:
    feed = delivery.feed
    mode = _choose_mode(delivery)
    deletes = pq.read_metadata(delivery.deletes).num_rows if mode == "delta" else 0
    return {
        "delivery_id": delivery.id,
        "flow": feed.flow,
        "edge": feed.edge,
        "dataset": feed.dataset,
        "contract": feed.version,
        "mode": mode,
        "from_version": delivery.from_version,
        "to_version": delivery.to_version,
        "as_of": delivery.as_of.isoformat(),
        "file": name,
        "format": feed.file_format or "csv",
        "encoding": feed.encoding or "utf-8",
        "rows_upsert": pq.read_metadata(delivery.upserts).num_rows,
        "rows_delete": deletes,
        "columns": [
            {"name": c.physical, "title": c.title, "type": c.type.name, "key": c.name in feed.key} for c in feed.columns
        ],
        "control_totals": asdict(control_totals.compute_totals(delivery.upserts, feed, deletes)),
        "sha256": _hash_file(written),
    }


def _find_manifest_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.manifest.json")


def _read_manifest(path: Path) -> Manifest | None:
    try:
        found: Manifest = json.loads(_find_manifest_path(path).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"delivery_id", "sha256", "mode"} <= found.keys() else None


def _is_intact(path: Path, manifest: Manifest) -> bool:
    return path.is_file() and _hash_file(path) == manifest["sha256"]


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _replace_file(path: Path) -> Iterator[Path]:
    """A name to write under; at the end the file is flushed to disk and takes the name `path`, or is removed on an error."""
    new = path.with_name(f".{path.name}.part")
    try:
        yield new
        with new.open("rb") as file:
            os.fsync(file.fileno())
        new.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        new.unlink(missing_ok=True)


@contextlib.contextmanager
def _translate_errors(feed: FeedDataset) -> Iterator[None]:
    try:
        yield
    except (OSError, XlsxFileError) as error:
        number = getattr(error, "errno", None) or 0
        if number == errno.ENOSPC:
            raise MachineFault("HUB803", feed.id) from error
        reason = errno.errorcode.get(number, type(error).__name__)
        raise FeedFailed("HUB601", feed.id, **reach.explain_refusal(reason, reason)) from error
    except duckdb.IOException as error:
        raise FeedFailed("HUB601", feed.id, reason=type(error).__name__) from error


@contextlib.contextmanager
def _translate_damage(feed: FeedDataset, name: str) -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, OSError) as error:
        # Not chained: a failed cast shows the cell.
        raise FeedFailed("HUB614", feed.id, file=name, problem_key="damage.changed", kind=type(error).__name__) from None
