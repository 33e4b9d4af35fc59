"""Audit: every night to which something new came, Great Expectations itself judges some rows of it, and must come to the
scan's verdicts. Where nothing came, every row was judged, and drawn from, on the night that it came."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.errors import MachineFault
from core.hashing import hash_values
from core.process.background import begun
from core.row_set import restore_row_set
from core.settings import get_settings
from core.store.ledger import Output, Step
from pipeline.context import RunContext
from quality.base import CheckRequest


def audit_run(run: RunContext) -> Output:
    """Verify the entities drawn for this night, of those that this run judged; the ledger keeps what was compared.

    Returns `{entities}`: how many were verified.

    Raises:
        Fault: HUB810 when the two differ on an entity, after all were compared.
    """
    drawn = _draw_entities(run)
    found = {name: _audit_entity(run, name, checked)["differ"] for name, checked in drawn}
    for name, rules in found.items():
        if rules:
            raise MachineFault("HUB810", name, rules=", ".join(rules))
    return {"entities": len(drawn)}


def preload_audit(run: RunContext) -> None:
    """Load what an audit of this night will need, while the deliveries wait for their receivers."""
    if _draw_entities(run):
        from quality import gx

        begun(gx.load_library)


def _audit_entity(run: RunContext, name: str, checked: Output) -> Output:
    work = hash_values("audit", checked["held"])
    return run.ledger.run_step(run.run.id, "audit", name, work, lambda step: _compare_sample(run, name, checked, step))


def _draw_entities(run: RunContext) -> list[tuple[str, Output]]:
    made, judged = (_list_own_steps(run, verb, mark) for verb, mark in (("conform", "made_by"), ("check", "judged_by")))
    drawn = sorted(judged.items(), key=lambda pair: hash_values(run.run.id, pair[0]))
    return drawn[: get_settings().audited] if made else []


def _list_own_steps(run: RunContext, verb: str, mark: str) -> dict[str, Output]:
    """Subject -> output of the run's steps of a verb that were not reused from another run."""
    rows = run.ledger.rows(
        "select distinct on (subject) subject, output from ops.step where run_id = %s and verb = %s and state = 'done'"
        " order by subject, step_id desc",
        [run.run.id, verb],
    )
    return {row["subject"]: row["output"] for row in rows if row["output"].get(mark) == run.run.id}


def _compare_sample(run: RunContext, name: str, checked: Output, step: Step) -> Output:
    from quality.audit import compare_engines, write_sample  # imports Great Expectations, which costs seconds

    run.progress("audit", name)
    folder = run.folder("audit", f"{name}.{step.id}")
    out = folder / "out"
    out.mkdir(exist_ok=True)
    rows = folder / "rows.parquet"
    write_sample(Path(checked["accepted"]["file"]), Path(checked["failures"]), rows, run.run.id)
    known, stood = ({other: restore_row_set(facts) for other, facts in checked[part].items()} for part in ("known", "standing"))
    found = compare_engines(CheckRequest(run.catalog.entity(name), run.catalog, rows, known, out, stood))
    shutil.rmtree(folder)
    return {"rows": found.rows, "rules": found.rules, "differ": list(found.differ)}
