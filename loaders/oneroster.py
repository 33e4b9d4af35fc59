"""A OneRoster 1.2 CSV bundle: a zip of the specification's files and the manifest that says which of them are there.

The rows of all files come as one dataset whose column `file` names the file; the other columns are the union of the
specification's columns under its own names. A relation without `_op` becomes a bulk bundle, one with it a delta bundle.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow as pa
import pyarrow.csv as pacsv

from contracts.contract import Column, FeedDataset
from core.calendar import ZONE
from core.dialects import quote_identifier
from core.engine import fetch_arrow_table, quote_literal
from core.errors import FeedFailed
from loaders.tables.control_totals import DUCK

FILE, KEY = "file", "sourcedId"
HEADER = (KEY, "status", "dateLastModified")
BUNDLE_FILES: Mapping[str, tuple[str, ...]] = {
    "academicSessions": ("title", "type", "startDate", "endDate", "parentSourcedId", "schoolYear"),
    "orgs": ("name", "type", "identifier", "parentSourcedId"),
    "courses": ("schoolYearSourcedId", "title", "courseCode", "grades", "orgSourcedId", "subjects", "subjectCodes"),
    "classes": (
        "title", "grades", "courseSourcedId", "classCode", "classType", "location", "schoolSourcedId", "termSourcedIds",
        "subjects", "subjectCodes", "periods",
    ),
    "users": (
        "enabledUser", "username", "userIds", "givenName", "familyName", "middleName", "identifier", "email", "sms", "phone",
        "agentSourcedIds", "grades", "password", "userMasterIdentifier", "preferredGivenName", "preferredMiddleName",
        "preferredFamilyName", "primaryOrgSourcedId", "pronouns",
    ),
    "roles": ("userSourcedId", "roleType", "role", "beginDate", "endDate", "orgSourcedId", "userProfileSourcedId"),
    "enrollments": ("classSourcedId", "schoolSourcedId", "userSourcedId", "role", "primary", "beginDate", "endDate"),
}  # fmt: skip
"""The files that the hub writes: columns after `HEAD`, in the specification's order."""
OMITTED_FILES = (
    "categories", "classResources", "courseResources", "demographics", "lineItemLearningObjectiveIds", "lineItems",
    "lineItemScoreScales", "resources", "resultLearningObjectiveIds", "results", "resultScoreScales", "scoreScales",
    "userProfiles", "userResources",
)  # fmt: skip
"""The files that the manifest must name and the hub never writes."""
MANIFEST = "manifest.csv"
OMITTED_COLUMNS = frozenset({"password"})
"""Columns that stay empty whatever a SELECT gives."""
_PLAIN_HEADER = cast(Any, pacsv.WriteOptions)(quoting_header="none")
"""Untyped, as the stubs do not know the keyword."""
_OP, _ACTIVE, _GONE = "_op", "active", "tobedeleted"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold, in every entry: the same rows make the same bytes."""


def write_bundle(db: duckdb.DuckDBPyConnection, feed: FeedDataset, relation: str, path: Path, as_of: date) -> None:
    """Write a relation (columns by canonical name, perhaps `_op` first) as a bundle.

    A file that has no row is `absent`. In a delta bundle the rows are stamped with the beginning of the business day, UTC.

    Raises:
        FeedFailed: HUB622 when a row is of a file that the bundle does not have, HUB623 when the contract has a column
            that the specification does not have.
    """
    columns = _map_columns(feed)
    delta = _OP in [str(row[0]) for row in db.execute(f"describe {relation}").fetchall()]
    stamp = datetime.combine(as_of, time(), ZONE).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z") if delta else ""
    file = _quote_name(columns[FILE])
    counts = dict(db.execute(f"select {file}, count(*) from {relation} group by 1").fetchall())
    if unknown := sorted(str(name) for name in counts.keys() - BUNDLE_FILES.keys()):
        raise FeedFailed("HUB622", feed.id, file=unknown[0], known=", ".join(BUNDLE_FILES))
    kind = "delta" if delta else "bulk"
    listed = {name: kind if counts.get(name) else "absent" for name in (*BUNDLE_FILES, *OMITTED_FILES)}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        _add_file(bundle, MANIFEST, _build_manifest(feed, listed))
        for name in BUNDLE_FILES:
            if counts.get(name):
                query = (
                    f"select {_build_select(name, columns, delta, stamp)} from {relation} where {file} = {quote_literal(name)}"
                )
                _add_file(bundle, f"{name}.csv", _write_csv(fetch_arrow_table(db, query)))


def read_bundle(path: Path, feed: FeedDataset, header: Sequence[str]) -> pa.Table:
    """The rows of a bundle as one table of texts with the physical columns `header`, nothing where a file lacks the column.

    Raises:
        ValueError: no bundle, or a file that the manifest names is missing.
    """
    parts = []
    try:
        with zipfile.ZipFile(path) as bundle:
            listed = parse_table(bundle.read(MANIFEST)).to_pylist()
            present = {row["propertyName"].removeprefix("file."): row["value"] for row in listed if row["value"] != "absent"}
            parts = [
                _build_rows(parse_table(bundle.read(f"{name}.csv")), name, header) for name in BUNDLE_FILES if name in present
            ]
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(type(error).__name__) from None
    empty = pa.schema([pa.field(name, pa.string()) for name in header]).empty_table()
    return pa.concat_tables([empty, *parts])


def _build_rows(rows: pa.Table, file: str, header: Sequence[str]) -> pa.Table:
    """One file's rows under the header of the dataset."""
    count = rows.num_rows
    status = rows.column("status").to_pylist()
    made = {FILE: [file] * count, _OP: ["D" if value == _GONE else "U" for value in status]}

    def column(name: str) -> pa.Array[Any]:
        if name in made:
            return pa.array(made[name], pa.string())
        return rows.column(name).combine_chunks() if name in rows.column_names else pa.nulls(count, pa.string())

    return pa.table({name: column(name) for name in header})


def _map_columns(feed: FeedDataset) -> Mapping[str, Column]:
    """The contract's columns by the specification's names."""
    known = {FILE, KEY}.union(*BUNDLE_FILES.values())
    columns = {column.physical: column for column in feed.columns}
    for name in columns:
        if name not in known and not name.startswith("metadata."):
            raise FeedFailed("HUB623", feed.id, column=name)
    for name in (FILE, KEY):
        if name not in columns:
            raise FeedFailed("HUB623", feed.id, column=name)
    return columns


def _build_select(file: str, columns: Mapping[str, Column], delta: bool, stamp: str) -> str:
    """The select list of one file: the specification's columns in its order, then `metadata.*`."""
    status = f"case {_OP} when 'D' then '{_GONE}' else '{_ACTIVE}' end" if delta else "null"
    given = {"status": status, "dateLastModified": quote_literal(stamp) if delta else "null"}
    wanted = [*HEADER, *BUNDLE_FILES[file], *(name for name in columns if name.startswith("metadata."))]
    for name, column in columns.items():
        if name not in OMITTED_COLUMNS:
            given.setdefault(name, _select_cell(column))
    return ", ".join(f"cast({given.get(name, 'null')} as varchar) as {quote_identifier(name, DUCK.engine)}" for name in wanted)


def _select_cell(column: Column) -> str:
    name = _quote_name(column)
    return f"cast({name} as varchar)" if column.type.name == "boolean" else DUCK.format_value(column.type, name)


def _build_manifest(feed: FeedDataset, listed: Mapping[str, str]) -> bytes:
    facts = {"manifest.version": "1.0", "oneroster.version": "1.2"}
    facts |= {f"file.{name}": listed[name] for name in sorted(listed, key=str.lower)}
    facts |= {"source.systemName": "Campus Hub", "source.systemCode": feed.edge}
    return _write_csv(pa.table({"propertyName": list(facts), "value": list(facts.values())}))


def _write_csv(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pacsv.write_csv(table, sink, _PLAIN_HEADER)
    return sink.getvalue()


def _add_file(bundle: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    bundle.writestr(entry, content)


def parse_table(content: bytes) -> pa.Table:
    """A CSV file as text columns; an empty cell is nothing."""
    names = next(csv.reader([content.partition(b"\n")[0].decode("utf-8-sig")]), [])
    return pacsv.read_csv(
        io.BytesIO(content),
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types={name: pa.string() for name in names},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )


def _quote_name(column: Column) -> str:
    return quote_identifier(column.name, DUCK.engine)
