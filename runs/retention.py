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

from contracts.catalog import Catalog, catalog
from contracts.contract import KEEP_LANDING_DAYS
from core.settings import settings
from core.store.ledger import Ledger, ledger
from desk.upload import number
from pipeline.publishing import brake

KEEP_WORK_DAYS, KEEP_HELD_ROWS_DAYS, KEEP_ENTRIES_DAYS = 3, 90, 3 * 366


def upkeep(as_of: date) -> dict[str, Any]:
    """Remove what is older than its retention on a business date; returns `{removed, entries}`: files and folders, entries."""
    book = ledger()
    removed = _landings(book, catalog(), as_of) + _intermediate(as_of - timedelta(days=KEEP_WORK_DAYS))
    removed += _uploads(book, catalog(), as_of)
    entries = _entries(book, as_of - timedelta(days=KEEP_ENTRIES_DAYS))
    limit = as_of - timedelta(days=KEEP_WORK_DAYS)
    removed += _checked(book, as_of) + _conformed(book, limit) + _standing(limit) + brake.forget(book, as_of)
    return {"removed": removed, "entries": entries}


def _landings(book: Ledger, known: Catalog, as_of: date) -> int:
    newest = {output["folder"] for output in book.latest("extract").values()}
    count = 0
    for folder in settings().landing.glob("*/*/*"):
        system, dataset, _ = folder.relative_to(settings().landing).parts
        source = known.sources.get(f"{system}.{dataset}")
        days = source.retention_days if source else KEEP_LANDING_DAYS
        if str(folder.relative_to(settings().landing)) not in newest and _older(folder, as_of - timedelta(days=days)):
            count += _remove(folder)
    return count


def _uploads(book: Ledger, known: Catalog, as_of: date) -> int:
    """Handed-in files and fix lists: kept like landings; the newest one that was taken stays, and every receipt."""
    newest = {
        (row["dataset"], number(row["upload_id"]))
        for row in book.rows("select dataset, max(upload_id) as upload_id from ops.upload where state <> 'refused' group by 1")
    }
    count = 0
    for folder in (settings().var / "uploads").glob("*/*"):
        source = known.sources.get(folder.parent.name)
        days = source.retention_days if source else KEEP_LANDING_DAYS
        if (folder.parent.name, folder.name) not in newest and _older(folder, as_of - timedelta(days=days)):
            count += _remove(folder)
    return count


def _intermediate(limit: date) -> int:
    """The folders of runs. What outlives its run has folders of its own."""
    folders = (folder for folder in settings().work.glob("*") if folder.name not in {"conformed", "checked", "standing"})
    return sum(_remove(folder) for folder in folders if _older(folder, limit))


def _conformed(book: Ledger, limit: date) -> int:
    """Mapped rows that are no longer an entity's newest: equal input would be mapped to them again."""
    newest = {output.get(name) for output in book.latest("conform").values() for name in ("file", "lost")}
    files = (path for path in settings().work.glob("conformed/*/*") if str(path) not in newest)
    return sum(_remove(path) for path in files if _older(path, limit))


def _standing(limit: date) -> int:
    """Entities as a version had them: what is needed again is read from the hub again."""
    return sum(_remove(path) for path in settings().work.glob("standing/*") if _older(path, limit))


def _checked(book: Ledger, as_of: date) -> int:
    """Answers that are no longer an entity's newest; of one that holds a row which is still kept, the held rows stay."""
    newest = {str(Path(output["held"]).parent) for output in book.latest("check").values() if "held" in output}
    kept = {
        row["kept_in"]
        for row in book.rows(
            "select distinct h.kept_in from ops.held h left join ops.run r on r.run_id = h.closed_run"
            " where h.state = 'open' or r.as_of >= %s",
            [as_of - timedelta(days=KEEP_HELD_ROWS_DAYS)],
        )
    }
    count = 0
    for folder in settings().work.glob("checked/*/*"):
        if str(folder) in newest or not _older(folder, as_of - timedelta(days=KEEP_WORK_DAYS)):
            continue
        if str(folder / "held.parquet") in kept:
            count += sum(_remove(path) for path in folder.iterdir() if path.name != "held.parquet")
        else:
            count += _remove(folder)
    return count


def _entries(book: Ledger, limit: date) -> int:
    with book.transaction() as connection:
        return connection.execute(
            "delete from ops.held h using ops.run r where r.run_id = h.closed_run and h.state = 'closed' and r.as_of < %s",
            [limit],
        ).rowcount


def _remove(path: Path) -> int:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return 1


def _older(path: Path, limit: date) -> bool:
    return date.fromtimestamp(path.stat().st_mtime) < limit
