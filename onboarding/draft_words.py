"""Names and notes of `hub draft`: what a table and a column are called, what is left out, and what a person should look at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from extractors.base import SourceColumn

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SECRET = re.compile(
    r"(^|_)(pass(word|wd|phrase)?|pwd|salt|secrets?|tokens?|credentials?|api_?key|private_?key|otp|mima|mm|yhmm|dlmm)(_|\d|$)"
    r"|password|passwd|密码|口令|令牌|密钥",
    re.IGNORECASE,
)
_CHANGE_COLUMN = re.compile(
    r"^(updated?|modified|changed?|last_(update|modified|change)d?)(_(at|on|time|date|ts))?$|^gxsj$|^xgsj$"
)
HAN = re.compile(r"[\u3400-\u9fff]")


def convert_to_snake(name: str) -> str:
    """`gibbonSchoolYearID` and `DZ_QK` in snake_case; empty when nothing of it is a Latin letter or digit."""
    parted = name if name.isupper() else _HUMP.sub("_", name)
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")


def choose_dataset_names(tables: Sequence[str]) -> dict[str, str]:
    """A first name for every table of a database: its own in snake_case, a number where that says nothing or another has
    it. No two are alike, and the same tables give the same names."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for position, table in enumerate(sorted(tables), start=1):
        last = table.rsplit("/", 1)[-1]
        name = convert_to_snake(last)
        if not name or HAN.search(last.rpartition(".")[0] or last):
            name = f"table_{position}"
        elif not name[0].isalpha():
            name = f"t_{name}"
        name = next(choice for choice in _list_numbered_names(name) if choice not in taken)
        taken.add(name)
        names[table] = name
    return names


def _list_numbered_names(name: str) -> Iterable[str]:
    yield name
    yield from (f"{name}_{number}" for number in range(2, 100_000))


def is_secret(name: str) -> bool:
    """Whether a column holds what opens an account. Nobody downstream has a use for that, so it is not drafted."""
    return _SECRET.search(convert_to_snake(name)) is not None or _SECRET.search(name) is not None


def find_watermarks(seen: Sequence[SourceColumn]) -> list[str]:
    """The columns that may tell when a row was last changed: those that the database keeps itself, else by their name."""
    moments = [column for column in seen if column.kind == "timestamp"]
    return [column.name for column in moments if column.kept] or [
        column.name for column in moments if _CHANGE_COLUMN.match(convert_to_snake(column.name))
    ]


_DOUBTS = (
    (re.compile(r".*zerofill", re.IGNORECASE), "数前补零的列：{names}。按文字起草，前面的零保留"),
    (
        re.compile(r"tinyint\(1\)", re.IGNORECASE),
        "tinyint(1) 按是否起草：{names}。若有 0、1 以外的数，改为 logicalType: integer",
    ),
    (
        re.compile(r"(float|double|real)\b", re.IGNORECASE),
        "浮点列：{names}。留十位小数，多出的行暂留；是金额的，请对方改用定点数",
    ),
    (
        re.compile(r"(var)?binary|(tiny|medium|long)?blob|bytea|image", re.IGNORECASE),
        "二进制列：{names}。按十六进制文字读取；不用的删去",
    ),
)


def list_doubts(seen: Sequence[SourceColumn]) -> list[str]:
    """What a type says less about than it seems to, with the columns that a person should look at."""
    found = [(words, [column.name for column in seen if sign.match(column.type)]) for sign, words in _DOUBTS]
    return [words.format(names="、".join(names)) for words, names in found if names]
