"""Faults of the welcome, registration, leaving and card systems.

A spoilt card is a temporary one: nothing is bought with those in the rehearsal, so that no purchase waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from campus.faults.fault import Defect, RowKey, fill, fill_each
from campus.render.students.registration import SEASONS

_ARRIVAL, _REGISTER, _CLEARANCE = "welcome.arrival", "registration.checkin_register", "leaving.clearance"
_CARD, _PURCHASE = "campus_card.card", "campus_card.card_transaction"
_TERMS = {word: code for code, word in SEASONS.items()}
FAULTS: Mapping[str, Defect] = {
    "arrival_unknown_student": Defect(
        _ARRIVAL, "XH", fill_each("2097{:07d}"), "welcome_checkin", ("welcome_checkin.student_no.reference",), "XH", adds=True
    ),
    "arrival_fee_word": Defect(_ARRIVAL, "JFHJ", fill("已交"), "welcome_checkin", ("welcome_checkin.fee_step.code",), "XH"),
    "arrival_no_reviewer": Defect(
        _ARRIVAL, "SHR", fill(None), "welcome_checkin", ("welcome_checkin.reviewer",), "XH", "warning", ("LSTD", "通过")
    ),
    "registered_unknown_student": Defect(
        _REGISTER, "XH", fill_each("2096{:07d}"), "registration", ("registration.student_no.reference",), "XH", adds=True
    ),
    "registered_before_checkin": Defect(
        _REGISTER, "BDRQ", fill("20261231"), "registration", ("registration.without_checkin",), "XH", "warning",
        ("ZCYJ", "缴清"),
    ),
    "green_without_end": Defect(
        _REGISTER, "YXQZ", fill(None), "registration", ("registration.green_expiry",), "XH", only=("ZCYJ", "绿色通道")
    ),
    "registered_by_nobody": Defect(
        _REGISTER, "ZCR", fill(None), "registration", ("registration.incomplete",), "XH", only=("ZCYJ", "缴清")
    ),
    "leaving_step_word": Defect(
        _CLEARANCE, "JCFZT", fill("已结"), "leaving_clearance", ("leaving_clearance.clear_textbook.code",), "XH"
    ),
    "certificate_too_early": Defect(
        _CLEARANCE, "XSZZT", fill("未办"), "leaving_clearance", ("leaving_clearance.certificates_early",), "XH", "warning",
        ("ZSZT", "已办"),
    ),
    "leaving_unsigned": Defect(
        _CLEARANCE, "TSCZR", fill(None), "leaving_clearance", ("leaving_clearance.unsigned",), "XH", "warning",
        ("TSZT", "已办"),
    ),
    "card_state_word": Defect(_CARD, "KPZT", fill("丢失"), "card", ("card.state.code",), "XGH", only=("KLX", "临时卡")),
    "card_of_nobody": Defect(
        _CARD, "XGH", fill_each("2095{:07d}"), "card", ("card.holder_known",), "XGH", only=("KLX", "临时卡")
    ),
    "card_no_end": Defect(_CARD, "YXRQ", fill("20270230"), "card", ("card.valid_to.readable",), "XGH", only=("KLX", "临时卡")),
    "purchase_negative": Defect(
        _PURCHASE, "JYJE", lambda old: [-fen for fen in old], "card_transaction", ("card_transaction.txn_amount.range",), "XGH"
    ),
    "purchase_of_another": Defect(
        _PURCHASE, "XGH", fill_each("2094{:07d}"), "card_transaction", ("card_transaction.holder_differs",), "XGH"
    ),
}  # fmt: skip

KEYS: Mapping[str, RowKey] = {
    "welcome_checkin": lambda row: str(row["XH"]),
    "registration": lambda row: f"{row['XH']}|{row['XN']}|{_TERMS[row['XQ']]}",
    "leaving_clearance": lambda row: str(row["XH"]),
    "card": lambda row: str(row["KH"]),
    "card_transaction": lambda row: str(row["JYLSH"]),
}
