"""Upkeep: what is removed when its time is over, and what never is.

Landings, and the files that were handed in, stay as long as their dataset's contract says (`slaProperties`, `retention`); the
newest one always stays. A held row
is kept, as it came, for as long as it is held and ninety days more; its entry, which has no values but the key, three years
(canonical model, section 10). Nothing that is still open is removed, and the ledger is not touched.
"""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from contracts.catalog import Catalog, load_catalog
from contracts.contract import KEEP_LANDING_DAYS
from core.settings import get_settings
from core.store.ledger import Ledger, open_ledger
from desk.upload import format_receipt_number
from pipeline.publishing import brake

KEEP_WORK_DAYS, KEEP_HELD_ROWS_DAYS, KEEP_ENTRIES_DAYS = 3, 90, 3 * 366


def remove_expired(as_of: date) -> dict[str, Any]:
    """Remove what is older than its retention on a business date; returns `{removed, entries}`: files and folders, entries."""
    ledger = open_ledger()
    removed = _remove_landings(ledger, load_catalog(), as_of) + _remove_run_folders(as_of - timedelta(days=KEEP_WORK_DAYS))
    removed += _remove_uploads(ledger, load_catalog(), as_of)
    entries = _delete_entries(ledger, as_of - timedelta(days=KEEP_ENTRIES_DAYS))
    limit = as_of - timedelta(days=KEEP_WORK_DAYS)
    removed += (
        _remove_check_results(ledger, as_of)
        + _remove_conformed_rows(ledger, limit)
        + _remove_published_rows(limit)
        + brake.remove_old_changes(ledger, as_of)
    )
    return {"removed": removed, "entries": entries}


def _remove_landings(ledger: Ledger, catalog: Catalog, as_of: date) -> int:
    newest = {output["folder"] for output in ledger.latest("extract").values()}
    count = 0
    for folder in get_settings().landing.glob("*/*/*"):
        system, dataset, _ = folder.relative_to(get_settings().landing).parts
        source = catalog.sources.get(f"{system}.{dataset}")
        days = source.retention_days if source else KEEP_LANDING_DAYS
        if str(folder.relative_to(get_settings().landing)) not in newest and _is_older(folder, as_of - timedelta(days=days)):
            count += _remove_path(folder)
    return count


def _remove_uploads(ledger: Ledger, catalog: Catalog, as_of: date) -> int:
    """Handed-in files and fix lists: kept like landings; the newest one that was taken stays, and every receipt."""
    newest = {
        (row["dataset"], format_receipt_number(row["upload_id"]))
        for row in ledger.rows(
            "select dataset, max(upload_id) as upload_id from ops.upload where state <> 'refused' group by 1"
        )
    }
    count = 0
    for folder in (get_settings().var / "uploads").glob("*/*"):
        source = catalog.sources.get(folder.parent.name)
        days = source.retention_days if source else KEEP_LANDING_DAYS
        if (folder.parent.name, folder.name) not in newest and _is_older(folder, as_of - timedelta(days=days)):
            count += _remove_path(folder)
    return count


def _remove_run_folders(limit: date) -> int:
    """The folders of runs. What outlives its run has folders of its own."""
    folders = (folder for folder in get_settings().work.glob("*") if folder.name not in {"conformed", "checked", "standing"})
    return sum(_remove_path(folder) for folder in folders if _is_older(folder, limit))


def _remove_conformed_rows(ledger: Ledger, limit: date) -> int:
    """Mapped rows that are no longer an entity's newest: equal input would be mapped to them again."""
    newest = {output.get(name) for output in ledger.latest("conform").values() for name in ("file", "lost")}
    files = (path for path in get_settings().work.glob("conformed/*/*") if str(path) not in newest)
    return sum(_remove_path(path) for path in files if _is_older(path, limit))


def _remove_published_rows(limit: date) -> int:
    """Entities as a version had them: what is needed again is read from the hub again."""
    return sum(_remove_path(path) for path in get_settings().work.glob("standing/*") if _is_older(path, limit))


def _remove_check_results(ledger: Ledger, as_of: date) -> int:
    """Answers that are no longer an entity's newest; of one that holds a row which is still kept, the held rows stay."""
    newest = {str(Path(output["held"]).parent) for output in ledger.latest("check").values() if "held" in output}
    kept = {
        row["kept_in"]
        for row in ledger.rows(
            "select distinct h.kept_in from ops.held h left join ops.run r on r.run_id = h.closed_run"
            " where h.state = 'open' or r.as_of >= %s",
            [as_of - timedelta(days=KEEP_HELD_ROWS_DAYS)],
        )
    }
    count = 0
    for folder in get_settings().work.glob("checked/*/*"):
        if str(folder) in newest or not _is_older(folder, as_of - timedelta(days=KEEP_WORK_DAYS)):
            continue
        if str(folder / "held.parquet") in kept:
            count += sum(_remove_path(path) for path in folder.iterdir() if path.name != "held.parquet")
        else:
            count += _remove_path(folder)
    return count


def _delete_entries(ledger: Ledger, limit: date) -> int:
    with ledger.transaction() as connection:
        return connection.execute(
            "delete from ops.held h using ops.run r where r.run_id = h.closed_run and h.state = 'closed' and r.as_of < %s",
            [limit],
        ).rowcount


def _remove_path(path: Path) -> int:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return 1


def _is_older(path: Path, limit: date) -> bool:
    return date.fromtimestamp(path.stat().st_mtime) < limit
