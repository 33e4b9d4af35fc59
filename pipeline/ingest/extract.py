"""Extract: one dataset of a department, in a closed window, into the immutable landing.

Snapshot mode reads everything; window mode is `pipeline.ingest.incremental`.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import stamina

from contracts.contract import SourceDataset
from core.errors import HubError
from core.hashing import hash_values
from core.store.connections import get_connection
from core.store.ledger import Output, Step
from extractors.base import Extractor, SupportsFingerprint, detect_drift, open_extractor
from loaders import landing
from loaders.landing import Landing
from pipeline.context import RunContext
from pipeline.ingest import fingerprint
from pipeline.ingest.landing_writer import land_reading, seal_landing

TRIES = 3
TRANSIENT_CODES = ("HUB203", "HUB310")
"""Errors of a reading that another try may not meet."""


def extract_dataset(run: RunContext, id: str) -> Landing:
    """Read the dataset `id` and land it; a dataset that this run has landed is not read again, unless the run met a fault
    in what was read: then the source may have been mended since.

    Raises:
        Unavailable: the source cannot be reached or broke off.
        Refused: drift, wrong encoding, damaged file, or fewer rows than the source counted. Nothing is landed.
        Fault: the disk is full.
    """
    dataset = run.catalog.source(id)
    run.progress("extract", id)
    work = hash_values("extract", dataset.version, run.run.id, _count_failures(run))
    with run.ledger.hold_lock(f"dataset {id}"):  # of two readings the later one lands later
        done = run.ledger.run_step(run.run.id, "extract", id, work, lambda step: _extract_with_retry(run, dataset, step))
    return landing.parse_landing(done)


def _count_failures(run: RunContext) -> int:
    """How many times this run could not judge or publish an entity."""
    found = run.ledger.single(
        "select count(*) as n from ops.step where run_id = %s and state = 'failed'"
        " and verb in ('conform', 'check', 'brake', 'publish')",
        [run.run.id],
    )
    return int(found["n"])


def _extract_with_retry(run: RunContext, dataset: SourceDataset, step: Step) -> Output:
    """Read again when a reading broke off or came short of the source's own count: both pass by themselves."""
    for attempt in stamina.retry_context(on=_is_transient, attempts=TRIES, timeout=None, wait_initial=0.5):
        with attempt:
            return _extract_once(run, dataset, step)
    raise AssertionError  # the last attempt raises its own error


def _is_transient(error: Exception) -> bool:
    return isinstance(error, HubError) and error.code in TRANSIENT_CODES


def _extract_once(run: RunContext, dataset: SourceDataset, step: Step) -> Output:
    extractor = open_extractor(get_connection(dataset.connection))
    new_columns = detect_drift(dataset, extractor.read_columns(dataset.physical, dataset))
    folder = Path(dataset.system, dataset.name, f"{run.run.id}.{step.id}")
    if dataset.mode == "window":
        from pipeline.ingest.incremental import (
            read_window as read_window,  # and with it the engine, which a snapshot does not need
        )

        details, counts = read_window(run, dataset, extractor, run.landing / folder)
    else:
        details, counts = _land_snapshot(run, dataset, extractor, run.landing / folder)
    return seal_landing(run, dataset, folder, details, {**counts, "new_columns": new_columns})


def _land_snapshot(
    run: RunContext, dataset: SourceDataset, extractor: Extractor, folder: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    found = run.ledger.latest("extract", dataset.id).get(dataset.id)
    last = landing.parse_landing(found) if found and found["mode"] == dataset.mode else None
    knows = extractor if isinstance(extractor, SupportsFingerprint) else None
    stamp = knows.read_stamp(dataset) if knows else None
    notes = {"stamp": stamp} if stamp else {}
    if last and knows and stamp and fingerprint.is_unchanged(run, dataset, knows, last, stamp):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        landing.link_file(last.find_file(run.landing), folder / "rows.parquet")
        details = {name: getattr(last, name) for name in ("rows", "source_count", "content", "high")}
        return details, {**notes, "reader": "checksum"}
    with extractor.read(dataset) as reading:
        rows, content = land_reading(folder, reading, last)
        details = {"rows": rows, "source_count": reading.source_count, "content": content, "high": reading.high}
        return details, {**notes, **({"reader": reading.reader} if reading.reader else {})}
