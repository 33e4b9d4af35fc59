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
from core.hashing import digest
from core.process.background import begun
from core.store.connections import connection
from core.store.ledger import Output
from extractors.base import Mark, Recognising, open_extractor
from loaders.landing import Landed
from pipeline.context import Night


def known_again(night: Night, dataset: SourceDataset, extractor: Recognising, last: Landed, stamp: str) -> bool:
    """Whether the last landing is what the source has, by the mark that was taken of it."""
    known = night.ledger.latest("mark", dataset.id).get(dataset.id)
    if known is None or known["content"] != last.content or known["stamp"] != stamp:
        return False
    if last.contract != dataset.version or not last.file(night.landing).is_file():
        return False
    now = extractor.mark(dataset)
    return now is not None and asdict(now) == {name: known[name] for name in asdict(now)}


def take(night: Night, names: Sequence[str]) -> None:
    """Take the marks of the datasets that this run has read, where there is none of what they hold."""
    landings = night.ledger.latest("extract")
    mine = [id for id in names if landings.get(id, {}).get("stamp") and landings[id]["run_id"] == night.run.id]
    for id in mine:
        landed, known = landings[id], night.ledger.latest("mark", id).get(id, {})
        if any(known.get(name) != landed[name] for name in ("content", "stamp")):
            _take(night, night.catalog.source(id), landed)


@contextlib.contextmanager
def taken_beside(night: Night) -> Iterator[None]:
    """Take all marks of the run while what is inside goes on; it ends when both have. A table whose mark could not be taken is
    read the next time."""
    thread = begun(lambda: take(night, sorted(night.catalog.sources)))
    try:
        yield
    finally:
        thread.join()


def _take(night: Night, dataset: SourceDataset, landed: Output) -> None:
    """A source that cannot be asked now has no mark, and is read the next time."""
    with contextlib.suppress(HubError):
        extractor = open_extractor(connection(dataset.connection))
        found = extractor.mark(dataset) if isinstance(extractor, Recognising) else None
        if found and _describes(found, landed):
            work = digest("mark", landed["content"], found.stamp)
            night.ledger.do(night.run.id, "mark", dataset.id, work, lambda _: {**asdict(found), "content": landed["content"]})


def _describes(found: Mark, landed: Output) -> bool:
    """Nothing has changed since before the reading began."""
    return (found.stamp, found.rows) == (landed["stamp"], landed["rows"])
