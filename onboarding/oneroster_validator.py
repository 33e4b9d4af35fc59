"""Is a OneRoster 1.2 CSV bundle as the specification wants it: manifest, columns, values, and references between the files?

For the technician whose learning platform refuses a bundle, ours or another's, and for the tests. The rules are the tables
of the specification (canonical model, section 9.3); places are named by file, row and column, values are never shown.
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from core.engine import open_engine, quote_literal
from core.errors import FeedFailed
from loaders.oneroster import BUNDLE_FILES, HEADER, KEY, MANIFEST, OMITTED_FILES, parse_table

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "academicSessions": ("title", "type", "startDate", "endDate", "schoolYear"),
    "orgs": ("name", "type"),
    "courses": ("title", "orgSourcedId"),
    "classes": ("title", "courseSourcedId", "classType", "schoolSourcedId", "termSourcedIds"),
    "users": ("enabledUser", "username", "givenName", "familyName"),
    "roles": ("userSourcedId", "roleType", "role", "orgSourcedId"),
    "enrollments": ("classSourcedId", "schoolSourcedId", "userSourcedId", "role"),
}
"""Besides `sourcedId`; of a row that is to be deleted only the key is needed."""
REFERENCES: Mapping[tuple[str, str], str] = {
    ("academicSessions", "parentSourcedId"): "academicSessions",
    ("orgs", "parentSourcedId"): "orgs",
    ("courses", "schoolYearSourcedId"): "academicSessions",
    ("courses", "orgSourcedId"): "orgs",
    ("classes", "courseSourcedId"): "courses",
    ("classes", "schoolSourcedId"): "orgs",
    ("classes", "termSourcedIds"): "academicSessions",
    ("users", "agentSourcedIds"): "users",
    ("users", "primaryOrgSourcedId"): "orgs",
    ("roles", "userSourcedId"): "users",
    ("roles", "orgSourcedId"): "orgs",
    ("enrollments", "classSourcedId"): "classes",
    ("enrollments", "schoolSourcedId"): "orgs",
    ("enrollments", "userSourcedId"): "users",
}
"""File and column -> the file that has the row; several identifiers stand with commas between."""
LIMIT_BYTES = 2 << 30
"""What the files of a bundle unpack to at most; those of the largest universities stay far below it."""
_ALLOWED_WORDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("academicSessions", "type"): ("gradingPeriod", "semester", "schoolYear", "term"),
    ("orgs", "type"): ("department", "district", "local", "national", "school", "state"),
    ("classes", "classType"): ("homeroom", "scheduled"),
    ("roles", "roleType"): ("primary", "secondary"),
    ("roles", "role"): (
        "aide", "counselor", "districtAdministrator", "guardian", "parent", "principal", "proctor", "relative",
        "siteAdministrator", "student", "systemAdministrator", "teacher",
    ),
    ("enrollments", "role"): ("administrator", "proctor", "student", "teacher"),
}  # fmt: skip
_BOOLEAN_COLUMNS = frozenset({("users", "enabledUser"), ("enrollments", "primary")})
_DATE_COLUMNS = frozenset({"startDate", "endDate", "beginDate"})
_TIMESTAMP = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"
_ROWS_SHOWN = 3


@dataclass(frozen=True, order=True)
class Violation:
    """One breach: bundle and file, data row (0 for the file as a whole), column, and what is wrong (`roster.slip.*`).

    `count` is how many rows of the file have the same breach; the first few are told.
    """

    bundle: str
    file: str
    problem: str
    column: str = ""
    rows: tuple[int, ...] = ()
    count: int = 1


def find_violations(paths: Sequence[Path]) -> list[Violation]:
    """The breaches of bundles that follow each other, oldest first. References are looked at in what they add up to, and
    only when the first is a bulk bundle: a change alone points to rows that the platform already has.

    Raises:
        FeedFailed: HUB614 when a file is no zip that can be unpacked, or one of more than `LIMIT_BYTES`.
    """
    found: list[Violation] = []
    with open_engine("roster") as db:
        for name, columns in BUNDLE_FILES.items():
            body = ", ".join(f'"{column}" varchar' for column in (*HEADER, *columns))
            db.execute(f'create table "{name}" ({body})')
        whole = True
        for position, path in enumerate(paths):
            kinds = _load_bundle(db, path, found)
            whole = whole and (position > 0 or set(kinds.values()) <= {"bulk"})
        if whole and not found:
            found += _find_dangling_references(db, paths[-1].name)
    return sorted(found)


def _load_bundle(db: duckdb.DuckDBPyConnection, path: Path, found: list[Violation]) -> Mapping[str, str]:
    """Check one bundle and add its rows to the tables; returns the files that it has and their kinds."""
    try:
        with zipfile.ZipFile(path) as bundle:
            size = sum(part.file_size for part in bundle.infolist())
            if size > LIMIT_BYTES:
                raise FeedFailed("HUB614", "oneroster", file=path.name, problem=f"{size >> 20} MB > {LIMIT_BYTES >> 20} MB")
            parts = {name: bundle.read(name) for name in bundle.namelist() if not name.endswith("/")}
    except (zipfile.BadZipFile, OSError, zlib.error, EOFError, RuntimeError) as error:  # the last: encrypted, or packed oddly
        raise FeedFailed(
            "HUB614", "oneroster", file=path.name, problem_key="damage.changed", kind=type(error).__name__
        ) from None
    manifest = _read_table(parts, MANIFEST, path.name, found)
    if manifest is None:
        return {}
    if manifest.column_names != ["propertyName", "value"]:
        found.append(Violation(path.name, MANIFEST, "header"))
        return {}
    listed = {row["propertyName"]: row["value"] for row in manifest.to_pylist()}
    there = {name.removesuffix(".csv") for name in parts if name != MANIFEST}
    found += [Violation(path.name, MANIFEST, problem, column) for problem, column in _find_manifest_violations(listed, there)]
    kinds = {name: kind for name in BUNDLE_FILES if (kind := listed.get(f"file.{name}")) in ("bulk", "delta")}
    kinds = {name: kind for name, kind in kinds.items() if name in there}
    for name, kind in kinds.items():
        rows = _read_table(parts, f"{name}.csv", path.name, found)
        if rows is not None:
            found += [Violation(path.name, name, *rest) for rest in _load_file(db, name, kind, rows)]
    return kinds


def _read_table(parts: Mapping[str, bytes], name: str, bundle: str, found: list[Violation]) -> pa.Table | None:
    """The rows of a file of the bundle; None, and a breach, when it is not there, is no UTF-8, or a row has other cells."""
    if name not in parts:
        folder = next((part.removesuffix(name) for part in parts if part.endswith(f"/{name}")), "")
        found.append(Violation(bundle, name, "in_folder" if folder else "missing", folder))
        return None
    file = name if name == MANIFEST else name.removesuffix(".csv")
    try:
        lines = list(csv.reader(io.StringIO(parts[name].decode("utf-8-sig"), newline="")))
    except UnicodeError:
        found.append(Violation(bundle, file, "encoding"))
        return None
    bad = [row for row, cells in enumerate(lines) if cells and len(cells) != len(lines[0])]
    if bad or not lines:
        found.append(Violation(bundle, file, "ragged" if bad else "header", "", tuple(bad[:_ROWS_SHOWN]), max(len(bad), 1)))
        return None
    try:
        return parse_table(parts[name])
    except pa.ArrowInvalid:
        found.append(Violation(bundle, file, "header"))
        return None


def _find_manifest_violations(listed: Mapping[str, str | None], there: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name, right in (("manifest.version", "1.0"), ("oneroster.version", "1.2")):
        if listed.get(name) != right:
            yield "version", name
    for name in (*BUNDLE_FILES, *OMITTED_FILES):
        kind = listed.get(f"file.{name}")
        if kind not in ("absent", "bulk", "delta"):
            yield "unlisted", f"file.{name}"
        elif (kind == "absent") == (name in there):
            yield "presence", f"file.{name}"
    for name in sorted(set(there) - set(BUNDLE_FILES) - set(OMITTED_FILES)):
        yield "unknown_file", name
    if len({kind for name in BUNDLE_FILES if (kind := listed.get(f"file.{name}")) in ("bulk", "delta")}) > 1:
        yield "mixed", "file.*"


FileViolation = tuple[str, str, tuple[int, ...], int]


def _load_file(db: duckdb.DuckDBPyConnection, name: str, kind: str, rows: pa.Table) -> Iterator[FileViolation]:
    """The breaches of one file; its rows replace and remove those of the table."""
    wanted = [*HEADER, *BUNDLE_FILES[name]]
    extra = rows.column_names[len(wanted) :]
    if rows.column_names[: len(wanted)] != wanted or not all(column.startswith("metadata.") for column in extra):
        yield "header", "", (), 1
        return
    db.register("incoming", rows.append_column("row", pa.array(range(1, rows.num_rows + 1), pa.int64())))
    for problem, column, condition in _list_conditions(name, kind):
        if bad := _read_row_numbers(db, f"select row from incoming where {condition} order by row"):
            yield problem, column, tuple(bad[:_ROWS_SHOWN]), len(bad)
    twice = f'select max(row) as row from incoming group by "{KEY}" having count(*) > 1 order by 1'
    if again := _read_row_numbers(db, twice):
        yield "repeated", KEY, tuple(again[:_ROWS_SHOWN]), len(again)
    columns = ", ".join(f'"{column}"' for column in wanted)
    db.execute(f'delete from "{name}" where "{KEY}" in (select "{KEY}" from incoming)')
    db.execute(f"insert into \"{name}\" select {columns} from incoming where status is distinct from 'tobedeleted'")
    db.unregister("incoming")


def _list_conditions(name: str, kind: str) -> Iterator[tuple[str, str, str]]:
    """Problem, column, and the SQL condition that bad rows fulfil."""
    yield "required", KEY, f'"{KEY}" is null'
    for column in REQUIRED[name]:
        yield "required", column, f"\"{column}\" is null and status is distinct from 'tobedeleted'"
    if kind == "bulk":
        yield "must_be_empty", "status", "status is not null"
        yield "must_be_empty", "dateLastModified", '"dateLastModified" is not null'
    else:
        yield "word", "status", "coalesce(status, '') not in ('active', 'tobedeleted')"
        yield "stamp", "dateLastModified", f"not regexp_matches(coalesce(\"dateLastModified\", ''), '{_TIMESTAMP}')"
    for column in BUNDLE_FILES[name]:
        if words := _ALLOWED_WORDS.get((name, column)):
            allowed = ", ".join(quote_literal(word) for word in words)
            yield "word", column, f'"{column}" not in ({allowed}) and not starts_with("{column}", \'ext:\')'
        elif (name, column) in _BOOLEAN_COLUMNS:
            yield "word", column, f"\"{column}\" not in ('true', 'false')"
        elif column in _DATE_COLUMNS:
            bad = f'not regexp_matches("{column}", \'^\\d{{4}}-\\d\\d-\\d\\d$\') or try_cast("{column}" as date) is null'
            yield "date", column, f'"{column}" is not null and ({bad})'
        elif column == "schoolYear":
            yield "year", column, "not regexp_matches(\"schoolYear\", '^\\d{4}$')"
        elif column == "password":
            yield "must_be_empty", column, "password is not null"
    if name == "academicSessions":
        yield "order", "endDate", '"endDate" <= "startDate"'


def _find_dangling_references(db: duckdb.DuckDBPyConnection, bundle: str) -> Iterator[Violation]:
    """References to rows that no file has."""
    for (name, column), target in REFERENCES.items():
        one = f'select "{KEY}", row, trim(unnest(string_split("{column}", \',\'))) as id from numbered'
        db.execute(f'create or replace temp view numbered as select *, row_number() over () as row from "{name}"')
        query = f'select distinct row from ({one}) s anti join "{target}" t on t."{KEY}" = s.id where s.id <> \'\' order by row'
        if bad := _read_row_numbers(db, query):
            yield Violation(bundle, name, "reference", column, tuple(bad[:_ROWS_SHOWN]), len(bad))


def _read_row_numbers(db: duckdb.DuckDBPyConnection, query: str) -> list[int]:
    return [int(row[0]) for row in db.execute(query).fetchall()]
