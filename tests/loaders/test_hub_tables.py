"""The hub's own tables and views, made by the statements on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts import ddl
from contracts.contract import Column, Entity
from core.dialects import LogicalType
from core.settings import get_settings
from core.store import postgres
from core.store.ledger import migrate_ledger
from loaders.hub import EntityChange, apply_change, count_stray_writes, restore_version

ENTITY = Entity(
    name="order",
    title="单据'甲'",
    version="1.0.0",
    columns=(
        Column("order_no", "order_no", "单号", LogicalType("string", 20)),
        Column("amount", "amount", "金额", LogicalType("number", precision=12, scale=2)),
    ),
    key=("order_no",),
    authority=("finance",),
)


@pytest.fixture
def hub(postgres_server: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(migrate_ledger(postgres.ensure_database(postgres_server, "hub_tables"))) as connection:
        for statement in [*ddl.compile_hub_table(ENTITY), *ddl.compile_hub_views(ENTITY)]:
            connection.execute(statement.encode())
        yield connection
        connection.rollback()


def _insert(hub: psycopg.Connection[tuple[object, ...]], amount: str, born: int, died: int | None) -> None:
    hub.execute(
        'insert into hub."order" (order_no, amount, source_system, from_version, to_version) values (%s, %s, %s, %s, %s)',
        ["A1", amount, "finance", born, died],
    )


def test_views_show_the_present_and_any_version(hub: psycopg.Connection[tuple[object, ...]]) -> None:
    _insert(hub, "1.00", 1, 3)
    _insert(hub, "2.00", 3, None)
    assert hub.execute('select order_no, amount::text, source_system from hub_current."order"').fetchall() == [
        ("A1", "2.00", "finance")
    ]
    seen = []
    for version in range(5):
        hub.execute("select set_config('hub.version', %s, true)", [str(version)])
        seen.append(hub.execute('select amount::text from hub_at."order"').fetchall())
    assert seen == [[], [("1.00",)], [("1.00",)], [("2.00",)], [("2.00",)]]


def test_a_key_is_true_once(hub: psycopg.Connection[tuple[object, ...]]) -> None:
    _insert(hub, "1.00", 1, None)
    with pytest.raises(psycopg.errors.UniqueViolation):
        _insert(hub, "2.00", 2, None)


def test_titles_are_comments(hub: psycopg.Connection[tuple[object, ...]]) -> None:
    found = hub.execute(
        "select obj_description(c.oid), col_description(c.oid, 2) from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname in ('hub', 'hub_current', 'hub_at') and c.relname = 'order'"
    ).fetchall()
    assert found == [("单据'甲'", "金额")] * 3


def test_a_new_column_is_added_and_seen(hub: psycopg.Connection[tuple[object, ...]]) -> None:
    wider = replace(
        ENTITY, columns=(ENTITY.columns[0], Column("paid_on", "paid_on", "付款日", LogicalType("date")), ENTITY.columns[1])
    )
    assert ddl.compile_added_columns(ENTITY, ["order_no", "amount"]) == []
    _insert(hub, "1.00", 1, None)
    for statement in [*ddl.compile_added_columns(wider, ["order_no", "amount"]), *ddl.compile_hub_views(wider)]:
        hub.execute(statement.encode())
    assert hub.execute('select order_no, paid_on, amount::text from hub_current."order"').fetchall() == [("A1", None, "1.00")]


def _delta(folder: Path, first: int, count: int, stray_writes: int = 0) -> EntityChange:
    numbers = range(first, first + count)
    rows = pa.table(
        {
            "op": ["I"] * count,
            "order_no": [f"A{number}" for number in numbers],
            "amount": pa.array([Decimal(number).scaleb(-2) for number in numbers], pa.decimal128(12, 2)),
            "source_system": ["finance"] * count,
            "source_key": [f"A{number}" for number in numbers],
            "row_hash": [f"{number:032x}" for number in numbers],
        }
    )
    pq.write_table(rows, folder / f"{first}.parquet")
    return EntityChange(
        ENTITY, folder / f"{first}.parquet", first, inserts=count, updates=0, deletes=0, stray_writes=stray_writes
    )


def test_a_large_first_load_leaves_rows_and_indexes_as_a_small_one(
    hub: psycopg.Connection[tuple[object, ...]], tmp_path: Path
) -> None:
    indexes = "select indexname, indexdef from pg_indexes where schemaname = 'hub' and tablename = 'order' order by 1"
    made = hub.execute(indexes).fetchall()
    assert apply_change(hub, _delta(tmp_path, 0, 25_000), 1, "night-1") == (25_000, 0)
    assert hub.execute(indexes).fetchall() == made
    assert apply_change(hub, _delta(tmp_path, 25_000, 5), 2, "night-2") == (5, 0)
    found = hub.execute(
        "select from_version, to_version, batch_id, source_system, count(*), sum(amount), count(distinct row_hash)"
        ' from hub."order" group by 1, 2, 3, 4 order by 1'
    ).fetchall()
    assert found == [
        (1, None, "night-1", "finance", 25_000, Decimal("3124875.00"), 25_000),
        (2, None, "night-2", "finance", 5, Decimal("1250.10"), 5),
    ]


@pytest.mark.parametrize(
    "by_hand",
    [
        "update hub.\"order\" set amount = 0 where order_no = 'A1'",
        "delete from hub.\"order\" where order_no = 'A1'",
        "insert into hub.\"order\" (order_no, from_version) values ('B1', 1)",
        'truncate hub."order"',
    ],
)
def test_who_writes_to_a_table_besides_a_publish_is_seen_until_one_that_knew_of_it(
    hub: psycopg.Connection[tuple[object, ...]], tmp_path: Path, by_hand: str
) -> None:
    apply_change(hub, _delta(tmp_path, 0, 5), 1, "night-1")
    assert count_stray_writes(hub, ENTITY) == 0
    hub.execute(by_hand.encode())
    assert count_stray_writes(hub, ENTITY) == 1
    apply_change(hub, _delta(tmp_path, 5, 1, stray_writes=0), 2, "night-2")  # was compared before somebody wrote
    assert count_stray_writes(hub, ENTITY) == 1
    apply_change(hub, _delta(tmp_path, 6, 1, stray_writes=1), 3, "night-3")
    assert count_stray_writes(hub, ENTITY) == 0


def test_a_rollback_is_no_publish_that_prints_were_kept_of(hub: psycopg.Connection[tuple[object, ...]], tmp_path: Path) -> None:
    apply_change(hub, _delta(tmp_path, 0, 5), 1, "night-1")
    apply_change(hub, _delta(tmp_path, 5, 5), 2, "night-2")
    assert restore_version(hub, ENTITY, 1, 3, "night-3") == (0, 5)
    assert count_stray_writes(hub, ENTITY) > 0


def test_tables_that_were_there_before_are_counted_from_now_on(
    hub: psycopg.Connection[tuple[object, ...]], tmp_path: Path
) -> None:
    apply_change(hub, _delta(tmp_path, 0, 5), 1, "night-1")
    hub.execute("drop table ops.hub_write; drop function ops.note_hub_write cascade")
    hub.execute((get_settings().sql / "migrations" / "0008_hub_write.sql").read_bytes())
    assert count_stray_writes(hub, ENTITY) == 1  # nobody knows what was before
    apply_change(hub, _delta(tmp_path, 5, 5, stray_writes=1), 2, "night-2")
    assert count_stray_writes(hub, ENTITY) == 0
