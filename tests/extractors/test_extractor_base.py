"""Type families, drift and the finding of families by their connection's scheme."""

from __future__ import annotations

import pytest
from conformance import dataset

from contracts.contract import Column
from core.dialects import LogicalType
from core.errors import MachineFault, Refused
from core.messages import load_messages
from core.store.address import parse_url
from extractors.base import SourceColumn, classify_type, detect_drift, open_extractor
from extractors.files.encoding import is_plainly_utf8


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("string", "char(8) varchar(50) text longtext enum('a') json uuid daterange int4range integer[] character_varying(9)"),
        ("integer", "int int(11)_unsigned bigint(20) tinyint smallint mediumint integer int8 bigserial year(4) bit(8)"),
        ("number", "decimal(12,2) numeric number(10) double double_precision float real money currency"),
        ("boolean", "tinyint(1) bit(1) boolean bool logical"),
        ("date", "date"),
        ("timestamp", "datetime datetime(6) timestamp timestamp_without_time_zone timestamptz smalldatetime"),
        ("time", "time time(3) timetz interval"),
        ("bytes", "blob tinyblob mediumblob longblob bytea binary(16) varbinary(9) raw(16) long_raw"),
    ],
)
def test_type_names_fall_into_families(kind: str, names: str) -> None:
    found = {name: classify_type(name.upper()) for name in (part.replace("_", " ") for part in names.split(" "))}
    assert found == dict.fromkeys(found, kind)


@pytest.mark.parametrize(
    ("contract", "physical_type", "source", "fits"),
    [
        ("boolean", None, "tinyint(1)", True),
        ("integer", None, "tinyint(1)", True),
        ("integer", None, "decimal(10,0)", True),
        ("date", "char(8)", "varchar(10)", True),
        ("date", None, "varchar(10)", False),
        ("string", None, "bigint", False),
        ("timestamp", None, "date", False),
    ],
)
def test_a_type_fits_its_contract_by_family(contract: str, physical_type: str | None, source: str, fits: bool) -> None:
    wanted = dataset("t", (Column("k", "k", "k", LogicalType(contract), physical_type=physical_type),))
    seen = [SourceColumn("k", source, classify_type(source))]
    if fits:
        assert detect_drift(wanted, seen) == []
    else:
        with pytest.raises(Refused) as error:
            detect_drift(wanted, seen)
        assert error.value.code == "HUB302"


def test_an_unknown_family_names_the_known_ones() -> None:
    with pytest.raises(MachineFault) as error:
        open_extractor(parse_url("src_x", "gopher://x/y"))
    assert error.value.code == "HUB804"
    assert {"file", "mysql", "postgresql"} <= set(error.value.facts["known"].split(", "))


def test_utf8_is_told_from_gbk() -> None:
    assert is_plainly_utf8("中文".encode(), "gbk")
    assert not is_plainly_utf8("中文".encode(), "utf8")
    assert not is_plainly_utf8("中文名单".encode("gb18030"), "gb18030")
    assert not is_plainly_utf8(b"plain", "gb18030")


def test_every_refusal_is_said_in_both_languages() -> None:
    for language in ("zh", "en"):
        assert {f"HUB{code}.text" for code in (*range(301, 310), 806)} <= set(load_messages(language))
