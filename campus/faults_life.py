"""What can go wrong in student affairs, the library, research and employment, and the rule that must say so.

A fault of a parent (a reader, a project) would make its children wait on a first night, so children are spoilt instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from campus.fault import Fault, Key, always, numbered

_LOAN, _CLEARANCE = "library.loan", "library.clearance"
FAULTS: Mapping[str, Fault] = {
    "loan_unknown_reader": Fault(
        _LOAN, "DZTM", numbered("R9{:08d}"), "library_loan", ("library_loan.reader_barcode.reference",), "XGH", only=("TSZT", "在库")
    ),
    "loan_back_before_lent": Fault(
        _LOAN, "YHRQ", lambda old: [moment - timedelta(days=3000) for moment in old],
        "library_loan", ("library_loan.dates",), "XGH", only=("TSZT", "在库"),
    ),
    "clearance_flag": Fault(
        _CLEARANCE, "QQBZ", always("否"), "library_clearance", ("library_clearance.declared",), "XH", "warning", ("QQBZ", "是")
    ),
}  # fmt: skip
KEYS: Mapping[str, Key] = {
    "library_loan": lambda row: str(row["JYLSH"]),
    "library_clearance": lambda row: str(row["XH"]).strip(),
    "library_reader": lambda row: str(row["DZTM"]),
}
