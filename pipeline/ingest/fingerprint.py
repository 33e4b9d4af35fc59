"""Marks: what a source says of a large table that was just landed, so that the next night knows it again without reading it.

A mark is taken after the reading, when the source has nothing else to do for the hub, and counts only if the table has not
changed since before the reading. The next night asks for it again: an equal one, from the same server, of the same table, of
every row, says that the landing of before is the table still. Anything else, and it is read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from contracts.contract import SourceDataset
from core.errors import HubError
from core.hashing import hash_values
from core.process.background import begun
from core.store.connections import get_connection
from core.store.ledger import Output
from extractors.base import SupportsFingerprint, TableFingerprint, open_extractor
from loaders.landing import Landing
from pipeline.context import RunContext


def is_unchanged(run: RunContext, dataset: SourceDataset, extractor: SupportsFingerprint, last: Landing, stamp: str) -> bool:
    """Whether the last landing is what the source has, by the mark that was taken of it."""
    known = run.ledger.latest("mark", dataset.id).get(dataset.id)
    if known is None or known["content"] != last.content or known["stamp"] != stamp:
        return False
    if last.contract != dataset.version or not last.find_file(run.landing).is_file():
        return False
    now = extractor.read_fingerprint(dataset)
    return now is not None and asdict(now) == {name: known[name] for name in asdict(now)}


def take_fingerprints(run: RunContext, names: Sequence[str]) -> None:
    """Take the marks of the datasets that this run has read, where there is none of what they hold."""
    landings = run.ledger.latest("extract")
    mine = [id for id in names if landings.get(id, {}).get("stamp") and landings[id]["run_id"] == run.run.id]
    for id in mine:
        landed, known = landings[id], run.ledger.latest("mark", id).get(id, {})
        if any(known.get(name) != landed[name] for name in ("content", "stamp")):
            _take_fingerprint(run, run.catalog.source(id), landed)


@contextlib.contextmanager
def take_in_background(run: RunContext) -> Iterator[None]:
    """Take all marks of the run while what is inside goes on; it ends when both have. A table whose mark could not be taken is
    read the next time."""
    thread = begun(lambda: take_fingerprints(run, sorted(run.catalog.sources)))
    try:
        yield
    finally:
        thread.join()


def _take_fingerprint(run: RunContext, dataset: SourceDataset, landed: Output) -> None:
    """A source that cannot be asked now has no mark, and is read the next time."""
    with contextlib.suppress(HubError):
        extractor = open_extractor(get_connection(dataset.connection))
        found = extractor.read_fingerprint(dataset) if isinstance(extractor, SupportsFingerprint) else None
        if found and _matches_landing(found, landed):
            work = hash_values("mark", landed["content"], found.stamp)
            run.ledger.run_step(run.run.id, "mark", dataset.id, work, lambda _: {**asdict(found), "content": landed["content"]})


def _matches_landing(found: TableFingerprint, landed: Output) -> bool:
    """Nothing has changed since before the reading began."""
    return (found.stamp, found.rows) == (landed["stamp"], landed["rows"])
