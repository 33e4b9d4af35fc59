"""Text as the value that a contract promises: SQL expressions that give the value, or NULL where the text is not plainly one.

An engine's own casts are kinder than a contract may be: they drop commas anywhere, round decimals, take `epoch` for a date and
two digits for a year. So the form is checked first, and a cast only reads what has the form. What the type cannot hold
exactly (a third decimal, a time of day in a date) is not cut: it is no value.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from core.dialects import UNREADABLE, LogicalType, spell_sql_type

_DIGITS = r"(\d+|\d{1,3}(,\d{3})+)"
"""Digits; commas only between groups of three."""
_DAY = r"\d{4}-\d{1,2}-\d{1,2}|\d{4}/\d{1,2}/\d{1,2}|\d{4}\.\d{1,2}\.\d{1,2}|\d{8}"
_MIDNIGHT = r"( 0{1,2}:00:00(\.0+)?)?"
_CLOCK = r"([01]?\d|2[0-3]):\d{1,2}:\d{1,2}"
_MOMENT = rf"\d{{4}}-\d{{1,2}}-\d{{1,2}}([ T]{_CLOCK})?|\d{{4}}-\d{{1,2}}-\d{{1,2}} {_CLOCK}\.\d{{1,6}}"
_OTHER_MOMENT = rf"\d{{4}}/\d{{1,2}}/\d{{1,2}} {_CLOCK}|\d{{8}}([01]\d|2[0-3])\d{{4}}"
_ISO_DAY = r"\d{4}-\d\d-\d\d"
_ISO_MOMENT = r"\d{4}-\d\d-\d\d ([01]\d|2[0-3]):\d\d:\d\d(\.\d{6})?"
_DAYS = "['%Y-%m-%d', '%Y%m%d', '%Y/%m/%d', '%Y.%m.%d']"
_MOMENTS = "['%Y-%m-%d %H:%M:%S', '%Y-%m-%d %H:%M:%S.%f', '%Y%m%d%H%M%S', '%Y-%m-%dT%H:%M:%S', '%Y-%m-%d', '%Y/%m/%d %H:%M:%S']"
_TRUE = "('1', 't', 'true', 'y', 'yes', '是')"
_FALSE = "('0', 'f', 'false', 'n', 'no', '否')"
_NO_YEAR = "0000"
_BAD_CHARACTERS = (
    r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x{9f}\x{ad}\x{61c}\x{115f}\x{1160}\x{180e}\x{200b}\x{200e}\x{200f}\x{202a}-\x{202e}"
    r"\x{2060}-\x{206f}\x{3164}\x{e000}-\x{f8ff}\x{fdd0}-\x{fdef}\x{feff}\x{ffa0}\x{fff0}-\x{ffff}\x{e0000}-\x{10ffff}"
)
"""Characters that no person wrote: control characters but tab and line ends, signs that turn or hide what follows or show
nothing, characters that only one machine's fonts know (private use), and U+FFFD, which stands for bytes that were no text."""
_LINE_CHARACTERS = r"\t\r\n\x{200c}\x{200d}\x{2028}\x{2029}"
"""What is normal in a remark, and never within a key or a name: tabs, line ends, and what joins signs of some scripts."""
_EDGE = r"[\t\r\n\x{a0}\x{3000}]"
_EDGES = "chr(9) || chr(10) || chr(13) || chr(160) || chr(12288)"
"""What is no part of a text at its ends: a tab before a number is how programs keep it from a spreadsheet, and no-break and
wide blanks are what web pages and input methods leave behind."""
_CONTINUED = r"[\x{a0}-\x{bf}\x{152}-\x{192}\x{2c6}-\x{2dc}\x{2013}-\x{203a}\x{20ac}\x{2122}]"


def _list_gbk_pairs(leads: Iterable[int], trails: Iterable[int]) -> str:
    """The inside of a character class: what GBK has under these first and second bytes."""
    found = {bytes((lead, trail)).decode("gbk", "ignore") for lead, trail in itertools.product(leads, trails)}
    return "".join(sorted(one for one in found if len(one) == 1))


_FIRST, _SELDOM, _USUAL = range(0xE4, 0xEA), range(0x80, 0xA1), range(0xA1, 0xC0)
_UTF8_AS_GBK = (
    f"[{_list_gbk_pairs(_FIRST, _SELDOM)}][{_list_gbk_pairs(range(0x81, 0xC0), _FIRST)}]"
    f"|[{_list_gbk_pairs(_FIRST, _USUAL)}][{_list_gbk_pairs(range(0x81, 0xA1), _FIRST)}]"
)
"""The first two characters that two Chinese ones in UTF-8 become in GBK, at least one of them seldom written."""
_MISREAD = (
    rf"(?:[\x{{e3}}-\x{{e9}}]{_CONTINUED}{{2}}){{2}}"  # Chinese in UTF-8 that was read as Western
    r"|\x{c3}[\x{a1}-\x{bf}]|\x{ef}\x{bf}\x{bd}"  # letters of Western Europe, and what was lost, likewise
    r"|[\x{b0}-\x{d6}\x{d8}-\x{f6}][\x{a1}-\x{fe}][\x{c0}-\x{d6}\x{d8}-\x{f6}][\x{a1}-\x{fe}]"  # Chinese in GBK likewise
    r"|[\x{c0}-\x{d6}\x{d8}-\x{f6}][\x{a1}-\x{fe}][\x{b0}-\x{d6}\x{d8}-\x{f6}][\x{a1}-\x{fe}]"
    r"|[\x{b0}-\x{bf}][\x{c0}-\x{d6}\x{d8}-\x{f6}\x{f8}-\x{fe}][\x{b0}-\x{bf}][\x{c0}-\x{d6}\x{d8}-\x{f6}\x{f8}-\x{fe}]"
    rf"|{_UTF8_AS_GBK}"
    r"|锟斤拷"  # what was lost, in UTF-8, read as GBK
)
"""Text that was read in another encoding than it was written in, as far as its letters tell."""
_BETWEEN = "|"
"""Between texts that are looked at together; a text that has it itself may be looked at once more."""
_SHORTENED = r"^\d(?:\.\d+)?E\+\d{2,3}$"
"""A number as a spreadsheet writes it that was too long for it: a key of which the last digits are lost."""


def build_value(kind: LogicalType, text: str) -> str:
    """The value of a type (not `string` or `time`) that an expression of text has; NULL where it has none."""
    word = f"trim({text})"
    if kind.name == "date":
        return _build_moment(text, "date", _ISO_DAY, f"({_DAY}){_MIDNIGHT}", _DAYS)
    if kind.name == "timestamp":
        return _build_moment(text, "timestamp", _ISO_MOMENT, f"{_MOMENT}|{_OTHER_MOMENT}", _MOMENTS)
    if kind.name == "boolean":
        return f"(case when lower({word}) in {_TRUE} then true when lower({word}) in {_FALSE} then false end)"
    if kind.name == "integer":
        return _build_cast(word, rf"[+-]?{_DIGITS}(\.0*)?", spell_sql_type(kind, "duckdb"))
    return _build_number(kind, word)


def build_clean_text(text: str, *, one_line: bool) -> str:
    """An expression of text without tabs, line ends and odd blanks around it; NULL where a character of it was lost, was never
    one that a person writes, or does not belong in a text of one line."""
    word, wrong = _trim_edges(text), f"{_build_damage_pattern(one_line)}|{_MISREAD}"
    # Nearly every text is as it should be, which one look tells.
    return (
        f"(case when not regexp_matches({text}, '{wrong}|^{_EDGE}|{_EDGE}$') then {text}"
        f" when not regexp_matches({word}, '{wrong}') then {word} end)"
    )


def build_doubt_condition(texts: Sequence[str], *, one_line: bool) -> str:
    """The condition that one of some texts of a row may be damaged, `shortened`, or have tabs, line ends or odd blanks around
    it: every one of which that holds is among those in which it may."""
    row = f"concat_ws('{_BETWEEN}', {', '.join(texts)})"
    ends = rf"(?:^|\{_BETWEEN}){_EDGE}|{_EDGE}(?:\{_BETWEEN}|$)"
    return f"regexp_matches({row}, '{_build_damage_pattern(one_line)}|{_MISREAD}|{ends}|E\\+')"


def build_shortened_condition(text: str) -> str:
    """The condition that a key or a name is a number that lost its last digits. It stays as it is: people look for it so."""
    return f"(contains({text}, 'E+') and regexp_matches({_trim_edges(text)}, '{_SHORTENED}'))"


def build_damage_note(text: str, *, one_line: bool) -> str:
    """What is wrong with a text that `undamaged` makes NULL, or that is `shortened`, after the name of its column:
    `:character:U+202E`, `:digits` or `:encoding`. Nothing where the source itself says that it lost the value."""
    word, wrong = _trim_edges(text), _build_damage_pattern(one_line)
    point = f"':character:U+' || format('{{:04X}}', unicode(regexp_extract({word}, '{wrong}')))"
    lost = f"starts_with({text}, chr({ord(UNREADABLE)}))"
    digits = f"when regexp_matches({word}, '{_SHORTENED}') then ':digits'"
    return f"(case when {lost} then '' when regexp_matches({word}, '{wrong}') then {point} {digits} else ':encoding' end)"


def _trim_edges(text: str) -> str:
    return f"trim({text}, {_EDGES})"


def _build_damage_pattern(one_line: bool) -> str:
    return f"[{_BAD_CHARACTERS}{_LINE_CHARACTERS if one_line else ''}]"


def build_converted_number(kind: LogicalType, raw: str) -> str:
    """An integer or a decimal as an integer or a decimal of another width; NULL where that would change it."""
    target = spell_sql_type(kind, "duckdb")
    return f"(case when {raw} = try_cast({raw} as {target}) then try_cast({raw} as {target}) end)"


def _build_number(kind: LogicalType, word: str) -> str:
    """A decimal in plain digits, or with an exponent as floats are printed, whose every digit the type has a place for."""
    target = spell_sql_type(kind, "duckdb")
    places = rf"\.\d{{0,{kind.scale}}}0*"
    plain = _build_cast(word, rf"[+-]?({_DIGITS}({places})?|{places})", target, otherwise="")
    decimals = rf"length(rtrim(regexp_extract({word}, '\.(\d*)[eE]', 1), '0'))"
    exponent = rf"try_cast(regexp_extract({word}, '[eE]([+-]?\d+)$', 1) as integer)"
    fits = rf"regexp_full_match({word}, '[+-]?\d+(\.\d+)?[eE][+-]?\d+') and {decimals} - {exponent} <= {kind.scale}"
    return f"(case {plain} when {fits} then try_cast({word} as {target}) end)"


def _build_cast(word: str, form: str, target: str, otherwise: str | None = None) -> str:
    case = f"when regexp_full_match({word}, '{form}') then try_cast(replace({word}, ',', '') as {target})"
    return f"(case {case} end)" if otherwise is None else case


def _build_moment(text: str, target: str, iso: str, form: str, spellings: str) -> str:
    """Text as a date or moment. Nearly all of it is ISO, which a cast reads ten times as fast as the list of spellings."""
    word = f"trim({text})"
    day = f"regexp_replace({word}, ' [0:.]+$', '')" if target == "date" else word
    return (
        f"(case when regexp_full_match({text}, '{iso}')"
        f" then case when starts_with({text}, '{_NO_YEAR}') then null else try_cast({text} as {target}) end"
        f" when starts_with({word}, '{_NO_YEAR}') then null"
        f" when regexp_full_match({word}, '{form}') then cast(try_strptime({day}, {spellings}) as {target}) end)"
    )
