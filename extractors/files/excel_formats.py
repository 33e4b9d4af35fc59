"""What a cell's number format makes of a number, as far as it decides what the value is: a date or none, and written zeros.

Formats are those of Excel, first section only (`0000;-0000` shows two). Sources: ECMA-376 part 1, 18.8.31; [MS-XLS] 2.5.165.
"""

from __future__ import annotations

import operator
import re
from datetime import datetime, time, timedelta
from decimal import Decimal

from core.dialects import UNREADABLE

DATE_IDS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""Numbers of the formats that are dates or times where a workbook does not say otherwise; it may (`FORMAT`, `numFmt`)."""
THAI_FORMATS = {**dict.fromkeys((71, 72, 73, 74, 75, 76, 77, 78, 80, 81), "yyyy-mm-dd hh:mm:ss"), 79: "[h]:mm:ss"}
"""Numbers of formats that are dates in a Thai workbook and nothing anywhere else, and forms that stand for them."""
FIRST_CUSTOM = 164
"""From this number on formats are a workbook's own, and everybody looks them up."""
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE)
"""What is shown as it stands, widths and fillings, colours and conditions: everything that says nothing of the value."""
_TOKEN = re.compile(r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|(?P<digit>[0#])|(?P<plain>[- ()/:])|\[[^\]]*\]')
_GENERAL = (
    *("general", "g/", "standard", "standaard", "standardowy", "est\u00e1ndar", "estandar", "generale", "geral", "genel"),
    *("\u043e\u0441\u043d\u043e\u0432\u043d\u043e\u0439", "\u5e38\u89c4", "normal", "yleinen"),
)
"""How programs call the usual format in their languages; its letters are none of a date's."""
_CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)\s*(-?\d+(?:\.\d+)?)\]")
_COMPARED = {
    "<=": operator.le,
    ">=": operator.ge,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_FOR_NUMBERS = 3
"""Sections beyond these are for texts."""
_FEBRUARY_29 = 60
_ELAPSED = r"\[[hms]+\]"
_LENGTH = 46
"""`[h]:mm:ss`, the one usual format of a length of time."""
_DAYS = 2_958_466
"""The first day that no workbook can show, 1 January 10000."""
_LIMIT = 1e15
"""A cell holds 15 digits; a number from here on has lost its end."""


def is_date(form: str) -> bool:
    """Whether a format shows a number as a date or a time."""
    return bool(re.search("[ymdhs]", _LITERAL.sub("", form.split(";")[0]), re.IGNORECASE))


def is_ambiguous(id: int, form: str) -> bool:
    """Whether the library, which looks at a format's first section and few letters, may take a number under it for something
    else than Excel shows: another section counts, or a letter stands for a year, a weekday or nothing known."""
    if id in THAI_FORMATS and not form:
        return True
    plain = "date" if is_date(form) else "number"
    return any(_classify_section(section) != plain for section in _split_sections(form)[:_FOR_NUMBERS])


def format_ambiguous(id: int, form: str, number: float, *, from_1904: bool) -> str:
    """A number under a doubtful format as the text that it lands as: a date, a time, a length of time, or the number itself.
    Under a format of letters that nobody knows it lands as lost, so that it is held."""
    section = _choose_section(form or THAI_FORMATS[id], number)
    kind = _classify_section(section)
    if kind == "number":
        return ("" if not is_too_long(number) else UNREADABLE) + format_number(number)
    elapsed = re.search(_ELAPSED, section, re.IGNORECASE)
    if kind == "unknown" or number < 0 or (not elapsed and is_invalid_day(number, from_1904=from_1904)):
        return UNREADABLE + format_number(number)
    if elapsed:
        minutes, seconds = divmod(round(number * 86400), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    first = datetime(1904, 1, 1) if from_1904 else datetime(1899, 12, 31 if number < 60 else 30)
    moment = first + timedelta(days=int(number), milliseconds=round(number % 1 * 86_400_000))
    if number < 1 and not from_1904:
        return moment.time().isoformat()
    return moment.date().isoformat() if moment.time() == time() else moment.isoformat(sep=" ")


def is_day(id: int, form: str) -> bool:
    """Whether a format shows a number as a day or a moment, and not as a length of time."""
    if not form:
        return id in DATE_IDS and id != _LENGTH
    return is_date(form) and not re.search(_ELAPSED, form, re.IGNORECASE)


def is_invalid_day(number: float, *, from_1904: bool) -> bool:
    """Whether a number under a date's format is no day of any calendar: before the first one or after the last, or the 29
    February 1900, which Excel alone knows."""
    return not 0 <= number < _DAYS or (int(number) == _FEBRUARY_29 and not from_1904)


def _split_sections(form: str) -> list[str]:
    """A format taken apart at the semicolons that are not spoken."""
    found, begin = list[str](), 0
    for part in re.finditer(r'"[^"]*"|\\.|;', form):
        if part[0] == ";":
            found.append(form[begin : part.start()])
            begin = part.end()
    return [*found, form[begin:]]


def _choose_section(form: str, number: float) -> str:
    """The section that shows a number: by conditions where sections have them, else one for positive numbers and zero, one
    for negative ones, one for zero."""
    sections = _split_sections(form)[:_FOR_NUMBERS]
    usual = [">=0", "<0"] if len(sections) == 2 else [">0", "<0", "=0"]
    for place, section in enumerate(sections[:-1]):
        own = _CONDITION.search(section)
        sign, limit = (own[1], float(own[2])) if own else (usual[place].rstrip("0"), 0.0)
        if _COMPARED[sign](number, limit):
            return section
    return sections[-1]


def _classify_section(section: str) -> str:
    """What a section shows: `number`, `date`, or `unknown` when its letters say neither."""
    shown = _LITERAL.sub("", section).strip()
    if shown.lower().startswith(_GENERAL) or "@" in shown:
        return "number"
    if re.search("[0#?]", shown):
        return "date" if re.search("[ymdhs]", shown, re.IGNORECASE) else "number"
    if re.search("[ymdhsebga]", shown, re.IGNORECASE):
        return "date"
    return "unknown" if any(sign.isalpha() for sign in shown) else "number"


def is_mistaken_for_date(id: int, form: str) -> bool:
    """Whether a format shows a number as one, though its number or its letters (of `General`, of a unit) look like a date's."""
    return not is_date(form) and (id in DATE_IDS or re.search("[ymdhse]", form, re.IGNORECASE) is not None)


def is_hidden_date(id: int, form: str) -> bool:
    """Whether a workbook's own format shows a date under one of the usual numbers that the library takes for no date's."""
    return id < FIRST_CUSTOM and id not in DATE_IDS and is_date(form)


def format_padded(form: str, number: float) -> str | None:
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


def format_number(number: float) -> str:
    """A number in plain digits, a whole one without a point: the fifteen that a cell keeps of what was typed or computed.

    A workbook stores 848.30 computed as 848.3000000000001; the digits past the fifteenth are the float's, not the person's.
    """
    exact = Decimal(repr(number) if is_too_long(number) else f"{number:.15g}")
    return str(int(exact)) if exact == exact.to_integral_value() else f"{exact:f}"


def is_too_long(number: float) -> bool:
    """Whether a number has more digits than a cell can hold, so that its last ones are not those that were typed."""
    return abs(number) >= _LIMIT
