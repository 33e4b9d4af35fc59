"""What a cell's number format makes of a number, as far as it decides what the value is: a date or none, and written zeros.

Formats are those of Excel, first section only (`0000;-0000` shows two). Sources: ECMA-376 part 1, 18.8.31; [MS-XLS] 2.5.165.
"""

from __future__ import annotations

import re
from decimal import Decimal

DATE_IDS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""Numbers of the formats that are dates or times where a workbook does not say otherwise; it may (`FORMAT`, `numFmt`)."""
FIRST_OWN = 164
"""From this number on formats are a workbook's own, and everybody looks them up."""
_SPOKEN = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE)
"""What is shown as it stands, widths and fillings, colours and conditions: everything that says nothing of the value."""
_TOKEN = re.compile(r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|(?P<digit>[0#])|(?P<plain>[- ()/:])|\[[^\]]*\]')
_LIMIT = 1e15
"""A cell holds 15 digits; a number from here on has lost its end."""


def is_date(form: str) -> bool:
    """Whether a format shows a number as a date or a time."""
    return bool(re.search("[ymdhs]", _SPOKEN.sub("", form.split(";")[0]), re.IGNORECASE))


def deceives(id: int, form: str) -> bool:
    """Whether a format shows a number as one, though its number or its letters (of `General`, of a unit) look like a date's."""
    return not is_date(form) and (id in DATE_IDS or re.search("[ymdhse]", form, re.IGNORECASE) is not None)


def hides(id: int, form: str) -> bool:
    """Whether a workbook's own format shows a date under one of the usual numbers that the library takes for no date's."""
    return id < FIRST_OWN and id not in DATE_IDS and is_date(form)


def shown(form: str, number: float) -> str | None:
    """A whole number as a format with leading zeros shows it (`000000` and 123: `000123`); None for every other format, since
    only zeros belong to the value: a unit or a comma is dress."""
    tokens, place = [], 0
    section = form.split(";")[0]
    while place < len(section):
        found = _TOKEN.match(section, place)
        if found is None:
            return None
        tokens.append(found)
        place = found.end()
    if sum(1 for token in tokens if token["digit"] == "0") < 2 or number < 0 or number != int(number):
        return None
    digits, written = str(int(number)), list[str]()
    slots = sum(1 for token in tokens if token["digit"])
    for token in reversed(tokens):
        if not token["digit"]:
            written.append(token["quoted"] or token["escaped"] or token["plain"] or "")
            continue
        slots -= 1
        taken = digits if not slots else digits[-1:]
        digits = digits[: len(digits) - len(taken)]
        written.append(taken or ("0" if token["digit"] == "0" else ""))
    return "".join(reversed(written))


def number_text(number: float) -> str:
    """A number in plain digits, a whole one without a point: the fifteen that a cell keeps of what was typed or computed.

    A workbook stores 848.30 computed as 848.3000000000001; the digits past the fifteenth are the float's, not the person's.
    """
    exact = Decimal(repr(number) if is_too_long(number) else f"{number:.15g}")
    return str(int(exact)) if exact == exact.to_integral_value() else f"{exact:f}"


def is_too_long(number: float) -> bool:
    """Whether a number has more digits than a cell can hold, so that its last ones are not those that were typed."""
    return abs(number) >= _LIMIT
