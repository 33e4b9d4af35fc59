"""Faults of the welcome, registration, leaving and card systems.

A spoilt card is a temporary one: nothing is bought with those in the rehearsal, so that no purchase waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from campus.faults.fault import Fault, Key, always, numbered
from campus.render.students.registration import SEASONS

_ARRIVAL, _REGISTER, _CLEARANCE = "welcome.arrival", "registration.checkin_register", "leaving.clearance"
_CARD, _PURCHASE = "campus_card.card", "campus_card.card_transaction"
_TERMS = {word: code for code, word in SEASONS.items()}
FAULTS: Mapping[str, Fault] = {
    "arrival_unknown_student": Fault(
        _ARRIVAL, "XH", numbered("2097{:07d}"), "welcome_checkin", ("welcome_checkin.student_no.reference",), "XH", adds=True
    ),
    "arrival_fee_word": Fault(_ARRIVAL, "JFHJ", always("已交"), "welcome_checkin", ("welcome_checkin.fee_step.code",), "XH"),
    "arrival_no_reviewer": Fault(
        _ARRIVAL, "SHR", always(None), "welcome_checkin", ("welcome_checkin.reviewer",), "XH", "warning", ("LSTD", "通过")
    ),
    "registered_unknown_student": Fault(
        _REGISTER, "XH", numbered("2096{:07d}"), "registration", ("registration.student_no.reference",), "XH", adds=True
    ),
    "registered_before_checkin": Fault(
        _REGISTER, "BDRQ", always("20261231"), "registration", ("registration.without_checkin",), "XH", "warning",
        ("ZCYJ", "缴清"),
    ),
    "green_without_end": Fault(
        _REGISTER, "YXQZ", always(None), "registration", ("registration.green_expiry",), "XH", only=("ZCYJ", "绿色通道")
    ),
    "registered_by_nobody": Fault(
        _REGISTER, "ZCR", always(None), "registration", ("registration.incomplete",), "XH", only=("ZCYJ", "缴清")
    ),
    "leaving_step_word": Fault(
        _CLEARANCE, "JCFZT", always("已结"), "leaving_clearance", ("leaving_clearance.clear_textbook.code",), "XH"
    ),
    "certificate_too_early": Fault(
        _CLEARANCE, "XSZZT", always("未办"), "leaving_clearance", ("leaving_clearance.certificates_early",), "XH", "warning",
        ("ZSZT", "已办"),
    ),
    "leaving_unsigned": Fault(
        _CLEARANCE, "TSCZR", always(None), "leaving_clearance", ("leaving_clearance.unsigned",), "XH", "warning",
        ("TSZT", "已办"),
    ),
    "card_state_word": Fault(_CARD, "KPZT", always("丢失"), "card", ("card.state.code",), "XGH", only=("KLX", "临时卡")),
    "card_of_nobody": Fault(
        _CARD, "XGH", numbered("2095{:07d}"), "card", ("card.holder_known",), "XGH", only=("KLX", "临时卡")
    ),
    "card_no_end": Fault(_CARD, "YXRQ", always("20270230"), "card", ("card.valid_to.readable",), "XGH", only=("KLX", "临时卡")),
    "purchase_negative": Fault(
        _PURCHASE, "JYJE", lambda old: [-fen for fen in old], "card_transaction", ("card_transaction.txn_amount.range",), "XGH"
    ),
    "purchase_of_another": Fault(
        _PURCHASE, "XGH", numbered("2094{:07d}"), "card_transaction", ("card_transaction.holder_differs",), "XGH"
    ),
}  # fmt: skip

KEYS: Mapping[str, Key] = {
    "welcome_checkin": lambda row: str(row["XH"]),
    "registration": lambda row: f"{row['XH']}|{row['XN']}|{_TERMS[row['XQ']]}",
    "leaving_clearance": lambda row: str(row["XH"]),
    "card": lambda row: str(row["KH"]),
    "card_transaction": lambda row: str(row["JYLSH"]),
}
