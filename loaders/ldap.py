"""Delivery into a directory (LDAP): joiners are added, movers changed, leavers disabled and, after a while, deleted.

A directory changes entry by entry, so a delivery is made of steps that can be repeated: an entry that is already as it
should be is left alone, and the delivery's id is written, in the feed's marker entry, after the last of them. Entries
that this hub made name that marker in `seeAlso`; any other entry belongs to the receiver and is never touched.

A leaver is moved out of the people's branch, so that nobody can log in, and deleted when the receiver's days are over.
A column's `physicalName` is the attribute; a column that the contract calls `multiple` has its values in one text, sorted, with
`;` between.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar

import ldap3
import pyarrow as pa
import pyarrow.parquet as pq
from ldap3.core import exceptions
from ldap3.core.exceptions import LDAPExceptionError
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import escape_rdn

from contracts.contract import Column, FeedDataset
from core.dialects import quote_identifier
from core.engine import quote_literal
from core.errors import FeedFailed, Unavailable
from core.store import reach
from core.store.address import ConnectionAddress
from loaders.base import ApplyResult, ControlTotals, Delivery
from loaders.ldif import list_object_classes
from loaders.tables import control_totals
from loaders.tables.alike import ALIKE
from loaders.tables.control_totals import DUCK, open_workspace

OWN_ROW = "own_row"
"""Reason code: the receiver has an entry of its own with this number."""
KEEP_DAYS = 30
_PERSON = "(objectClass=inetOrgPerson)"
_FEW = 1_000
"""Up to so many keys are looked up one by one; more are read with one search."""
_PAGE = 500
_SECONDS = 30
_DISABLED = "disabled since "
_SEVERAL = "\x1f"
"""Between the values of an attribute that should have one: no text of ours has it, so the entry is not what was sent."""
_ABSENT = "noSuchObject"
_GIVE_UP = {
    "insufficientAccessRights",
    "invalidCredentials",
    "unwillingToPerform",
    "adminLimitExceeded",
    "strongerAuthRequired",
}
_THERE = "entryAlreadyExists"
_REASONS = {_THERE: OWN_ROW}
_TLS = (exceptions.LDAPStartTLSError, exceptions.LDAPSSLConfigurationError, exceptions.LDAPCertificateError)
_AWAY = {"busy", "unavailable", "timeLimitExceeded"}
Values = dict[str, list[str]]


@dataclass(frozen=True)
class DirectoryEntry:
    """An entry as the directory has it: attributes of the contract, whether the hub made it, and whether it is disabled."""

    values: Values
    ours: bool
    disabled: bool


@dataclass(frozen=True)
class DirectoryBranch:
    """Where a feed's entries lie, and the marker by which they are known."""

    feed: FeedDataset
    people: str
    disabled: str
    marker: str

    @property
    def key(self) -> Column:
        return control_totals.key_columns(self.feed)[0]

    def build_dn(self, key: str, disabled: bool = False) -> str:
        return f"{self.key.physical}={escape_rdn(key)},{self.disabled if disabled else self.people}"

    @property
    def classes(self) -> list[str]:
        return list_object_classes(self.feed)


class LdapTarget:
    """Family `ldap`: `ldap://<bind dn>:<password>@host:389/<branch of people>?disabled=<branch>&keep_days=30&tls=start`."""

    family: ClassVar[str] = "ldap"

    def __init__(self, connection: ConnectionAddress) -> None:
        self.connection = connection
        self._link: ldap3.Connection | None = None

    def apply(self, delivery: Delivery) -> ApplyResult:
        """Bring the delivery's entries to what they should be; entries that are so already cost one reading.

        Raises:
            Unavailable: HUB204, no connection, or it broke off; the same delivery goes on where it ended.
            FeedFailed: HUB601, the directory refuses as a whole; HUB621, a branch is missing.
        """
        branch = self._build_branch(delivery.feed)
        with self._translate_errors(delivery.feed), open_workspace(delivery.feed.id) as (db, _):
            already = self._prepare_branch(branch) == delivery.id
            keys = _read_keys(delivery.upserts, branch)
            gone = _read_keys(delivery.deletes, branch)
            found = self._read_entries(branch, [*keys, *gone] if delivery.mode == "delta" else None)
            refused: dict[str, str] = {}
            for values in _read_upserts(db, delivery):
                key = values[branch.key.physical][0]
                if reason := self._upsert_entry(branch, key, values, found.get(key)):
                    refused[key] = reason
            listed = set(keys)
            leavers = gone if delivery.mode == "delta" else [key for key in found if key not in listed]
            foreign = {key: OWN_ROW for key in gone if key in found and not found[key].ours}
            dropped = sum(self._disable_entry(branch, key, found.get(key), delivery.as_of) for key in leavers)
            self._delete_expired(branch, delivery.as_of)
            self._run_operation("modify", branch.marker, {"description": [(ldap3.MODIFY_REPLACE, [delivery.id])]})
        return ApplyResult(len(keys) - len(refused), dropped, already, refused | foreign)

    def read_receipt(self, delivery: Delivery) -> ControlTotals:
        """Totals of what this delivery sent, read back; in full mode of everything sent."""
        branch = self._build_branch(delivery.feed)
        with self._translate_errors(delivery.feed):
            if delivery.mode == "full":
                return self._compute_totals(branch, self._read_entries(branch, None), 0)
            gone = _read_keys(delivery.deletes, branch)
            found = self._read_entries(branch, [*_read_keys(delivery.upserts, branch), *gone])
            deleted = [key for key in gone if key not in found or found[key].disabled]
            return self._compute_totals(
                branch, {key: entry for key, entry in found.items() if key not in set(gone)}, len(deleted)
            )

    def read_totals(self, feed: FeedDataset) -> ControlTotals:
        """Totals of every entry of this feed that is not disabled, as the directory has it now."""
        branch = self._build_branch(feed)
        with self._translate_errors(feed):
            return self._compute_totals(branch, self._read_entries(branch, None), 0)

    def compare_rows(self, feed: FeedDataset, expected: Path, out: Path) -> tuple[int, int, int]:
        """Compare the directory with a Parquet file of all rows; see `loaders.tables.table.TableTarget.compare`."""
        branch = self._build_branch(feed)
        with self._translate_errors(feed), open_workspace(feed.id) as (db, _):
            db.register("entries", _build_table(branch, self._read_entries(branch, None)))
            db.execute(
                f"create table found as select {control_totals.key_text(feed, DUCK, control_totals.cast_column)} as row_key,"
                f" {control_totals.content_hash(feed, DUCK, control_totals.cast_column)} as row_hash from entries"
            )
            return control_totals.count_differences(db, feed, expected, out)

    def find_rows(self, feed: FeedDataset, keys: Sequence[str]) -> dict[str, list[str | None]]:
        """Our entries with these keys that are not disabled, as texts of all columns."""
        branch = self._build_branch(feed)
        with self._translate_errors(feed), open_workspace(feed.id) as (db, _):
            db.register("entries", _build_table(branch, self._read_entries(branch, keys)))
            return control_totals.find_rows(db, feed, "entries", keys)

    def close(self) -> None:
        """Give the connection back."""
        link, self._link = self._link, None
        if link is not None:
            with contextlib.suppress(LDAPExceptionError):
                link.unbind()
            if link.socket is not None:  # the library leaves it open when the server is gone
                link.socket.close()

    def _build_branch(self, feed: FeedDataset) -> DirectoryBranch:
        people = self.connection.database
        disabled = self.connection.options.get("disabled") or f"ou=disabled,{people.partition(',')[2]}"
        return DirectoryBranch(feed, people, disabled, f"cn={feed.edge}.{feed.dataset},{disabled}")

    def _ensure_connected(self) -> ldap3.Connection:
        if self._link is None:
            at = self.connection
            server = ldap3.Server(
                at.host, _choose_port(at), use_ssl=_is_secure(at), get_info=ldap3.NONE, connect_timeout=_SECONDS
            )
            link = ldap3.Connection(server, at.user, at.password, receive_timeout=_SECONDS)
            try:
                if at.options.get("tls") == "start":
                    link.start_tls()
                if not link.bind():
                    raise exceptions.LDAPBindError(link.result["description"])
            except LDAPExceptionError:
                if link.socket is not None:  # the library leaves it open when nobody answers
                    link.socket.close()
                raise
            self._link = link
        return self._link

    @contextlib.contextmanager
    def _translate_errors(self, feed: FeedDataset) -> Iterator[None]:
        """The library's errors as ours; their texts may quote an entry, so only the class is told."""
        try:
            yield
        except exceptions.LDAPBindError as error:
            raise FeedFailed("HUB601", feed.id, **reach.explain_unreached([str(error)], reach.Route())) from error
        except LDAPExceptionError as error:
            opened, at = self._link is not None, self.connection
            self.close()
            codes = ["tls" if isinstance(error, _TLS) else type(error).__name__]
            way = reach.Route(at.host, _choose_port(at))
            raise Unavailable(
                "HUB204", feed.id, **(reach.explain_broken(codes) if opened else reach.explain_unreached(codes, way))
            ) from None

    def _run_operation(self, verb: str, dn: str, *given: Any) -> str:
        """One operation; returns the result's name: `success`, or one that concerns this entry only.

        Raises:
            FeedFailed: HUB601 when the directory refuses everybody. Unavailable: HUB204 when it cannot answer now.
        """
        link = self._ensure_connected()
        getattr(link, verb)(dn, *given)
        name = str(link.result["description"])
        if name in _GIVE_UP:
            raise FeedFailed("HUB601", self.connection.id, **reach.explain_broken([name]))
        if name in _AWAY:
            raise Unavailable("HUB204", self.connection.id, **reach.explain_broken([name]))
        return name

    def _prepare_branch(self, branch: DirectoryBranch) -> str | None:
        """Make the branch of the disabled and the marker where they are missing; returns the last delivery's id.

        Raises:
            FeedFailed: HUB621 when the people's branch, or what the other one hangs on, is not there.
        """
        link = self._ensure_connected()
        if not link.search(branch.people, "(objectClass=*)", ldap3.BASE, attributes=[ldap3.NO_ATTRIBUTES]):
            raise FeedFailed("HUB621", branch.feed.id, branch=branch.people)
        name, _, value = branch.disabled.partition(",")[0].partition("=")
        self._run_operation("add", branch.disabled, ["organizationalUnit"], {name: value})
        made = self._run_operation(
            "add", branch.marker, ["applicationProcess"], {"cn": f"{branch.feed.edge}.{branch.feed.dataset}"}
        )
        if made == _ABSENT:
            raise FeedFailed("HUB621", branch.feed.id, branch=branch.disabled)
        link.search(branch.marker, "(objectClass=*)", ldap3.BASE, attributes=["description"])
        said = link.response[0]["raw_attributes"].get("description") if link.response else None
        return said[0].decode() if said else None

    def _read_entries(self, branch: DirectoryBranch, keys: Sequence[str] | None) -> dict[str, DirectoryEntry]:
        """Entries by key: those with the given keys whoever made them, or (None) all that the hub made."""
        if keys is not None and len(keys) <= _FEW:
            return dict(self._look_up_entries(branch, keys))
        ours = f"(seeAlso={escape_filter_chars(branch.marker)})"
        found = {
            **dict(self._search_entries(branch, branch.disabled, ldap3.LEVEL, ours, True)),
            **dict(self._search_entries(branch, branch.people, ldap3.LEVEL, ours if keys is None else _PERSON, False)),
        }
        if keys is None:
            return found
        wanted = set(keys)
        return {key: entry for key, entry in found.items() if key in wanted}

    def _look_up_entries(self, branch: DirectoryBranch, keys: Iterable[str]) -> Iterator[tuple[str, DirectoryEntry]]:
        for key in keys:
            for disabled in (True, False):
                found = self._search_entries(branch, branch.build_dn(key, disabled), ldap3.BASE, _PERSON, disabled)
                yield from (pair for pair in found if pair[0] == key)

    def _search_entries(
        self, branch: DirectoryBranch, base: str, scope: str, condition: str, disabled: bool
    ) -> Iterator[tuple[str, DirectoryEntry]]:
        names = [column.physical for column in branch.feed.columns]
        for _, given in self._search_pages(base, condition, scope, [*names, "seeAlso"]):
            values = {name: sorted(given[name]) for name in names if given.get(name)}
            if branch.key.physical in values:
                ours = any(is_same_dn(value, branch.marker) for value in given.get("seeAlso", ()))
                yield values[branch.key.physical][0], DirectoryEntry(values, ours, disabled)

    def _search_pages(self, base: str, condition: str, scope: str, names: list[str]) -> Iterator[tuple[str, Values]]:
        """DN and attributes of what a search finds, page by page, since servers cut an answer off; nothing without the base."""
        with contextlib.suppress(exceptions.LDAPNoSuchObjectResult):
            for item in self._ensure_connected().extend.standard.paged_search(
                base, condition, scope, attributes=names, paged_size=_PAGE, generator=True
            ):
                yield item["dn"], {name: [cell.decode() for cell in cells] for name, cells in item["raw_attributes"].items()}

    def _upsert_entry(self, branch: DirectoryBranch, key: str, values: Values, found: DirectoryEntry | None) -> str | None:
        """Add or change one entry; returns why the directory refused it, or None."""
        if found is None:
            given = {**values, "seeAlso": [branch.marker]}
            name = self._run_operation("add", branch.build_dn(key), branch.classes, given)
            if name == _THERE and any(
                there != key for there, _ in self._search_entries(branch, branch.build_dn(key), ldap3.BASE, _PERSON, False)
            ):
                return ALIKE  # to the directory, names are one in capitals and small letters
            return None if name == "success" else _REASONS.get(name, name)
        if not found.ours:
            return OWN_ROW
        if found.disabled:
            if (moved := self._move_entry(branch, key, back=True)) != "success":
                return moved
            self._run_operation("modify", branch.build_dn(key), {"description": [(ldap3.MODIFY_DELETE, [])]})
        changes = {
            column.physical: [(ldap3.MODIFY_REPLACE, values.get(column.physical, []))]
            for column in branch.feed.columns
            if values.get(column.physical, []) != found.values.get(column.physical, [])
        }
        name = self._run_operation("modify", branch.build_dn(key), changes) if changes else "success"
        return None if name == "success" else name

    def _disable_entry(self, branch: DirectoryBranch, key: str, found: DirectoryEntry | None, as_of: date) -> int:
        """Move one of our entries out of the people's branch; 1 when it had not been moved before."""
        if found is None or not found.ours or found.disabled:
            return 0
        self._run_operation(
            "modify", branch.build_dn(key), {"description": [(ldap3.MODIFY_REPLACE, [f"{_DISABLED}{as_of.isoformat()}"])]}
        )
        self._move_entry(branch, key)  # refused: the receipt misses one that is gone
        return 1

    def _move_entry(self, branch: DirectoryBranch, key: str, back: bool = False) -> str:
        """Move an entry to the branch of the disabled, or back; returns the result's name."""
        rdn = branch.build_dn(key).removesuffix(f",{branch.people}")
        return self._run_operation(
            "modify_dn", branch.build_dn(key, back), rdn, True, branch.people if back else branch.disabled
        )

    def _delete_expired(self, branch: DirectoryBranch, as_of: date) -> None:
        """Delete the disabled entries whose days are over; a contract that only marks its leavers keeps them."""
        if branch.feed.drop != "delete":
            return
        limit = as_of - timedelta(days=int(self.connection.options.get("keep_days", KEEP_DAYS)))
        condition = f"(&(seeAlso={escape_filter_chars(branch.marker)})(description={_DISABLED}*))"
        for dn, given in list(self._search_pages(branch.disabled, condition, ldap3.LEVEL, ["description"])):
            if date.fromisoformat(given["description"][0].removeprefix(_DISABLED)) <= limit:
                self._run_operation("delete", dn)

    def _compute_totals(self, branch: DirectoryBranch, entries: Mapping[str, DirectoryEntry], deleted: int) -> ControlTotals:
        feed = branch.feed
        with open_workspace(feed.id) as (db, _):
            db.register("entries", _build_table(branch, entries))
            [row] = db.execute(control_totals.build_query(feed, DUCK, control_totals.cast_column, "entries")).fetchall()
            return control_totals.parse_totals(feed, row, deleted)


def is_same_dn(left: str, right: str) -> bool:
    """Whether two names are the same; directories may change case and blanks after commas."""
    return left.replace(", ", ",").lower() == right.replace(", ", ",").lower()


def _read_keys(rows: Path, branch: DirectoryBranch) -> list[str]:
    with pq.ParquetFile(rows) as file:
        return [str(key) for key in file.read([branch.key.name])[branch.key.name].to_pylist()]


def _read_upserts(db: Any, delivery: Delivery) -> Iterator[Values]:
    """The upserts as attributes; a directory has no empty values, so what is NULL or empty is left out."""
    feed = delivery.feed
    texts = ", ".join(f"upper({c})" if kind == "boolean" else c for c, kind in _select_texts(feed))
    cursor = db.execute(f"select {texts} from read_parquet({quote_literal(delivery.upserts)})")
    while chunk := cursor.fetchmany(_PAGE):
        for cells in chunk:
            yield {
                column.physical: sorted(str(cell).split(";")) if column.multiple else [str(cell)]
                for column, cell in zip(feed.columns, cells, strict=True)
                if cell not in (None, "")
            }


def _is_secure(address: ConnectionAddress) -> bool:
    return address.url.startswith("ldaps:")


def _choose_port(address: ConnectionAddress) -> int:
    return address.port or (636 if _is_secure(address) else 389)


def _select_texts(feed: FeedDataset) -> list[tuple[str, str]]:
    return [(f"cast({quote_identifier(column.name, DUCK.engine)} as varchar)", column.type.name) for column in feed.columns]


def _build_table(branch: DirectoryBranch, entries: Mapping[str, DirectoryEntry]) -> pa.Table:
    """Our entries that are not disabled, as texts under the canonical names."""
    shown = [entry.values for entry in entries.values() if entry.ours and not entry.disabled]
    joined = {column.name: ";" if column.multiple else _SEVERAL for column in branch.feed.columns}
    return pa.table(
        {
            column.name: pa.array(
                [joined[column.name].join(values[column.physical]) if column.physical in values else None for values in shown],
                pa.string(),
            )
            for column in branch.feed.columns
        }
    )
