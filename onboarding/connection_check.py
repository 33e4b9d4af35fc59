"""Selftest: prove on site, in a minute, that a department's database can be read as its contracts say, or that a receiver's
can be filled as the hub promises. Nothing is loaded; a source is only read."""

from __future__ import annotations

from typing import Any

from contracts.catalog import Catalog
from contracts.contract import FeedDataset, SourceDataset
from core.errors import Denied, HubError
from core.messages import translate
from core.store.connections import get_connection
from extractors.base import open_extractor
from loaders.base import open_target
from loaders.tables.table import TableTarget
from onboarding.source_conformance import prove_source
from onboarding.target_conformance import prove_target


def run_connection_check(catalog: Catalog, connection_id: str, *, write: bool = False) -> list[dict[str, Any]]:
    """One result for each contracted dataset of a connection: `{dataset, ok, rows, new_columns, notes, problem}`.

    Sources are read in every way that the night reads them. Of a receiver's tables the columns are looked at; with `write`
    scratch tables of our own are filled and dropped there instead.

    Raises:
        Denied: HUB709 when no contract names this connection, HUB825 when there is nothing to test in its family.
    """
    sources = [dataset for dataset in catalog.sources.values() if dataset.connection == connection_id]
    feeds = [feed for feed in catalog.feeds.values() if feed.connection == connection_id]
    if not sources and not feeds:
        known = {source.connection for source in catalog.sources.values()}
        known |= {feed.connection for feed in catalog.feeds.values()}
        raise Denied("HUB709", connection_id, known=", ".join(sorted(known)))
    if sources and not write:
        return [_try_source(dataset) for dataset in sources]
    return _try_receiver(catalog, connection_id, feeds, write)


def _try_source(dataset: SourceDataset) -> dict[str, Any]:
    try:
        found = prove_source(open_extractor(get_connection(dataset.connection)), dataset)
    except HubError as error:
        return _build_result(dataset.id, problem=error.line())
    return _build_result(dataset.id, found.rows, found.new_columns, found.notes, "; ".join(found.problems) or None)


def _try_receiver(catalog: Catalog, connection_id: str, feeds: list[FeedDataset], write: bool) -> list[dict[str, Any]]:
    target = open_target(get_connection(connection_id)) if feeds else None
    if not isinstance(target, TableTarget):
        known = sorted({feed.connection for feed in catalog.feeds.values()})
        raise Denied("HUB825", connection_id, known=", ".join(known))
    try:
        if write:
            return [_build_result(step.name, step.rows, problem=step.problem) for step in prove_target(target)]
        return [_compare_columns(target, feed) for feed in feeds]
    finally:
        target.close()


def _compare_columns(target: TableTarget, feed: FeedDataset) -> dict[str, Any]:
    try:
        with target.transaction(feed.id):
            seen = target.list_columns(feed.physical)
    except HubError as error:
        return _build_result(feed.id, problem=error.line())
    lost = [column.physical for column in feed.columns if column.physical not in seen] if seen else []
    notes = [] if seen else [translate("selftest.absent")]
    return _build_result(feed.id, notes=notes, problem=translate("selftest.lost", columns=", ".join(lost)) if lost else None)


def _build_result(
    dataset: str,
    rows: int = 0,
    new_columns: list[str] | None = None,
    notes: list[str] | None = None,
    problem: str | None = None,
) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "ok": problem is None,
        "rows": rows,
        "new_columns": new_columns or [],
        "notes": notes or [],
        "problem": problem,
    }
