"""The suite of delivery targets against every family and format, on real servers and real folders."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

import pytest
from receivers import Conformance, Row

from core.settings import get_settings


class TestPostgres(Conformance):
    @pytest.fixture
    def url(self, postgres_url: str) -> str:
        return postgres_url


class TestPostgresMarkingInactive(TestPostgres):
    changes: ClassVar[dict[str, Any]] = {"drop": "inactive", "physical": "public.dz_reader"}


class TestPostgresEndDating(TestPostgres):
    changes: ClassVar[dict[str, Any]] = {"drop": "end_date"}


class TestMariadb(Conformance):
    @pytest.fixture
    def url(self, mariadb_url: str) -> str:
        return mariadb_url


class TestMariadbMarkingInactive(TestMariadb):
    changes: ClassVar[dict[str, Any]] = {"drop": "inactive"}


class TestMariadbEndDating(TestMariadb):
    changes: ClassVar[dict[str, Any]] = {"drop": "end_date"}


class _Folder(Conformance):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"file://{tmp_path / 'receiver'}"


class TestCsv(_Folder):
    changes: ClassVar[dict[str, Any]] = {"file_format": "csv"}


class TestCsvWithMark(_Folder):
    changes: ClassVar[dict[str, Any]] = {"file_format": "csv", "encoding": "utf-8-sig"}


class TestCsvGb18030(_Folder):
    changes: ClassVar[dict[str, Any]] = {"file_format": "csv", "encoding": "gb18030"}


class TestGuardedCsv(_Folder):
    """A CSV for people's spreadsheets."""

    changes: ClassVar[dict[str, Any]] = {"file_format": "csv", "guard_formulas": True}


class TestParquet(_Folder):
    changes: ClassVar[dict[str, Any]] = {"file_format": "parquet"}


class TestXlsx(_Folder):
    changes: ClassVar[dict[str, Any]] = {"file_format": "xlsx"}

    def fitting(self, values: Row) -> Row:
        """A workbook is XML: no control characters, and no text that looks like the code for one."""
        name: Any = values["full_name"]
        kept = name if name is None else re.sub("[\x00-\x1f\x7f-\x9f\ufffe\uffff]|_x", "", name)
        return values | {"full_name": kept}


class TestLdif(_Folder):
    """A directory's feed that finds a folder instead of a directory."""

    changes: ClassVar[dict[str, Any]] = {"file_format": "ldap"}


def test_no_family_leaves_rows_behind_on_this_side() -> None:
    assert list(get_settings().work.glob("deliver-*")) == []
