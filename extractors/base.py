"""What every extractor family gives: the columns it sees, the rows of one snapshot, a key-and-hash sweep.

A family is the module of its name with one class whose `family` says so; presence registers it (`core.adapters`). Values
arrive as the source holds them: a family lands as text what its driver would damage (zero dates, wide decimals, times over
24 h), and the conform step reads the text by the contract, so that an unreadable cell is held and never becomes a silent
NULL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import ClassVar, Protocol, cast, runtime_checkable

import pyarrow as pa

import extractors
from contracts.contract import Column, SourceDataset
from core import adapters
from core.errors import MachineFault, Refused
from core.store.address import ConnectionAddress

SOURCE_HASH = "source_hash"


@dataclass(frozen=True)
class SourceColumn:
    """A column as the source's own catalogue names it. `kind` is the family of its type, see `kind_of`.

    `kept` says that the database itself writes the moment of the last change there; `nothing` is what a column of that kind
    has where there is no value, when the database says so (a zero date as default).
    """

    name: str
    type: str
    kind: str
    nullable: bool = True
    title: str = ""
    kept: bool = False
    nothing: str = ""


@dataclass(frozen=True)
class Reading:
    """The rows of one consistent snapshot.

    Attributes:
        schema: the contract's physical column names in contract order; in window mode `source_hash` (text) is last.
        batches: the rows, in key order for snapshots, at most `HUB_BATCH_ROWS` a batch. Read them once.
        source_count: rows that the source itself counted in the same snapshot, within the window if there is one.
        high: largest watermark in the same snapshot as ISO text, None without a watermark or without rows.
        reader: what read them, where a family has several ways; kept in the manifest.
    """

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    source_count: int
    high: str | None = None
    reader: str = ""


@dataclass(frozen=True)
class TableFingerprint:
    """By what a source knows a table again that has not changed since.

    Attributes:
        stamp: who the table is and when it last changed, by the source's own catalogue.
        rows, checksum: of every row, in one snapshot.
    """

    stamp: str
    rows: int
    checksum: str


class Extractor(Protocol):
    """One family. Opened for one connection; every read is its own read-only snapshot transaction.

    Errors: `Unavailable` HUB202 (cannot connect) and HUB203 (broke off while reading), `Refused` HUB301 to HUB309
    (drift, encoding, damaged file). None of them carries a value of a row.
    """

    family: ClassVar[str]

    def __init__(self, connection: ConnectionAddress) -> None: ...

    def list_tables(self) -> list[str]:
        """Every table or file that the connection shows, for `hub draft`."""

    def read_columns(self, physical: str, dataset: SourceDataset | None = None) -> list[SourceColumn]:
        """The columns of a table or file as they are now; empty when it does not exist. Files need the contract's
        sheet, header row and encoding."""

    def read_primary_key(self, physical: str) -> list[str]:
        """The key columns by the source's own catalogue, empty when it declares none."""

    def read(self, dataset: SourceDataset, low: str | None = None) -> AbstractContextManager[Reading]:
        """All rows (`low` None), or those whose watermark is at least `low` or NULL."""

    def read_key_hashes(self, dataset: SourceDataset) -> AbstractContextManager[Reading]:
        """Key columns and `source_hash` (32 hex characters, computed in the source over the contract's columns) of every
        row. The same expression as in a window read, so the two can be compared."""

    def fetch_rows(self, dataset: SourceDataset, keys: pa.Table) -> AbstractContextManager[Reading]:
        """The rows with the given keys (columns named as the physical key, as text), with `source_hash`."""


@runtime_checkable
class SupportsFingerprint(Protocol):
    """A family that can tell that a table is as it was. Equal marks mean equal rows; None means that it cannot tell."""

    def read_stamp(self, dataset: SourceDataset) -> str | None:
        """The stamp alone, which costs nothing. A reading that begins after it has every change that it stands for."""

    def read_fingerprint(self, dataset: SourceDataset) -> TableFingerprint | None:
        """The whole mark: the source looks at every row, and sends none."""


@runtime_checkable
class SupportsSharedConnection(Protocol):
    """A family that can answer many questions about its catalogue over one connection."""

    def share_connection(self) -> AbstractContextManager[None]:
        """As long as this is open, every question is asked over one connection."""


@runtime_checkable
class SupportsUnreadableTables(Protocol):
    """A family that knows which tables the account may not read."""

    def list_unreadable_tables(self) -> list[str]:
        """The tables that are there and that this account may not read."""


@runtime_checkable
class SupportsEncodingGuess(Protocol):
    """A family whose text is in an encoding that nothing but a person can tell for certain."""

    def guess_encoding(self, physical: str) -> str | None:
        """For `hub draft`, which a person reads and confirms: the encoding that a table's or file's text seems to have; None
        when it is the one taken where a contract names none."""


def detect_drift(dataset: SourceDataset, seen: Sequence[SourceColumn]) -> list[str]:
    """Compare a source's columns with its contract and return the names of new columns, which are only reported.

    Raises:
        Refused: HUB301 when contract columns are gone, HUB302 when one changed its type family, HUB303 when the table
            itself is gone.
    """
    if not seen:
        raise Refused("HUB303", dataset.id, table=dataset.physical, owner=dataset.owner)
    by_name = {column.name: column for column in seen}
    lost = [column.physical for column in dataset.columns if column.physical not in by_name]
    if lost:
        beyond = ", ".join(_find_new_columns(dataset, seen))
        named = ", ".join(lost) + (f" → {beyond}?" if beyond else "")
        raise Refused(
            "HUB301",
            dataset.id,
            count=len(lost),
            columns=named,
            owner=dataset.owner,
            version=_next_major_version(dataset.version),
        )
    for column in dataset.columns:
        expected, found = expected_kind(column), by_name[column.physical]
        if found.kind != "any" and not _is_compatible(expected, found.kind):
            raise Refused(
                "HUB302", dataset.id, column=column.physical, expected=expected, found=found.type, owner=dataset.owner
            )
    return _find_new_columns(dataset, seen)


def _find_new_columns(dataset: SourceDataset, seen: Sequence[SourceColumn]) -> list[str]:
    contracted = {column.physical for column in dataset.columns}
    return [column.name for column in seen if column.name not in contracted]


def expected_kind(column: Column) -> str:
    """The type family that the contract expects in the source."""
    return classify_type(column.physical_type) if column.physical_type else column.type.name


def classify_type(type_name: str) -> str:
    """The family of a source's type name: string, integer, number, boolean, date, timestamp, time, or bytes."""
    name = type_name.lower()
    if name.endswith("[]"):
        return "string"
    return next((kind for pattern, kind in _KINDS if re.match(pattern, name)), "string")


_KINDS = (
    (r"bool(ean)?\b|tinyint\(1\)|bit\(1\)|bit$|logical\b", "boolean"),
    (r"((un)?signed )?((tiny|small|medium|big) ?)?int(eger)?[248]?\b|(small|big)?serial\b|year\b|bit\(", "integer"),
    (r"(decimal|dec|numeric|number|fixed|(small)?money|currency|(binary_)?(double|float)|real)\b", "number"),
    (r"((small)?datetime|datetime2|datetimeoffset|timestamp(tz)?)\b", "timestamp"),
    (r"date\b", "date"),
    (r"(time(tz)?|interval)\b", "time"),
    (r"((tiny|medium|long)?blob|bytea|(var)?binary|(long )?raw|image|rowversion)\b", "bytes"),
)


def _is_compatible(expected: str, found: str) -> bool:
    return expected == found or {expected, found} in ({"boolean", "integer"}, {"integer", "number"})


def _next_major_version(version: str) -> str:
    head = version.split(".")[0]
    return f"{int(head) + 1}.0.0" if head.isdigit() else version


def open_extractor(connection: ConnectionAddress) -> Extractor:
    """The extractor of the connection's family.

    Raises:
        Fault: HUB804 when no module handles that family.
    """
    found = adapters.find_adapter(extractors, connection.family)
    if found is None:
        known = ", ".join(adapters.list_families(extractors))
        raise MachineFault("HUB804", connection.id, family=connection.family, known=known)
    return cast(Extractor, found(connection))
