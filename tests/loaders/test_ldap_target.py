"""A real directory: joiners, movers and leavers, entries of its own, refusals one by one, and a server that dies."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import ldap3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from campus.servers import directory
from contracts.contract import Column, FeedDataset
from core.dialects import LogicalType
from core.errors import FeedFailed, Unavailable
from core.store.address import parse_url
from loaders.base import ApplyResult, Delivery, open_target
from loaders.ldap import LdapTarget
from loaders.tables.control_totals import compare_totals, compute_totals, expect_receipt

DAY = dt.date(2026, 9, 7)
NAMES = {
    "number": "uid",
    "name": "cn",
    "surname": "sn",
    "unit_code": "departmentNumber",
    "email": "mail",
    "affiliation": "eduPersonAffiliation",
    "expires_on": "shadowExpire",
}
KINDS = {"expires_on": "integer"}
Row = dict[str, str | None]
_numbers = itertools.count(1)


def person(number: str, **values: str | None) -> Row:
    return {
        "number": number,
        "name": f"张三{number}",
        "surname": "张",
        "unit_code": "001",
        "email": None,
        "affiliation": "member;student",
        "expires_on": None,
    } | values


class School:
    """One feed into the directory; every test has a feed code and a branch of its own."""

    def __init__(self, url: str, folder: Path, drop: str = "delete") -> None:
        number = next(_numbers)
        self.base = f"ou=p{number},{directory.BASE}"
        self.gone = f"ou=g{number},{directory.BASE}"
        self.url = url.rpartition("/")[0] + f"/{self.base}?disabled={self.gone}"
        self.folder = folder
        columns = tuple(
            Column(name, physical, name, LogicalType(KINDS.get(name, "string")), multiple=name == "affiliation")
            for name, physical in NAMES.items()
        )
        self.feed = FeedDataset(
            flow="YWLC07",
            edge=f"E{number}",
            source="hr",
            target="info_site",
            dataset="directory_staff",
            physical="people",
            title="人员",
            version="1.0.0",
            connection="dst_directory",
            columns=columns,
            key=("number",),
            drop=drop,  # type: ignore[arg-type]
            file_format="ldap",
        )
        self.version = 0
        self.rows: dict[str, Row] = {}
        with self.admin() as link:
            link.add(self.base, ["organizationalUnit"], {"ou": f"p{number}"})

    def admin(self) -> Any:
        at = parse_url("x", self.url)
        server = ldap3.Server(at.host, at.port, get_info=ldap3.NONE)
        return ldap3.Connection(server, at.user, at.password)

    def entries(self, base: str | None = None) -> dict[str, dict[str, list[str]]]:
        with self.admin() as link:
            link.search(base or self.base, "(objectClass=inetOrgPerson)", ldap3.LEVEL, attributes=["*"])
            return {
                item["raw_attributes"]["uid"][0].decode(): {
                    name: sorted(value.decode() for value in cells) for name, cells in item["raw_attributes"].items()
                }
                for item in link.response
            }

    def prepared(
        self, upserts: Sequence[Row], deletes: Sequence[str] = (), mode: str = "delta", day: dt.date = DAY
    ) -> Delivery:
        self.version += 1
        self.rows = {} if mode == "full" else self.rows
        self.rows |= {str(row["number"]): row for row in upserts}
        for key in deletes:
            self.rows.pop(key, None)
        paths = [self.folder / f"{self.feed.edge}.{self.version}.{name}.parquet" for name in ("u", "d")]
        pq.write_table(self._table(upserts), paths[0])
        pq.write_table(pa.table({"number": pa.array(list(deletes), pa.string())}), paths[1])
        return Delivery(
            id=f"{self.feed.id}.{self.version}",
            feed=self.feed,
            mode=mode,  # type: ignore[arg-type]
            from_version=self.version - 1,
            to_version=self.version,
            upserts=paths[0],
            deletes=paths[1],
            as_of=day,
            run_id="run",
        )

    def apply(self, delivery: Delivery) -> ApplyResult:
        target = open_target(parse_url("dst_directory", self.url))
        try:
            return target.apply(delivery)
        finally:
            target.close()

    def send(self, upserts: Sequence[Row], deletes: Sequence[str] = (), mode: str = "delta", day: dt.date = DAY) -> ApplyResult:
        """Send a delivery; its receipt and the whole state must be what was meant."""
        delivery = self.prepared(upserts, deletes, mode, day)
        applied = self.apply(delivery)
        for key in applied.refused:
            self.rows.pop(key, None)
        self.check(delivery, applied)
        return applied

    def check(self, delivery: Delivery, applied: ApplyResult) -> None:
        whole = self.folder / "whole.parquet"
        pq.write_table(self._table(list(self.rows.values())), whole)
        target: Any = open_target(parse_url("dst_directory", self.url))
        try:
            assert target.read_receipt(delivery) == expect_receipt(delivery, applied)
            assert target.read_totals(self.feed) == compute_totals(whole, self.feed)
            assert target.compare_rows(self.feed, whole, self.folder / "differences.parquet") == (0, 0, 0)
        finally:
            target.close()

    def _table(self, rows: Sequence[Row]) -> pa.Table:
        texts = pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in NAMES})
        return texts.cast(pa.schema([(name, pa.int64() if name in KINDS else pa.string()) for name in NAMES]))


@pytest.fixture
def school(directory_server: str, tmp_path: Path) -> Iterator[School]:
    yield School(directory_server, tmp_path)


def test_joiners_movers_and_leavers(school: School) -> None:
    assert school.send([person("1"), person("2"), person("3")], mode="full") == ApplyResult(3, 0)
    school.send([person("2", unit_code="002", email="er@campus.test"), person("4", name="𠮷田·阿不都", surname="")], ["1"])
    found = school.entries()
    assert sorted(found) == ["2", "3"], "sn is mandatory: entry 4 is refused"
    assert found["2"]["departmentNumber"] == ["002"]
    assert found["2"]["eduPersonAffiliation"] == ["member", "student"]
    assert "email" not in found["3"] and "mail" not in found["3"]
    assert list(school.entries(school.gone)) == ["1"]


@pytest.mark.parametrize(
    "change",
    [
        {"1": {"cn": "张三2"}, "2": {"cn": "张三1"}},
        {"1": {"cn": "木改名"}},
        {"1": {"departmentNumber": "009"}, "2": {"departmentNumber": "009"}, "3": {"departmentNumber": "009"}},
        {"3": {"eduPersonAffiliation": ["student", "manager"]}},
    ],
)
def test_an_entry_changed_by_hand_is_no_longer_what_was_sent(school: School, change: dict[str, dict[str, Any]]) -> None:
    delivery = school.prepared([person("1"), person("2"), person("3")], mode="full")
    applied = school.apply(delivery)
    school.check(delivery, applied)
    with school.admin() as link:
        for key, values in change.items():
            link.modify(f"uid={key},{school.base}", {name: [(ldap3.MODIFY_REPLACE, value)] for name, value in values.items()})
            assert link.result["description"] == "success"
    target: Any = open_target(parse_url("dst_directory", school.url))
    for found in (target.read_receipt(delivery), target.read_totals(school.feed)):
        assert "content" in compare_totals(asdict(compute_totals(delivery.upserts, school.feed)), found)
    target.close()
    assert school.send([person("1"), person("2"), person("3")], mode="full").refused == {}


def test_what_the_directory_refuses_is_refused_alone(school: School) -> None:
    rows = [person(str(n), surname="" if n % 7 == 0 else "李") for n in range(1, 30)]
    applied = school.send(rows, mode="full")
    assert sorted(applied.refused) == ["14", "21", "28", "7"]
    assert set(applied.refused.values()) == {"objectClassViolation"}
    assert len(school.entries()) == 25
    assert school.send([person("7"), person("14")]).refused == {}


@pytest.mark.parametrize("mode", ["delta", "full"])
def test_a_number_in_other_capitals_is_told_as_one_to_the_directory_and_changes_nothing(school: School, mode: str) -> None:
    school.send([person("a1")])
    before = school.entries()["a1"]
    rows = [person("A1", surname="\u738b"), person("2"), *([person("a1")] if mode == "full" else [])]
    assert school.send(rows, mode=mode).refused == {"A1": "alike"}
    assert school.entries()["a1"] == before
    assert sorted(school.entries()) == ["2", "a1"]


def test_an_entry_of_the_directory_itself_is_never_touched(school: School) -> None:
    with school.admin() as link:
        link.add(f"uid=1,{school.base}", ["inetOrgPerson"], {"cn": "自建", "sn": "自"})
    applied = school.send([person("1"), person("2")], mode="full")
    assert applied.refused == {"1": "own_row"}
    assert school.send([], ["1"]) == ApplyResult(0, 0, refused={"1": "own_row"})
    assert school.entries()["1"]["cn"] == ["自建"]
    assert sorted(school.entries()) == ["1", "2"]


def test_a_leaver_is_disabled_first_and_deleted_when_the_days_are_over(school: School) -> None:
    school.send([person("1"), person("2")], mode="full")
    school.send([], ["1"])
    assert school.entries(school.gone)["1"]["description"] == ["disabled since 2026-09-07"]
    school.send([], [], day=DAY + dt.timedelta(29))
    assert list(school.entries(school.gone)) == ["1"]
    school.send([], [], day=DAY + dt.timedelta(30))
    assert school.entries(school.gone) == {}
    assert list(school.entries()) == ["2"]


def test_a_whole_year_of_leavers_is_deleted_at_once(school: School) -> None:
    numbers = [str(n) for n in range(1, 621)]  # more than one page of an answer
    school.send([person(number) for number in numbers], mode="full")
    school.send([], numbers)
    assert len(school.entries(school.gone)) == 620
    school.send([], [], day=DAY + dt.timedelta(30))
    assert school.entries(school.gone) == {}


def test_who_comes_back_in_time_keeps_the_entry(school: School) -> None:
    school.send([person("1")], mode="full")
    with school.admin() as link:
        link.modify(f"uid=1,{school.base}", {"userPassword": [(ldap3.MODIFY_REPLACE, ["kept"])]})
    school.send([], ["1"])
    school.send([person("1", unit_code="009")])
    found = school.entries()["1"]
    assert found["userPassword"] == ["kept"] and found["departmentNumber"] == ["009"]
    assert "description" not in found
    assert school.entries(school.gone) == {}


def test_sending_again_changes_nothing(school: School) -> None:
    delivery = school.prepared([person("1"), person("2", surname="")], mode="full")
    first = school.apply(delivery)
    before = school.entries()
    school.rows.pop("2")
    again = school.apply(delivery)
    assert (first.already, again) == (False, replace(first, already=True))
    assert school.entries() == before
    school.check(delivery, again)


def test_a_server_that_dies_in_the_middle_gets_the_rest_later(
    school: School, server_room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = school.prepared([person(str(n)) for n in range(1, 41)], mode="full")
    honest = LdapTarget._upsert_entry

    def dying(self: LdapTarget, branch: Any, key: str, *rest: Any) -> str | None:
        if key == "20":
            directory.stop_directory(server_room / "directory")
        return honest(self, branch, key, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(LdapTarget, "_upsert_entry", dying)
        with pytest.raises(Unavailable, match="HUB204"):
            school.apply(delivery)
    with pytest.raises(Unavailable, match="HUB204"):
        school.apply(delivery)
    assert directory.start_directory(server_room / "directory") is not None
    assert 0 < len(school.entries()) < 40
    school.check(delivery, school.apply(delivery))


def test_a_wrong_password_and_a_missing_branch_are_one_line(school: School, directory_server: str) -> None:
    delivery = school.prepared([person("1")], mode="full")
    at = parse_url("x", school.url)
    wrong = school.url.replace(at.password, "not-the-password")
    stranger = LdapTarget(parse_url("dst_directory", wrong))
    with contextlib.closing(stranger), pytest.raises(FeedFailed, match=r"HUB601 .*invalidCredentials") as told:
        stranger.apply(delivery)
    assert "not-the-password" not in str(told.value)
    lost = directory_server.replace("ou=people", "ou=nowhere")
    astray = LdapTarget(parse_url("dst_directory", lost))
    with contextlib.closing(astray), pytest.raises(FeedFailed, match="HUB621"):
        astray.apply(delivery)


def test_a_semicolon_in_a_text_is_no_second_value(school: School) -> None:
    school.send([person("1", unit_code="院;系")])
    assert school.entries()["1"]["departmentNumber"] == ["院;系"]
    assert school.entries()["1"]["eduPersonAffiliation"] == ["member", "student"]


def test_the_day_on_which_an_account_expires_arrives_and_can_be_taken_away(school: School) -> None:
    school.send([person("1", expires_on="21031"), person("2")])
    assert school.entries()["1"]["shadowExpire"] == ["21031"]
    assert "shadowExpire" not in school.entries()["2"]
    school.send([person("1")])
    assert "shadowExpire" not in school.entries()["1"]
