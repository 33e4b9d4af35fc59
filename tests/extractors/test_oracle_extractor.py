"""Family oracle as far as it can be proved without Oracle, of which no server can be had here.

What a failure to connect says (the real driver against a port where nobody listens), and the SQL, parsed in Oracle's
language. What is not Oracle's own runs in `test_tabular_extractor.py`; the rest is for `hub selftest` on site.
"""

from __future__ import annotations

import oracledb
import pyarrow as pa
import pytest
import sqlglot
from conformance import dataset
from sqlglot import exp

from contracts.contract import Column
from core.dialects import LogicalType
from core.errors import MachineFault, Unavailable
from core.store.address import parse_url
from extractors import oracle
from extractors.base import SourceColumn, classify_type, open_extractor
from extractors.databases import oracle_session
from extractors.databases.cursor import ColumnInfo, ColumnSelect, _Request, _RowCondition
from extractors.oracle import OracleExtractor

ADDRESS = parse_url("src_hr", "oracle://hub:secret@127.0.0.1:9/ORCL")


def parsed(sql: str) -> exp.Expression:
    return sqlglot.parse_one(sql, read="oracle", error_level=sqlglot.ErrorLevel.RAISE)


def test_a_refused_port_says_what_to_look_at() -> None:
    with pytest.raises(Unavailable) as error:
        OracleExtractor(ADDRESS).list_tables()
    assert (error.value.code, error.value.recovery, error.value.facts["reason"]) == ("HUB820", "retry", "DPY-6005")
    assert "监听" in error.value.line("zh")
    assert "listener" in error.value.line("en")
    assert "secret" not in repr(error.value) + error.value.line("zh")
    assert error.value.__cause__ is None


def test_thick_mode_without_the_client_says_where_it_belongs() -> None:
    address = parse_url("src_hr", "oracle://hub:secret@127.0.0.1:9/ORCL?mode=thick&lib_dir=/nowhere")
    with pytest.raises(MachineFault) as error:
        OracleExtractor(address).read_columns("T")
    assert (error.value.code, error.value.facts["reason"]) == ("HUB822", "DPI-1047")
    assert "lib_dir" in error.value.line("en")


@pytest.mark.parametrize(
    ("said", "code", "reason"),
    [
        ("ORA-01017: invalid username/password; logon denied", "HUB823", "ORA-01017"),
        ("ORA-28000: the account is locked", "HUB823", "ORA-28000"),
        ("DPY-6005: cannot connect to database\nDPY-6001: Service 'X' is not registered\nORA-12514", "HUB821", "DPY-6001"),
        ("DPY-6003: SID 'X' is not registered with the listener", "HUB821", "DPY-6003"),
        ("DPY-3010: connections to this database server version are not supported in thin mode", "HUB824", "DPY-3010"),
        ("ORA-12170: TNS:Connect timeout occurred", "HUB820", "ORA-12170"),
        ("ORA-00020: maximum number of processes exceeded", "HUB202", "ORA-00020"),
    ],
)
def test_what_the_driver_says_is_understood(said: str, code: str, reason: str) -> None:
    found = oracle_session.build_connect_error(
        oracledb.DatabaseError(said), "hr.t", parse_url("src_hr", "oracle://127.0.0.1:9/x"), "人事处"
    )
    assert (found.code, found.facts["reason"], found.facts["connection"]) == (code, reason, "src_hr")
    for language in ("zh", "en"):
        assert "src_hr" in found.line(language)


def seen(declared: str, charset: str = "AL32UTF8", precision: int = 0, scale: int = 0) -> ColumnInfo:
    return ColumnInfo(SourceColumn("v", declared, classify_type(declared)), precision, scale, charset)


def cell(
    declared: str,
    logical: LogicalType,
    charset: str = "AL32UTF8",
    encoding: str | None = None,
    *,
    digits: tuple[int, int] = (0, 0),
) -> ColumnSelect:
    return OracleExtractor(ADDRESS).select_column(Column("v", "V", "v", logical), seen(declared, charset, *digits), encoding)


TEXT, WHOLE, MONEY = LogicalType("string"), LogicalType("integer"), LogicalType("number", precision=12, scale=2)
MOMENT = LogicalType("timestamp")


@pytest.mark.parametrize(
    ("declared", "logical", "digits", "select", "type", "asks"),
    [
        ("VARCHAR2(50)", TEXT, (0, 0), '"V"', pa.string(), False),
        ("CHAR(8)", TEXT, (0, 0), 'rtrim("V")', pa.string(), False),
        ("NUMBER(10,2)", MONEY, (10, 2), 'cast("V" as number(12,2))', pa.decimal128(12, 2), False),
        ("NUMBER", MONEY, (0, 0), 'cast("V" as number(12,2))', pa.decimal128(12, 2), True),
        ("NUMBER(20,4)", MONEY, (20, 4), 'cast("V" as number(12,2))', pa.decimal128(12, 2), True),
        ("NUMBER(10,0)", WHOLE, (10, 0), 'cast("V" as number(18,0))', pa.int64(), False),
        ("NUMBER", WHOLE, (0, 0), 'cast("V" as number(18,0))', pa.int64(), True),
        ("FLOAT", MONEY, (126, 0), 'cast("V" as number(12,2))', pa.decimal128(12, 2), True),
        ("BINARY_DOUBLE", MONEY, (0, 0), '"V"', pa.string(), False),
        ("DATE", MOMENT, (0, 0), '"V"', pa.timestamp("us"), True),
        ("TIMESTAMP(9)", MOMENT, (0, 9), 'cast("V" as timestamp(6))', pa.timestamp("us"), True),
        ("TIMESTAMP(6) WITH TIME ZONE", MOMENT, (0, 6), 'cast(sys_extract_utc("V") as timestamp(6))', pa.timestamp("us"), True),
        ("TIMESTAMP(6) WITH LOCAL TIME ZONE", MOMENT, (0, 6), 'cast("V" as timestamp(6))', pa.timestamp("us"), True),
        ("RAW(16)", TEXT, (0, 0), 'lower(rawtohex("V"))', pa.string(), False),
        ("CLOB", TEXT, (0, 0), '"V"', pa.string(), False),
        ("XMLTYPE", TEXT, (0, 0), 'xmlserialize(content "V" as clob)', pa.string(), False),
        ("INTERVAL DAY(2) TO SECOND(6)", TEXT, (0, 0), 'to_char("V")', pa.string(), False),
    ],
)
def test_types_are_selected_exact_or_asked_whether_they_fit(
    declared: str, logical: LogicalType, digits: tuple[int, int], select: str, type: pa.DataType, asks: bool
) -> None:
    found = cell(declared, logical, digits=digits)
    assert (found.select, found.type, found.unfit is not None) == (select, type, asks)
    if declared != "XMLTYPE":  # its function is not in the parser's language
        parsed(f"select {found.select}, {found.text} from t")
    parsed(f"select max(case when {found.unfit or '1 = 0'} then 1 else 0 end) from t")


@pytest.mark.parametrize(
    ("charset", "declared", "raw"),
    [
        ("US7ASCII", "VARCHAR2(50)", True),
        ("WE8ISO8859P1", "CHAR(50)", True),
        ("US7ASCII", "NVARCHAR2(50)", False),
        ("ZHS16GBK", "VARCHAR2(50)", False),
        ("AL32UTF8", "VARCHAR2(50)", False),
    ],
)
def test_only_text_of_a_blind_character_set_is_read_as_bytes(charset: str, declared: str, raw: bool) -> None:
    found = cell(declared, TEXT, charset, "gb18030")
    assert ("cast_to_raw" in found.select, found.encoding) == ((True, "gb18030") if raw else (False, None))
    parsed(f"select {found.select} from t")
    assert cell(declared, TEXT, charset).encoding is None


def test_a_hash_of_any_number_of_columns_is_one_expression() -> None:
    for width in (1, 2, 100, 101, 250):
        found = oracle_session.build_row_hash([f'"C{place}"' for place in range(width)])
        tree = parsed(f"select {found} from t")
        assert {column.name for column in tree.find_all(exp.Column)} == {f"C{place}" for place in range(width)}


class Recorded:
    """A session that only says whether it hashes; nothing is answered."""

    def build_row_hash(self, texts: list[str]) -> str:
        return oracle_session.build_row_hash(texts)


def test_whole_statements_are_oracles_language() -> None:
    family = OracleExtractor(ADDRESS)
    columns = (
        Column("k", "XH", "学号", TEXT),
        Column("t", "XQ", "学期", WHOLE),
        Column("v", "BZ", "备注", TEXT),
        Column("at", "GXSJ", "更新时间", MOMENT),
    )
    wanted = dataset("JW.XSCJ", columns, key=("k", "t"), watermark="at")
    kinds = {"XH": "CHAR(12)", "XQ": "NUMBER(5,0)", "BZ": "CLOB", "GXSJ": "DATE"}
    cells = [family.select_column(column, seen(kinds[column.physical], precision=5), None) for column in columns]
    request = _Request(family, Recorded(), wanted, cells)  # type: ignore[arg-type]
    among = family.build_key_condition([cells[0].key, family.quote_name("XQ")], 3)
    window = f'"GXSJ" >= {family.build_window_start(seen("DATE"), ":b1")} or "GXSJ" is null'
    for where in (among, window):
        text = request._build_query(cells, _RowCondition(where))
        tree = parsed(text)
        assert [column.name for column in tree.find_all(exp.Ordered)] == ["XH", "XQ"] or "order by" in text
    assert '"JW"."XSCJ"' in text
    assert among == '(rtrim("XH"), "XQ") in ((:b1, :b2), (:b3, :b4), (:b5, :b6))'
    assert not all(cell.hashed for cell in cells)
    for query in (oracle._TABLES, oracle._COLUMNS, oracle._KEY):
        parsed(query)


def test_a_table_with_long_text_is_hashed_here() -> None:
    assert [cell(kind, TEXT).hashed for kind in ("VARCHAR2(10)", "CLOB", "LONG", "BLOB")] == [True, False, False, False]


def test_the_family_is_found_by_its_scheme() -> None:
    assert isinstance(open_extractor(parse_url("src", "oracle+oracledb://hub@host/ORCL")), OracleExtractor)
