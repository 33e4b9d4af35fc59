"""The file formats in which a receiver can get rows: written from a DuckDB query, read back as a table of text.

Every cell is written in the text of `tables.control_totals` (dates ISO, booleans 0 or 1, decimals with fixed scale), so what is
read back needs no guessing. Parquet keeps its types. In a workbook only numbers that Excel keeps exactly are numbers.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import xlsxwriter
from python_calamine import CalamineWorkbook

from contracts.contract import Column, FeedDataset
from core.dialects import quote_identifier
from core.engine import quote_literal
from core.errors import FeedFailed
from loaders import ldif, oneroster
from loaders.tables.control_totals import DUCK, NUMBERS, TEXT

OP = "_op"
FORMATS = {"csv": "csv", "xlsx": "xlsx", "parquet": "parquet", "oneroster": "zip", "ldap": "ldif"}
"""Format -> the ending of its file names."""
FORMULA_START = "[=+@\\t\\r\\n＝＋－＠-]"
"""How a text begins that a spreadsheet would run; those of this country take the wide signs too."""
SHEET, LEGEND = "数据", "字段说明"
_XLSX_ROWS, _XLSX_TEXT, _XLSX_DIGITS = 1_048_576, 32_767, 15
_CHUNK = 1 << 20
_CONTROL_CHARACTERS = "[\\x00-\\x08\\x0b-\\x1f\\x{FFFE}\\x{FFFF}]"
"""Characters that XML cannot hold, and the carriage return, which XML turns into a line feed."""


def write_file(db: duckdb.DuckDBPyConnection, feed: FeedDataset, relation: str, path: Path, as_of: date) -> None:
    """Write a relation (columns by canonical name, perhaps `_op` first) to `path` in the feed's format and encoding.

    The header has the physical names. Equal rows give equal bytes.

    Raises:
        FeedFailed: HUB612 when a column holds what the format or encoding cannot, HUB613 when there are too many rows.
    """
    names = [str(row[0]) for row in db.execute(f"describe {relation}").fetchall()]
    columns = {name: column for column in feed.columns if (name := column.name) in names}
    if feed.file_format == "parquet":
        items = ", ".join(
            f"{_quote_name(name)} as {_quote_name(columns[name].physical if name in columns else name)}" for name in names
        )
        db.execute(f"copy (select {items} from {relation}) to {quote_literal(path)} (format parquet, compression zstd)")
    elif feed.file_format == "xlsx":
        _write_xlsx(db, feed, relation, names, path, as_of)
    elif feed.file_format == "oneroster":
        oneroster.write_bundle(db, feed, relation, path, as_of)
    elif feed.file_format == "ldap":
        ldif.write_ldif(db, feed, relation, path)
    else:
        _write_csv(db, feed, relation, names, path)


def read_file(feed: FeedDataset, path: Path, names: Sequence[str]) -> pa.Table:
    """A file as a table with the canonical columns `names`; text cells except in Parquet, NULL and empty text apart.

    Raises:
        FeedFailed: HUB614 when it cannot be parsed or has other columns.
    """
    physical = {column.name: column.physical for column in feed.columns}
    header = [physical.get(name, name) for name in names]
    readers = {"parquet": _read_parquet, "xlsx": _read_xlsx, "oneroster": oneroster.read_bundle, "ldap": ldif.read_ldif}
    try:
        table = readers.get(feed.file_format or "csv", _read_csv)(path, feed, header)
    except (pa.ArrowInvalid, UnicodeError, ValueError, LookupError, OSError) as error:
        raise FeedFailed("HUB614", feed.id, file=path.name, problem_key="damage.changed", kind=type(error).__name__) from None
    if table.column_names != header:
        raise FeedFailed("HUB614", feed.id, file=path.name, problem=f"columns {', '.join(table.column_names)}")
    return table.rename_columns(list(names))


def _write_csv(db: duckdb.DuckDBPyConnection, feed: FeedDataset, relation: str, names: Sequence[str], path: Path) -> None:
    try:
        encoding = codecs.lookup(feed.encoding or "utf-8").name
    except LookupError:
        raise FeedFailed("HUB612", feed.id, column="*", format=feed.encoding, problem="encoding") from None
    plain = path if encoding == "utf-8" else path.with_suffix(".utf8")
    by_name = {column.name: column for column in feed.columns}
    cell = _escape_formula if feed.guard_formulas else _select_cell
    items = ", ".join(f"{cell(by_name.get(name), name)} as {_quote_name(_find_header(by_name, name))}" for name in names)
    try:
        db.execute(f"copy (select {items} from {relation}) to {quote_literal(plain)} (format csv, header true, nullstr '')")
        if plain != path:
            with plain.open(encoding="utf-8", newline="") as source, path.open("w", encoding=encoding, newline="") as sink:
                while text := source.read(_CHUNK):
                    sink.write(text)
    except UnicodeEncodeError as error:
        column = _find_unencodable(db, feed, relation, encoding)
        raise FeedFailed("HUB612", feed.id, column=column, format=encoding, problem=type(error).__name__) from None
    finally:
        if plain != path:
            plain.unlink(missing_ok=True)


def _find_unencodable(db: duckdb.DuckDBPyConnection, feed: FeedDataset, relation: str, encoding: str) -> str:
    """The first column with a character that the encoding lacks; header names count as content."""
    for column in (column for column in feed.columns if column.type.name in TEXT):
        row = db.execute(f"select string_agg(distinct {_quote_name(column.name)}, ' ') from {relation}").fetchone()
        try:
            f"{column.physical} {row[0] if row else ''}".encode(encoding)
        except UnicodeEncodeError:
            return column.physical
    return feed.physical


def _read_csv(path: Path, feed: FeedDataset, header: Sequence[str]) -> pa.Table:
    table = pacsv.read_csv(
        path,
        read_options=pacsv.ReadOptions(encoding=feed.encoding or "utf-8"),
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types={name: pa.string() for name in header},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    if not feed.guard_formulas:
        return table
    guarded = {column.physical for column in feed.columns if column.type.name in TEXT}
    cells = [
        pc.replace_substring_regex(table[name], f"(?s)^'('*{FORMULA_START}.*)", r"\1") if name in guarded else table[name]
        for name in table.column_names
    ]
    return pa.table(cells, names=table.column_names)


def escape_formulas(rows: pa.Table) -> pa.Table:
    """Rows of whose texts no spreadsheet makes a formula, for a file that only people open."""
    cells = [
        pc.replace_substring_regex(column, f"(?s)^('*{FORMULA_START}.*)", r"'\1") if pa.types.is_string(column.type) else column
        for column in rows.columns
    ]
    return pa.table(cells, schema=rows.schema)


def _escape_formula(column: Column | None, name: str) -> str:
    """A cell of which no spreadsheet makes a formula: an apostrophe before it, which the reading takes off again."""
    text = _select_cell(column, name)
    if column is None or column.type.name not in TEXT:
        return text
    return f"case when regexp_matches({text}, '^\\x27*{FORMULA_START}') then chr(39) || {text} else {text} end"


def _write_xlsx(
    db: duckdb.DuckDBPyConnection, feed: FeedDataset, relation: str, names: Sequence[str], path: Path, as_of: date
) -> None:
    by_name = {column.name: column for column in feed.columns}
    numbers = _choose_number_formats(db, feed, relation, names)
    items = ", ".join(_select_cell(by_name.get(name), name) for name in names)
    with xlsxwriter.Workbook(path, {"constant_memory": True, "tmpdir": str(path.parent)}) as book:
        # The business date instead of the clock: the same delivery written twice is the same file.
        book.set_properties({"title": feed.title, "created": datetime.combine(as_of, datetime.min.time())})
        text, head = book.add_format({"num_format": "@"}), book.add_format({"bold": True, "num_format": "@"})
        formats = {place: book.add_format({"num_format": pattern}) for place, pattern in numbers.items()}
        sheet = book.add_worksheet(SHEET)
        sheet.freeze_panes(1, 0)
        for place, name in enumerate(names):
            sheet.write_string(0, place, _find_header(by_name, name), head)
        result = db.execute(f"select {items} from {relation}")
        number = 0
        while block := result.fetchmany(10_000):
            for row in block:
                number += 1
                _write_row(sheet, number, row, formats, text)
        _write_legend(book, feed, head, text)


def _write_row(sheet: Any, number: int, row: Sequence[str | None], formats: Mapping[int, Any], text: Any) -> None:
    """One row; a cell writer is called per cell, as the format's library has no other way."""
    for place, value in enumerate(row):
        if value is None:
            continue
        if place in formats:
            sheet.write_number(number, place, float(value), formats[place])
        else:
            sheet.write_string(number, place, value, text)


def _write_legend(book: Any, feed: FeedDataset, head: Any, text: Any) -> None:
    """A second sheet that says what every column is."""
    sheet = book.add_worksheet(LEGEND)
    rows = [("列名", "中文名", "类型", "主键")]
    rows += [(c.physical, c.title, c.type.name, "是" if c.name in feed.key else "") for c in feed.columns]
    for number, row in enumerate(rows):
        for place, value in enumerate(row):
            sheet.write_string(number, place, value, text if number else head)


def _choose_number_formats(
    db: duckdb.DuckDBPyConnection, feed: FeedDataset, relation: str, names: Sequence[str]
) -> dict[int, str]:
    """Refuse what a sheet cannot hold; returns the number format of each column (by place) that can be numbers."""
    row = db.execute(f"select count(*) from {relation}").fetchone()
    rows = int(row[0]) if row else 0
    if rows >= _XLSX_ROWS:
        raise FeedFailed("HUB613", feed.id, rows=rows, limit=_XLSX_ROWS - 1, format="xlsx")
    numbers: dict[int, str] = {}
    for column in feed.columns:
        value = _quote_name(column.name)
        if column.name not in names:
            continue
        if column.type.name in NUMBERS:
            limit = 10 ** (_XLSX_DIGITS - (column.type.scale if column.type.name == "number" else 0))
            wide = db.execute(f"select count(*) from {relation} where abs({value}) >= {limit}").fetchone()
            if wide == (0,):
                digits = column.type.scale if column.type.name == "number" else 0
                numbers[list(names).index(column.name)] = "0." + "0" * digits if digits else "0"
        elif column.type.name in TEXT:
            bad = db.execute(
                f"select count(*) filter (where length({value}) > {_XLSX_TEXT}),"
                f" count(*) filter (where regexp_matches({value}, '{_CONTROL_CHARACTERS}')) from {relation}"
            ).fetchone()
            for count, problem in zip(bad or (), (f"> {_XLSX_TEXT}", "control character"), strict=False):
                if count:
                    raise FeedFailed("HUB612", feed.id, column=column.physical, format="xlsx", problem=problem)
    return numbers


def _read_xlsx(path: Path, feed: FeedDataset, header: Sequence[str]) -> pa.Table:
    try:
        rows = CalamineWorkbook.from_path(path).get_sheet_by_name(SHEET).to_python(skip_empty_area=False)
    except Exception as error:  # the reader's error classes differ by what is broken
        raise ValueError(type(error).__name__) from None
    width = len(header)
    cells = [[_parse_cell(row[place]) if place < len(row) else None for row in rows[1:]] for place in range(width)]
    names = [str(value) for value in rows[0]] if rows else []
    return pa.table([pa.array(column, pa.string()) for column in cells], names=names)


def _parse_cell(value: Any) -> str | None:
    """A cell as text. A number comes as a binary fraction of at most 15 digits, whose shortest text is the number itself."""
    if value == "" or value is None:
        return None
    return format(Decimal(repr(value)), "f").removesuffix(".0") if isinstance(value, float) else str(value)


def _read_parquet(path: Path, feed: FeedDataset, header: Sequence[str]) -> pa.Table:
    with pq.ParquetFile(path) as file:
        return file.read()


def _select_cell(column: Column | None, name: str) -> str:
    return DUCK.format_value(column.type, _quote_name(name)) if column else _quote_name(name)


def _find_header(columns: Mapping[str, Column], name: str) -> str:
    return columns[name].physical if name in columns else name


def _quote_name(name: str) -> str:
    return quote_identifier(name, DUCK.engine)


def choose_suffix(feed: FeedDataset) -> str:
    """The ending of the feed's file names.

    Raises:
        FeedFailed: HUB612 for a format that no code writes.
    """
    kind = feed.file_format or "csv"
    if kind not in FORMATS:
        raise FeedFailed("HUB612", feed.id, column="*", format=kind, problem=", ".join(FORMATS))
    return FORMATS[kind]
