"""What is particular to database tables: drops as the receiver chose, its own rows, tampering, refusals, kills."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
from receivers import FEED, STRANGE_ROWS, Edge, build_person, edge, line_without_values

from contracts import ddl
from core.dialects import quote_identifier
from core.errors import FeedFailed, Unavailable
from core.store.address import parse_url
from loaders.base import ApplyResult
from loaders.tables.control_totals import compare_totals, compute_totals, expect_receipt
from onboarding.target_conformance import prove_target


class Receiver:
    """The receiver's own hands on its database, without any of our code."""

    def __init__(self, url: str) -> None:
        self.url, place = url, parse_url("receiver", url)
        self.engine = place.family
        self.link: Any = (
            psycopg.connect(url, autocommit=True)
            if place.family == "postgresql"
            else pymysql.connect(
                unix_socket=place.options["unix_socket"],
                user=place.user,
                database=place.database,
                autocommit=True,
                charset="utf8mb4",
            )
        )

    def ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.link.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall()) if cursor.description else []

    def q(self, name: str) -> str:
        return quote_identifier(name, self.engine)

    def kill(self, of: Any) -> None:
        """End the session of a target of ours, as an operator or a crash would."""
        if self.engine == "postgresql":
            self.ask("select pg_terminate_backend(%s, 5000)", of._link.info.backend_pid)
        else:
            self.ask("kill %s", of._link.thread_id())


@pytest.fixture(params=["postgres_url", "mariadb_url"])
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    receiver = Receiver(request.getfixturevalue(request.param))
    yield receiver
    receiver.link.close()


@pytest.fixture
def here(receiver: Receiver, tmp_path: Path) -> Edge:
    return edge(receiver.url, tmp_path)


def own_table(receiver: Receiver, here: Edge, more: str = "") -> None:
    """The receiver has made the table itself, perhaps with something of its own."""
    statement = ddl.compile_create_table(here.feed.physical, here.feed.columns, here.feed.key, receiver.engine)
    receiver.ask(statement[:-1] + more + ")")


@pytest.mark.parametrize(
    ("drop", "marks", "ended", "back"),
    [
        ("inactive", "is_active, ended_on", (0, dt.date(2026, 9, 9)), (1, None)),
        ("end_date", "ended_on", (dt.date(2026, 9, 9),), (None,)),
    ],
)
def test_a_drop_is_marked_as_the_receiver_chose(
    receiver: Receiver, tmp_path: Path, drop: str, marks: str, ended: tuple[Any, ...], back: tuple[Any, ...]
) -> None:
    here = edge(receiver.url, tmp_path, drop=drop)
    here.send([build_person(1), build_person(2)])
    table, number = receiver.q(here.feed.physical), receiver.q("GH")
    delivery = here.prepared([], deletes=[build_person(1)], day=dt.date(2026, 9, 9))
    assert here.apply(delivery) == ApplyResult(0, 1)
    here.check(delivery)
    assert receiver.ask(f"select {marks} from {table} where {number} = '000001'") == [ended]
    assert receiver.ask(f"select {marks} from {table} where {number} = '000002'") == [back]
    here.send([build_person(1)])
    assert receiver.ask(f"select {marks} from {table} where {number} = '000001'") == [back]


def test_values_are_what_was_sent(receiver: Receiver, here: Edge) -> None:
    here.send([build_person(1, full_name="𠮷", deposit=Decimal("-0.05"), is_teacher=False, birth_on=None, opens="")])
    names = ", ".join(receiver.q(name) for name in ("GH", "LB", "XM", "YJ", "SFJS", "CSRQ", "BGSJ", "KGSJ"))
    [row] = receiver.ask(f"select {names} from {receiver.q(here.feed.physical)}")
    assert row == ("000001", 1, "𠮷", Decimal("-0.05"), 0, None, dt.datetime(2026, 8, 31, 23, 59, 58, 1), "")


def test_the_receivers_own_rows_and_columns_stay(receiver: Receiver, here: Edge) -> None:
    own_table(receiver, here, ", remark varchar(20) default 'own'")
    table, key = receiver.q(here.feed.physical), f"{receiver.q('GH')}, {receiver.q('LB')}"
    receiver.ask(f"insert into {table} ({key}) values ('guest', 9)")
    here.send([build_person(1), build_person(2)])
    receiver.ask(f"update {table} set remark = 'checked' where {receiver.q('GH')} = '000002'")
    here.send([build_person(2, full_name="改名")], mode="full")
    here.send([], mode="full")
    here.send([build_person(2)])
    assert receiver.ask(f"select {key}, remark from {table} order by 1") == [("000002", 1, "own"), ("guest", 9, "own")]


def test_a_key_that_the_receiver_uses_itself_is_refused(receiver: Receiver, here: Edge) -> None:
    own_table(receiver, here)
    table = receiver.q(here.feed.physical)
    columns = ", ".join(receiver.q(name) for name in ("GH", "LB", "XM"))
    receiver.ask(f"insert into {table} ({columns}) values ('000001', 1, 'own'), ('000002', 1, null)")
    nothing = {name: None for name in ("full_name", "deposit", "is_teacher", "birth_on", "changed_at", "opens")}
    delivery = here.prepared([build_person(1), build_person(2, **nothing), build_person(3)])
    applied = here.apply(delivery)
    assert applied == ApplyResult(2, 0, refused={"000001\x1f1": "own_row"})
    assert here.apply(delivery) == replace(applied, already=True)
    target = here.target()
    assert target.read_receipt(delivery) == expect_receipt(delivery, applied) != compute_totals(delivery.upserts, here.feed)
    target.close()
    assert here.apply(here.prepared([], deletes=[build_person(1), build_person(2)])) == ApplyResult(
        0, 1, refused={"000001\x1f1": "own_row"}
    )
    left = receiver.ask(f"select {receiver.q('GH')}, {receiver.q('XM')} from {table} order by 1")
    assert left == [("000001", "own"), ("000003", "张三3")]


def test_two_edges_into_one_database_keep_apart(receiver: Receiver, tmp_path: Path) -> None:
    one, two = edge(receiver.url, tmp_path), edge(receiver.url, tmp_path)
    one.send([build_person(1), build_person(2)])
    two.send([build_person(1), build_person(3)])
    one.send([], mode="full")
    two.send([build_person(4)])


@pytest.mark.parametrize(
    "tampering", ["update {t} set {YJ} = {YJ} + 0.01 where {GH} = '000003'", "delete from {t} where {GH} = '000003'"]
)
def test_tampering_shows(receiver: Receiver, here: Edge, tampering: str) -> None:
    here.send([build_person(n) for n in range(5)])
    delivery = here.prepared([build_person(3, opens="10:00")])
    here.apply(delivery)
    names = {name: receiver.q(name) for name in ("YJ", "GH")}
    receiver.ask(tampering.format(t=receiver.q(here.feed.physical), **names))
    target: Any = here.target()
    assert target.read_receipt(delivery) != compute_totals(delivery.upserts, here.feed)
    assert target.read_totals(here.feed) != compute_totals(here.everything(), here.feed)
    assert here.compared(target) in {(0, 0, 1), (1, 0, 0)}
    target.close()
    here.send([here.rows["000003", 1]])


def test_the_same_length_is_not_the_same_content(receiver: Receiver, here: Edge) -> None:
    here.send([build_person(1, full_name="abc"), build_person(2)])
    receiver.ask(f"update {receiver.q(here.feed.physical)} set {receiver.q('XM')} = 'ABC' where {receiver.q('GH')} = '000001'")
    target: Any = here.target()
    assert here.compared(target) == (0, 0, 1)
    target.close()
    here.send(list(here.rows.values()), mode="full")


@pytest.mark.parametrize(
    "change",
    [
        "update {t} set {XM} = case {GH} when '000001' then '张三2' else '张三1' end where {GH} in ('000001', '000002')",
        "update {t} set {XM} = '木改名' where {GH} = '000003'",
        "update {t} set {CSRQ} = case {GH} when '000001' then date '1970-03-04'"
        " else date '1970-02-01' end where {GH} < '000003'",
        "update {t} set {BGSJ} = '2026-08-30 23:59:58' where {GH} = '000003'",
        "update {t} set {SFJS} = case {GH} when '000001' then {yes} else {no} end where {GH} in ('000001', '000002')",
        "update {t} set {KGSJ} = '80:00'",
        "update {t} set {XM} = '张三3 ' where {GH} = '000003'",
    ],
)
def test_a_receipt_sees_content_that_counts_and_sums_do_not(receiver: Receiver, here: Edge, change: str) -> None:
    own_table(receiver, here)
    delivery = here.prepared([build_person(n) for n in range(1, 5)])
    here.apply(delivery)
    here.check(delivery)
    names = {name: receiver.q(name) for name in ("GH", "XM", "CSRQ", "BGSJ", "SFJS", "KGSJ")}
    truth = {"yes": "true", "no": "false"}
    receiver.ask(change.format(t=receiver.q(here.feed.physical), **names, **truth))
    target = here.target()
    for found in (target.read_receipt(delivery), target.read_totals(here.feed)):
        assert "content" in compare_totals(asdict(compute_totals(delivery.upserts, here.feed)), found)
    target.close()


def test_a_refusal_leaves_nothing_and_shows_no_value(receiver: Receiver, here: Edge) -> None:
    own_table(receiver, here, f", check ({receiver.q('YJ')} < 1000)")
    here.send([build_person(1)])
    delivery = here.prepared(
        [build_person(2, full_name="机密"), build_person(3, full_name="机密", deposit=Decimal("7654321.00"))], [build_person(1)]
    )
    with pytest.raises(FeedFailed) as caught:
        here.apply(delivery)
    assert caught.value.code == "HUB601"
    line_without_values(caught.value, "机密", "7654321", "000003")
    assert receiver.ask(f"select {receiver.q('GH')} from {receiver.q(here.feed.physical)}") == [("000001",)]
    assert receiver.ask("select count(*) from _hub_delivery where delivery_id = %s", delivery.id) == [(0,)]


def test_text_that_does_not_fit_is_refused(receiver: Receiver, here: Edge) -> None:
    own_table(receiver, here)
    receiver.ask(f"drop table {receiver.q(here.feed.physical)}")
    narrow = [
        replace(column, type=replace(column.type, length=2)) if column.name == "opens" else column for column in FEED.columns
    ]
    statement = ddl.compile_create_table(here.feed.physical, narrow, here.feed.key, receiver.engine)
    receiver.ask(statement.replace(f"{receiver.q('KGSJ')} text", f"{receiver.q('KGSJ')} varchar(2)"))
    with pytest.raises(FeedFailed, match="HUB616"):
        here.apply(here.prepared([build_person(1)]))
    assert receiver.ask(f"select count(*) from {receiver.q(here.feed.physical)}") == [(0,)]


def test_a_table_without_a_contract_column_is_refused(receiver: Receiver, tmp_path: Path) -> None:
    here = edge(receiver.url, tmp_path, drop="inactive")
    own_table(receiver, here)
    receiver.ask(f"alter table {receiver.q(here.feed.physical)} drop column {receiver.q('XM')}")
    with pytest.raises(FeedFailed, match=r"HUB602.*XM, is_active, ended_on"):
        here.apply(here.prepared([build_person(1)]))


@pytest.mark.parametrize("first", [True, False])
def test_a_session_killed_at_any_statement_leaves_all_or_nothing(receiver: Receiver, here: Edge, first: bool) -> None:
    here.send([] if first else [build_person(1), build_person(2)])
    before = here.everything()
    delivery = here.prepared([build_person(2, full_name="新"), build_person(3)], [] if first else [build_person(1)])
    after = here.everything()
    for statement in range(100):
        target = here.target()
        counted = iter(range(statement + 1))

        def deadly(run: Any, target: Any = target, counted: Iterator[int] = counted, last: int = statement) -> Any:
            def deliver(*arguments: Any) -> Any:
                if next(counted, None) == last:
                    receiver.kill(target)
                return run(*arguments)

            return deliver

        for verb in ("run", "read_rows", "load"):
            setattr(target, verb, deadly(getattr(target, verb)))
        try:
            applied = target.apply(delivery)
        except Unavailable as error:
            assert error.code == "HUB204"
        else:
            assert not applied.already and statement > 5
            break
        finally:
            target.close()
        witness = here.target()
        assert witness.read_totals(here.feed) == compute_totals(before, here.feed)
        witness.close()
    assert here.apply(delivery) == replace(applied, already=True)
    witness = here.target()
    assert witness.read_totals(here.feed) == compute_totals(after, here.feed)
    witness.close()


def test_one_delivery_sent_by_two_at_once_is_applied_once(receiver: Receiver, here: Edge) -> None:
    here.send([build_person(0)])
    delivery = here.prepared([build_person(n) for n in range(2000)])
    results: list[ApplyResult] = []
    both = [threading.Thread(target=lambda: results.append(here.apply(delivery))) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(applied.already for applied in results) == [False, True]
    here.check(delivery)


def test_no_server_is_worth_another_try(receiver: Receiver, here: Edge) -> None:
    nowhere = f"{receiver.engine}://nobody@127.0.0.1:9/receiver"
    lost = replace(here, connection=parse_url("dst_library", nowhere))
    with pytest.raises(Unavailable, match="HUB204"):
        lost.apply(here.prepared([build_person(1)]))


def test_a_lock_held_too_long_is_worth_another_try(receiver: Receiver, here: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    here.send([build_person(1)])
    monkeypatch.setattr("loaders.postgresql.LOCK_SECONDS", 1)
    monkeypatch.setattr("loaders.mysql._SESSION", "set session innodb_lock_wait_timeout = 1")
    receiver.ask("begin")
    receiver.ask(f"update {receiver.q(here.feed.physical)} set {receiver.q('XM')} = 'own'")
    with pytest.raises(Unavailable, match="HUB204"):
        here.apply(here.prepared([build_person(1, full_name="新")]))
    receiver.ask("rollback")


def test_without_local_files_rows_go_as_bound_batches(mariadb_url: str, tmp_path: Path) -> None:
    receiver = Receiver(mariadb_url)
    receiver.ask("set global local_infile = 0")
    try:
        here = edge(mariadb_url, tmp_path)
        here.send(STRANGE_ROWS)
        here.send([build_person(1)], deletes=[STRANGE_ROWS[1]])
    finally:
        receiver.ask("set global local_infile = 1")
        receiver.link.close()


def test_a_server_gets_no_other_file_than_the_one_offered(mariadb_url: str, tmp_path: Path) -> None:
    """The protocol lets a server name the file that it wants: one of ours with passwords in it, say."""
    receiver, here = Receiver(mariadb_url), edge(mariadb_url, tmp_path)
    here.send([build_person(1)])
    secret = tmp_path / "connections.yaml"
    secret.write_text('"x"\n')
    target: Any = here.target()
    with pytest.raises(FeedFailed, match="HUB601"), target.transaction("E07.reader"):
        target.load(secret, receiver.q(here.feed.physical), [receiver.q("GH")])
    assert receiver.ask(f"select count(*) from {receiver.q(here.feed.physical)}") == [(1,)]
    receiver.link.close()


def test_a_table_without_transactions_is_refused(mariadb_url: str, tmp_path: Path) -> None:
    receiver, here = Receiver(mariadb_url), edge(mariadb_url, tmp_path)
    own_table(receiver, here)
    receiver.ask(f"alter table {receiver.q(here.feed.physical)} engine=MyISAM")
    with pytest.raises(FeedFailed, match="HUB611"):
        here.apply(here.prepared([build_person(1)]))
    receiver.link.close()


def test_a_table_in_gbk_is_compared_by_its_text(mariadb_url: str, tmp_path: Path) -> None:
    receiver, here = Receiver(mariadb_url), edge(mariadb_url, tmp_path)
    own_table(receiver, here)
    receiver.ask(f"alter table {receiver.q(here.feed.physical)} convert to character set gbk")
    here.send([build_person(1), build_person(2)])
    here.send([build_person(2, full_name="改")], deletes=[build_person(1)])
    with pytest.raises(FeedFailed, match="HUB601"):
        here.apply(here.prepared([build_person(3, full_name="𠮷")]))
    receiver.link.close()


def test_the_proofs_of_the_selftest_hold_and_leave_nothing(receiver: Receiver, here: Edge) -> None:
    target: Any = here.target()
    steps = prove_target(target)
    target.close()
    assert [(step.name, step.problem) for step in steps] == [
        (f"{drop}/{name}", None)
        for drop in ("delete", "inactive")
        for name in ("first", "changed", "returned", "whole", "nothing")
    ]
    left = "select count(*) from information_schema.tables where substr(table_name, 1, 13) = %s"
    assert receiver.ask(left, "_hub_selftest") == [(0,)]
    for table in ("_hub_sent", "_hub_delivery"):
        assert receiver.ask(f"select distinct edge from {table} where substr(edge, 1, 8) = %s", "SELFTEST") == []
    with pytest.raises(ValueError):
        target.drop_scratch(here.feed)


def test_the_proofs_find_a_receiver_that_changes_what_it_gets(
    receiver: Receiver, here: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receiver's trigger, in the shape of a table that rounds: the proofs name the step, and still tidy up."""
    target: Any = here.target()
    make = target.create_table
    monkeypatch.setattr(target, "create_table", lambda feed, statement: make(feed, statement.replace("(12,2)", "(12,0)")))
    steps = prove_target(target)
    target.close()
    assert all(step.problem for step in steps if step.name.endswith(("first", "changed")))
    assert receiver.ask("select distinct edge from _hub_sent where substr(edge, 1, 8) = %s", "SELFTEST") == []
