"""Audit: every night Great Expectations itself judges some rows of that night, and must come to the scan's verdicts."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

from core.errors import Fault
from core.ids import digest
from core.ledger import Output, Step
from core.settings import settings
from pipeline.context import Night
from quality.base import Question


def audit(night: Night) -> Output:
    """Verify the entities drawn for this night, of those that this run judged; the ledger keeps what was compared.

    Returns `{entities}`: how many were verified.

    Raises:
        Fault: HUB810 when the two differ on an entity, after all were compared.
    """
    drawn = _drawn(night)
    found = {name: _compared(night, name, checked)["differ"] for name, checked in drawn}
    for name, rules in found.items():
        if rules:
            raise Fault("HUB810", name, rules=", ".join(rules))
    return {"entities": len(drawn)}


def begin(night: Night) -> None:
    """Load what an audit of this night will need, while the deliveries wait for their receivers."""
    if _drawn(night):
        from quality import gx

        threading.Thread(target=gx.load, name="audit").start()


def _compared(night: Night, name: str, checked: Output) -> Output:
    work = digest("audit", checked["accepted"])
    return night.ledger.do(night.run.id, "audit", name, work, lambda step: _audit(night, name, checked, step))


def _drawn(night: Night) -> list[tuple[str, Output]]:
    rows = night.ledger.rows(
        "select distinct on (subject) subject, output from ops.step where run_id = %s and verb = 'check' and state = 'done'"
        " order by subject, step_id desc",
        [night.run.id],
    )
    judged = [(row["subject"], row["output"]) for row in rows if row["output"].get("judged_by") == night.run.id]
    judged.sort(key=lambda pair: digest(night.run.id, pair[0]))
    return judged[: settings().audited]


def _audit(night: Night, name: str, checked: Output, step: Step) -> Output:
    from quality.audit import agree, sample  # imports Great Expectations, which costs seconds

    night.progress("audit", name)
    folder = night.folder("audit", f"{name}.{step.id}")
    out = folder / "out"
    out.mkdir(exist_ok=True)
    rows = folder / "rows.parquet"
    sample(Path(checked["conformed"]), Path(checked["failures"]), rows, night.run.id)
    known, stood = ({other: Path(path) for other, path in checked[part].items()} for part in ("known", "standing"))
    found = agree(Question(night.catalog.entity(name), night.catalog, rows, known, out, stood))
    shutil.rmtree(folder)
    return {"rows": found.rows, "rules": found.rules, "differ": list(found.differ)}
