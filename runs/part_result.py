"""What became of a part of a cycle that a command or an orchestrator's task asked for, in lines that people read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from core.errors import HubError
from core.messages import text
from core.store.ledger import Output
from pipeline.context import Night
from reporting import display_names


@dataclass(frozen=True)
class Part:
    """Counts of what went through, one error for everything that did not, and a line for each thing that did."""

    facts: dict[str, Any]
    problems: list[HubError]
    lines: list[str]


def landed(here: Night, names: Collection[str]) -> list[str]:
    """A line for each dataset of `names` that this run has landed: its rows."""
    rows = here.ledger.rows(
        "select distinct on (subject) subject, output from ops.step where run_id = %s and verb = 'extract' and state = 'done'"
        " order by subject, step_id desc",
        [here.run.id],
    )
    return [
        text("dag.line.landed", dataset=display_names.placed(here.catalog, row["subject"]), rows=row["output"]["rows"])
        for row in rows
        if row["subject"] in names
    ]


def published(output: Output) -> list[str]:
    """A line for each entity that a publish changed, or that it changed none."""
    version, counts = output.get("version", 0), output.get("entities", {})
    return [
        text("dag.line.published", entity=name, version=version, inserts=count["I"], updates=count["U"], deletes=count["D"])
        for name, count in counts.items()
    ] or [text("dag.line.unchanged", version=version)]


def delivered(here: Night, flow: str) -> list[str]:
    """A line for each delivery that this run made on the flow's edges: to whom, how many rows, and the receipt."""
    rows = here.ledger.rows(
        "select * from ops.delivery where run_id = %s and flow = %s order by edge, dataset, prepared_at", [here.run.id, flow]
    )
    return [
        text(
            "dag.line.delivered",
            feed=display_names.placed(here.catalog, f"{row['edge']}.{row['dataset']}"),
            target=display_names.system(here.catalog, row["target"]),
            version=row["to_version"],
            upserts=row["rows_upsert"],
            deletes=row["rows_delete"],
            receipt=text(f"report.state_{row['state']}"),
            delivery=row["delivery_id"],
        )
        for row in rows
    ] or [text("dag.line.nothing", flow=flow)]
