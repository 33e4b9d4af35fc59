"""Every dataset of the four systems, by id, as the table or file of its department holds it on a day."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa

from campus import render_academic, render_finance, render_graduate, render_hr
from campus.world import World

DATASETS: Mapping[str, Callable[[World], pa.Table]] = {
    "hr.units": render_hr.units,
    "hr.staff_record": render_hr.staff_record,
    "hr.post_record": render_hr.post_record,
    "academic.campus_area": render_academic.campus_area,
    "academic.major": render_academic.major,
    "academic.admin_class": render_academic.admin_class,
    "academic.teacher": render_academic.teacher,
    "academic.student_record": render_academic.student_record,
    "academic.status_record": render_academic.status_record,
    "academic.status_change": render_academic.status_change,
    "graduate.major": render_graduate.major,
    "graduate.student": render_graduate.student,
    "graduate.status_change": render_graduate.status_change,
    "finance.student_fee": render_finance.student_fee,
    "finance.payment_ledger": render_finance.payment_ledger,
    "finance.reimbursement": render_finance.reimbursement,
    "finance.payroll": render_finance.latest_payroll,
    "finance.legacy_fee": render_finance.legacy_fee,
}


def render(world: World) -> dict[str, pa.Table]:
    """All datasets of a day: columns under the physical names of the source contracts, in contract order."""
    return {id: dataset(world) for id, dataset in DATASETS.items()}
