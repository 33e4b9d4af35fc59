"""What can go wrong in student affairs, the library, research and employment, and the rule that must say so.

A fault of a parent (a reader, a project) would make its children wait on a first night, so children are spoilt instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from campus.faults.fault import Defect, RowKey, fill, fill_each
from campus.render.students.student_affairs import NO_DAY

_AWARD, _SANCTION, _CONTACT = "student_affairs.award", "student_affairs.sanction", "student_affairs.confirmed_info"
_LOAN, _CLEARANCE = "library.loan", "library.clearance"
_FUND, _RESULT, _DESTINATION = "research.fund", "research.result", "employment.graduate_result"
_SANCTIONS = {"警告": "1", "严重警告": "2", "记过": "3", "留校察看": "4"}
FAULTS: Mapping[str, Defect] = {
    "loan_unknown_reader": Defect(
        _LOAN, "DZTM", fill_each("R9{:08d}"),
        "library_loan", ("library_loan.reader_barcode.reference",), "XGH", only=("TSZT", "在库"),
    ),
    "loan_back_before_lent": Defect(
        _LOAN, "YHRQ", lambda old: [moment - timedelta(days=3000) for moment in old],
        "library_loan", ("library_loan.dates",), "XGH", only=("TSZT", "在库"),
    ),
    "clearance_flag": Defect(
        _CLEARANCE, "QQBZ", fill("否"), "library_clearance", ("library_clearance.declared",), "XH", "warning", ("QQBZ", "是")
    ),
    "award_unknown_student": Defect(
        _AWARD, "XH", fill_each("2098{:07d}"), "award", ("award.student_no.reference",), "XH", adds=True
    ),
    "award_negative": Defect(
        _AWARD, "JLJE", fill(Decimal("-1.00")), "award", ("award.award_amount.range",), "XH", only=("HJLB", "综合")
    ),
    "sanction_revoked_early": Defect(
        _SANCTION, "CFCXRQ", fill("2001.01.01"),
        # One that is in force, so that holding it hides no revocation.
        "discipline", ("discipline.revoked_before",), "XH", only=("CFCXRQ", NO_DAY),
    ),
    "contact_bad_phone": Defect(
        _CONTACT, "YDDH", fill("12345"), "student_contact", ("student_contact.mobile.pattern",), "XH", "warning"
    ),
    "contact_differs": Defect(
        _CONTACT, "LXRXM", fill("赵改名"),
        "student_contact", ("student_contact.family_differs",), "XH", "warning", ("SHZT", "已审核"),
    ),
    "fund_over_plan": Defect(
        "research.project", "JHJFZE", fill(Decimal("0.0001")),
        "research_project", ("research_project.received_sum",), "XMFZRH", "warning",
    ),
    "fund_unknown_project": Defect(
        _FUND, "XMBH", fill_each("KY2099{:04d}"), "research_fund", ("research_fund.project_no.reference",), "XMFZRH"
    ),
    "result_unknown_author": Defect(
        _RESULT, "DYZZH", fill_each("0997{:05d}"), "research_result", ("research_result.author_no.reference",), "DYZZH"
    ),
    "destination_without_origin": Defect(
        _DESTINATION, "SYDM", fill(None), "employment", ("employment.origin_place_code.required",), "XH"
    ),
    "destination_without_employer": Defect(
        _DESTINATION, "JSDW", fill(None), "employment", ("employment.employer",), "XH", only=("BYQX", "签约就业")
    ),
}  # fmt: skip
KEYS: Mapping[str, RowKey] = {
    "award": lambda row: f"{row['XH']}|{row['JLXND'].removesuffix('学年')}|{row['JLMC']}",
    "discipline": lambda row: f"{row['XH']}|{row['CFRQ'].replace('.', '-')}|{_SANCTIONS[row['CFMC']]}",
    "student_contact": lambda row: str(row["XH"]),
    "research_project": lambda row: str(row["XMBH"]),
    "research_fund": lambda row: str(row["BKDH"]),
    "research_result": lambda row: str(row["CGBH"]),
    "employment": lambda row: str(row["XH"]),
    "library_loan": lambda row: str(row["JYLSH"]),
    "library_clearance": lambda row: str(row["XH"]).strip(),
    "library_reader": lambda row: str(row["DZTM"]),
}
