"""Upload: a department hands in a file. It is judged first, and taken whole or not at all (YWLC01/3, YWLC01/7, SJGXLC04/3).

A file that is taken is kept twice: in the hub's own folder, never to change, and in the source's folder under the name
that the extractor expects, for the night to read. A later file for the same business date replaces it; the receipts stay.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
import tempfile
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from contracts.catalog import Catalog
from contracts.contract import SourceDataset
from core.errors import Denied
from core.hashing import hash_file, hash_values
from core.people import require_two_people
from core.settings import get_settings
from core.store.connections import get_connection
from core.store.ledger import Ledger, Row
from desk import brake_release, error_workbook
from desk.dry_run import DryRunResult, evaluate_file, list_target_entities
from pipeline.publishing import publish
from reporting import display_names

_RECEIPT_FACTS = (
    "dataset",
    "as_of",
    "file_name",
    "sha256",
    "rows",
    "faulty",
    "state",
    "error_code",
    "given_by",
    "given_at",
    "stored",
)
_ARRIVED = (
    "select 1 from ops.step b join ops.step p using (run_id) where b.verb = 'brake' and b.subject = entity and b.state = 'done'"
    " and b.started_at >= s.ended_at and p.verb = 'publish' and p.subject = 'hub' and p.state = 'done'"
    " and p.started_at >= b.ended_at and not coalesce(p.output -> 'failed' ? entity, false)"
)
"""The publish that took an `entity` as it was judged after a reading `s`."""


@dataclass(frozen=True)
class UploadRequest:
    """What somebody hands in: the dataset, the file, who, for which business date, and why faulty rows may be held; `agreed` is
    what a second person has agreed to (a row of `ops.request`)."""

    dataset: str
    file: Path
    by: str
    as_of: date
    accept_held: bool = False
    reason: str = ""
    agreed: Row | None = None


def upload_file(ledger: Ledger, catalog: Catalog, offer: UploadRequest) -> Row:
    """Take a sound file, or refuse a faulty one with a fix list; returns the receipt, `state` taken or refused.

    A faulty one that is to be taken all the same is kept until a second person agrees (`approve_held`); then `waits` is true.
    The same file handed in again gets the receipt that it has. `problem` is what stands against the file as a whole, in a line.

    Raises:
        Denied: HUB740 when the dataset is not handed in as a file, HUB741 when there is no such file, HUB743 without a name
            or a reason, HUB745 for an older business date where a missing row counts as gone, HUB340 while the rows of a
            file of another business date are not in the hub, HUB746.
    """
    dataset = get_upload_dataset(catalog, offer.dataset)
    if not offer.file.is_file():
        raise Denied("HUB741", dataset.id, file=offer.file.name)
    if not offer.by.strip() or (offer.accept_held and not offer.reason.strip()):
        raise Denied("HUB743", dataset.id)
    with ledger.hold_lock(f"upload {dataset.id}"):
        _require_date_order(ledger, catalog, dataset, offer.as_of)
        with tempfile.TemporaryDirectory(prefix="upload-", dir=_make_folder(get_settings().work)) as room:
            copy = Path(room) / build_file_name(dataset, offer.as_of, 0)
            shutil.copyfile(offer.file, copy)
            before = _find_same_receipt(ledger, dataset, hash_file(copy), offer.as_of)
            if before and before["state"] == "taken":
                return format_receipt(before) | {"problem": None}
            found = evaluate_file(ledger, catalog, dataset, Path(room), offer.as_of)
            found = _restore_file_name(found, copy.name, offer.file.name)
            takes = found.is_sound or (offer.agreed is not None and found.stopped is None)
            if offer.agreed:
                _demand_unchanged(offer.agreed, _hash_waiver(dataset.id, offer.as_of, hash_file(copy), found.held))
            row = before or _record_receipt(ledger, dataset, offer, found, (copy, "taking" if takes else "refused"))
            whole = {"problem": display_names.format_error(catalog, found.stopped) if found.stopped else None}
            if takes:
                return format_receipt(_take_file(ledger, catalog, dataset, row, copy)) | whole
            waits = offer.accept_held and found.stopped is None
            if waits:
                _request_waiver(ledger, row, offer, copy)
            return format_receipt(row) | whole | {"waits": waits}


def approve_held(ledger: Ledger, catalog: Catalog, subject: str, by: str) -> Row:
    """Agree that a faulty file is taken all the same, its faulty rows held; returns the receipt of the file as it was taken.

    Raises:
        Denied: HUB792 when nobody asks for this, HUB704 when the same person does, HUB741 when the file is not kept any more,
            HUB793 when the file or what is wrong with it is not what it was.
    """
    asked = brake_release.find_request(ledger, "waiver", subject)
    require_two_people(asked["requested_by"], by, subject)
    told = asked["asked"]
    folder = _waiting_folder(told["dataset"], subject)
    offer = UploadRequest(
        dataset=told["dataset"],
        file=folder / told["file_name"],
        by=asked["requested_by"],
        as_of=date.fromisoformat(told["as_of"]),
        accept_held=True,
        reason=asked["reason"],
        agreed=asked,
    )
    found = upload_file(ledger, catalog, offer)
    if found["state"] == "taken":
        with ledger.transaction() as connection_:
            publish.record_approval(connection_, asked, by, ledger.clock())
        shutil.rmtree(folder, ignore_errors=True)
    return found


def _request_waiver(ledger: Ledger, row: Row, offer: UploadRequest, copy: Path) -> None:
    """Keep a faulty file, and ask for a second person who agrees that it is taken all the same."""
    subject = format_receipt_number(row["upload_id"])
    _copy_atomically(copy, _make_folder(_waiting_folder(row["dataset"], subject)) / offer.file.name)
    told = {name: row[name] for name in ("dataset", "file_name", "sha256", "rows", "faulty")}
    content = _hash_waiver(row["dataset"], row["as_of"], row["sha256"], row["faulty"])
    wanted = {"kind": "waiver", "subject": subject, "asked": {**told, "as_of": row["as_of"].isoformat()}}
    with ledger.transaction() as connection_:
        given = {"content_hash": content, "reason": offer.reason, "requested_by": offer.by}
        brake_release.write_request(connection_, ledger, {**wanted, **given})


def _demand_unchanged(asked: Row, content: str) -> None:
    if content != asked["content_hash"]:
        raise Denied("HUB793", asked["subject"], by=asked["requested_by"])


def _hash_waiver(dataset: str, as_of: date, sha256: str, faulty: int) -> str:
    """The digest of what a second person agrees to: which file, for which day, with how many faulty rows."""
    return hash_values("waiver", dataset, as_of, sha256, faulty)


def _waiting_folder(dataset: str, subject: str) -> Path:
    """Where a faulty file is kept until somebody agrees."""
    return get_settings().var / "uploads" / dataset / subject / "waiting"


def get_upload_dataset(catalog: Catalog, id: str) -> SourceDataset:
    """The dataset, if departments hand it in as a file.

    Raises:
        Denied: HUB740. ContractError: HUB104 when there is no such dataset.
    """
    dataset = catalog.source(id)
    if dataset.mode != "upload":
        listed = sorted(source.id for source in catalog.sources.values() if source.mode == "upload")
        raise Denied("HUB740", id, known=", ".join(listed) or "-")
    return dataset


def list_receipts(ledger: Ledger, dataset: SourceDataset, limit: int = 50) -> list[Row]:
    """The receipts of a dataset, newest first: who, when, rows, hash, state, and which receipt replaced it."""
    rows = ledger.rows("select * from ops.upload where dataset = %s order by upload_id desc limit %s", [dataset.id, limit])
    return [format_receipt(row) for row in rows]


def format_receipt(row: Row) -> Row:
    """A receipt as people read it: its number first."""
    fixes = str(get_settings().var / row["fixes"]) if row["fixes"] else None
    replaced = format_receipt_number(row["replaced_by"]) if row["replaced_by"] else None
    return {
        "receipt": format_receipt_number(row["upload_id"]),
        **{name: row[name] for name in _RECEIPT_FACTS},
        "fixes": fixes,
        "replaced_by": replaced,
    }


def format_receipt_number(upload_id: int) -> str:
    """`UP000012`."""
    return f"UP{upload_id:06d}"


def build_file_name(dataset: SourceDataset, as_of: date, upload_id: int) -> str:
    """A name that the contract's pattern matches: `工资_20260908_UP000012.xlsx`; a plain name stays as it is."""
    first, star, rest = dataset.physical.partition("*")
    name = f"{first}_{as_of:%Y%m%d}_{format_receipt_number(upload_id)}{rest.replace('*', '')}" if star else first
    name = name.replace("__", "_").replace("?", "0")
    return name if fnmatch.fnmatch(name, dataset.physical) else dataset.physical.replace("*", "").replace("?", "0")


def _restore_file_name(found: DryRunResult, tried: str, offered: str) -> DryRunResult:
    """What stands against a file under the name that its owner gave it."""
    if found.stopped is None:
        return found
    facts = {name: offered if fact == tried else fact for name, fact in found.stopped.facts.items()}
    stopped = type(found.stopped)(found.stopped.code, found.stopped.where, **facts)
    faults = tuple(replace(one, why=one.why.replace(tried, offered)) for one in found.faults)
    return replace(found, stopped=stopped, faults=faults)


def _require_date_order(ledger: Ledger, catalog: Catalog, dataset: SourceDataset, as_of: date) -> None:
    """Refuse an older business date where the newest file is the whole truth: its missing rows would count as gone. Where
    every file has rows of its own, refuse another business date as long as the rows of the file before are not in the hub."""
    if _is_additive(catalog, dataset):
        for row in _list_unread_files(ledger, dataset, list_target_entities(catalog, dataset)):
            if row["as_of"] != as_of:
                raise Denied(
                    "HUB340",
                    dataset.id,
                    receipt=format_receipt_number(row["upload_id"]),
                    day=row["as_of"],
                    system=dataset.system,
                )
        return
    newest = ledger.single("select max(as_of) as day from ops.upload where dataset = %s and state = 'taken'", [dataset.id])[
        "day"
    ]
    if newest and as_of < newest:
        raise Denied("HUB745", dataset.id, newest=newest)


def _is_additive(catalog: Catalog, dataset: SourceDataset) -> bool:
    """Whether a file adds to what earlier ones gave, since nothing leaves by not being in it."""
    return all(catalog.entity(name).gone == "never" for name in list_target_entities(catalog, dataset))


def _list_unread_files(ledger: Ledger, dataset: SourceDataset, entities: Collection[str] = ()) -> list[Row]:
    """The files taken since the dataset was last read, but for those that a later one replaced; given entities, since what was
    read last of it went into all of these, and not only into the landing."""
    return ledger.rows(
        "select upload_id, as_of from ops.upload u where dataset = %s and state = 'taken' and replaced_by is null"
        " and not exists (select 1 from ops.step s where s.verb = 'extract' and s.subject = u.dataset and s.state = 'done'"
        " and s.started_at >= u.given_at"
        f" and not exists (select 1 from unnest(%s::text[]) entity where not exists ({_ARRIVED}))) order by upload_id",
        [dataset.id, list(entities)],
    )


def _find_same_receipt(ledger: Ledger, dataset: SourceDataset, sha256: str, as_of: date) -> Row | None:
    """The newest receipt for this business date, if it is for the same bytes and the file was (or was being) taken."""
    row = ledger.fetch_row(
        "select * from ops.upload where dataset = %s and as_of = %s and state <> 'refused' order by upload_id desc limit 1",
        [dataset.id, as_of],
    )
    return row if row and row["sha256"] == sha256 else None


def _record_receipt(
    ledger: Ledger, dataset: SourceDataset, offer: UploadRequest, found: DryRunResult, kept: tuple[Path, str]
) -> Row:
    copy, state = kept
    facts = {
        "dataset": dataset.id,
        "as_of": offer.as_of,
        "file_name": offer.file.name,
        "sha256": hash_file(copy),
        "bytes": copy.stat().st_size,
        "rows": found.rows,
        "faulty": found.held,
        "state": state,
        "error_code": found.stopped.code if found.stopped else None,
        "given_by": offer.by.strip(),
        "given_at": ledger.clock(),
        "reason": offer.reason.strip() or None,
    }
    places = ", ".join(f"%({name})s" for name in facts)
    row = ledger.single(f"insert into ops.upload ({', '.join(facts)}) values ({places}) returning *", facts)
    if not found.faults:
        return row
    fixes = Path("uploads", dataset.id, format_receipt_number(row["upload_id"]), "fixes.xlsx")
    error_workbook.write_workbook(get_settings().var / fixes, found.faults)
    return ledger.single("update ops.upload set fixes = %s where upload_id = %s returning *", [str(fixes), row["upload_id"]])


def _take_file(ledger: Ledger, catalog: Catalog, dataset: SourceDataset, row: Row, copy: Path) -> Row:
    """Keep the file, put it where the night reads it, then say so: cut off before that, the same file is taken up again.

    Nobody reads the dataset meanwhile, so that a reading begun later has read this file.
    """
    id = row["upload_id"]
    stored = build_file_name(dataset, row["as_of"], id)
    kept = _make_folder(get_settings().var / "uploads" / dataset.id / format_receipt_number(id)) / stored
    _copy_atomically(copy, kept)
    kept.chmod(0o444)
    folder = _make_folder(Path(get_connection(dataset.connection).path))
    with ledger.hold_lock(f"dataset {dataset.id}"):
        others = [path.stat().st_mtime_ns for path in folder.glob(dataset.physical) if path.is_file()]
        _copy_atomically(copy, folder / stored, max([time.time_ns(), *(moment + 1 for moment in others)]))
        passed = [] if _is_additive(catalog, dataset) else [row["upload_id"] for row in _list_unread_files(ledger, dataset)]
        with ledger.transaction() as connection_:
            connection_.execute(
                "update ops.upload set state = 'taken', stored = %s, given_at = %s where upload_id = %s",
                [stored, ledger.clock(), id],
            )
            connection_.execute(
                "update ops.upload set replaced_by = %s where dataset = %s and (as_of = %s or upload_id = any(%s::bigint[]))"
                " and upload_id < %s and state = 'taken' and replaced_by is null",
                [id, dataset.id, row["as_of"], passed, id],
            )
    return ledger.single("select * from ops.upload where upload_id = %s", [id])


def _copy_atomically(source: Path, path: Path, moment: int | None = None) -> None:
    """Copy under another name, flush to disk, rename; the newest file of a folder is the one that counts, hence `moment`."""
    draft = path.with_name(f".{path.name}.part")
    shutil.copyfile(source, draft)
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    if moment is not None:
        os.utime(draft, ns=(moment, moment))
    draft.replace(path)


def _make_folder(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
