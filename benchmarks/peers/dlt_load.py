"""dlt from MariaDB to PostgreSQL: `SOURCE TARGET STATE copy|history DATASET parquet|default`.

`copy` replaces the target's table; `history` is its slowly changing dimension (`scd2`), with a hash of the row as version.
`parquet` is its fastest loader that takes this table, `default` what it does when nothing is said. `DATASET` is the schema
of the target.
"""

from __future__ import annotations

import json
import sys

import dlt
from dlt.sources.helpers.transform import add_row_hash_to_table
from dlt.sources.sql_database import sql_table


def main(source: str, target: str, state: str, way: str, dataset: str, loader: str) -> None:
    """Run the pipeline once and print the seconds of its own three steps."""
    table = sql_table(
        credentials=source, table="student", backend="pyarrow", chunk_size=50_000, reflection_level="full_with_precision"
    )
    if way == "history":
        table.add_map(add_row_hash_to_table("row_hash"))
        scd2 = {"disposition": "merge", "strategy": "scd2", "row_version_column_name": "row_hash"}
        table.apply_hints(write_disposition=scd2)
    else:
        table.apply_hints(write_disposition="replace")
    pipeline = dlt.pipeline(dataset, pipelines_dir=state, destination=dlt.destinations.postgres(target), dataset_name=dataset)
    pipeline.run(table, loader_file_format="parquet" if loader == "parquet" else None)
    steps = {step.step: (step.finished_at - step.started_at).total_seconds() for step in pipeline.last_trace.steps}
    print(json.dumps({"verbs": {name: round(steps[name], 2) for name in ("extract", "normalize", "load")}}))


if __name__ == "__main__":
    main(*sys.argv[1:])
