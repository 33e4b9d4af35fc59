"""Golden cases: rows as a department writes them, and what the hub makes of them.

One folder `<entity>__<system>` beside `sql/` for every `sql/conform/<entity>/<system>.sql`, found by presence. Its `case.yaml`:

    given:   source dataset -> rows, columns named as in the department's system; a dataset without rows is empty
             a derived entity is given `hub.<entity>` -> rows as they will stand tonight, which is 2026-09-07
    known:   entity -> rows of it that stand in the hub tonight (what references and SQL checks look at)
    standing: entity -> rows of it in the hub's last version (what checks compare with)
    expect:  the accepted rows, all of them: the key and whichever columns the case is about
    held:    {key, rule} of everything that holds a row; a key of several columns is joined with `|`, one that cannot be read
             is written `#` and the row's position, counted from 0
    warned:  {key, rule} of what is reported and lets the row pass

A cell is text exactly as written (`01` stays `01`, `true` stays `true`), `~` is NULL, and so is a column that is left out.
A row may repeat another with a difference: `- {<<: *good, XH: A2}`. To run the cases of another home: set `HUB_HOME`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from contracts.catalog import load_catalog
from contracts.contract import HUB, Entity, SourceDataset
from contracts.sql.files import list_tables
from core.dialects import spell_sql_type
from core.engine import quote_literal
from core.hashing import hash_file
from core.row_set import RowSet
from core.settings import get_settings
from core.store import postgres
from core.store.ledger import open_ledger
from loaders import landing
from loaders.landing import Landing
from pipeline.context import RunContext
from pipeline.transform.conform import conform_entity
from pipeline.transform.derive import derive_entity
from quality.base import CheckRequest
from quality.check import check_rows

Row = Mapping[str, str | None]

HOME = get_settings().home
CASES = HOME / "tests" / "golden"
SELECTS = {f"{path.parent.name}__{path.stem}": path for path in sorted((HOME / "sql" / "conform").glob("*/*.sql"))}
PARTS = {"given", "known", "standing", "expect", "held", "warned"}


class Cells(yaml.SafeLoader):
    """YAML whose plain scalars are text, but for `~` and the merge key."""

    yaml_implicit_resolvers = {first: yaml.SafeLoader.yaml_implicit_resolvers[first] for first in "~<"}  # noqa: RUF012


@pytest.fixture(scope="module")
def night(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunContext]:
    """A run on an empty hub, for the cases to be mapped in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_HOME", str(HOME))
        patch.setenv("HUB_VAR", str(tmp_path_factory.mktemp("golden")))
        patch.setenv("HUB_URL", postgres.ensure_database(postgres_server, "golden"))
        get_settings.cache_clear()
        book = open_ledger()
        yield RunContext(book.open_run("golden", date(2026, 9, 7)), book, load_catalog(HOME))
        book.close()
    get_settings.cache_clear()


def test_every_select_has_a_case_and_every_case_a_select() -> None:
    assert sorted(path.parent.name for path in CASES.glob("*/case.yaml")) == sorted(SELECTS)


@pytest.mark.parametrize("name", [name for name in SELECTS if (CASES / name / "case.yaml").is_file()])
def test_given_rows_become_what_the_case_expects(night: RunContext, name: str) -> None:
    place = night.folder("case", name)
    select = SELECTS[name]
    case = yaml.load((CASES / name / "case.yaml").read_text("utf-8"), Loader=Cells)
    assert set(case) <= PARTS, "a part of the case is not known"
    entity = night.catalog.entity(select.parent.name)

    sources = [f"{system}.{dataset}" for system, dataset in list_tables(select.read_text("utf-8")) if system != "codes"]
    assert set(case["given"]) <= set(sources), f"the SELECT reads {sources}"
    others = {id.removeprefix(f"{HUB}."): rows for id, rows in case["given"].items() if id.startswith(f"{HUB}.")}
    known = _known(night, {**others, **case.get("known", {})}, place / "known", select.stem)
    stood = _known(night, case.get("standing", {}), place / "standing", select.stem)
    if select.stem == HUB:
        hashes = {other: (rows, hash_file(rows.file)) for other, rows in known.items()}
        conformed = Path(derive_entity(night, entity.name, hashes)["file"])
    else:
        landed = {id: _land(night, night.catalog.source(id), case["given"].get(id, []), name) for id in sources}
        conformed = Path(conform_entity(night, entity.name, landed)["file"])
    verdict = check_rows(CheckRequest(entity, night.catalog, conformed, known, _new(place), stood))

    wanted = {"|".join(str(row[column]) for column in entity.key): row for row in case["expect"]}
    found = {str(row["source_key"]): row for row in _cells(conformed, verdict.left_out)}
    assert {key: {column: row[column] for column in wanted.get(key, entity.key)} for key, row in found.items()} == wanted

    failures = _cells(verdict.failures)
    for severity, part in (("error", "held"), ("warning", "warned")):
        told = [
            (row["source_key"] or f"#{row['source_row']}", row["rule_id"]) for row in failures if row["severity"] == severity
        ]
        assert sorted(told) == sorted((row["key"], row["rule"]) for row in case.get(part, [])), part


def _land(night: RunContext, dataset: SourceDataset, rows: list[Row], case: str) -> Landing:
    """Rows in the landing as a file of texts gives them."""
    columns = [column.physical for column in dataset.columns]
    _names_exist(rows, columns, dataset.id)
    batch = _texts(rows, columns).to_reader()
    folder = Path(dataset.system, dataset.name, case)
    count, content = landing.write_landing(night.landing / folder, batch)
    here = (dataset.system, dataset.name, night.run.id, str(folder), count, count, content, dataset.version)
    return Landing(*here, mode="snapshot", high=None, complete=True)


def _known(night: RunContext, known: Mapping[str, list[Row]], folder: Path, system: str) -> dict[str, RowSet]:
    """Every entity's rows in a Parquet of the contract's types, with provenance; one that the case does not name is empty."""
    assert set(known) <= set(night.catalog.entities)
    folder.mkdir()
    return {
        name: RowSet(_standing(entity, known.get(name, []), folder, system)) for name, entity in night.catalog.entities.items()
    }


def _standing(entity: Entity, rows: list[Row], folder: Path, system: str) -> Path:
    columns = [*(column.name for column in entity.columns), "source_system"]
    _names_exist(rows, columns, entity.name)
    typed = ", ".join(
        f"cast({column.name} as {spell_sql_type(column.type, 'duckdb')}) as {column.name}" for column in entity.columns
    )
    key = " || '|' || ".join(f"coalesce({name}, '')" for name in entity.key)
    path = folder / f"{entity.name}.parquet"
    with duckdb.connect(":memory:") as db:
        db.register("rows", _texts(rows, columns))
        db.execute(
            f"copy (select {typed}, coalesce(source_system, {quote_literal(system)}) as source_system, {key} as source_key"
            f" from rows) to {quote_literal(path)} (format parquet)"
        )
    return path


def _texts(rows: list[Row], columns: list[str]) -> pa.Table:
    return pa.table({column: pa.array([row.get(column) for row in rows], pa.string()) for column in columns})


def _names_exist(rows: list[Row], columns: list[str], where: str) -> None:
    unknown = {column for row in rows for column in row} - set(columns)
    assert not unknown, f"{where} has no column {sorted(unknown)}"


def _cells(path: Path, without: Path | None = None) -> list[Row]:
    """The rows of a Parquet file as text, the way an engine writes its values out: `5000.00`, `2026-09-01`, `true`."""
    columns = [f"cast({column} as varchar) as {column}" for column in pq.read_schema(path).names]
    with duckdb.connect(":memory:") as db:
        rows: list[Row] = db.sql(RowSet(path, without).query(columns)).to_arrow_table().to_pylist()
    return rows


def _new(folder: Path) -> Path:
    (folder / "checked").mkdir()
    return folder / "checked"
