"""What the small university's databases say, by SQL of its own: the measure that the hub is held against."""

from __future__ import annotations

from typing import Any

import psycopg

Rows = list[tuple[Any, ...]]
GOOD = """
select gh, xm, case xb when '男' then '1' else '2' end, to_date(lxrq, 'YYYYMMDD'), gz, dwh from jzg
where xm is not null and xb in ('男', '女') and lxrq <> '20260231' and gh ~ '^[A-Za-z0-9]{4,20}$'
order by 1
"""
AT = "from_version <= {version} and (to_version is null or to_version > {version})"


class Oracle:
    """Remembers every content that the department's rows ever had, and what of its keys was damaged and not taken out."""

    def __init__(self, lab: Any) -> None:
        self.lab = lab
        self.contents: set[tuple[Any, ...]] = set()
        self.hurt: set[str] = set()
        self.good: Rows = []
        self.behind_rollback = False

    # the department's side

    def source(self) -> Rows:
        """The rows that can be read; of a table that cannot be, those of before."""
        columns = self._rows(self.lab.source, "select column_name from information_schema.columns where table_name = 'jzg'")
        if ("xb",) in columns:
            self.good = self._rows(self.lab.source, GOOD)
        return self.good

    def look(self) -> None:
        """Remember what the rows that can be read say now."""
        self.contents |= set(self.source())

    def damaged(self, key: str) -> None:
        """A row of this key was damaged by hand, if there was one: it is not gone."""
        if key in {row[0] for row in self.hub()}:
            self.hurt.add(key)

    def mended(self) -> None:
        self.hurt.clear()
        self.look()

    # the hub's side

    def version(self) -> int:
        return int(self._rows(self.lab.hub_url, "select coalesce(max(version), 0) from ops.version")[0][0])

    def hub(self) -> Rows:
        return self.rows_at(self.version())

    def rows_at(self, version: int) -> Rows:
        columns = "staff_no, name, sex_code, joined_on, salary, unit_code"
        where = AT.format(version=version)
        return self._rows(self.lab.hub_url, f"select {columns} from hub.staff where {where} order by 1")

    def wanted(self, version: int) -> Rows:
        """What a receiver should hold at a version."""
        staff, units = (f"(select * from hub.{name} where {AT.format(version=version)})" for name in ("staff", "org_unit"))
        return self._rows(
            self.lab.hub_url,
            f"select s.staff_no, s.name, s.joined_on, u.name from {staff} s left join {units} u using (unit_code) order by 1",
        )

    # the receivers' side

    def received(self, edge: str) -> Rows:
        """What the receiver of an edge has as its rows: those that it was not told to end."""
        if edge == "E01":
            return self._rows(self.lab.academic, "select staff_no, name, joined_on, unit_name from hub_staff order by 1")
        return self.lab.in_library(
            "select staff_no, name, joined_on, unit_name from hub_staff where is_active = '1' order by 1"
        )

    # what must hold

    def before_night(self) -> Rows:
        return self.hub() if self._rows(self.lab.hub_url, "select to_regclass('hub.staff')")[0][0] else []

    def after_night(self, before: Rows) -> None:
        """No key that is in its source, or that is only damaged there, has left the hub."""
        stays = {row[0] for row in self.source()} | self.hurt
        lost = stays & {row[0] for row in before} - {row[0] for row in self.hub()}
        assert not lost, f"in the source, and taken out of the hub: {sorted(lost)}"

    def rolled_back(self) -> None:
        self.behind_rollback = True

    def unsettled(self, ledger: Any) -> bool:
        """Whether the hub says that it is behind its source on purpose: a damaged key, a rollback, a first absence."""
        return bool(self.hurt) or self.behind_rollback or bool(ledger.rows("select 1 from ops.absent"))

    def check(self) -> None:
        """The hub holds only what the department once said, one row a key at any version."""
        strange = set(self.hub()) - self.contents
        assert not strange, f"never said by the department: {sorted(strange)}"
        self._no_two_rows_at_once()

    def _no_two_rows_at_once(self) -> None:
        twice = self._rows(
            self.lab.hub_url,
            "select a.source_key from hub.staff a join hub.staff b on a.source_key = b.source_key and a.ctid <> b.ctid"
            " where a.from_version < coalesce(b.to_version, 1000000) and b.from_version < coalesce(a.to_version, 1000000)",
        )
        assert not twice

    def no_name_in_ledger(self) -> None:
        """No table of the ledger holds a person's name."""
        names = {row[1] for row in self.contents}
        for (table,) in self._rows(self.lab.hub_url, "select tablename from pg_tables where schemaname = 'ops'"):
            for (text,) in self._rows(self.lab.hub_url, f"select t::text from ops.{table} t"):
                found = {name for name in names if name in text}
                assert not found, f"ops.{table}"

    @staticmethod
    def _rows(url: str, query: str) -> Rows:
        with psycopg.connect(url) as connection:
            return connection.execute(query.encode()).fetchall()
