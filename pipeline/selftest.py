"""Selftest: prove on site that a department's database can be read as its contracts say, in a minute and without loading."""

from __future__ import annotations

from typing import Any

from core.connections import connection
from core.errors import Denied, HubError
from extractors.base import drift, open_extractor
from schemas.catalog import Catalog
from schemas.contract import SourceDataset


def selftest(catalog: Catalog, connection_id: str) -> list[dict[str, Any]]:
    """Read every contracted dataset of a connection once; one result each: `{dataset, ok, rows, new_columns, problem}`.

    Raises:
        Denied: HUB709 when no contract names this connection. Unavailable: HUB202.
    """
    datasets = [dataset for dataset in catalog.sources.values() if dataset.connection == connection_id]
    if not datasets:
        known = sorted({dataset.connection for dataset in catalog.sources.values()})
        raise Denied("HUB709", connection_id, known=", ".join(known))
    return [_test(dataset) for dataset in datasets]


def _test(dataset: SourceDataset) -> dict[str, Any]:
    try:
        extractor = open_extractor(connection(dataset.connection))
        new = drift(dataset, extractor.columns(dataset.physical, dataset))
        with extractor.read(dataset) as reading:
            rows = sum(batch.num_rows for batch in reading.batches)
            counted = reading.source_count
    except HubError as error:
        return {"dataset": dataset.id, "ok": False, "rows": 0, "new_columns": [], "problem": error.line()}
    problem = None if rows == counted else f"{rows} <> {counted}"
    return {"dataset": dataset.id, "ok": problem is None, "rows": rows, "new_columns": new, "problem": problem}
