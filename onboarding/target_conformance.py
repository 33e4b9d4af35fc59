"""What must hold of any receiver's database before deliveries to it can be trusted, proved in scratch tables of our own.

`hub selftest dst_... --write` runs these on site and the loaders' test suite runs them for every family of tables. Rows
are invented; nothing of the hub's is used, and what was made is dropped, also after a failure.
"""

from __future__ import annotations

import datetime as dt
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from dataclasses import replace as changed
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.contract import Column, FeedDataset
from core.dialects import LogicalType, arrow_type
from core.errors import HubError
from core.messages import translate
from core.settings import get_settings
from loaders.base import ApplyResult, Delivery
from loaders.tables.control_totals import compute_totals
from loaders.tables.table import SCRATCH, TableTarget

DAY = dt.date(2026, 9, 1)
Row = dict[str, Any]


@dataclass(frozen=True)
class ConformanceStep:
    """One step of the trial: how many rows it sent, and what did not hold."""

    name: str
    rows: int
    problem: str | None = None


def _build_column(name: str, physical: str, title: str, kind: str, **sizes: int) -> Column:
    return Column(name, physical, title, LogicalType(kind, **sizes))


FEED = FeedDataset(
    flow="SJGXLC07",
    edge="E07",
    source="hr",
    target="library",
    dataset="reader",
    physical="dz_reader",
    title="读者",
    version="1.0.0",
    connection="dst_library",
    columns=(
        _build_column("person_no", "GH", "工号", "string", length=20),
        _build_column("kind_code", "LB", "类别", "integer"),
        _build_column("full_name", "XM", "姓名", "string", length=60),
        _build_column("deposit", "YJ", "押金", "number", precision=12, scale=2),
        _build_column("is_teacher", "SFJS", "是否教师", "boolean"),
        _build_column("birth_on", "CSRQ", "出生日期", "date"),
        _build_column("changed_at", "BGSJ", "变更时间", "timestamp"),
        _build_column("opens", "KGSJ", "开馆时间", "time", length=40),
    ),
    key=("person_no", "kind_code"),
)
"""A feed with a column of every kind and a key of two."""
SCHEMA = pa.schema([(column.name, arrow_type(column.type)) for column in FEED.columns])


def build_person(number: int, **values: Any) -> Row:
    """A row with something in every column."""
    row: Row = {
        "person_no": f"00{number:04d}",
        "kind_code": 1,
        "full_name": f"张三{number}",
        "deposit": Decimal(number) / 4,
        "is_teacher": number % 2 == 0,
        "birth_on": dt.date(1970, 1, 1) + dt.timedelta(number * 31),
        "changed_at": dt.datetime(2026, 8, 31, 23, 59, 58, number),
        "opens": "08:00",
    }
    return row | values


STRANGE_ROWS = [
    build_person(1, full_name="𠮷𡈽", deposit=Decimal("-0.05")),
    build_person(2, full_name='逗号,引号"反斜杠\\换行\n制表\t尾', opens="NULL"),
    build_person(3, full_name="\\N", deposit=None, is_teacher=None, birth_on=None, changed_at=None, opens=None),
    build_person(4, full_name=None, deposit=Decimal("9999999999.99"), kind_code=-3),
    build_person(5, full_name="", birth_on=dt.date(1899, 12, 31), changed_at=dt.datetime(1999, 1, 1)),
    build_person(6, full_name="NULL", deposit=Decimal(0), opens="25:30:00", birth_on=dt.date(2099, 2, 28)),
    build_person(7, full_name=" 前后空格 ", kind_code=9007199254740993, opens="'; drop table dz_reader; --"),
]
"""Rows whose values get damaged elsewhere."""


def prove_target(target: TableTarget) -> list[ConformanceStep]:
    """Deliver, change, drop, deliver again and count in scratch tables, once for each meaning of a drop."""
    get_settings().work.mkdir(parents=True, exist_ok=True)
    steps: list[ConformanceStep] = []
    for drop in ("delete", "inactive"):
        mark = secrets.token_hex(4)
        feed = changed(FEED, edge=f"SELFTEST-{mark}", physical=f"{SCRATCH}{mark}", drop=drop)
        with tempfile.TemporaryDirectory(prefix="selftest-", dir=get_settings().work) as folder:
            trial = _ScratchTable(target, feed, Path(folder))
            try:
                steps += trial.run()
            except HubError as error:
                steps += [*trial.steps, ConformanceStep(drop, 0, error.line())]
            finally:
                target.drop_scratch(feed)
    return steps


@dataclass
class _ScratchTable:
    """One scratch table: what was sent to it, and what it should hold."""

    target: TableTarget
    feed: FeedDataset
    folder: Path
    rows: dict[tuple[Any, ...], Row] = field(default_factory=dict)
    steps: list[ConformanceStep] = field(default_factory=list)
    version: int = 0

    def run(self) -> list[ConformanceStep]:
        many = [build_person(number) for number in range(50)]
        strange = [self._adapt_row(row) for row in STRANGE_ROWS]
        self._send_twice("first", many, mode="full")
        self._send_twice(
            "changed", [*strange, build_person(70), build_person(20, full_name="改")], [build_person(30), build_person(31)]
        )
        self._send_twice("returned", [build_person(30)], [build_person(40)])
        self._send_twice("whole", [*strange, *many[10:20]], mode="full")
        self._send_twice("nothing", [])
        return self.steps

    def _adapt_row(self, row: Row) -> Row:
        if self.target.keeps_empty_text:
            return row
        return {name: None if value == "" else value for name, value in row.items()}

    def _send_twice(
        self, name: str, upserts: Sequence[Row], deletes: Sequence[Row] = (), mode: Literal["full", "delta"] = "delta"
    ) -> None:
        """Apply, apply once more, and read everything back."""
        key = self.feed.key
        before = set(self.rows)
        if mode == "full":
            self.rows = {}
        self.rows |= {tuple(row[part] for part in key): row for row in upserts}
        for row in deletes:
            self.rows.pop(tuple(row[part] for part in key), None)
        dropped = len(before - set(self.rows)) if mode == "full" else len(deletes)
        delivery = self._build_delivery(upserts, deletes, mode)
        wanted = ApplyResult(len(upserts), dropped)
        step = f"{self.feed.drop}/{name}"
        problems = [
            translate("selftest.applied", step=step, expected=_format_counts(wish), found=_format_counts(found))
            for wish, found in (
                (wanted, self.target.apply(delivery)),
                (changed(wanted, already=True), self.target.apply(delivery)),
            )
            if found != wish
        ]
        problems += self._read_back(step, delivery, len(deletes))
        self.steps.append(ConformanceStep(step, len(upserts), "; ".join(problems) or None))

    def _read_back(self, step: str, delivery: Delivery, deleted: int) -> list[str]:
        problems = []
        if self.target.read_receipt(delivery) != compute_totals(delivery.upserts, self.feed, deleted):
            problems.append(translate("selftest.receipt", step=step))
        everything = self._parquet("all", list(self.rows.values()), SCHEMA.names)
        if self.target.read_totals(self.feed) != compute_totals(everything, self.feed):
            problems.append(translate("selftest.survey", step=step))
        missing, extra, different = self.target.compare_rows(self.feed, everything, self.folder / "differences.parquet")
        if missing or extra or different:
            problems.append(translate("selftest.compare", step=step, missing=missing, extra=extra, different=different))
        return problems

    def _build_delivery(self, upserts: Sequence[Row], deletes: Sequence[Row], mode: Literal["full", "delta"]) -> Delivery:
        self.version += 1
        gone = [{name: row[name] for name in self.feed.key} for row in deletes]
        return Delivery(
            id=f"{self.feed.edge}.{self.version}",
            feed=self.feed,
            mode=mode,
            from_version=self.version - 1,
            to_version=self.version,
            upserts=self._parquet("upserts", upserts, SCHEMA.names),
            deletes=self._parquet("deletes", gone, self.feed.key),
            as_of=DAY,
            run_id=self.feed.edge,
        )

    def _parquet(self, name: str, rows: Sequence[Row], columns: Sequence[str]) -> Path:
        path = self.folder / f"{name}{self.version}.parquet"
        pq.write_table(pa.Table.from_pylist(list(rows), schema=pa.schema([SCHEMA.field(column) for column in columns])), path)
        return path


def _format_counts(applied: ApplyResult) -> str:
    return f"+{applied.rows_upsert} -{applied.rows_delete}" + ("=" if applied.already else "")
