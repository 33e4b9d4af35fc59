"""What of a value may be shown on a screen: samples in the console and the command line pass through here, logs never hold any.

The class of the column decides whether to mask, its name decides how (canonical model, section 10). A personal column whose
name is not known here is hidden completely, so that a new column is never shown by accident.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from contracts.contract import Column

_HIDDEN_TEXT = "***"
_OPEN_CLASSES = frozenset({"P0", "P1"})
"""Numbers, units, classes and states may be shown; a name is P1 too but masked all the same."""
_COMPOUND_SURNAME = re.compile(
    "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|宇文|长孙|司徒|司空|夏侯|端木|"
    "百里|独孤|南宫|东郭|呼延|轩辕|申屠|太史|澹台|濮阳|淳于|单于|公冶|钟离"
)
_COUNTY = re.compile(
    r"(?:[^\d]{2,7}?(?:省|自治区|特别行政区))?(?:[^\d路街巷弄号村]{1,12}?(?:市|自治州|地区|盟))?(?:[^\d路街道巷弄号村镇乡]{1,8}?(?:县|区|旗))?"
)


def mask_value(column: Column, value: str) -> str:
    """`value` as it may be shown: `张*`, `410***********1234`, `138****1234`, `z***@example.edu.cn`, `2004`."""
    if column.pii == "P0" or not value:
        return value
    for pattern, shape in _MASKS_BY_NAME:
        if pattern.search(column.name):
            return shape(value)
    return value if column.pii in _OPEN_CLASSES else _HIDDEN_TEXT


def _mask_name(value: str) -> str:
    """The first character, both of a compound surname, or the part before the middle dot."""
    first, dot, _ = value.partition("·")
    if dot:
        return f"{first}·{_HIDDEN_TEXT}"
    if value.isascii():
        return value[0] + _HIDDEN_TEXT
    kept = 2 if len(value) > 2 and _COMPOUND_SURNAME.match(value) else 1
    return value[:kept] + "*" * (len(value) - kept)


def _mask_document(value: str) -> str:
    """First three and last four of a resident number; of a shorter document only the last two."""
    return _show_ends(value, 3, 4) if len(value) >= 15 else _show_ends(value, 0, 2)


def _mask_phone(value: str) -> str:
    return _show_ends(value, 3, 4) if len(value) >= 11 else _show_ends(value, 0, 2)


def _mask_card(value: str) -> str:
    return _show_ends(value, 0, 4)


def _mask_email(value: str) -> str:
    local, at, domain = value.rpartition("@")
    return f"{local[:1]}{_HIDDEN_TEXT}@{domain}" if at else _HIDDEN_TEXT


def _mask_address(value: str) -> str:
    """Down to the county; an address that does not begin with a province or city shows nothing."""
    found = _COUNTY.match(value)
    return (found[0] if found else "") + _HIDDEN_TEXT


def _mask_date(value: str) -> str:
    return value[:4] if re.match(r"\d{4}(\D|\d{4}$)", value) else _HIDDEN_TEXT


def _show_ends(value: str, head: int, tail: int) -> str:
    """The ends of a value, as long as at least four characters between them stay hidden."""
    if len(value) < head + tail + 4:
        return "*" * len(value)
    return value[:head] + "*" * (len(value) - head - tail) + value[len(value) - tail :]


_MASKS_BY_NAME: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (re.compile(r"e?mail"), _mask_email),
    (re.compile(r"(^|_)(mobile|phone|tel)($|_)"), _mask_phone),
    (re.compile(r"(^|_)bank_(account|card)|(^|_)card_no$|account_no$"), _mask_card),
    (re.compile(r"^id_number|_id_number"), _mask_document),
    (re.compile(r"address$"), _mask_address),
    (re.compile(r"^birth_date$|born_on$"), _mask_date),
    (re.compile(r"^name(_en|_pinyin)?$|^(former|contact|holder|person|payee|staff|student)_name$"), _mask_name),
)
