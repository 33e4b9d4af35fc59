"""What became of a part of a cycle that a command or an orchestrator's task asked for, in lines that people read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from core.errors import HubError
from core.messages import translate
from core.store.ledger import Output
from pipeline.context import RunContext
from reporting import display_names


@dataclass(frozen=True)
class PartResult:
    """Counts of what went through, one error for everything that did not, and a line for each thing that did."""

    facts: dict[str, Any]
    problems: list[HubError]
    lines: list[str]


def describe_landed(run: RunContext, names: Collection[str]) -> list[str]:
    """A line for each dataset of `names` that this run has landed: its rows."""
    rows = run.ledger.rows(
        "select distinct on (subject) subject, output from ops.step where run_id = %s and verb = 'extract' and state = 'done'"
        " order by subject, step_id desc",
        [run.run.id],
    )
    return [
        translate(
            "dag.line.landed", dataset=display_names.format_place(run.catalog, row["subject"]), rows=row["output"]["rows"]
        )
        for row in rows
        if row["subject"] in names
    ]


def describe_published(output: Output) -> list[str]:
    """A line for each entity that a publish changed, or that it changed none."""
    version, counts = output.get("version", 0), output.get("entities", {})
    return [
        translate(
            "dag.line.published", entity=name, version=version, inserts=count["I"], updates=count["U"], deletes=count["D"]
        )
        for name, count in counts.items()
    ] or [translate("dag.line.unchanged", version=version)]


def describe_delivered(run: RunContext, flow: str) -> list[str]:
    """A line for each delivery that this run made on the flow's edges: to whom, how many rows, and the receipt."""
    rows = run.ledger.rows(
        "select * from ops.delivery where run_id = %s and flow = %s order by edge, dataset, prepared_at", [run.run.id, flow]
    )
    return [
        translate(
            "dag.line.delivered",
            feed=display_names.format_place(run.catalog, f"{row['edge']}.{row['dataset']}"),
            target=display_names.get_system_name(run.catalog, row["target"]),
            version=row["to_version"],
            upserts=row["rows_upsert"],
            deletes=row["rows_delete"],
            receipt=translate(f"report.state_{row['state']}"),
            delivery=row["delivery_id"],
        )
        for row in rows
    ] or [translate("dag.line.nothing", flow=flow)]
