"""Entries of a directory as a file (LDIF, RFC 2849): for a receiver that loads by hand, or a machine without a directory.

A whole file is entries; a file of changes is made of records that remove and add, so that after `ldapmodify -c` every entry
is as the hub says, whatever was there before. Names end with the branch `ou=people`; the receiver appends its own root. Equal
rows give equal bytes. What a directory has no room for (empty text) is left out.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from contracts.contract import Column, FeedDataset
from core.dialects import quote_identifier
from loaders.tables.control_totals import DUCK, key_columns

BRANCH = "ou=people"
_CLASSES = {"eduPerson": "eduPerson", "shadow": "shadowAccount"}
"""Classes beside that of persons, by how their attributes begin."""
_ROWS = 10_000
_PLAIN = r"[\x21-\x39\x3B\x3D-\x7E]([\x20-\x7E]*[\x21-\x7E])?"
"""What may stand in clear; anything else, blanks at either end included, is written in base 64."""
_WORDS = {"TRUE": "1", "FALSE": "0"}


def list_object_classes(feed: FeedDataset) -> list[str]:
    """The classes of an entry that has the feed's attributes."""
    names = [column.physical for column in feed.columns]
    return ["inetOrgPerson", *(known for prefix, known in _CLASSES.items() if any(name.startswith(prefix) for name in names))]


def write_ldif(db: duckdb.DuckDBPyConnection, feed: FeedDataset, relation: str, path: Path) -> None:
    """Write a relation (columns by canonical name, `_op` first in a file of changes) to `path`."""
    changes = str(db.execute(f"describe {relation}").fetchall()[0][0]).startswith("_")
    name = _encode("dn", " || '+' || ".join(_build_rdn(column) for column in key_columns(feed)) + f" || ',{BRANCH}'")
    classes = "".join(f" || chr(10) || 'objectClass: {name}'" for name in list_object_classes(feed))
    entry = f"concat_ws(chr(10), {', '.join(_build_attribute(column) for column in feed.columns)}){classes}"
    gone = f"{name} || chr(10) || 'changetype: delete'"
    if changes:
        blank = "chr(10) || chr(10)"
        there = f"{gone} || {blank} || {name} || chr(10) || 'changetype: add' || chr(10) || {entry}"
        record = f"case when _op = 'D' then {gone} else {there} end"
    else:
        record = f"{name} || chr(10) || {entry}"
    result = db.execute(f"select {record} from {relation}")
    with path.open("w", encoding="ascii") as file:
        file.write("version: 1\n")
        while rows := result.fetchmany(_ROWS):
            file.writelines(f"\n{record}\n" for (record,) in rows)


def read_ldif(path: Path, feed: FeedDataset, header: Sequence[str]) -> pa.Table:
    """A file as a table of text with the columns `header` (physical names, perhaps `_op` first).

    Raises:
        ValueError: the file is not one that `write` made.
    """
    flags = {column.physical for column in feed.columns if column.type.name == "boolean"}
    entries: dict[str, dict[str, str]] = {}
    for record in _read_records(path):
        if not record or record[0][0] != "dn":
            raise ValueError("record without a name")
        name, *pairs = record
        values: dict[str, list[str]] = {}
        for attribute, value in pairs:
            values.setdefault(attribute, []).append(_WORDS.get(value, value) if attribute in flags else value)
        entry = {attribute: ";".join(found) for attribute, found in values.items()}
        if values.get("changetype") == ["delete"]:
            parts = re.findall(r"([^=+]+)=((?:\\.|[^\\+])*)", name[1].removesuffix(f",{BRANCH}"), re.DOTALL)
            entry = {"_op": "D", **{attribute: re.sub(r"(?s)\\(.)", r"\1", value) for attribute, value in parts}}
        entries[name[1]] = {"_op": "U", **entry}  # a later record of a name has the last word
    columns = {name: pa.array([entry.get(name) for entry in entries.values()], pa.string()) for name in header}
    return pa.table(columns)


def _read_records(path: Path) -> Iterator[list[tuple[str, str]]]:
    """The records of a file, each as pairs of attribute and value."""
    blocks = path.read_text("ascii").split("\n\n")
    if blocks[0].strip() != "version: 1":
        raise ValueError("version")
    for block in blocks[1:]:
        lines = (line.partition(":") for line in block.strip("\n").split("\n"))
        yield [(name, _decode_base64(rest[1:]) if rest.startswith(":") else rest[1:]) for name, _, rest in lines]


def _decode_base64(coded: str) -> str:
    return base64.b64decode(coded.strip()).decode()


def _build_attribute(column: Column) -> str:
    """The lines of one attribute, or NULL where it has no value."""
    text = f"nullif(cast({_quote_name(column)} as varchar), '')"
    if column.multiple:
        return f"array_to_string(list_transform(string_split({text}, ';'), lambda x: {_encode(column.physical, 'x')}), chr(10))"
    return _encode(column.physical, f"upper({text})" if column.type.name == "boolean" else text)


def _build_rdn(column: Column) -> str:
    """A part of an entry's name; one of several columns has several, with `+` between."""
    text = DUCK.format_value(column.type, _quote_name(column))
    return f"'{column.physical}=' || regexp_replace({text}, '([,+\"\\\\<>;=])', '\\\\\\1', 'g')"


def _encode(attribute: str, value: str) -> str:
    clear, coded = f"'{attribute}: ' || ({value})", f"'{attribute}:: ' || to_base64(encode({value}))"
    return f"case when regexp_full_match({value}, '{_PLAIN}') then {clear} else {coded} end"


def _quote_name(column: Column) -> str:
    return quote_identifier(column.name, DUCK.engine)
