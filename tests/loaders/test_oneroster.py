"""The roster bundle: the specification's files and columns, bulk and delta, and what the checker finds in broken ones."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from receivers import Edge
from typer.testing import CliRunner

from cli.main import app
from contracts.catalog import load_catalog
from contracts.contract import Column
from core.dialects import LogicalType, arrow_type
from core.errors import FeedFailed
from core.store.address import parse_url
from loaders.oneroster import BUNDLE_FILES, HEADER
from onboarding.oneroster_validator import REQUIRED, Violation, find_violations

HOME = Path(__file__).resolve().parents[2]
SPECIFICATION = """
academicSessions | sourcedId, status, dateLastModified, title, type, startDate, endDate, parentSourcedId, schoolYear | sourcedId, title, type, startDate, endDate, schoolYear
orgs | sourcedId, status, dateLastModified, name, type, identifier, parentSourcedId | sourcedId, name, type
courses | sourcedId, status, dateLastModified, schoolYearSourcedId, title, courseCode, grades, orgSourcedId, subjects, subjectCodes | sourcedId, title, orgSourcedId
classes | sourcedId, status, dateLastModified, title, grades, courseSourcedId, classCode, classType, location, schoolSourcedId, termSourcedIds, subjects, subjectCodes, periods | sourcedId, title, courseSourcedId, classType, schoolSourcedId, termSourcedIds
users | sourcedId, status, dateLastModified, enabledUser, username, userIds, givenName, familyName, middleName, identifier, email, sms, phone, agentSourcedIds, grades, password, userMasterIdentifier, preferredGivenName, preferredMiddleName, preferredFamilyName, primaryOrgSourcedId, pronouns | sourcedId, enabledUser, username, givenName, familyName
roles | sourcedId, status, dateLastModified, userSourcedId, roleType, role, beginDate, endDate, orgSourcedId, userProfileSourcedId | sourcedId, userSourcedId, roleType, role, orgSourcedId
enrollments | sourcedId, status, dateLastModified, classSourcedId, schoolSourcedId, userSourcedId, role, primary, beginDate, endDate | sourcedId, classSourcedId, schoolSourcedId, userSourcedId, role
"""  # noqa: E501 - the specification's table as it is printed
Row = dict[str, Any]
Cells = dict[str, list[dict[str, str]]]


def row(file: str, sourced_id: str, **values: Any) -> Row:
    return {"file": file, "sourced_id": sourced_id, **values}


ROWS: Mapping[str, Row] = {
    "year": row(
        "academicSessions", "2026-2027", title="2026-2027学年", type="schoolYear", start_date=date(2026, 8, 31),
        end_date=date(2027, 7, 12), school_year="2027",
    ),
    "term": row(
        "academicSessions", "2026-2027-1", title="秋季,学期", type="semester", start_date=date(2026, 8, 31),
        end_date=date(2027, 1, 18), parent_sourced_id="2026-2027", school_year="2027",
    ),
    "school": row("orgs", "university", name='示范"大学"', type="school"),
    "course": row("courses", "K01001", title="导论", org_sourced_id="university"),
    "class": row(
        "classes", "20261K01001-01", title="导论\n01班", course_sourced_id="K01001", class_type="scheduled",
        school_sourced_id="university", term_sourced_ids="2026-2027-1",
    ),
    "teacher": row("users", "019000001", enabled_user=True, username="019000001", given_name="𠮷", family_name="欧阳"),
    "student": row("users", "20260000001", enabled_user=True, username="20260000001", given_name="明", family_name="李"),
    "role": row(
        "roles", "role-20260000001", user_sourced_id="20260000001", role_type="primary", role="student",
        org_sourced_id="university",
    ),
    "listed": row(
        "enrollments", "20261K01001-01.20260000001", class_sourced_id="20261K01001-01", school_sourced_id="university",
        user_sourced_id="20260000001", role="student", is_primary=False,
    ),
}  # fmt: skip


def make(tmp_path: Path) -> Edge:
    feed = load_catalog(HOME).feed("N01.oneroster")
    schema = pa.schema([(column.name, arrow_type(column.type)) for column in feed.columns])
    return Edge(parse_url("dst_learning_space", f"file://{tmp_path / 'out'}"), tmp_path, feed, schema)


def bundles(here: Edge) -> list[Path]:
    return sorted(Path(here.connection.path).glob("*.zip"))


def cells(path: Path) -> Cells:
    with zipfile.ZipFile(path) as bundle:
        texts = {name: bundle.read(name).decode("utf-8") for name in bundle.namelist()}
    return {name.removesuffix(".csv"): list(csv.DictReader(io.StringIO(text, newline=""))) for name, text in texts.items()}


def listed(path: Path) -> dict[str, str]:
    return {item["propertyName"]: item["value"] for item in cells(path)["manifest"]}


def test_files_columns_and_required_are_those_of_the_specification() -> None:
    told = [[part.strip() for part in line.split("|")] for line in SPECIFICATION.strip().splitlines()]
    assert {name: (*HEADER, *columns) for name, columns in BUNDLE_FILES.items()} == {
        name: tuple(columns.split(", ")) for name, columns, _ in told
    }
    assert {name: ("sourcedId", *columns) for name, columns in REQUIRED.items()} == {
        name: tuple(required.split(", ")) for name, _, required in told
    }


def test_the_first_delivery_is_a_bulk_bundle_and_the_next_a_delta(tmp_path: Path) -> None:
    here = make(tmp_path)
    here.send(list(ROWS.values()))
    here.send([ROWS["student"] | {"given_name": "小明"}], deletes=[ROWS["listed"]])
    bulk, delta = bundles(here)
    assert find_violations([bulk]) == []
    assert find_violations([bulk, delta]) == []
    whole = listed(bulk)
    assert (whole["manifest.version"], whole["oneroster.version"]) == ("1.0", "1.2")
    assert {name: whole[f"file.{name}"] for name in BUNDLE_FILES} == dict.fromkeys(BUNDLE_FILES, "bulk")
    assert (whole["file.demographics"], whole["file.userProfiles"], whole["file.results"]) == ("absent",) * 3
    assert {(item["status"], item["dateLastModified"], item["password"]) for item in cells(bulk)["users"]} == {("", "", "")}
    assert [item["enabledUser"] for item in cells(bulk)["users"]] == ["true", "true"]
    changed = listed(delta)
    assert {name for name in BUNDLE_FILES if changed[f"file.{name}"] == "delta"} == {"users", "enrollments"}
    [user], [gone] = cells(delta)["users"], cells(delta)["enrollments"]
    assert (user["status"], user["givenName"]) == ("active", "小明")
    assert (gone["status"], gone["sourcedId"]) == ("tobedeleted", ROWS["listed"]["sourced_id"])
    assert {user["dateLastModified"], gone["dateLastModified"]} == {"2026-08-31T16:00:00.000Z"}


def test_a_whole_delivery_later_is_a_bulk_bundle(tmp_path: Path) -> None:
    here = make(tmp_path)
    here.send(list(ROWS.values()))
    here.send([value for name, value in ROWS.items() if name != "listed"], mode="full")
    assert listed(bundles(here)[1])["file.enrollments"] == "absent"
    assert find_violations(bundles(here)[1:]) == []


def test_nothing_to_send_is_a_bundle_without_files(tmp_path: Path) -> None:
    here = make(tmp_path)
    here.send(list(ROWS.values()))
    here.send([])
    assert set(cells(bundles(here)[1])) == {"manifest"}
    assert find_violations(bundles(here)) == []


def test_a_lost_bundle_is_written_again_byte_for_byte(tmp_path: Path) -> None:
    here = make(tmp_path)
    delivery = here.prepared(list(ROWS.values()), mode="full")
    here.apply(delivery)
    before = {path: path.read_bytes() for path in Path(here.connection.path).iterdir()}
    for path in before:
        path.unlink()
    here.apply(delivery)
    assert {path: path.read_bytes() for path in Path(here.connection.path).iterdir()} == before


def test_a_damaged_bundle_is_noticed_and_mended(tmp_path: Path) -> None:
    here = make(tmp_path)
    delivery = here.prepared(list(ROWS.values()))
    here.apply(delivery)
    [path] = bundles(here)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(FeedFailed, match="HUB614"):
        here.target().read_receipt(delivery)
    assert not here.apply(delivery).already
    here.check(delivery)


def test_a_row_of_no_file_is_refused(tmp_path: Path) -> None:
    here = make(tmp_path)
    with pytest.raises(FeedFailed, match=r"HUB622.*demographics"):
        here.apply(here.prepared([row("demographics", "1")]))
    assert bundles(here) == []


def test_a_column_that_the_specification_lacks_is_refused_and_a_metadata_column_is_not(tmp_path: Path) -> None:
    here = make(tmp_path)
    for physical, fits in (("nickName", False), ("metadata.campus", True)):
        extra = Column("campus", physical, "校区", LogicalType("string"))
        there = replace(here.feed, columns=(*here.feed.columns, extra))
        other = Edge(here.connection, tmp_path, there, here.schema.append(pa.field("campus", pa.string())))
        delivery = other.prepared([value | {"campus": "东校区"} for value in ROWS.values()])
        if fits:
            other.apply(delivery)
            assert find_violations(bundles(other)) == []
            assert list(cells(bundles(other)[0])["orgs"][0])[-1] == physical
        else:
            with pytest.raises(FeedFailed, match=r"HUB623.*nickName"):
                other.apply(delivery)


def test_a_password_is_never_written(tmp_path: Path) -> None:
    here = make(tmp_path)
    secret = Column("secret", "password", "密码", LogicalType("string"))
    there = replace(here.feed, columns=(*here.feed.columns, secret))
    other = Edge(here.connection, tmp_path, there, here.schema.append(pa.field("secret", pa.string())))
    other.apply(other.prepared([value | {"secret": "hunter2"} for value in ROWS.values()]))
    assert b"hunter2" not in zipfile.ZipFile(bundles(other)[0]).read("users.csv")


Breaking = Callable[[dict[str, str]], None]


def swap(file: str, before: str, after: str) -> Breaking:
    def breaking(texts: dict[str, str]) -> None:
        assert before in texts[file]
        texts[file] = texts[file].replace(before, after)

    return breaking


def without(file: str) -> Breaking:
    return lambda texts: texts.pop(file) and None


def repeated(file: str) -> Breaking:
    def breaking(texts: dict[str, str]) -> None:
        texts[file] += texts[file].splitlines(keepends=True)[-1]

    return breaking


BROKEN: list[tuple[Breaking, tuple[str, str, str]]] = [
    (swap("manifest.csv", '"1.2"', '"1.1"'), ("manifest.csv", "version", "oneroster.version")),
    (swap("manifest.csv", '"file.orgs","bulk"', '"file.orgs","absent"'), ("manifest.csv", "presence", "file.orgs")),
    (swap("manifest.csv", '"file.orgs","bulk"', '"file.orgs","delta"'), ("manifest.csv", "mixed", "file.*")),
    (swap("manifest.csv", "file.resources", "file.resource"), ("manifest.csv", "unlisted", "file.resources")),
    (without("roles.csv"), ("manifest.csv", "presence", "file.roles")),
    (lambda texts: texts.update({"pupils.csv": "a\n"}), ("manifest.csv", "unknown_file", "pupils")),
    (swap("users.csv", "givenName,familyName", "familyName,givenName"), ("users", "header", "")),
    (swap("users.csv", ",pronouns", ",nickName"), ("users", "header", "")),
    (swap("orgs.csv", '"university",,,', '"university","active",,'), ("orgs", "must_be_empty", "status")),
    (swap("orgs.csv", '"school"', '"kindergarten"'), ("orgs", "word", "type")),
    (swap("users.csv", '"李"', ""), ("users", "required", "familyName")),
    (swap("users.csv", '"true"', '"1"'), ("users", "word", "enabledUser")),
    (swap("academicSessions.csv", '"2027-01-18"', '"2027-02-30"'), ("academicSessions", "date", "endDate")),
    (swap("academicSessions.csv", '"2027-01-18"', '"2026-01-18"'), ("academicSessions", "order", "endDate")),
    (swap("academicSessions.csv", '"2027"\n', '"2026-2027"\n'), ("academicSessions", "year", "schoolYear")),
    (repeated("roles.csv"), ("roles", "repeated", "sourcedId")),
    (swap("classes.csv", '"2026-2027-1"', '"2026-2027-1,2026-2027-9"'), ("classes", "reference", "termSourcedIds")),
    (swap("enrollments.csv", ',"20260000001"', ',"20269999999"'), ("enrollments", "reference", "userSourcedId")),
    (swap("courses.csv", '"university"', '"college"'), ("courses", "reference", "orgSourcedId")),
]


def changed(file: str, change: Callable[[str], Any], name: str = "") -> Breaking:
    return lambda texts: texts.update({name or file: change(texts.pop(file))})


BROKEN += [
    (changed("manifest.csv", str, "bundle/manifest.csv"), ("manifest.csv", "in_folder", "bundle/")),
    (without("manifest.csv"), ("manifest.csv", "missing", "")),
    (changed("manifest.csv", lambda text: "a\n"), ("manifest.csv", "header", "")),
    (changed("users.csv", lambda text: text.encode("gb18030")), ("users", "encoding", "")),
    (changed("users.csv", lambda text: text + '"only","two"\n'), ("users", "ragged", "")),
    (changed("users.csv", lambda text: ""), ("users", "header", "")),
]


@pytest.mark.parametrize("breaking, told", BROKEN, ids=["-".join(told) for _, told in BROKEN])
def test_a_broken_bundle_is_found(tmp_path: Path, breaking: Breaking, told: tuple[str, str, str]) -> None:
    broken = rewritten(tmp_path, breaking)
    assert told in {(slip.file, slip.problem, slip.column) for slip in find_violations([broken])}


def rewritten(tmp_path: Path, breaking: Breaking) -> Path:
    here = make(tmp_path)
    here.apply(here.prepared(list(ROWS.values())))
    [path] = bundles(here)
    with zipfile.ZipFile(path) as bundle:
        texts = {name: bundle.read(name).decode("utf-8") for name in bundle.namelist()}
    breaking(texts)
    broken = tmp_path / "broken.zip"
    with zipfile.ZipFile(broken, "w") as bundle:
        for name, text in texts.items():
            bundle.writestr(name, text)
    return broken


def test_the_command_names_places_and_no_values(tmp_path: Path) -> None:
    broken = rewritten(tmp_path, swap("users.csv", '"true","20260000001"', '"yes","20260000001"'))
    result = CliRunner().invoke(app, ["oneroster", str(broken), "--json"])
    assert result.exit_code == 1
    assert '"enabledUser"' in result.output
    assert "20260000001" not in result.output and "李" not in result.output
    assert find_violations([broken]) == [Violation("broken.zip", "users", "word", "enabledUser", (2,), 1)]


def test_a_row_with_other_cells_is_told_by_its_number(tmp_path: Path) -> None:
    broken = rewritten(tmp_path, changed("orgs.csv", lambda text: text + '"only","two"\n'))
    with zipfile.ZipFile(broken) as bundle:
        last = len(bundle.read("orgs.csv").decode().splitlines()) - 1
    assert [slip for slip in find_violations([broken]) if slip.file == "orgs"] == [
        Violation("broken.zip", "orgs", "ragged", "", (last,), 1)
    ]


def test_what_is_no_bundle_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "plain.zip").write_text("plain")
    with pytest.raises(FeedFailed, match=r"HUB614.*plain\.zip"):
        find_violations([tmp_path / "plain.zip"])


def test_a_bundle_that_unpacks_to_too_much_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboarding.oneroster_validator.LIMIT_BYTES", 1 << 20)
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("users.csv", bytes(3 << 20))
    with pytest.raises(FeedFailed, match=r"HUB614.*bomb\.zip.*3 MB > 1 MB"):
        find_violations([bomb])
