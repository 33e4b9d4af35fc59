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
from core.hashing import digest
from core.store.connections import connection
from core.store.ledger import Output, Step
from extractors.base import Extractor, Recognising, drift, open_extractor
from loaders import landing
from loaders.landing import Landed
from pipeline.context import Night
from pipeline.ingest import fingerprint
from pipeline.ingest.landing_writer import seal, store

TRIES = 3
PASSING = ("HUB203", "HUB310")
"""Errors of a reading that another try may not meet."""


def extract(night: Night, id: str) -> Landed:
    """Read the dataset `id` and land it; a dataset that this run has landed is not read again, unless the run met a fault
    in what was read: then the source may have been mended since.

    Raises:
        Unavailable: the source cannot be reached or broke off.
        Refused: drift, wrong encoding, damaged file, or fewer rows than the source counted. Nothing is landed.
        Fault: the disk is full.
    """
    dataset = night.catalog.source(id)
    night.progress("extract", id)
    work = digest("extract", dataset.version, night.run.id, _faults_after(night))
    with night.ledger.turn(f"dataset {id}"):  # of two readings the later one lands later
        done = night.ledger.do(night.run.id, "extract", id, work, lambda step: _patiently(night, dataset, step))
    return landing.landed(done)


def _faults_after(night: Night) -> int:
    """How many times this run could not judge or publish an entity."""
    found = night.ledger.single(
        "select count(*) as n from ops.step where run_id = %s and state = 'failed'"
        " and verb in ('conform', 'check', 'brake', 'publish')",
        [night.run.id],
    )
    return int(found["n"])


def _patiently(night: Night, dataset: SourceDataset, step: Step) -> Output:
    """Read again when a reading broke off or came short of the source's own count: both pass by themselves."""
    for attempt in stamina.retry_context(on=_passing, attempts=TRIES, timeout=None, wait_initial=0.5):
        with attempt:
            return _extract(night, dataset, step)
    raise AssertionError  # the last attempt raises its own error


def _passing(error: Exception) -> bool:
    return isinstance(error, HubError) and error.code in PASSING


def _extract(night: Night, dataset: SourceDataset, step: Step) -> Output:
    extractor = open_extractor(connection(dataset.connection))
    new_columns = drift(dataset, extractor.columns(dataset.physical, dataset))
    folder = Path(dataset.system, dataset.name, f"{night.run.id}.{step.id}")
    if dataset.mode == "window":
        from pipeline.ingest.incremental import read as read_window  # and with it the engine, which a snapshot does not need

        details, counts = read_window(night, dataset, extractor, night.landing / folder)
    else:
        details, counts = _snapshot(night, dataset, extractor, night.landing / folder)
    return seal(night, dataset, folder, details, {**counts, "new_columns": new_columns})


def _snapshot(
    night: Night, dataset: SourceDataset, extractor: Extractor, folder: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    found = night.ledger.latest("extract", dataset.id).get(dataset.id)
    last = landing.landed(found) if found and found["mode"] == dataset.mode else None
    knows = extractor if isinstance(extractor, Recognising) else None
    stamp = knows.stamp(dataset) if knows else None
    notes = {"stamp": stamp} if stamp else {}
    if last and knows and stamp and fingerprint.known_again(night, dataset, knows, last, stamp):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        landing.share(last.file(night.landing), folder / "rows.parquet")
        details = {name: getattr(last, name) for name in ("rows", "source_count", "content", "high")}
        return details, {**notes, "reader": "checksum"}
    with extractor.read(dataset) as reading:
        rows, content = store(folder, reading, last)
        details = {"rows": rows, "source_count": reading.source_count, "content": content, "high": reading.high}
        return details, {**notes, **({"reader": reading.reader} if reading.reader else {})}
