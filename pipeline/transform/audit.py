"""Audit: every night to which something new came, Great Expectations itself judges some rows of it, and must come to the
scan's verdicts. Where nothing came, every row was judged, and drawn from, on the night that it came."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.errors import Fault
from core.hashing import digest
from core.process.background import begun
from core.row_set import rows_of
from core.settings import settings
from core.store.ledger import Output, Step
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

        begun(gx.load)


def _compared(night: Night, name: str, checked: Output) -> Output:
    work = digest("audit", checked["held"])
    return night.ledger.do(night.run.id, "audit", name, work, lambda step: _audit(night, name, checked, step))


def _drawn(night: Night) -> list[tuple[str, Output]]:
    made, judged = (_mine(night, verb, mark) for verb, mark in (("conform", "made_by"), ("check", "judged_by")))
    drawn = sorted(judged.items(), key=lambda pair: digest(night.run.id, pair[0]))
    return drawn[: settings().audited] if made else []


def _mine(night: Night, verb: str, mark: str) -> dict[str, Output]:
    """Subject -> output of the run's steps of a verb that were not reused from another run."""
    rows = night.ledger.rows(
        "select distinct on (subject) subject, output from ops.step where run_id = %s and verb = %s and state = 'done'"
        " order by subject, step_id desc",
        [night.run.id, verb],
    )
    return {row["subject"]: row["output"] for row in rows if row["output"].get(mark) == night.run.id}


def _audit(night: Night, name: str, checked: Output, step: Step) -> Output:
    from quality.audit import agree, sample  # imports Great Expectations, which costs seconds

    night.progress("audit", name)
    folder = night.folder("audit", f"{name}.{step.id}")
    out = folder / "out"
    out.mkdir(exist_ok=True)
    rows = folder / "rows.parquet"
    sample(Path(checked["accepted"]["file"]), Path(checked["failures"]), rows, night.run.id)
    known, stood = ({other: rows_of(facts) for other, facts in checked[part].items()} for part in ("known", "standing"))
    found = agree(Question(night.catalog.entity(name), night.catalog, rows, known, out, stood))
    shutil.rmtree(folder)
    return {"rows": found.rows, "rules": found.rules, "differ": list(found.differ)}
