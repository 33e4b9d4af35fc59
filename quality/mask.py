"""What of a value may be shown on a screen: samples in the console and the command line pass through here, logs never hold any.

The class of the column decides whether to mask, its name decides how (canonical model, section 10). A personal column whose
name is not known here is hidden completely, so that a new column is never shown by accident.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from contracts.contract import Column

_HIDDEN = "***"
_OPEN = frozenset({"P0", "P1"})
"""Numbers, units, classes and states may be shown; a name is P1 too but masked all the same."""
_COMPOUND_SURNAME = re.compile(
    "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|宇文|长孙|司徒|司空|夏侯|端木|"
    "百里|独孤|南宫|东郭|呼延|轩辕|申屠|太史|澹台|濮阳|淳于|单于|公冶|钟离"
)
_COUNTY = re.compile(
    r"(?:[^\d]{2,7}?(?:省|自治区|特别行政区))?(?:[^\d路街巷弄号村]{1,12}?(?:市|自治州|地区|盟))?(?:[^\d路街道巷弄号村镇乡]{1,8}?(?:县|区|旗))?"
)


def mask(column: Column, value: str) -> str:
    """`value` as it may be shown: `张*`, `410***********1234`, `138****1234`, `z***@example.edu.cn`, `2004`."""
    if column.pii == "P0" or not value:
        return value
    for pattern, shape in _SHAPES:
        if pattern.search(column.name):
            return shape(value)
    return value if column.pii in _OPEN else _HIDDEN


def _name(value: str) -> str:
    """The first character, both of a compound surname, or the part before the middle dot."""
    first, dot, _ = value.partition("·")
    if dot:
        return f"{first}·{_HIDDEN}"
    if value.isascii():
        return value[0] + _HIDDEN
    kept = 2 if len(value) > 2 and _COMPOUND_SURNAME.match(value) else 1
    return value[:kept] + "*" * (len(value) - kept)


def _document(value: str) -> str:
    """First three and last four of a resident number; of a shorter document only the last two."""
    return _ends(value, 3, 4) if len(value) >= 15 else _ends(value, 0, 2)


def _phone(value: str) -> str:
    return _ends(value, 3, 4) if len(value) >= 11 else _ends(value, 0, 2)


def _card(value: str) -> str:
    return _ends(value, 0, 4)


def _email(value: str) -> str:
    local, at, domain = value.rpartition("@")
    return f"{local[:1]}{_HIDDEN}@{domain}" if at else _HIDDEN


def _address(value: str) -> str:
    """Down to the county; an address that does not begin with a province or city shows nothing."""
    found = _COUNTY.match(value)
    return (found[0] if found else "") + _HIDDEN


def _year(value: str) -> str:
    return value[:4] if re.match(r"\d{4}(\D|\d{4}$)", value) else _HIDDEN


def _ends(value: str, head: int, tail: int) -> str:
    """The ends of a value, as long as at least four characters between them stay hidden."""
    if len(value) < head + tail + 4:
        return "*" * len(value)
    return value[:head] + "*" * (len(value) - head - tail) + value[len(value) - tail :]


_SHAPES: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (re.compile(r"e?mail"), _email),
    (re.compile(r"(^|_)(mobile|phone|tel)($|_)"), _phone),
    (re.compile(r"(^|_)bank_(account|card)|(^|_)card_no$|account_no$"), _card),
    (re.compile(r"^id_number|_id_number"), _document),
    (re.compile(r"address$"), _address),
    (re.compile(r"^birth_date$|born_on$"), _year),
    (re.compile(r"^name(_en|_pinyin)?$|^(former|contact|holder|person|payee|staff|student)_name$"), _name),
)
