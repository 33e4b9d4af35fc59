"""A file on trial: read, mapped and checked as a night would do it, in a folder of its own, before anything is taken.

The same parser, the same SELECT and the same suite judge it; neither the hub nor the night's steps in the ledger learn of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from contracts.catalog import Catalog
from contracts.contract import Column, Entity, Rule, SourceDataset
from contracts.sql.files import tables_of
from contracts.sql.lineage import uses
from core.dialects import quoted
from core.engine import engine, literal
from core.errors import Denied, HubError
from core.messages import text
from core.row_set import Rows
from core.settings import settings
from core.store.connections import connection
from core.store.ledger import Ledger, Run
from extractors.base import drift
from extractors.file import Files
from loaders import hub, landing
from loaders.landing import ROW, Landed
from pipeline.context import Night
from pipeline.ingest.landing_writer import store
from pipeline.transform import check, conform, published
from quality.mask import mask
from quality.scan import REASONS
from reporting import status

FAULTS_LISTED = 5_000
CODES_LISTED = 12


@dataclass(frozen=True)
class Fault:
    """What is wrong in one cell. `row` is where a person finds it, 0 for the file as a whole; `value` may be shown."""

    row: int
    column: str
    value: str
    severity: str
    why: str
    right: str


@dataclass(frozen=True)
class Trial:
    """What a night would make of the file: at most `FAULTS_LISTED` faults, and in `stopped` what nobody may wave through."""

    rows: int
    held: int
    faults: tuple[Fault, ...]
    stopped: HubError | None = None

    @property
    def is_sound(self) -> bool:
        return self.held == 0 and self.stopped is None


def trial(book: Ledger, known: Catalog, dataset: SourceDataset, folder: Path, as_of: date) -> Trial:
    """Judge the one file in `folder`, which has the name that the contract's extractor expects.

    Raises:
        Denied: HUB746 when the dataset's SELECT needs another dataset that has never been read.
        ContractError: the contract, a SELECT or a check is wrong, which is no fault of the file.
    """
    files = Files(replace(connection(dataset.connection), path=str(folder)))
    try:
        landed = _land(files, dataset, folder / "landed")
    except HubError as error:
        if error.recovery != "refuse":
            raise
        return Trial(0, 0, (Fault(0, "", "", "error", error.line(), text("desk.right.file")),), error)
    night = Night(Run("upload", "upload", as_of, ()), book, known)
    names = entities_of(known, dataset)
    if landed.rows == 0 and not all(known.entity(name).brake.may_be_empty for name in names):
        empty = Denied("HUB742", dataset.id)
        return Trial(0, 0, (Fault(0, "", "", "error", empty.line(), text("desk.right.file")),), empty)
    return _judged(night, dataset, landed, files, folder)


def entities_of(known: Catalog, dataset: SourceDataset) -> list[str]:
    """The entities that a dataset's rows become, parents first."""
    mine = (dataset.system, dataset.name)
    return [
        name
        for name in known.entities_of(dataset.system)
        if mine in tables_of(known.conform_file(name, dataset.system).read_text("utf-8"))
    ]


def _land(files: Files, dataset: SourceDataset, folder: Path) -> Landed:
    drift(dataset, files.columns(dataset.physical, dataset))
    with files.read(dataset) as reading:
        rows, content = store(folder, reading)
        facts = (rows, reading.source_count, content, dataset.version, dataset.mode)
    return Landed(dataset.system, dataset.name, "upload", str(folder), *facts, high=None, complete=True)


def _judged(night: Night, dataset: SourceDataset, landed: Landed, files: Files, folder: Path) -> Trial:
    book, known = night.ledger, night.catalog
    names = entities_of(known, dataset)
    unfit = hub.prepare(book, list(known.entities.values()))
    for name in unfit.keys() & names:
        raise unfit[name]
    landings = {id: landing.landed(output) for id, output in book.latest("extract").items() if id in known.sources}
    landings[dataset.id] = landed
    mapped = {name: folder / f"{name}.parquet" for name in names}
    lost = dict[str, Path]()
    for name, path in mapped.items():
        made = conform.mapped(night, name, landings, path)
        if dataset.system not in made["systems"]:
            raise Denied("HUB746", dataset.id, entity=name)
        if made["lost"]:
            lost[name] = _of(dataset, Path(made["lost"]))
    failures, stopped = dict[str, Path](), None
    for name in names:
        failures[name], error = _check(night, (known.entity(name), dataset.system), mapped, folder / f"checked.{name}")
        stopped = stopped or error
    found = [*failures.items(), *lost.items()]
    numbers = files.row_numbers(dataset) if any(pq.read_metadata(path).num_rows for _, path in found) else []
    view = _View(known, dataset, landed.file(night.landing), numbers)
    held = _held_rows([path for _, path in found], dataset.system)
    faults = [fault for name, path in found for fault in view.faults(known.entity(name), path)]
    if stopped:
        faults.insert(0, Fault(0, "", "", "error", stopped.line(), text("desk.right.file")))
    return Trial(landed.rows, held, tuple(faults[:FAULTS_LISTED]), stopped)


def _check(night: Night, of: tuple[Entity, str], mapped: Mapping[str, Path], out: Path) -> tuple[Path, HubError | None]:
    """The failures of the rows that a system gives of an entity, and why the night would stop the entity, if it would."""
    from quality.base import Question
    from quality.check import check as judge
    from quality.quarantine import gate

    entity, system = of
    needed = check.dependencies(night, entity)
    beside = {other: Rows(mapped[other]) if other in mapped else published.last(night, other)[0] for other in needed}
    back = {other: published.last(night, other)[0] for other in check.looks_back(night, entity.name)}
    out.mkdir(parents=True)
    verdict = judge(Question(entity, night.catalog, mapped[entity.name], beside, out, back), settings().checks)
    try:
        gate(entity, system, verdict.rows, verdict.held_rows, verdict.wrong_rows)
    except HubError as error:
        return verdict.failures, error
    return verdict.failures, None


def _of(dataset: SourceDataset, lost: Path) -> Path:
    """The rows of the file among those that a SELECT read and gave no row for."""
    mine = lost.with_suffix(".mine.parquet")
    with engine("upload") as db:
        db.execute(f"copy (from read_parquet({literal(lost)}) where dataset = {literal(dataset.id)}) to {literal(mine)}")
    return mine


def _held_rows(failures: Sequence[Path], system: str) -> int:
    """How many rows of the file would be held, whichever of its entities holds them."""
    if not failures:
        return 0
    with engine("upload") as db:
        listed = ", ".join(literal(path) for path in failures)
        return int(
            db.execute(
                f"select count(distinct source_row) from read_parquet([{listed}], union_by_name = true)"
                " where source_system = ? and severity = 'error'",
                [system],
            ).fetchall()[0][0]
        )


@dataclass(frozen=True)
class _View:
    """The failures of a file as the person who filled it in sees them."""

    known: Catalog
    dataset: SourceDataset
    rows: Path
    numbers: list[int]

    def faults(self, entity: Entity, failures: Path) -> list[Fault]:
        """One fault for every failed rule of every row, in the order of the file, capped before any value is read."""
        made_from = self._made_from(entity)
        physical = ", ".join(f"cast(r.{quoted(c.physical, 'duckdb')} as varchar)" for c in self.dataset.columns)
        with engine(self.dataset.id) as db:
            found = db.execute(
                f"select f.source_row, f.rule_id, f.columns, f.severity, {physical} from read_parquet({literal(failures)}) f"
                f" join read_parquet({literal(self.rows)}) r on r.{ROW} = f.source_row where f.source_system = ?"
                f" order by f.source_row, f.severity limit {FAULTS_LISTED}",
                [self.dataset.system],
            ).fetchall()
        return [self._fault(entity, made_from, row) for row in found]

    def _made_from(self, entity: Entity) -> dict[str, list[Column]]:
        """Entity column -> the columns of the file that it is made from."""
        sql = self.known.conform_file(entity.name, self.dataset.system).read_text("utf-8")
        used = uses(sql, frozenset(column.name for column in entity.columns))
        made: dict[str, list[Column]] = {}
        for column in self.dataset.columns:
            for name in used.get((self.dataset.id, column.name), []):
                made.setdefault(name, []).append(column)
        return made

    def _fault(self, entity: Entity, made_from: Mapping[str, list[Column]], row: tuple[Any, ...]) -> Fault:
        position, rule_id, names, severity, *cells = row
        values = dict(zip((column.name for column in self.dataset.columns), cells, strict=True))
        columns = list({column.name: column for name in names.split(",") for column in made_from.get(name, [])}.values())
        rule = next((rule for rule in entity.rules if rule.id == rule_id), None)
        return Fault(
            row=self.numbers[position],
            column="、".join(column.physical for column in columns),
            value="、".join(mask(column, values[column.name] or "") for column in columns),
            severity=severity,
            why=status.why(self.known, entity.name, rule_id, system=self.dataset.system),
            right=right(self.known, self.dataset.system, entity, rule, rule_id),
        )


def right(known: Catalog, system: str, entity: Entity, rule: Rule | None, rule_id: str) -> str:
    """What would be right in the place of what a rule refused, in the words that this system uses itself."""
    kind = rule.kind if rule else rule_id.rsplit(".", 1)[-1]
    if rule is None:
        if (reason := kind.partition(":")[0]) in REASONS:
            return text(f"desk.right.{reason}")
        column = next((column for column in entity.columns if f"{entity.name}.{column.name}.{kind}" == rule_id), None)
        return text(f"desk.right.{column.type.name}") if column else text("desk.right.sql")
    facts = {"pattern": "", "minimum": "", "maximum": "", "entity": "", "list": "", "codes": ""}
    facts |= {name: value for name, value in rule.facts.items() if value is not None}
    if kind == "code":
        codes = codes_of(known, system, str(rule.facts["list"]))
        facts["codes"] = "、".join(codes[:CODES_LISTED]) + (" …" if len(codes) > CODES_LISTED else "")
    if kind == "reference" and facts["entity"] in known.entities:
        facts["entity"] = known.entity(str(facts["entity"])).title
    return text(f"desk.right.{kind}", None, **facts)


def codes_of(known: Catalog, system: str, name: str) -> list[str]:
    """What a system may write for a code list: its own codes where it has a map, else the hub's."""
    with engine(system) as db:
        conform.code_views(db, known)
        rows = db.execute(
            "select source_code from codes.map where system = ? and list = ? order by 1", [system, name]
        ).fetchall()
    return [str(row[0]) for row in rows] or [code.code for code in known.codes if code.list == name]
